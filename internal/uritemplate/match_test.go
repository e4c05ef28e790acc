package uritemplate_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/uritemplate"
)

func TestMatch(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, template, uri string
		want                []string
	}{
		{"one variable", "weather://{city}", "weather://paris", []string{"paris"}},
		{"two", "x://{a}/b/{c}", "x://1/b/2", []string{"1", "2"}},
		{"values are decoded", "x:{a}", "x:S%C3%A3o%20Paulo", []string{"São Paulo"}},
		{"in either case", "x:{a}", "x:%c3%A9%2f%4a%4A", []string{"é/JJ"}},
		{"once", "x:{a}", "x:%2541", []string{"%41"}},
		{"even to a path", "x:{a}", "x:..%2F%2e%2e%00", []string{"../..\x00"}},
		{"all unreserved characters match", "x:{a}", "x:AZaz09-._~", []string{"AZaz09-._~"}},
		{"a variable may end the file name", "x:{name}.txt", "x:a.txt.txt", []string{"a.txt"}},
		{"a variable takes as little as it can", "{a}-{b}", "x-y-z", []string{"x", "y-z"}},
		{"but at least one character", "{a}-{b}", "--z", []string{"-", "z"}},
		{"each", "{a}-{b}-{c}", "----z", []string{"-", "-", "z"}},
		{"a reserved separator leaves no choice", "{a}-/{b}", "x--/-", []string{"x-", "-"}},
		{"a triplet is not split", "{a}41{b}", "%41415", []string{"A", "5"}},
		{"nor its last digit", "{a}1{b}", "%4112", []string{"A", "2"}},
		{"an encoded literal separates", "{a}%20{b}", "x%20y%20z", []string{"x", "y z"}},
		{"a literal beyond ASCII is encoded", "é/{a}", "%C3%A9/1", []string{"1"}},
		{"and needs not be in the URI", "é/{a}", "é/1", []string{"1"}},
		{"nor in a value", "x:{a}", "x:é 日", []string{"é 日"}},
		{"what encodeURIComponent leaves", "x:{a}", "x:!'()*", []string{"!'()*"}},
		{"what separates nothing in a path", "x://{a}/{b}", "x://u:p@h;v=1,2/a&b=c$+", []string{"u:p@h;v=1,2", "a&b=c$+"}},
		{"what separates nothing in a query", "x:a?q={a}&p={b}", "x:a?q=/?:&p=a=b==", []string{"/?:", "a=b=="}},
		{"a plus is a plus", "x:{a}?q={b}", "x:a+b?q=a+b%2B", []string{"a+b", "a+b+"}},
		{"escapes in lower case in the literal text", "x:%c3%A9/{a}", "x:%C3%a9/1", []string{"1"}},
		{"unreserved characters that are escaped", "x:admin-{a}", "x:%61dmin%2d1", []string{"1"}},
		{"reserved characters that are escaped", "x:admin!{a}", "x:admin%211", []string{"1"}},
		{"unless they may be part of a value", "x:{a},{b}", "x:1%2C2,3", []string{"1,2", "3"}},
		{"which is tried first", "x:{a},{b}", "x:1%2C2", []string{"1", "2"}},
		{"a scheme in either case", "Board://{a}", "bOARD://X", []string{"X"}},
		{"a host as it stands", "x://{a}", "x://Paris", []string{"Paris"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, ok := mustParse(t, tt.template).Match(tt.uri)
			if !ok {
				t.Fatalf("%q does not match %q", tt.template, tt.uri)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%q of %q (-want +got):\n%s", tt.template, tt.uri, diff)
			}
		})
	}
}

func TestMatchWithoutVariables(t *testing.T) {
	t.Parallel()
	values, ok := mustParse(t, "x:é").Match("x:%C3%A9")
	if !ok || len(values) != 0 {
		t.Errorf("Match = %q, %v, want no values and true", values, ok)
	}
}

func TestMatchRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, template, uri string }{
		{"an empty uri", "{a}", ""},
		{"an empty value", "x:{a}", "x:"},
		{"an empty first value", "x:{a}/{b}", "x:/1"},
		{"an empty last value", "x:{a}/{b}", "x:1/"},
		{"another prefix", "x:{a}", "y:1"},
		{"another suffix", "x:{a}.txt", "x:1.md"},
		{"more behind", "x:{a}/", "x:1/2"},
		{"no separator", "x:{a}/{b}", "x:12"},
		{"a suffix that overlaps the prefix", "xx{a}xx", "xxx"},
		{"a suffix that overlaps the separator", "{a}-{b}-x", "p-x"},
		{"a slash in a value", "x:{a}", "x:1/2"},
		{"a query in a value", "x:{a}", "x:1?2"},
		{"half a triplet", "x:{a}", "x:1%2"},
		{"a percent sign", "x:{a}", "x:%"},
		{"a triplet that is not one", "x:{a}", "x:%4g"},
		{"a percent sign before a triplet", "x:{a}", "x:%%41"},
		{"a fragment in a value", "x:{a}", "x:1#2"},
		{"another parameter in a value", "x:a?q={a}", "x:a?q=1&p=2"},
		{"another case of a host", "x://H/{a}", "x://h/1"},
		{"an encoded slash for a slash", "x://a/{a}", "x://a%2F1"},
		{"a slash that is encoded twice", "x://a/{a}", "x://a%252F1"},
		{"an encoded question mark", "x:a?q={a}", "x:a%3Fq=1"},
		{"segments that lead nowhere", "x://a/{a}", "x://a/b/../1"},
		{"a literal that is encoded", "x/{a}", "x%2F1"},
		{"a suffix inside a triplet", "x:{a}1", "x:%41"},
		{"a separator inside a triplet", "{a}4{b}", "%41"},
		{"bytes that are not UTF-8", "x:{a}", "x:%FF"},
		{"a character cut off", "x:{a}/{b}", "x:%C3/%A9"},
		{"a surrogate", "x:{a}", "x:%ED%A0%80"},
		{"more without variables", "x", "xx"},
		{"less without variables", "x", ""},
		{"a long uri", "{a}", strings.Repeat("x", 8193)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got, ok := mustParse(t, tt.template).Match(tt.uri); ok || got != nil {
				t.Errorf("%q matches %.40q with %q", tt.template, tt.uri, got)
			}
		})
	}
}

func TestMatchAllocatesItsResultOnly(t *testing.T) {
	template := mustParse(t, "x://{a}/{b}")
	got := testing.AllocsPerRun(100, func() { template.Match("x://1/2") })
	if got > 1 {
		t.Errorf("Match allocates %v times, want once", got)
	}
}

func TestOverlap(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"x:{a}", "x:{b}", true},
		{"x:admin-{a}", "x:{a}", true},
		{"x:{a}-old", "x:new-{b}", true},
		{"x:{a}-{b}", "x:{c}", true},
		{"x:%61{a}", "x:a{b}", true},
		{"x:a{a}", "x:b{b}", false},
		{"x:{a}/1", "x:{a}", false},
		{"x:{a}/{b}", "x:{a}/2/{b}", false},
		{"x:{a}/{b}", "x:{a}/2{b}", true},
		{"x:{a}1", "x:1{b}", true}, // 11
		{"x:1{a}", "x:1", false},
		{"x:{a}?q={b}", "x:1?q={b}&p=1", false},
		{"x:{a}?q={b}", "x:1?q=/{b}", true},
		{"y:{a}", "x:{a}", false},
	} {
		a, b := mustParse(t, tt.a), mustParse(t, tt.b)
		if got, back := uritemplate.Overlap(a, b), uritemplate.Overlap(b, a); got != tt.want || back != tt.want {
			t.Errorf("Overlap(%q, %q) = %v, and the other way round %v, want %v", tt.a, tt.b, got, back, tt.want)
		}
	}
}
