package terminal_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/terminal"
)

func TestEscape(t *testing.T) {
	t.Parallel()
	tests := []struct{ what, text, want string }{
		{"letters of any script", "Grüße 世界 שלום", "Grüße 世界 שלום"},
		{"joined emoji", "👩\u200d🚀", "👩\u200d🚀"},
		{"a replacement character of its own", "a\ufffdb", "a\ufffdb"},
		{"a CSI sequence", "\x1b[2J", `\u001b[2J`},
		{"an OSC sequence", "\x1b]0;title\a", `\u001b]0;title\u0007`},
		{"a C1 control", "\u009b2J", `\u009b2J`},
		{"a C1 control as a single byte", "\x9b2J", `\x9b2J`},
		{"bidirectional controls", "a\u202eb\u2066c\u200fd", `a\u202eb\u2066c\u200fd`},
		{"tags", "a\U000e0041b", `a\U000e0041b`},
		{"a zero-width space and a soft hyphen", "a\u200bb\u00adc", `a\u200bb\u00adc`},
		{"line breaks of all kinds", "a\nb\rc\u2028d\u0085e\x0bf", `a\nb\u000dc\u2028d\u0085e\u000bf`},
		{"a tab", "a\tb", `a\tb`},
		{"delete", "a\x7fb", `a\u007fb`},
	}
	for _, test := range tests {
		t.Run(test.what, func(t *testing.T) {
			t.Parallel()
			if got := terminal.Escape(test.text); got != test.want {
				t.Errorf("Escape(%q) = %q, want %q", test.text, got, test.want)
			}
		})
	}
}

func TestWriter(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	w := terminal.New(&out)
	w.Printf("mcpengine: error: %s (%d, %v)\n", "x\nmcpengine: hint: y", 7, errors.New("\x1b[31m"))
	w.Printf("%s\n", terminal.Trusted("own\ttext"))
	w.Block("first\nmcpengine: error: second\n", "  ")
	w.Text("a\tb\n\x1b[2J\n")
	w.Table([][]string{{"HOST", "FILE"}, {"a\nb", "/tmp/\x1b[2J"}})
	if err := w.JSON("\U000e0041\u202e<\x7f"); err != nil {
		t.Fatal(err)
	}
	want := `mcpengine: error: x\nmcpengine: hint: y (7, \u001b[31m)
own	text
  first
  mcpengine: error: second
a	b
\u001b[2J
HOST  FILE
a b   /tmp/\u001b[2J
"\udb40\udc41\u202e<\u007f"
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("written (-want +got):\n%s", diff)
	}
}

// Whatever the text is, its result only appears, and stays on the lines that it
// is given.
func FuzzText(f *testing.F) {
	for _, s := range []string{"", "a", "\x1b[2J\n\u202e", "\xff\xfe", "a\r\nb\tc", "\U000e0041"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for what, got := range map[string]string{
			"Escape": terminal.Escape(s), "Fold": terminal.Fold(s), "Clip": terminal.Clip(s, 20),
			"Wrap": strings.Join(terminal.Wrap(s, 20), " "), "Sprintf": terminal.Sprintf("%v", []string{s}),
		} {
			if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }) {
				t.Errorf("%s(%q) = %q", what, s, got)
			}
		}
		for i, line := range strings.Split(terminal.Block(s, "  "), "\n") {
			if i > 0 && !strings.HasPrefix(line, "  ") || terminal.Escape(line) != line {
				t.Errorf("Block(%q) has the line %q", s, line)
			}
		}
		text, err := terminal.JSON(s)
		if err != nil {
			t.Fatal(err)
		}
		var back string
		if err := json.Unmarshal([]byte(text), &back); err != nil || utf8.ValidString(s) && back != s {
			t.Errorf("JSON(%q) = %s, which is %q, %v", s, text, back, err)
		}
		if line := strings.TrimSuffix(text, "\n"); terminal.Escape(line) != line {
			t.Errorf("JSON(%q) = %q", s, text)
		}
	})
}
