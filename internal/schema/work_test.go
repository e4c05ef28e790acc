package schema_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/schema"
)

const tooMuchWork = "takes too much work to check against the schema"

// costly are schemas that make the most of a value, each with what its values
// are made of.
var costly = []struct {
	name, schema       string
	before, unit, tail string // the value: before, the unit again and again, tail
}{
	{"elements", `{"items":{"type":"number"}}`, "[1", ",1", "]"},
	{"elements against all kinds of rules", `{"items":{"minimum":0,"maximum":9,"multipleOf":1,"enum":[1,2]}}`, "[1", ",1", "]"},
	{"members", `{"additionalProperties":{"type":"number"}}`, `{"a":1`, `,"b":1`, "}"},
	{"members of small objects", `{"items":{"properties":{"a":{"type":"string"},"b":{"minimum":1}},"required":["b"]}}`, `[{"b":1}`, `,{"b":1}`, "]"},
	{"many properties", `{"items":{"properties":{` + numbered(900, `"p%d":{}`) + `}}}`, `[{}`, `,{}`, "]"},
	{"many required properties", `{"items":{"anyOf":[{"required":["p899"],"properties":{` + numbered(900, `"p%d":{}`) + `}},true]}}`, `[{}`, `,{}`, "]"},
	{"many constants", `{"items":{"enum":[` + numbered(5000, `%d`) + `]}}`, "[4999", ",4999", "]"},
	{"many long constants", `{"items":{"enum":[` + numbered(5000, `123456789012345678901234567890%d`) + `]}}`, "[1234567890123456789012345678904999", ",1234567890123456789012345678904999", "]"},
	{"structures compared", `{"items":{"enum":[{"a":[1]},{"a":[2]}]}}`, `[{"a":[2]}`, `,{"a":[2]}`, "]"},
	{"a pattern and a long text", `{"pattern":"^([a-z]+[, ]?){1,200}$"}`, `"a`, "abcdefghij,", `"`},
	{"a pattern and many texts", `{"items":{"pattern":"(a|b)*c|d[e-z]+$"}}`, `["aaaa"`, `,"ababz"`, "]"},
	{"a pattern of classes", `{"pattern":"^[\\p{L}\\p{N}]*$"}`, `"a`, "aé漢1", `"`},
	{"a pattern that begins anywhere", `{"pattern":"(x+x+)+y"}`, `"x`, "xxxxxxxx", `"`},
	{"names", `{"propertyNames":{"pattern":"^[a-z]+$"},"patternProperties":{"a$":true,"^b":{}}}`, `{"a":1`, `,"ba":1`, "}"},
	{"unique numbers", `{"uniqueItems":true}`, "[0", ",%d", "]"},
	{"unique objects", `{"uniqueItems":true}`, "[0", `,{"b":%d,"a":0}`, "]"},
	{"a long number", `{"multipleOf":7,"minimum":1,"maximum":1e9999999}`, "1", "234567", "1"},
	{"large exponents", `{"items":{"multipleOf":7}}`, "[1", ",3e999999999999", "]"},
	{"contains", `{"contains":{"type":"string","minLength":2},"minContains":0}`, "[1", `,"ab"`, "]"},
	{"alternatives", `{"items":{"oneOf":[{"type":"string"},{"type":"null"},{"type":"integer","minimum":2},{"enum":[1]}]}}`, "[1", ",1", "]"},
	{"alternatives of objects", `{"items":{"anyOf":[` + numbered(60, `{"required":["p%d"]}`) + `,true]}}`, "[{}", ",{}", "]"},
	{
		"recursion", `{"$defs":{"n":{"oneOf":[{"properties":{"c":{"$ref":"#/$defs/n"}},"required":["a"]},{"properties":{"c":{"$ref":"#/$defs/n"}},"required":["b"]}]}},"items":{"$ref":"#/$defs/n"}}`,
		"[0", "," + strings.Repeat(`{"a":1,"c":`, 100) + `{"b":1}` + strings.Repeat("}", 100), "]",
	},
	{
		"dynamic recursion", `{"$dynamicAnchor":"n","allOf":[{"properties":{"c":{"$dynamicRef":"#n"}}},{"properties":{"c":{"$dynamicRef":"#n"}}}],"items":{"$dynamicRef":"#n"}}`,
		"[0", "," + strings.Repeat(`{"a":1,"c":`, 100) + `{"b":1}` + strings.Repeat("}", 100), "]",
	},
	{"dependents", `{"dependentRequired":{` + numbered(90, `"p%d":["q"]`) + `}}`, `{"a":1`, `,"b%d":1`, "}"},
	{"unevaluated members", `{"allOf":[{"properties":{"a":true}},{"patternProperties":{"^b":true}}],"unevaluatedProperties":{"type":"null"}}`, `{"a":1`, `,"b":1`, "}"},
	{"unevaluated elements", `{"anyOf":[{"contains":{"const":1}},{"prefixItems":[true]}],"unevaluatedItems":{"type":"string"}}`, `[1`, `,1`, "]"},
	{"escapes", `{"minLength":1,"pattern":"a$"}`, `"`, `\u00e9`, `a"`},
	{"escapes in names", `{"properties":{"a":true},"additionalProperties":{"type":"number"}}`, `{"a":1`, `,"\u0062":1`, `}`},
}

