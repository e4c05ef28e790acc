package schema_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/schema"
)

// problems returns what Validate finds wrong with a value.
func problems(t *testing.T, s *schema.Schema, value string) []string {
	t.Helper()
	err := s.Validate(t.Context(), []byte(value))
	if err == nil {
		return nil
	}
	var invalid *schema.ValidationError
	if !errors.As(err, &invalid) {
		t.Fatalf("Validate(%s) = %T, want a *ValidationError", value, err)
	}
	return invalid.Problems
}

func TestValidate(t *testing.T) {
	t.Parallel()
	const trip = `{
		"type": "object",
		"properties": {
			"city": {"type": "string"},
			"days": {"type": "integer", "minimum": 1, "maximum": 7},
			"stops": {"type": "array", "items": {"type": "object", "properties": {"zip": {"type": "string"}}, "required": ["zip"]}}
		},
		"required": ["city"],
		"additionalProperties": false
	}`
	for _, test := range []struct {
		name, schema, value string
		want                []string
	}{
		{"a valid value", trip, ` { "city" : "Paris" , "days" : 3 , "stops" : [ ] } `, nil},
		{"a missing property", trip, `{"days":2}`, []string{`city: required property is missing`}},
		{"several problems", trip, `{"days":12,"stops":[{"zip":"1"},{"zip":2},{}]}`, []string{
			`days: must be at most 7, got 12`,
			`stops[1].zip: must be a string, got 2`,
			`stops[2].zip: required property is missing`,
			`city: required property is missing`,
		}},
		{"an unknown property", trip, `{"city":"Paris","day":2}`, []string{`day: unknown property; known are city, days, stops`}},
		{"no property allowed", `{"additionalProperties":false}`, `{"a":1}`, []string{`a: unknown property; there must be none`}},
		{"the root", trip, `[1]`, []string{`must be an object, got [1]`}},
		{"an escaped name", trip, `{"\u0063ity":"Paris"}`, nil},
		{"an escaped unknown name", trip, `{"city":"Paris","\u0063itx":1}`, []string{`"\u0063itx": unknown property; known are city, days, stops`}},
		{"a name that needs quotes", `{"additionalProperties":{"type":"null"}}`, `{"a.b":{"x":1},"":2}`, []string{
			`"a.b": must be null, got {"x":1}`, `"": must be null, got 2`,
		}},

		{"type list", `{"type":["string","null"]}`, `5`, []string{`must be a string or null, got 5`}},
		{"boolean", `{"type":"boolean"}`, `"true"`, []string{`must be a boolean, got "true"`}},
		{"integer written as a decimal", `{"type":"integer"}`, `1.0`, nil},
		{"integer written with an exponent", `{"type":"integer"}`, `1.25e2`, nil},
		{"huge integer", `{"type":"integer"}`, `1e400`, nil},
		{"fraction", `{"type":"integer"}`, `1.5`, []string{`must be an integer, got 1.5`}},
		{"tiny fraction", `{"type":"integer"}`, `1e-400`, []string{`must be an integer, got 1e-400`}},
		{"integer as number", `{"type":"number"}`, `1`, nil},
		{"zero with an exponent", `{"type":"integer"}`, `0e-5`, nil},

		{"exact bound, above", `{"maximum":9007199254740992}`, `9007199254740993`, []string{`must be at most 9007199254740992, got 9007199254740993`}},
		{"exact bound, equal", `{"maximum":9007199254740993}`, `9007199254740993`, nil},
		{"exact enum", `{"enum":[9007199254740993]}`, `9007199254740992`, []string{`must be one of 9007199254740993, got 9007199254740992`}},
		{"out of the range of floats", `{"maximum":1e308}`, `1e400`, []string{`must be at most 1e308, got 1e400`}},
		{"negative", `{"minimum":-2.5}`, `-2.51`, []string{`must be at least -2.5, got -2.51`}},
		{"negative and positive", `{"minimum":1}`, `-5`, []string{`must be at least 1, got -5`}},
		{"around zero", `{"minimum":0,"maximum":0}`, `-0.0`, nil},
		{"zero and less", `{"exclusiveMaximum":0}`, `-0.001`, nil},
		{"exclusive minimum", `{"exclusiveMinimum":0}`, `0`, []string{`must be greater than 0, got 0`}},
		{"exclusive maximum", `{"exclusiveMaximum":10}`, `1e1`, []string{`must be less than 10, got 1e1`}},
		{"different lengths", `{"maximum":12.34}`, `12.341`, []string{`must be at most 12.34, got 12.341`}},
		{"different scales", `{"maximum":0.1}`, `0.09999`, nil},
		{"multiple", `{"multipleOf":5}`, `7`, []string{`must be a multiple of 5, got 7`}},
		{"multiple of a fraction", `{"multipleOf":0.1}`, `0.3`, nil},
		{"huge multiple", `{"multipleOf":7}`, `7e300`, nil},
		{"huge number that is no multiple", `{"multipleOf":7}`, `1e300`, []string{`must be a multiple of 7, got 1e300`}},
		{"exponent without end", `{"multipleOf":7}`, `1e999999999999999999999`, []string{`must be a multiple of 7, got 1e999999999999999999999`}},
		{"zero is a multiple", `{"multipleOf":7}`, `0`, nil},
		{"multiple of ten", `{"multipleOf":10}`, `25`, []string{`must be a multiple of 10, got 25`}},
		{"number keyword and a string", `{"minimum":5}`, `"1"`, nil},

		{"enum", `{"enum":["a","b",null]}`, `"c"`, []string{`must be one of "a", "b", null, got "c"`}},
		{"enum written differently", `{"enum":["a\u0062", 10]}`, `"\u0061b"`, nil},
		{"enum number written differently", `{"enum":["ab", 10]}`, `1.0e1`, nil},
		{"empty enum", `{"enum":[]}`, `1`, []string{`must be one of , got 1`}},
		{"enum of another kind", `{"enum":["1"]}`, `1`, []string{`must be one of "1", got 1`}},
		{"const", `{"const":true}`, `false`, []string{`must be true, got false`}},
		{"const and enum", `{"const":"a","enum":["a","b"]}`, `"b"`, []string{`must be "a", got "b"`}},

		{"minLength counts characters", `{"minLength":3}`, `"né"`, []string{`must have at least 3 characters, got 2`}},
		{"maxLength counts characters", `{"maxLength":1}`, `"\ud83d\ude00"`, nil},
		{"one character", `{"maxLength":1}`, `"ab"`, []string{`must have at most 1 character, got 2`}},
		{"pattern", `{"pattern":"^[a-z]+$"}`, `"Ab"`, []string{`must match the pattern ^[a-z]+$, got "Ab"`}},
		{"pattern sees what is escaped", `{"pattern":"^a\"b$"}`, `"a\"b"`, nil},

		{"minItems", `{"minItems":2}`, `[1]`, []string{`must have at least 2 items, got 1`}},
		{"maxItems", `{"maxItems":1}`, `[1,[2],{"a":3}]`, []string{`must have at most 1 item, got 3`}},
		{"prefixItems", `{"prefixItems":[{"type":"string"}],"items":{"type":"number"}}`, `[1,"a"]`, []string{`[0]: must be a string, got 1`, `[1]: must be a number, got "a"`}},
		{"false", `{"properties":{"a":false}}`, `{"a":1}`, []string{`a: is not allowed`}},
		{"minProperties", `{"minProperties":1}`, `{}`, []string{`must have at least 1 property, got 0`}},
		{"maxProperties", `{"maxProperties":1}`, `{"a":1,"b":2}`, []string{`must have at most 1 property, got 2`}},
		{"patternProperties", `{"patternProperties":{"^n":{"type":"number"}},"additionalProperties":false}`, `{"n1":"a","n2":2}`, []string{`n1: must be a number, got "a"`}},
		{"propertyNames", `{"propertyNames":{"pattern":"^[0-9]+$"}}`, `{"1":1,"a":2}`, []string{`a: is not an allowed property name`}},

		{"allOf", `{"allOf":[{"minimum":3},{"multipleOf":2}]}`, `1`, []string{`must be at least 3, got 1`, `must be a multiple of 2, got 1`}},
		{"anyOf with one that fits the type", `{"anyOf":[{"type":"string","maxLength":2},{"type":"null"}]}`, `"abc"`, []string{`must have at most 2 characters, got 3`}},
		{"anyOf with none that fits the type", `{"anyOf":[{"type":"string"},{"type":"null"}]}`, `1`, []string{`must be a string or null, got 1`}},
		{"anyOf with several", `{"anyOf":[{"minimum":5},{"maximum":2}]}`, `3`, []string{`must match one of 2 alternatives, got 3`}},
		{"anyOf with nothing", `{"anyOf":[false]}`, `3`, []string{`must match one of 1 alternatives, got 3`}},
		{"oneOf that is ambiguous", `{"oneOf":[{"type":"integer"},{"type":"number"}]}`, `3`, []string{`must match exactly one of 2 alternatives, but matches several: got 3`}},
		{"oneOf without a match", `{"oneOf":[{"minimum":5},{"maximum":2}]}`, `3`, []string{`must match one of 2 alternatives, got 3`}},
		{"oneOf with a match", `{"oneOf":[{"minimum":5},{"maximum":2}]}`, `7`, nil},
		{"not", `{"not":{"type":"string"}}`, `"a"`, []string{`is a value that is not allowed, got "a"`}},
		{"then", `{"if":{"required":["a"]},"then":{"required":["b"]}}`, `{"a":1}`, []string{`b: required property is missing`}},
		{"else", `{"if":{"type":"object"},"else":{"type":"null"}}`, `1`, []string{`must be null, got 1`}},
		{"reference", `{"$defs":{"day":{"maximum":7}},"properties":{"d":{"$ref":"#/$defs/day"}}}`, `{"d":8}`, []string{`d: must be at most 7, got 8`}},
		{"reference with escapes", `{"$defs":{"a/b~c d":{"maximum":7}},"$ref":"#/$defs/a~1b~0c%20d"}`, `8`, []string{`must be at most 7, got 8`}},
		{"reference and sibling", `{"$defs":{"a":{"maximum":7}},"$ref":"#/$defs/a","minimum":5}`, `1`, []string{`must be at least 5, got 1`}},
		{"recursive reference", `{"properties":{"next":{"$ref":"#"},"v":{"type":"number"}}}`, `{"next":{"next":{"v":"x"}}}`, []string{`next.next.v: must be a number, got "x"`}},
		{"bundled resource", `{"$id":"https://e.com/root","$ref":"item","$defs":{"i":{"$id":"item","$ref":"#n","$defs":{"n":{"$anchor":"n","type":"null"}}}}}`, `1`, []string{`must be null, got 1`}},

		{"draft-07 item list", `{"$schema":"http://json-schema.org/draft-07/schema#","items":[{"type":"null"}],"additionalItems":false}`, `[null,1]`, []string{`[1]: is not allowed`}},
		{"draft-07 reference hides siblings", `{"$schema":"http://json-schema.org/draft-07/schema#","definitions":{"a":{"maximum":7}},"properties":{"p":{"$ref":"#/definitions/a","type":"string"}}}`, `{"p":5}`, nil},
		{"2020-12 does not know additionalItems", `{"additionalItems":5}`, `[1]`, nil},

		{"const is an object", `{"const":{"a":[1,{"b":null}],"c":"x"}}`, `{"c":"x","a":[1.0,{"b":null}]}`, nil},
		{"const is another object", `{"const":{"a":1}}`, `{"a":1,"b":2}`, []string{`must be {"a":1}, got {"a":1,"b":2}`}},
		{"enum of arrays", `{"enum":[["a,b"],["a","b"]]}`, `["a","c"]`, []string{`must be one of ["a,b"], ["a","b"], got ["a","c"]`}},
		{"text does not pass for structure", `{"const":["a\",\"b"]}`, `["a","b"]`, []string{`must be ["a\",\"b"], got ["a","b"]`}},

		{"uniqueItems", `{"uniqueItems":true}`, `[1,"a",1.0,1e0]`, []string{`must not repeat an item, got 1.0 more than once`}},
		{"uniqueItems, valid", `{"properties":{"l":{"uniqueItems":true}}}`, ` {"l":[1,2,"a\u0062",true,null,{"a":0.5},{"a":5}]} `, nil},
		{"uniqueItems, the order of names", `{"uniqueItems":true}`, `[{"a":1,"b":[2]},{"\u0062":[20e-1],"a":1}]`, []string{`must not repeat an item, got {"\u0062":[20e-1],"a":1} more than once`}},
		{"uniqueItems, every digit counts", `{"uniqueItems":true}`, `[9007199254740992,9007199254740993,1e400,1e401,123456789012345678901234567890]`, nil},
		{"uniqueItems false", `{"uniqueItems":false}`, `[1,1]`, nil},
		{"contains", `{"contains":{"type":"string"}}`, `[1,2]`, []string{`must have at least 1 matching item, got 0`}},
		{"contains, too many", `{"contains":{"type":"string"},"maxContains":1}`, `["a",1,"b"]`, []string{`must have at most 1 matching item, got 2`}},
		{"contains, none needed", `{"contains":{"type":"string"},"minContains":0}`, `[1]`, nil},
		{"dependentRequired", `{"properties":{"p":{"dependentRequired":{"a":["b"]}}}}`, `{"p":{"a":1}}`, []string{`p.b: required next to a, and missing`}},
		{"dependentSchemas", `{"dependentSchemas":{"a":{"properties":{"b":{"type":"null"}}}}}`, `{"a":1,"b":2}`, []string{`b: must be null, got 2`}},
		{"draft-07 dependencies", `{"$schema":"http://json-schema.org/draft-07/schema#","dependencies":{"a":["b"],"c":{"minProperties":2}}}`, `{"c":1}`, []string{`must have at least 2 properties, got 1`}},
		{"unevaluatedProperties", `{"allOf":[{"properties":{"a":true}}],"anyOf":[{"properties":{"b":{"type":"null"}}},true],"unevaluatedProperties":false}`, `{"a":1,"b":1}`, []string{`b: is not allowed here`}},
		{"unevaluatedProperties with a schema", `{"properties":{"a":true},"unevaluatedProperties":{"type":"null"}}`, `{"a":1,"b":1}`, []string{`b: must be null, got 1`}},
		{"unevaluatedItems", `{"prefixItems":[true],"contains":{"type":"null"},"unevaluatedItems":false}`, `[1,null,2]`, []string{`[2]: is not allowed here`}},
		{"dynamic reference", `{"$id":"https://e.com/strict","$ref":"tree","$dynamicAnchor":"node","unevaluatedProperties":false,"$defs":{"t":{"$id":"tree","$dynamicAnchor":"node","properties":{"kids":{"items":{"$dynamicRef":"#node"}}}}}}`, `{"kids":[{"kids":[]},{"kidz":[]}]}`, []string{`kids[1].kidz: is not allowed here`}},
		{"keyword in another case", `{"uniqueItems":true,"MinItems":3,"\"Type":"null","default":1e400,"examples":[1e400]}`, `[1]`, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := problems(t, mustCompile(t, test.schema), test.value)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("Validate(%s) against %s (-want +got):\n%s", test.value, test.schema, diff)
			}
		})
	}
}

