package main

import "strings"

// This file spells text of a server for a command line, so that the command reads
// exactly that text, and not a flag, the name of a file, or JSON. A text without
// such a spelling is not suggested.

// spellArgument returns the spelling of an argument that is the name or URI of
// something.
func spellArgument(s string) (string, bool) { return s, harmless(s) }

// spellPair returns the spelling of an argument of a tool or prompt whose value is
// a text. The types are those that the tool's schema allows.
func spellPair(key, value string, types map[string]bool) (string, bool) {
	prefix, ok := spellKey(key)
	if !ok || len(types) > 0 && !types["string"] {
		return "", false // the value would be read as JSON
	}
	if strings.HasPrefix(value, "@") {
		value = "@" + value // a single one names a file
	}
	return prefix + value, harmless(prefix + value)
}

// spellKey returns the beginning of a KEY=VALUE.
func spellKey(key string) (string, bool) {
	if key == "" || strings.Contains(key, "=") || strings.HasSuffix(key, ":") {
		return "", false // it would be split at the wrong place
	}
	return key + "=", harmless(key + "=")
}

// harmless reports whether every shell passes a word on unchanged, and the command
// does not read it as a flag.
func harmless(word string) bool {
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	// PowerShell replaces @name at the beginning of a word and takes a word with a
	// comma apart; zsh replaces =name at the beginning, and fish %name.
	return word != "" && strings.Trim(word, plain+"_-./:=@%+") == "" && !strings.ContainsAny(word[:1], "-=@%:+")
}