// numbered writes n pieces of a schema, each with its number.
func numbered(n int, format string) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// costlyValue returns a value of about n bytes.
func costlyValue(before, unit, tail string, n int) []byte {
	value := append(make([]byte, 0, n+2000), before...)
	for i := 1; len(value) < n; i++ {
		if strings.Contains(unit, "%d") {
			value = fmt.Appendf(value, unit, i)
		} else {
			value = append(value, unit...)
		}
	}
	return append(value, tail...)
}

// Each iteration has to stay below a second: docs/limits.md says so.
func BenchmarkWorst(b *testing.B) {
	for _, c := range costly {
		b.Run(c.name, func(b *testing.B) {
			s, err := schema.Compile([]byte(c.schema))
			if err != nil {
				b.Fatal(err)
			}
			value := costlyValue(c.before, c.unit, c.tail, 4<<20)
			b.ReportAllocs()
			for b.Loop() {
				_ = s.Validate(b.Context(), value)
			}
		})
	}
}

// A countingContext counts how often it is looked at, and ends at a given look.
type countingContext struct {
	context.Context
	looks, end int
}

func (c *countingContext) Err() error {
	c.looks++
	if c.end > 0 && c.looks >= c.end {
		return context.Canceled
	}
	return nil
}

// Whatever the schema, the walk looks at the context often, and comes to an end.
func TestValidateBoundsItsWork(t *testing.T) {
	t.Parallel()
	for _, c := range costly {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := mustCompile(t, c.schema)
			ctx := &countingContext{Context: t.Context()}
			err := s.Validate(ctx, costlyValue(c.before, c.unit, c.tail, 64<<10))
			if ctx.looks > 401 {
				t.Errorf("Validate went on for %d looks at the context", ctx.looks)
			}
			checkError(t, err)
			ends := ctx.looks / 2
			if ends == 0 {
				return
			}
			ctx = &countingContext{Context: t.Context(), end: ends}
			err = s.Validate(ctx, costlyValue(c.before, c.unit, c.tail, 64<<10))
			if !errors.Is(err, context.Canceled) || ctx.looks > ends+1 {
				t.Errorf("Validate = %v after %d looks, want it to end at look %d", err, ctx.looks, ends)
			}
		})
	}
}

func TestValidateRefusesWhatTakesTooLong(t *testing.T) {
	t.Parallel()
	s := mustCompile(t, `{"properties":{"p":{"pattern":"^([a-z]+[, ]?){1,250}$"}}}`)
	value := `{"p":"` + strings.Repeat("abcdefghij", 100_000) + `!"}`
	if diff := cmp.Diff([]string{tooMuchWork}, problems(t, s, value)); diff != "" {
		t.Errorf("Validate (-want +got):\n%s", diff)
	}
}

