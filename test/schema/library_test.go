// Package schema_test compares internal/schema with another JSON Schema library
// and with the official test suite. It is in this module because the library
// would otherwise be a requirement of every server.
package schema_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/jsonschema-go/jsonschema"

	"github.com/mcpengine/mcpengine/internal/schema"
)

// A generator writes JSON that a sequence of bytes decides.
type generator struct {
	choices  []byte
	keywords []fuzzKeyword
	buf      strings.Builder
}

func (g *generator) choose(n int) int {
	if len(g.choices) == 0 {
		return 0
	}
	c := int(g.choices[0])
	g.choices = g.choices[1:]
	return c % n
}

func (g *generator) pick(from ...string) { g.buf.WriteString(from[g.choose(len(from))]) }

// scalar writes values that a float64 holds exactly, in several spellings.
func (g *generator) scalar() {
	g.pick(`null`, `true`, `false`, `0`, `-0.0`, `1`, `1.0`, `10e-1`, `2`, `-3`, `0.5`, `1.25e2`, `12`, `1e15`,
		`""`, `"a"`, `"ab"`, `"\u0061"`, `"é"`, `"\ud83d\ude00"`, `"12"`)
}

func (g *generator) number() { g.pick(`0`, `1`, `2`, `3`, `0.5`, `-1`, `1e1`, `12.0`) }

func (g *generator) value(depth int) {
	switch kind := g.choose(4); {
	case depth == 0 || kind < 2:
		g.scalar()
	case kind == 2:
		g.buf.WriteByte('[')
		for i := range g.choose(4) {
			g.pick(``, ` `)
			if i > 0 {
				g.buf.WriteByte(',')
			}
			g.value(depth - 1)
		}
		g.buf.WriteByte(']')
	default:
		g.buf.WriteByte('{')
		names := []string{`"a"`, `"b"`, `"x-c"`, `"d"`}
		for i := range g.choose(len(names) + 1) {
			if i > 0 {
				g.buf.WriteByte(',')
			}
			if name := names[i]; name == `"a"` {
				g.pick(`"a"`, `"\u0061"`)
			} else {
				g.buf.WriteString(name)
			}
			g.pick(`:`, ` : `)
			g.value(depth - 1)
		}
		g.buf.WriteByte('}')
	}
}

// schema writes a schema. The names of its keywords are unique.
func (g *generator) schema(depth int) {
	if depth == 0 || g.choose(12) == 0 {
		g.pick(`true`, `false`, `{}`, `{"$ref":"#/$defs/d"}`)
		return
	}
	g.buf.WriteByte('{')
	n := g.choose(4)
	used := map[int]bool{}
	for range n {
		k := g.choose(len(g.keywords))
		if used[k] {
			continue
		}
		if len(used) > 0 {
			g.buf.WriteByte(',')
		}
		used[k] = true
		fmt.Fprintf(&g.buf, "%q:", g.keywords[k].name)
		g.keywords[k].value(g, depth-1)
	}
	g.buf.WriteByte('}')
}

func (g *generator) schemas(depth int) {
	g.buf.WriteByte('[')
	for i := range 1 + g.choose(3) {
		if i > 0 {
			g.buf.WriteByte(',')
		}
		g.schema(depth)
	}
	g.buf.WriteByte(']')
}

func (g *generator) named(depth int, names ...string) {
	g.buf.WriteByte('{')
	for i := range g.choose(len(names) + 1) {
		if i > 0 {
			g.buf.WriteByte(',')
		}
		fmt.Fprintf(&g.buf, "%q:", names[i])
		g.schema(depth)
	}
	g.buf.WriteByte('}')
}

type fuzzKeyword struct {
	name  string
	value func(g *generator, depth int)
}