func TestValidationErrorIsBounded(t *testing.T) {
	t.Parallel()
	s := mustCompile(t, `{"additionalProperties":{"type":"null"}}`)
	long := strings.Repeat("é", 5000)
	var b strings.Builder
	for range 20 {
		b.WriteString(`,"` + long + `":"a` + "\t" + long + `"`)
	}
	err := s.Validate(t.Context(), []byte(`{`+b.String()[1:]+`}`))
	var invalid *schema.ValidationError
	if !errors.As(err, &invalid) || len(invalid.Problems) != 8 {
		t.Fatalf("Validate = %v, want 8 problems", err)
	}
	if n := len(err.Error()); n > 8*400 {
		t.Errorf("the error has %d bytes", n)
	}
	if strings.ContainsAny(err.Error(), "\t\n") {
		t.Errorf("the error has control characters: %q", err)
	}
}

func TestPlacesAndPatternsAreBounded(t *testing.T) {
	t.Parallel()
	pattern := strings.Repeat("[ab]", 400)
	s := mustCompile(t, `{"additionalProperties":{"$ref":"#"},"pattern":"`+pattern+`"}`)
	deep := strings.Repeat(`{"properties":`, 200) + `"x"` + strings.Repeat("}", 200)
	err := s.Validate(t.Context(), []byte(deep))
	if err == nil || len(err.Error()) > 2*300+100 || strings.Count(err.Error(), "…") != 2 {
		t.Errorf("Validate = %v, want place and pattern to be cut short", err)
	}
}