// Each level of a value, or each subschema, doubles the ways: the verdicts that
// are remembered keep the work linear.
func TestValidateRemembersVerdicts(t *testing.T) {
	t.Parallel()
	const twice = `"$defs":{"n":{"allOf":[{"properties":{"x":{"$ref":"#/$defs/n"}}},{"properties":{"x":{"$ref":"#/$defs/n"}}}]}},"$ref":"#/$defs/n"`
	deep := func(inside string) string { return strings.Repeat(`{"x":`, 60) + inside + strings.Repeat("}", 60) }
	var chain strings.Builder
	for c := 'a'; c < 'z'; c++ {
		ref := `{"$ref":"#/$defs/` + string(c+1) + `"}`
		chain.WriteString(`"` + string(c) + `":{"allOf":[` + ref + `,` + ref + `]},`)
	}
	const list = `{"$defs":{"n":{"anyOf":[{"type":"null"},{"type":"object","properties":{"x":{"$ref":"#/$defs/n"}},"required":["x"]}]}},"$ref":"#/$defs/n"}`
	xs := strings.Repeat("x.", 59) + "x"
	for _, test := range []struct {
		name, schema, value string
		want                []string
	}{
		{"recursion", `{` + twice + `}`, deep("1"), nil},
		{"recursion and what is unevaluated", `{"unevaluatedProperties":true,` + twice + `}`, deep("1"), nil},
		{"composition", `{"$defs":{` + chain.String() + `"z":{"maximum":1}},"$ref":"#/$defs/a"}`, `1`, nil},
		{"alternatives", list, deep("null"), nil},
		{"alternatives that fail", list, deep("1"), []string{xs + ": must be an object or null, got 1"}},
		{"properties by name and by pattern", `{"properties":{"x":{"$ref":"#"}},"patternProperties":{"x":{"$ref":"#"}}}`, deep("1"), nil},
		{"siblings of a reference", `{"$ref":"#/$defs/a","properties":{"x":{"$ref":"#"}},"$defs":{"a":{"properties":{"x":{"$ref":"#"}}}}}`, deep("1"), nil},
		{"a condition", `{"if":{"properties":{"x":{"$ref":"#"}}},"then":{"properties":{"x":{"$ref":"#"}}}}`, deep("1"), nil},
		{"unevaluated at every level", `{"$ref":"#/$defs/a","unevaluatedProperties":false,"$defs":{"a":{"allOf":[{"properties":{"x":{"$ref":"#"}}}],"unevaluatedProperties":false}}}`, deep("1"), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, problems(t, mustCompile(t, test.schema), test.value)); diff != "" {
				t.Errorf("Validate (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCompileRefusesLargePatterns(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ schema, want string }{
		{`{"pattern":"^([a-z]+[, ]?){1,500}$"}`, `at /pattern: the pattern ^([a-z]+[, ]?){1,500}$ compiles to 3503 instructions, more than 2000`},
		{`{"patternProperties":{"(a{30}){30}b{999}c{999}":{}}}`, `more than 2000`},
		{`{"properties":{` + numbered(60, `"p%d":{"pattern":"[ab]{1,900}"}`) + `}}`, `the patterns of the schema are too large together`},
		{`{"pattern":"^[a-z]{1,255}$"}`, ``},
	} {
		_, err := schema.Compile([]byte(test.schema))
		if got := fmt.Sprint(err); err == nil && test.want != "" || !strings.Contains(got, test.want) {
			t.Errorf("Compile(%.60s) = %v, want %q", test.schema, err, test.want)
		}
	}
}

// FuzzPattern compares the matches of a pattern with the matches of package regexp.
func FuzzPattern(f *testing.F) {
	for _, seed := range [][2]string{
		{`^[a-z]+$`, "abc"},
		{`a|b*c`, "bbc"},
		{`(?i)straße`, "STRASSE straße"},
		{`\bx\B`, "x y xy"},
		{`(?m)^b$`, "a\nb"},
		{`^(a?){3}$`, "aa"},
		{`.`, "\n"},
		{`(?s).`, "\xff"},
		{`\p{Greek}+$`, "αβγ"},
		{`[^a]`, "a\x80"},
		{`^$`, ""},
		{`\z|\A`, ""},
		{`x*?y+?`, "xxyy"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, expr, text string) {
		if len(expr) > 100 || len(text) > 1000 {
			return
		}
		got, err := schema.MatchPattern(expr, []byte(text))
		if err != nil && strings.Contains(err.Error(), "instructions") {
			return
		}
		re, wantErr := regexp.Compile(expr)
		if err != nil {
			if wantErr == nil {
				t.Fatalf("pattern %q: %v", expr, err)
			}
			return
		}
		if wantErr != nil || got != re.MatchString(text) {
			t.Fatalf("pattern %q, text %q: %v, package regexp: %v (%v)", expr, text, got, !got, wantErr)
		}
	})
}