// fuzzKeywords returns the keywords that both sides read the same way.
func fuzzKeywords() []fuzzKeyword {
	types := func(g *generator, _ int) {
		g.pick(`"null"`, `"boolean"`, `"object"`, `"array"`, `"number"`, `"string"`, `"integer"`, `["null","integer"]`, `["object","array","string"]`)
	}
	number := func(g *generator, _ int) { g.number() }
	count := func(g *generator, _ int) { g.pick(`0`, `1`, `2`, `3.0`) }
	one := func(g *generator, depth int) { g.schema(depth) }
	several := func(g *generator, depth int) { g.schemas(depth) }
	return []fuzzKeyword{
		{"type", types},
		{"minimum", number},
		{"maximum", number},
		{"exclusiveMinimum", number},
		{"exclusiveMaximum", number},
		{"multipleOf", func(g *generator, _ int) { g.pick(`1`, `2`, `5e-1`, `3`, `10`, `0.25`) }},
		{"minLength", count},
		{"maxLength", count},
		{"minItems", count},
		{"maxItems", count},
		{"minProperties", count},
		{"maxProperties", count},
		{"pattern", func(g *generator, _ int) { g.pick(`"a"`, `"^.$"`, `"^[a-z]*$"`, `"^$"`) }},
		{"enum", func(g *generator, _ int) {
			g.buf.WriteByte('[')
			for i := range g.choose(4) {
				if i > 0 {
					g.buf.WriteByte(',')
				}
				g.value(1)
			}
			g.buf.WriteByte(']')
		}},
		{"const", func(g *generator, _ int) { g.value(2) }},
		{"required", func(g *generator, _ int) { g.pick(`[]`, `["a"]`, `["a","b"]`, `["e"]`) }},
		{"properties", func(g *generator, depth int) { g.named(depth, "a", "b", "d") }},
		{"patternProperties", func(g *generator, depth int) { g.named(depth, "^x-", "b") }},
		{"additionalProperties", one},
		{"propertyNames", one},
		{"items", one},
		{"prefixItems", several},
		{"allOf", several},
		{"anyOf", several},
		{"oneOf", several},
		{"not", one},
		{"if", one},
		{"then", one},
		{"else", one},
		{"$ref", func(g *generator, _ int) { g.pick(`"#/$defs/d"`, `"#"`) }},
		{"default", func(g *generator, _ int) { g.scalar() }},
		{"x-note", func(g *generator, _ int) { g.scalar() }},
		{"uniqueItems", func(g *generator, _ int) { g.pick(`true`, `false`) }},
		{"contains", one},
		{"minContains", count},
		{"maxContains", count},
		{"dependentRequired", func(g *generator, _ int) { g.pick(`{}`, `{"a":["b"]}`, `{"b":["a","d"],"d":[]}`) }},
		{"dependentSchemas", func(g *generator, depth int) { g.named(depth, "a", "x-c") }},
		{"unevaluatedItems", one},
		{"unevaluatedProperties", one},
	}
}

// FuzzAgainstLibrary compares every verdict with jsonschema-go's.
func FuzzAgainstLibrary(f *testing.F) {
	f.Add([]byte{}, []byte{})
	for i := range 60 {
		var a, b []byte
		for j := range 60 {
			a = append(a, byte(i*31+j*j*7+j))
			b = append(b, byte(i*17+j*j*5+3*j))
		}
		f.Add(a, b)
	}
	f.Fuzz(func(t *testing.T, schemaChoices, valueChoices []byte) {
		g := generator{choices: schemaChoices, keywords: fuzzKeywords()}
		g.buf.WriteString(`{"$defs":{"d":`)
		g.schema(3)
		g.buf.WriteString(`},"allOf":[`)
		g.schema(3)
		g.buf.WriteString(`]}`)
		raw := g.buf.String()
		s, err := schema.Compile([]byte(raw))
		if err != nil {
			if !strings.Contains(err.Error(), "leads back") {
				t.Fatalf("Compile(%s): %v", raw, err)
			}
			return // jsonschema-go would not return
		}
		resolved := library(t, raw)
		g = generator{choices: valueChoices}
		for range 8 {
			g.buf.Reset()
			g.value(3)
			value := g.buf.String()
			var decoded any
			if err := json.Unmarshal([]byte(value), &decoded); err != nil {
				t.Fatalf("generated %s: %v", value, err)
			}
			want := resolved.Validate(decoded)
			got := s.Validate(t.Context(), []byte(value))
			if (got == nil) != (want == nil) {
				t.Fatalf("schema %s\nvalue  %s\nours    %v\nlibrary %v", raw, value, got, want)
			}
			checkError(t, got)
		}
	})
}

