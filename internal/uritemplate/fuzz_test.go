package uritemplate_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/uritemplate"
)

// reference matches a folded URI with a regular expression: lazy, on bytes, and
// with the same idea of what a variable is. What has been matched must also be
// UTF-8.
func reference(template *uritemplate.Template, folded string) []string {
	pattern, query := `^`, false
	literals := strings.Split(template.Folded(), "{}")
	for i, literal := range literals {
		pattern += regexp.QuoteMeta(literal)
		query = query || strings.ContainsAny(literal, "?#")
		switch {
		case i == len(literals)-1:
		case query:
			pattern += `((?:[^%&#]|%[0-9A-F]{2})+?)`
		default:
			pattern += `((?:[^%/?#]|%[0-9A-F]{2})+?)`
		}
	}
	match := regexp.MustCompile(pattern + `$`).FindStringSubmatch(folded)
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
		if len(uri) > 2000 || !utf8.ValidString(uri) || !uritemplate.IsWellFormed(uri) {
			return
		}
		got, ok := template.Match(uri)
		want := reference(template, uritemplate.Fold(uri))
		if ok != (want != nil) && len(template.Names()) > 0 || ok != template.MatchFolded(uritemplate.Fold(uri)) {
			t.Fatalf("Match(%q, %q) = %q, %v, want %q", text, uri, got, ok, want)
		}
		if again, ok2 := template.Match(uritemplate.Canonical(uri)); ok2 != ok || !slices.Equal(again, got) {
			t.Errorf("Match(%q) of %q and of its canonical form: %q and %q", text, uri, got, again)
		}
		if uritemplate.Canonical(uri) != uritemplate.Fold(uri) {
			return
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

// FuzzFold checks that a spelling is canonical, or folded, once and for all.
func FuzzFold(f *testing.F) {
	f.Add("Board://m%65ssages/%31?a=%2f%26")
	f.Add("%%341%4")
	f.Add("A%42%3Ax/é")
	f.Fuzz(func(t *testing.T, uri string) {
		canonical, folded := uritemplate.Canonical(uri), uritemplate.Fold(uri)
		if again := uritemplate.Canonical(canonical); again != canonical {
			t.Errorf("Canonical(%q) = %q, and then %q", uri, canonical, again)
		}
		if again := uritemplate.Fold(folded); again != folded {
			t.Errorf("Fold(%q) = %q, and then %q", uri, folded, again)
		}
		if again := uritemplate.Fold(canonical); again != folded {
			t.Errorf("Fold(%q) = %q, but of its canonical form %q", uri, folded, again)
		}
	})
}

// FuzzCompare checks that a template which matches more than another comes after
// it: an expansion of the one with ordinary values is one of the other.
func FuzzCompare(f *testing.F) {
	f.Add("x:admin-{a}", "x:{a}")
	f.Add("x:{a}/{b}", "x:{a}")
	f.Add("x:{a}-{b}", "x:{a}")
	f.Fuzz(func(t *testing.T, one, other string) {
		a, err1 := uritemplate.Parse(one)
		b, err2 := uritemplate.Parse(other)
		if err1 != nil || err2 != nil || len(a.Names()) == 0 {
			return
		}
		for _, value := range []string{"Q", "Z"} { // values that are in no literal text
			if strings.ContainsAny(a.Folded()+b.Folded(), value) || !b.MatchFolded(strings.ReplaceAll(a.Folded(), "{}", value)) {
				return
			}
		}
		if a.Folded() != b.Folded() && uritemplate.Compare(a, b) >= 0 {
			t.Errorf("Compare(%q, %q) = %d: the first matches less", one, other, uritemplate.Compare(a, b))
		}
	})
}
