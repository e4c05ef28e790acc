package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mcpengine/mcpengine/mcp"
)

func TestPrintable(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"plain, ünïcode 🙂\tand\nlines": "plain, ünïcode 🙂\tand\nlines",
		"a\r\nb":                       "a\nb",
		"a\rb":                         `a\u000db`,
		"\x1b[2J\x07\x7f\x00":          `\u001b[2J\u0007\u007f\u0000`,
		"\u009b1m":                     `\u009b1m`,
		"\u202eevil\u2066":             `\u202eevil\u2066`,
		"\u2028":                       `\u2028`,
		"\xff":                         "\ufffd",
	} {
		if got := printable(s); got != want {
			t.Errorf("printable(%q) = %q, want %q", s, got, want)
		}
	}
}

// However a server writes, nothing it says does more than appear, and JSON means
// what it meant.
func FuzzPrintable(f *testing.F) {
	f.Add("a\x1b[31m\u009b\r\n\u202e\xff\U0001F642")
	f.Fuzz(func(t *testing.T, s string) {
		for _, shown := range []string{printable(s), oneLine(s), strings.Join(wrap(s, 10), "\n")} {
			if strings.ContainsFunc(shown, func(r rune) bool { return unsafeRune(r) && r != '\n' && r != '\t' && r != utf8.RuneError }) || !utf8.ValidString(shown) {
				t.Errorf("%q is shown as %q", s, shown)
			}
		}
		var document bytes.Buffer
		if err := printJSON(&document, map[string]string{"s": s}); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsFunc(document.String(), func(r rune) bool { return unsafeRune(r) && r != '\n' && r != utf8.RuneError }) {
			t.Errorf("%q is the JSON %q", s, &document)
		}
		var back map[string]string
		if err := json.Unmarshal(document.Bytes(), &back); err != nil || back["s"] != strings.ToValidUTF8(s, "\ufffd") && utf8.ValidString(s) {
			t.Errorf("%q came back as %q, %v", s, back["s"], err)
		}
	})
}

func TestWrap(t *testing.T) {
	t.Parallel()
	if got, want := strings.Join(wrap("one two  three\nfour abcdefghijklm", 9), "|"), "one two|three|four|abcdefghijklm"; got != want {
		t.Errorf("wrap = %q, want %q", got, want)
	}
}

// A progress bar is one line, which goes away.
func TestProgressBar(t *testing.T) {
	t.Parallel()
	total := 4.0
	tests := []struct {
		params mcp.ProgressNotificationParams
		want   string
	}{
		{mcp.ProgressNotificationParams{Progress: 1, Total: &total, Message: "a\x1b[2J\nb"}, `[=====               ]  25% a\u001b[2J b`},
		{mcp.ProgressNotificationParams{Progress: 9, Total: &total}, "[====================] 100%"},
		{mcp.ProgressNotificationParams{Progress: -9, Total: &total}, "[                    ]   0%"},
		{mcp.ProgressNotificationParams{Progress: 3, Message: "files"}, "3 files"},
		{mcp.ProgressNotificationParams{Progress: 3, Message: strings.Repeat("é", 200)}, "3 " + strings.Repeat("é", 77)},
	}
	for _, test := range tests {
		var out bytes.Buffer
		bar := &progressBar{w: &out}
		bar.show(test.params)
		bar.clear()
		bar.clear()
		if want := "\r\x1b[K" + test.want + "\r\x1b[K"; out.String() != want {
			t.Errorf("%q, want %q", &out, want)
		}
	}
}

// No name of a server's does anything to a shell.
func TestHarmless(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]bool{
		"get_weather": true, "a.b/c-d": true, "note://x:1?": false, "a;b": false, "$(id)": false, "`id`": false,
		"a b": false, "a&b": false, "a\nb": false, "~": false, "*": false, "'": false, "ü": false,
	} {
		if got := harmless(word); got != want {
			t.Errorf("harmless(%q) = %v", word, got)
		}
	}
}
