// Package terminal makes text that somebody else wrote safe to show: it does
// nothing to a terminal but appear, and its lines cannot be taken for the
// program's own.
package terminal

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Zero-width joiners appear between letters of several scripts and in emoji.
// They are the only invisible characters that stay.
const (
	nonJoiner = '\u200c'
	joiner    = '\u200d'
)

// safe reports whether a character only appears. Controls, bidirectional
// controls, tags and other invisible format characters do more, or less.
func safe(r rune) bool { return unicode.IsGraphic(r) || r == joiner || r == nonJoiner }

// Escape returns s with every character that is not safe, and every byte that is
// not UTF-8, in a visible form. The result has no line breaks and no tabs.
func Escape(s string) string {
	clean := true
	for i, r := range s {
		if !safe(r) || r == utf8.RuneError && isInvalid(s[i:]) {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && isInvalid(s[i:]):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case safe(r):
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// isInvalid reports whether s begins with a byte that is not UTF-8.
func isInvalid(s string) bool {
	_, size := utf8.DecodeRuneInString(s)
	return size == 1
}

// Fold returns s on one line: white space of any kind becomes one space, and the
// rest is escaped.
func Fold(s string) string {
	return Escape(strings.Join(strings.FieldsFunc(s, unicode.IsSpace), " "))
}

// Clip is [Fold] of text whose length a peer chose: it has at most size bytes and
// an ellipsis.
func Clip(s string, size int) string {
	if len(s) > 8*size {
		s = s[:8*size] // before the work
	}
	if s = Fold(s); len(s) > size {
		s = strings.ToValidUTF8(s[:size], "") + "…"
	}
	return s
}

// Lines returns the lines of s, each escaped. Tabs become spaces.
func Lines(s string) []string {
	s = strings.TrimSuffix(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = Escape(strings.ReplaceAll(line, "\t", "    "))
	}
	return lines
}

// Block returns the lines of s, each but the first behind the indentation, so
// that none of them looks like a line of the program.
func Block(s, indent string) string { return strings.Join(Lines(s), "\n"+indent) }

// Wrap breaks text into lines of at most width columns, at spaces. A longer word
// has a line of its own.
func Wrap(s string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(Fold(s)) {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= width:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
