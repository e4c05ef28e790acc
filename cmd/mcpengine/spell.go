package main

import "strings"

// This file writes text of a server as it has to stand on a command line, so that
// the command reads it as that text and as nothing else: no flag, no name of a
// file, no JSON. What has no such spelling is not suggested.

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
		return "", false // it would be cut elsewhere
	}
	return key + "=", harmless(key + "=")
}

// harmless reports whether every shell passes a word on as it is, and the command
// does not take it for a flag.
func harmless(word string) bool {
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	// PowerShell replaces @name at the beginning of a word and takes a word with a
	// comma apart; zsh replaces =name at the beginning, and fish %name.
	return word != "" && strings.Trim(word, plain+"_-./:=@%+") == "" && !strings.ContainsAny(word[:1], "-=@%:+")
}
