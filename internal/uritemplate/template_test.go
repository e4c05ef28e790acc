package uritemplate_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/uritemplate"
)

func Example() {
	t, err := uritemplate.Parse("weather://{country}/{city}")
	if err != nil {
		panic(err)
	}
	uri, _ := t.Expand(map[string]string{"country": "br", "city": "São Paulo"})
	fmt.Println(uri)
	values, ok := t.Match(uri)
	fmt.Println(t.Names(), values, ok)
	// Output:
	// weather://br/S%C3%A3o%20Paulo
	// [country city] [br São Paulo] true
}

func mustParse(t *testing.T, s string) *uritemplate.Template {
	t.Helper()
	template, err := uritemplate.Parse(s)
	if err != nil {
		t.Fatalf("Parse(%q): %v", s, err)
	}
	return template
}

// variables returns n expressions with a slash behind each.
func variables(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "{v%d}/", i)
	}
	return b.String()
}

func TestParse(t *testing.T) {
	t.Parallel()
	tests := []struct {
		template string
		want     []string
	}{
		{"", nil},
		{"file:///readme.md", nil},
		{"{a}", []string{"a"}},
		{"weather://{city}/{day}", []string{"city", "day"}},
		{"x:{b}-{a}?q={_c.d9}#", []string{"b", "a", "_c.d9"}},
		{"x:{a%20b}", []string{"a%20b"}},
		{"x://café/it's/%C3%A9/{id}", []string{"id"}},
		{variables(32), strings.Split(strings.Trim(strings.ReplaceAll(variables(32), "}/{", " "), "{}/"), " ")},
		{strings.Repeat("x", 8192), nil},
	}
	for _, tt := range tests {
		template := mustParse(t, tt.template)
		if diff := cmp.Diff(tt.want, template.Names()); diff != "" {
			t.Errorf("Names of %q (-want +got):\n%s", tt.template, diff)
		}
		if got := template.String(); got != tt.template {
			t.Errorf("String of %q = %q", tt.template, got)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ template, want string }{
		{"{+path}", `expression "{+path}": operator '+' is not supported`},
		{"{#a}", `operator '#' is not supported`},
		{"x{.a}", `operator '.' is not supported`},
		{"x{/a}", `operator '/' is not supported`},
		{"x{;a}", `operator ';' is not supported`},
		{"x{?a}", `operator '?' is not supported`},
		{"x?y{&a}", `operator '&' is not supported`},
		{"{|a}", `operator '|' is not supported`},
		{"{a,b}", "variable lists are not supported"},
		{"{a:3}", `prefix modifier ":" is not supported`},
		{"{a*}", `explode modifier "*" is not supported`},
		{"{}", "name is empty"},
		{"{a b}", "a name consists of"},
		{"{a-b}", "a name consists of"},
		{"{a.}", "a name consists of"},
		{"{a..b}", "a name consists of"},
		{"{a%2}", "a name consists of"},
		{"{é}", "a name consists of"},
		{"{{a}}", "a name consists of"},
		{"x:{a", `expression "{a" is not closed`},
		{"x:a}", `character '}' is not allowed`},
		{"x:{a}/{b}/{a}", `expression "{a}": the name is used twice`},
		{"{a}{b}", `nothing separates variable "a" from the next`},
		{"x y", `character ' ' is not allowed`},
		{"x\ny", `character '\n' is not allowed`},
		{"x\u0085", `character '\u0085' is not allowed`},
		{`x"`, "is not allowed"},
		{"<x>", "is not allowed"},
		{`x\y`, "is not allowed"},
		{"x^", "is not allowed"},
		{"x`", "is not allowed"},
		{"x|y", "is not allowed"},
		{"x\x7f", "is not allowed"},
		{"100%", "not followed by two hexadecimal digits"},
		{"%4{a}", "not followed by two hexadecimal digits"},
		{"%FFx", "not UTF-8"},
		{"\xff", "not valid UTF-8"},
		{"{a\xff}", "not valid UTF-8"},
		{variables(33), "more than 32 variables"},
		{strings.Repeat("x", 8193), "longer than 8192 bytes"},
	}
	for _, tt := range tests {
		_, err := uritemplate.Parse(tt.template)
		if err == nil || !strings.HasPrefix(err.Error(), "parse uri template: ") || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Parse(%.40q): error %v, want one about %q", tt.template, err, tt.want)
		}
	}
}

func TestNamesIsACopy(t *testing.T) {
	t.Parallel()
	template := mustParse(t, "{a}")
	template.Names()[0] = "b"
	if got := template.Names()[0]; got != "a" {
		t.Errorf("a caller changed the name to %q", got)
	}
}

func TestExpand(t *testing.T) {
	t.Parallel()
	const unreserved = "AZaz09-._~"
	tests := []struct{ template, value, want string }{
		{"{v}", "value", "value"},
		{"{v}", "Hello World!", "Hello%20World%21"}, // as in the RFC's section 1.2
		{"{v}", unreserved, unreserved},
		{"{v}", ":/?#[]@!$&'()*+,;=", "%3A%2F%3F%23%5B%5D%40%21%24%26%27%28%29%2A%2B%2C%3B%3D"},
		{"{v}", "100%", "100%25"},
		{"{v}", "%41", "%2541"},
		{"{v}", "é日😀", "%C3%A9%E6%97%A5%F0%9F%98%80"},
		{"{v}", "\x00", "%00"},
		{"x:{v}!", "", "x:!"},
		{"café/{v}/%c3%a9'", "1", "caf%C3%A9/1/%C3%A9'"},
	}
	for _, tt := range tests {
		got, err := mustParse(t, tt.template).Expand(map[string]string{"v": tt.value, "unknown": "\xff"})
		if err != nil || got != tt.want {
			t.Errorf("Expand(%q, %q) = %q, %v, want %q", tt.template, tt.value, got, err, tt.want)
		}
	}
}

func TestExpandRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		template string
		values   map[string]string
		want     string
	}{
		{"{a}/{b}", map[string]string{"a": "1"}, `variable "b" has no value`},
		{"{a}", nil, `variable "a" has no value`},
		{"{a}", map[string]string{"a": "\xff"}, `the value of "a" is not UTF-8`},
		{"{a}", map[string]string{"a": strings.Repeat("x", 8193)}, "longer than 8192 bytes"},
		{"{a}", map[string]string{"a": strings.Repeat("/", 2731)}, "longer than 8192 bytes"},
		{strings.Repeat("é", 2000), nil, "longer than 8192 bytes"},
	}
	for _, tt := range tests {
		_, err := mustParse(t, tt.template).Expand(tt.values)
		if err == nil || !strings.HasPrefix(err.Error(), "expand uri template: ") || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Expand(%.40q): error %v, want one about %q", tt.template, err, tt.want)
		}
	}
}
