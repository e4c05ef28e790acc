package schema_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/schema"
)

func TestHeaders(t *testing.T) {
	t.Parallel()
	s := mustCompile(t, `{
		"type": "object",
		"properties": {
			"region": {"x-mcp-header": "Region", "type": "string"},
			"properties": {
				"type": "object",
				"properties": {
					"dryRun": {"type": "boolean", "x-mcp-header": "dry-run"}
				}
			},
			"shard": {"type": "integer", "maximum": 9, "x-mcp-header": "X.Shard"},
			"plain": {"type": "string", "default": {"x-mcp-header": "Not-One"}, "x-other": {"x-mcp-header": ""}},
			"x-mcp-header": {"type": "string"}
		}
	}`)
	want := []schema.Header{
		{Name: "Mcp-Param-Region", Path: []string{"region"}, Type: "string"},
		{Name: "Mcp-Param-Dry-Run", Path: []string{"properties", "dryRun"}, Type: "boolean"},
		{Name: "Mcp-Param-X.shard", Path: []string{"shard"}, Type: "integer"},
	}
	if diff := cmp.Diff(want, s.Headers()); diff != "" {
		t.Errorf("Headers (-want +got):\n%s", diff)
	}
	if got := mustCompile(t, `{"type":"object"}`).Headers(); got != nil {
		t.Errorf("Headers without annotation = %v, want nil", got)
	}
}

func TestHeadersOutOfPlace(t *testing.T) {
	t.Parallel()
	const (
		token = "must be an HTTP field name token"
		place = "is only allowed on a parameter reached through properties alone"
		typed = "is only allowed where type is string, integer or boolean"
	)
	at := func(format string) string {
		return strings.ReplaceAll(format, "H", `{"type":"string","x-mcp-header":"A"}`)
	}
	for _, test := range []struct{ name, schema, want string }{
		{"empty", `{"properties":{"a":{"type":"string","x-mcp-header":""}}}`, token},
		{"space", `{"properties":{"a":{"type":"string","x-mcp-header":"a b"}}}`, token},
		{"colon", `{"properties":{"a":{"type":"string","x-mcp-header":"a:"}}}`, token},
		{"line break", `{"properties":{"a":{"type":"string","x-mcp-header":"a\r\nb"}}}`, token},
		{"not ASCII", `{"properties":{"a":{"type":"string","x-mcp-header":"é"}}}`, token},
		{"not a string", `{"properties":{"a":{"type":"string","x-mcp-header":true}}}`, "must be a string"},
		{"number", `{"properties":{"a":{"type":"number","x-mcp-header":"A"}}}`, typed},
		{"object", `{"properties":{"a":{"type":"object","x-mcp-header":"A"}}}`, typed},
		{"nullable", `{"properties":{"a":{"type":["string","null"],"x-mcp-header":"A"}}}`, typed},
		{"no type", `{"properties":{"a":{"x-mcp-header":"A"}}}`, typed},
		{"twice but for case", `{"properties":{"a":{"type":"string","x-mcp-header":"Ab"},"b":{"type":"string","x-mcp-header":"aB"}}}`, "already taken"},
		{"root", at(`H`), place},
		{"items", at(`{"items":H}`), place},
		{"in an element", at(`{"properties":{"l":{"items":{"properties":{"a":H}}}}}`), place},
		{"prefixItems", at(`{"prefixItems":[H]}`), place},
		{"allOf", at(`{"allOf":[{"properties":{"a":H}}]}`), place},
		{"anyOf", at(`{"properties":{"a":{"anyOf":[H]}}}`), place},
		{"oneOf", at(`{"oneOf":[{"properties":{"a":H}}]}`), place},
		{"not", at(`{"not":{"properties":{"a":H}}}`), place},
		{"if", at(`{"if":{"properties":{"a":H}}}`), place},
		{"then", at(`{"then":{"properties":{"a":H}}}`), place},
		{"else", at(`{"else":{"properties":{"a":H}}}`), place},
		{"$defs", at(`{"$defs":{"d":{"properties":{"a":H}}},"$ref":"#/$defs/d"}`), place},
		{"additionalProperties", at(`{"additionalProperties":H}`), place},
		{"patternProperties", at(`{"patternProperties":{"a":H}}`), place},
		{"dependentSchemas", at(`{"dependentSchemas":{"a":{"properties":{"a":H}}}}`), place},
		{"contains", at(`{"contains":{"properties":{"a":H}}}`), place},
		{"unevaluatedProperties", at(`{"unevaluatedProperties":H}`), place},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := schema.Compile([]byte(test.schema))
			if err == nil || !strings.Contains(err.Error(), "x-mcp-header: "+test.want) && !strings.Contains(err.Error(), test.want) {
				t.Errorf("Compile(%s) = %v, want %q", test.schema, err, test.want)
			}
		})
	}
}

// A header can carry an integer only as far as every client has it exactly.
func TestHeaderIntegersAreSafe(t *testing.T) {
	t.Parallel()
	s := mustCompile(t, `{"properties":{"a":{"type":"integer","x-mcp-header":"A"}}}`)
	for value, want := range map[string][]string{
		`{"a":9007199254740991}`:  nil,
		`{"a":-9007199254740991}`: nil,
		`{"a":9007199254740992}`:  {"a: must be at most 9007199254740991, got 9007199254740992"},
		`{"a":-9007199254740992}`: {"a: must be at least -9007199254740991, got -9007199254740992"},
	} {
		if diff := cmp.Diff(want, problems(t, s, value)); diff != "" {
			t.Errorf("Validate(%s) (-want +got):\n%s", value, diff)
		}
	}
}
