package uritemplate_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/uritemplate"
)

// reference matches with a regular expression: lazy, on bytes, and with the
// same idea of what a variable is. What has been matched must also be UTF-8.
func reference(t *testing.T, template *uritemplate.Template, uri string) []string {
	t.Helper()
	pattern := `^`
	rest := template.String()
	for _, name := range template.Names() {
		literal, after, _ := strings.Cut(rest, "{"+name+"}")
		pattern += regexp.QuoteMeta(encodeLiteral(literal)) + `((?:[A-Za-z0-9._~-]|%[0-9A-Fa-f]{2})+?)`
		rest = after
	}
	pattern += regexp.QuoteMeta(encodeLiteral(rest)) + `$`
	match := regexp.MustCompile(pattern).FindStringSubmatch(uri)
	if match == nil {
		return nil
	}
	for _, value := range match[1:] {
		if !utf8.ValidString(decode(value)) {
			return nil
		}
	}
	return match[1:]
}

func encodeLiteral(s string) string {
	return regexp.MustCompile(`[^\x00-\x7f]`).ReplaceAllStringFunc(s, encode)
}

func encode(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		b.WriteString("%" + string("0123456789ABCDEF"[c/16]) + string("0123456789ABCDEF"[c%16]))
	}
	return b.String()
}

func decode(s string) string {
	return regexp.MustCompile(`%..`).ReplaceAllStringFunc(s, func(triplet string) string {
		digit := func(c byte) int { return strings.IndexByte("0123456789abcdef", c|0x20) }
		hi, lo := digit(triplet[1]), digit(triplet[2])
		return string([]byte{byte(hi<<4 | lo)})
	})
}

func FuzzMatch(f *testing.F) {
	f.Add("weather://{city}/{day}", "weather://S%C3%A3o/1")
	f.Add("{a}-{b}-{c}", "-----")
	f.Add("{a}41{b}1", "%4141%411")
	f.Add("{a}%20{b}é", "%20%20%20%C3%A9")
	f.Add("{a}/%C3%A9{b}", "%C3/%C3%A9%A9")
	f.Add("{a", "}")
	f.Fuzz(func(t *testing.T, text, uri string) {
		template, err := uritemplate.Parse(text)
		if err != nil {
			return
		}
		got, ok := template.Match(uri)
		if len(uri) > 8192 {
			return
		}
		want := reference(t, template, uri)
		if ok != (want != nil) && len(template.Names()) > 0 {
			t.Fatalf("Match(%q, %q) = %q, %v, want %q", text, uri, got, ok, want)
		}
		for i := range got {
			if got[i] != decode(want[i]) {
				t.Errorf("Match(%q, %q) = %q, want %q decoded", text, uri, got, want)
			}
		}
	})
}

// FuzzExpandMatch checks that Match undoes Expand when a reserved character
// separates the variables.
func FuzzExpandMatch(f *testing.F) {
	f.Add("paris", "S\u00E3o Paulo/..")
	f.Add("%2F", "\x00")
	f.Add("-/", ".txt.txt")
	f.Fuzz(func(t *testing.T, a, b string) {
		if a == "" || b == "" {
			return
		}
		for _, text := range []string{"x://{a}/{b}", "{a}-/x{b}.txt", "{a}%2F?{b}é"} {
			template, err := uritemplate.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			uri, err := template.Expand(map[string]string{"a": a, "b": b})
			if err != nil {
				if utf8.ValidString(a) && utf8.ValidString(b) && len(a)+len(b) < 2000 {
					t.Errorf("Expand(%q, %q, %q): %v", text, a, b, err)
				}
				continue
			}
			got, ok := template.Match(uri)
			if diff := cmp.Diff([]string{a, b}, got); !ok || diff != "" {
				t.Errorf("Match(%q, %q) = %v (-want +got):\n%s", text, uri, ok, diff)
			}
		}
	})
}