func TestValidateManyProperties(t *testing.T) {
	t.Parallel()
	var names []string
	for i := range 700 {
		names = append(names, strings.Repeat("p", i+1))
	}
	s := mustCompile(t, `{"required":["`+strings.Join(names, `","`)+`"]}`)
	object := func(names []string) string { return `{"` + strings.Join(names, `":1,"`) + `":1}` }
	if got := problems(t, s, object(names)); got != nil {
		t.Errorf("Validate = %q, want no problem", got)
	}
	want := []string{`ppp: required property is missing`}
	if diff := cmp.Diff(want, problems(t, s, object(append(names[:2:2], names[3:]...)))); diff != "" {
		t.Errorf("Validate (-want +got):\n%s", diff)
	}
}

// A text that is not JSON breaks the caller's promise. It must not be accepted
// where that is noticed, and never panic.
func TestValidateMalformed(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{nestedSchema, `{"type":"array","uniqueItems":true}`, `{"type":["object","array","string"],"items":{"minLength":1},"additionalProperties":{"type":"array","items":{"minLength":1}}}`} {
		s := mustCompile(t, raw)
		for _, value := range []string{
			``, ` `, `{`, `{"`, `{"a`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{1}`, `{"a" 1}`, `[`, `[1`, `[1,`, `[1 2]`,
			`"`, `"\`, `"\"`, `]`, `}`, `{} x`, `{"name":"a","stops":[]}]`, `{"a":["\`, `:`,
		} {
			if err := s.Validate(t.Context(), []byte(value)); err == nil {
				t.Errorf("Validate(%s) against %s accepts it", value, raw)
			}
		}
	}
}

func TestValidateBoundsTheDepth(t *testing.T) {
	t.Parallel()
	nested := strings.Repeat("[", 5_000) + strings.Repeat("]", 5_000)
	for _, test := range []struct {
		name, schema string
		want         []string
	}{
		{"depth", `{"items":{"$ref":"#"}}`, []string{"is nested too deeply"}},
		{"depth and unique items", `{"items":{"$ref":"#"},"uniqueItems":true}`, []string{"is nested too deeply"}},
		{"depth that only a comparison sees", `{"const":[]}`, []string{"is nested too deeply"}},
		{"depth that nothing looks into", `{}`, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, problems(t, mustCompile(t, test.schema), nested)); diff != "" {
				t.Errorf("Validate (-want +got):\n%s", diff)
			}
		})
	}
}

func TestValidateAllocatesNothing(t *testing.T) {
	for _, test := range []struct{ schema, value string }{
		{smallSchema, `{"city":"Paris"}`},
		{nestedSchema, nestedValue},
	} {
		s := mustCompile(t, test.schema)
		value := []byte(test.value)
		if n := testing.AllocsPerRun(100, func() {
			if err := s.Validate(t.Context(), value); err != nil {
				t.Fatal(err)
			}
		}); n > 0 {
			t.Errorf("Validate(%s) allocates %v times", test.value, n)
		}
	}
}
