package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// unsafeRune reports whether a character does more to a terminal, or to its
// reader, than appear: controls, and what changes the direction of other text.
func unsafeRune(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' || r == utf8.RuneError
}

// printable makes text of a server safe to show. New lines and tabs stay, and
// other controls become visible.
func printable(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	if strings.IndexFunc(s, unsafeRune) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if unsafeRune(r) && r != '\n' && r != '\t' && r != utf8.RuneError {
			fmt.Fprintf(&b, `\u%04x`, r)
			continue
		}
		b.WriteRune(r) // bytes that are no UTF-8 are a replacement character now
	}
	return b.String()
}

// oneLine is printable text on one line.
func oneLine(s string) string { return strings.Join(strings.Fields(printable(s)), " ") }

// wrap breaks text into lines of at most width columns, at spaces. A longer word
// has a line of its own.
func wrap(s string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(printable(s)) {
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

// printJSON prints one document. What is unsafe on a terminal is escaped, which
// does not change what the document means.
func printJSON(w io.Writer, value any) error {
	var buf bytes.Buffer
	encoder := json.NewEncoder(&buf)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	out := make([]byte, 0, buf.Len())
	for _, r := range buf.String() {
		if r > unicode.MaxASCII && unsafeRune(r) && r != utf8.RuneError || r == 0x7f {
			out = fmt.Appendf(out, `\u%04x`, r)
			continue
		}
		out = utf8.AppendRune(out, r)
	}
	_, err := w.Write(out)
	return err
}