func library(t *testing.T, raw string) *jsonschema.Resolved {
	t.Helper()
	var s jsonschema.Schema
	if err := json.Unmarshal([]byte(raw), &s); err != nil {
		t.Fatalf("jsonschema-go reads %s: %v", raw, err)
	}
	resolved, err := s.Resolve(nil)
	if err != nil {
		t.Fatalf("jsonschema-go resolves %s: %v", raw, err)
	}
	return resolved
}

// checkError checks that a refusal names one to eight problems.
func checkError(t *testing.T, err error) {
	t.Helper()
	var invalid *schema.ValidationError
	if err != nil && (!errors.As(err, &invalid) || len(invalid.Problems) == 0 || len(invalid.Problems) > 8) {
		t.Fatalf("Validate = %#v", err)
	}
}

// FuzzValidate feeds Validate anything: a text that is no JSON must not make
// it panic, and for JSON it has to agree with jsonschema-go.
func FuzzValidate(f *testing.F) {
	schemas := []string{
		smallSchema, nestedSchema,
		`{"type":["object","array","integer"],"additionalProperties":{"$ref":"#"},"items":{"$ref":"#"},"minProperties":1,"maxItems":3}`,
		`{"propertyNames":{"maxLength":2},"patternProperties":{"^a":{"enum":["x",1,null]}},"additionalProperties":{"not":{"type":"string","minLength":2}}}`,
		`{"uniqueItems":true,"unevaluatedProperties":{"$ref":"#"}}`,
	}
	for _, seed := range []string{`{"city":"Paris"}`, nestedValue, `[1,2.0,{"a":[]}]`, `{"\u0061":"x","b":"é"}`, `{"a`, `[[[]]]`, `-1.5e3`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		for _, raw := range schemas {
			s, err := schema.Compile([]byte(raw))
			if err != nil {
				t.Fatal(err)
			}
			got := s.Validate(t.Context(), []byte(value))
			checkError(t, got)
			var decoded any
			if jsonv2.Unmarshal([]byte(value), &decoded) != nil || strings.ContainsAny(value, "0123456789") && hasInexact(value) {
				continue
			}
			if want := library(t, raw).Validate(decoded); (got == nil) != (want == nil) {
				t.Fatalf("schema %s\nvalue  %s\nours    %v\nlibrary %v", raw, value, got, want)
			}
		}
	})
}

// hasInexact reports whether JSON has a number that jsonschema-go sees rounded.
func hasInexact(value string) bool {
	d := jsontext.NewDecoder(strings.NewReader(value))
	for {
		token, err := d.ReadToken()
		if err != nil {
			return false
		}
		if token.Kind() == '0' && len(token.String()) > 8 {
			return true
		}
	}
}

const (
	smallSchema  = `{"type":"object","properties":{"city":{"type":"string"}},"required":["city"],"additionalProperties":false}`
	nestedSchema = `{
		"type": "object",
		"properties": {
			"name": {"type": "string", "minLength": 1, "maxLength": 80},
			"stops": {
				"type": "array",
				"maxItems": 20,
				"items": {
					"type": "object",
					"properties": {
						"city": {"type": "string", "pattern": "^[A-Z]"},
						"nights": {"type": "integer", "minimum": 1, "maximum": 30},
						"mode": {"enum": ["train", "plane", "bus"]},
						"note": {"anyOf": [{"type": "string"}, {"type": "null"}]}
					},
					"required": ["city", "nights"],
					"additionalProperties": false
				}
			}
		},
		"required": ["name", "stops"]
	}`
	nestedValue = `{"name":"Summer","stops":[{"city":"Paris","nights":3,"mode":"train","note":null},` +
		`{"city":"Rome","nights":5,"mode":"plane","note":"by the river"},{"city":"Athens","nights":2}]}`
)
