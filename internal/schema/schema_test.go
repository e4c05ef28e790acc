package schema_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/schema"
)

func mustCompile(t *testing.T, raw string) *schema.Schema {
	t.Helper()
	s, err := schema.Compile([]byte(raw))
	if err != nil {
		t.Fatalf("Compile(%s): %v", raw, err)
	}
	return s
}

// everyKeyword mentions each keyword of 2020-12, in an unusual order and with
// numbers and escapes that a decoder would rewrite.
const everyKeyword = `{
	"$schema": "https://json-schema.org/draft/2020-12/schema",
	"$id": "https://example.com/root",
	"$comment": "caf\u00e9 \/",
	"x-vendor": {"b": 1.50, "a": 1E400, "type": "not a keyword here"},
	"unknown": [1.0, -0, 9007199254740993],
	"required": ["z", "a"],
	"properties": {
		"z": {"type": ["string", "null"], "minLength": 1, "maxLength": 2.0, "pattern": "^\\d*$", "format": "date"},
		"a": {"type": "number", "minimum": 1e-3, "maximum": 1e3, "exclusiveMinimum": 0, "exclusiveMaximum": 1000, "multipleOf": 0.010},
		"arr": {"prefixItems": [true], "items": false, "contains": {}, "minContains": 0, "maxContains": 1,
			"minItems": 0, "maxItems": 9, "uniqueItems": true, "unevaluatedItems": {}},
		"doc": {"contentEncoding": "base64", "contentMediaType": "text/plain", "contentSchema": {"type": "string"}}
	},
	"patternProperties": {"^x-": true}, "additionalProperties": {"$ref": "#/$defs/d%22q"}, "propertyNames": {"maxLength": 20},
	"minProperties": 0, "maxProperties": 20, "unevaluatedProperties": false,
	"dependentRequired": {"z": ["a"]}, "dependentSchemas": {"z": {}},
	"allOf": [{}], "anyOf": [{}], "oneOf": [{}], "not": false, "if": true, "then": {}, "else": {},
	"const": {}, "enum": [{}],
	"$anchor": "top", "$dynamicAnchor": "node",
	"$defs": {"d\"q": {"$dynamicRef": "#node"}},
	"title": "", "description": "", "default": {}, "examples": [], "deprecated": false, "readOnly": false, "writeOnly": true
}`

func TestCompileKeepsTheText(t *testing.T) {
	t.Parallel()
	want := strings.NewReplacer("\n", "", "\t", "", ": ", ":", ", ", ",").Replace(everyKeyword)
	got := string(mustCompile(t, everyKeyword).JSON())
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("JSON() differs (-want +got):\n%s", diff)
	}
}

func TestCompileDoesNotKeepTheCallersBytes(t *testing.T) {
	t.Parallel()
	raw := []byte(`{"type":"string"}`)
	s, err := schema.Compile(raw)
	if err != nil {
		t.Fatal(err)
	}
	clear(raw)
	if got, want := string(s.JSON()), `{"type":"string"}`; got != want {
		t.Errorf("JSON() = %s, want %s", got, want)
	}
}

func TestCompileRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, schema, want string }{
		{"nothing", ``, `empty text`},
		{"text that is not JSON", `{"type":"string"`, `unexpected end of text`},
		{"trailing text", `{} {}`, `text goes on after the value`},
		{"duplicate names", `{"type":"string","type":"string"}`, `duplicate`},
		{"a root that is not an object", `true`, `must be an object, got true`},
		{"a root that is a list", `[]`, `must be an object, got []`},

		{"an unknown dialect", `{"$schema":"http://json-schema.org/draft-04/schema#"}`, `dialect "http://json-schema.org/draft-04/schema#" is not supported`},
		{"a dialect that is not a string", `{"$schema":1}`, `dialect 1 is not supported`},
		{"a change of dialect", `{"properties":{"a":{"$schema":"http://json-schema.org/draft-07/schema#"}}}`, `at /properties/a/$schema: must be the same as at the root`},

		{"an unknown type", `{"type":"str"}`, `at /type: must be one of null, boolean, object, array, number, string, integer, got "str"`},
		{"a type that is no name", `{"type":5}`, `at /type: must be an array of strings, got 5`},
		{"no type", `{"type":[]}`, `at /type: must not be empty`},
		{"a type twice", `{"type":["null","null"]}`, `at /type: must not repeat "null"`},
		{"a negative count", `{"minLength":-1}`, `at /minLength: must be a non-negative integer, got -1`},
		{"a broken count", `{"maxItems":1.5}`, `at /maxItems: must be a non-negative integer, got 1.5`},
		{"a bound that is no number", `{"properties":{"days":{"minimum":"1"}}}`, `at /properties/days/minimum: must be a number, got "1"`},
		{"multiples of nothing", `{"multipleOf":0}`, `at /multipleOf: must be greater than 0, got 0`},
		{"multiples of a negative", `{"multipleOf":-2}`, `must be greater than 0`},
		{"a pattern that does not compile", `{"pattern":"("}`, `at /pattern: error parsing regexp`},
		{"a pattern with look-around", `{"pattern":"^(?!a)"}`, `invalid or unsupported Perl syntax`},
		{"a bad pattern for names", `{"patternProperties":{"(":{}}}`, `at /patternProperties: error parsing regexp`},
		{"an enum that is no list", `{"enum":"a"}`, `at /enum: must be an array, got "a"`},
		{"required that is no list", `{"required":true}`, `at /required: must be an array of strings, got true`},
		{"properties that are no object", `{"properties":[]}`, `at /properties: must be an object of schemas, got []`},
		{"a property that is no schema", `{"properties":{"a":null}}`, `at /properties/a: must be a schema (an object, true or false), got null`},
		{"no alternatives", `{"anyOf":[]}`, `at /anyOf: must not be empty`},
		{"an alternative that is no schema", `{"anyOf":[{},1]}`, `at /anyOf/1: must be a schema`},
		{"a list of items", `{"items":[{}]}`, `at /items: must be a schema`},
		{"a title that is no string", `{"title":1}`, `at /title: must be a string, got 1`},
		{"examples that are no list", `{"examples":1}`, `at /examples: must be an array, got 1`},
		{"a flag that is no boolean", `{"deprecated":"no"}`, `at /deprecated: must be a boolean, got "no"`},

		{"a reference to the network", `{"$ref":"https://example.com/schema.json"}`, `at /$ref: "https://example.com/schema.json" is not in this schema, and nothing is fetched`},
		{"a reference to a file", `{"items":{"$ref":"other.json#/a"}}`, `at /items/$ref: "other.json#/a" is not in this schema`},
		{"a reference to nothing", `{"$ref":"#/$defs/a"}`, `there is no subschema "#/$defs/a"`},
		{"a reference to what is no schema", `{"$ref":"#/default","default":{}}`, `there is no subschema "#/default"`},
		{"a reference to an unknown anchor", `{"$ref":"#a"}`, `there is no subschema "#a"`},
		{"a reference that is no URI", `{"$ref":"%"}`, `invalid URL escape`},
		{"a reference to itself", `{"$ref":"#"}`, `a $ref leads back to where it is`},
		{"a circle of references", `{"$defs":{"a":{"anyOf":[{"$ref":"#/$defs/b"}]},"b":{"not":{"$ref":"#/$defs/a"}}},"items":{"$ref":"#/$defs/a"}}`, `a $ref leads back to where it is`},
		{"a circle through dependentSchemas", `{"dependentSchemas":{"a":{"$ref":"#"}}}`, `a $ref leads back to where it is`},
		{"an anchor twice", `{"$defs":{"a":{"$anchor":"x"},"b":{"$anchor":"x"}}}`, `anchor x is already taken`},
		{"an id twice", `{"$defs":{"a":{"$id":"http://e.com/x"},"b":{"$id":"http://e.com/x"}}}`, `is already taken`},
		{"an id with a fragment", `{"$id":"http://e.com/#x"}`, `at /$id: must not have a fragment`},

		{"a constant that is nested too deeply", `{"const":` + strings.Repeat("[", 128) + strings.Repeat("]", 128) + `}`, `nested more than 128 levels deep`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := schema.Compile([]byte(test.schema))
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "compile schema: ") {
				t.Errorf("Compile(%s) = %v, want compile schema: … %s", test.schema, err, test.want)
			}
		})
	}
}

func TestCompileBounds(t *testing.T) {
	t.Parallel()
	nest := func(n int) string {
		return strings.Repeat(`{"items":`, n) + "{}" + strings.Repeat("}", n)
	}
	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,"p%d":{}`, i)
		}
		return `{"properties":{` + b.String()[1:] + `}}`
	}
	for _, test := range []struct{ name, schema, want string }{
		{"depth in bounds", nest(63), ""},
		{"depth", nest(64), "nested more than 64 levels deep"},
		{"hopeless depth", nest(9_000), "nested more than 128 levels deep"},
		{"subschemas in bounds", many(9_999), ""},
		{"subschemas", many(10_000), "more than 10000 subschemas"},
		{"size", `{"title":"` + strings.Repeat("x", 1<<20) + `"}`, "exceed the limit of 1048576"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := schema.Compile([]byte(test.schema))
			if got := fmt.Sprint(err); err == nil && test.want != "" || !strings.Contains(got, test.want) {
				t.Errorf("Compile = %v, want %q", err, test.want)
			}
			if err != nil && len(err.Error()) > 1000 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
		})
	}
}

func TestType(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`{"type":"object"}`:          "object",
		`{"type":["integer"]}`:       "integer",
		`{"type":["object","null"]}`: "",
		`{}`:                         "",
	} {
		if got := mustCompile(t, raw).Type(); got != want {
			t.Errorf("Type of %s = %q, want %q", raw, got, want)
		}
	}
}
