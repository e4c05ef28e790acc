package schema_test

import (
	"testing"

	"github.com/mcpengine/mcpengine/internal/schema"
)

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

func BenchmarkValidate(b *testing.B) {
	for _, bench := range []struct{ name, schema, value string }{
		{"small", smallSchema, `{"city":"Paris"}`},
		{"small invalid", smallSchema, `{"town":"Paris"}`},
		{"nested", nestedSchema, nestedValue},
		{"unevaluated", `{"type":"object","properties":{"city":{"type":"string"}},"unevaluatedProperties":false}`, `{"city":"Paris"}`},
	} {
		b.Run(bench.name, func(b *testing.B) {
			s, err := schema.Compile([]byte(bench.schema))
			if err != nil {
				b.Fatal(err)
			}
			value := []byte(bench.value)
			b.ReportAllocs()
			for b.Loop() {
				_ = s.Validate(b.Context(), value)
			}
		})
	}
}

func BenchmarkApplyDefaults(b *testing.B) {
	s, err := schema.Compile([]byte(`{"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer","default":3},"unit":{"type":"string","enum":["celsius","fahrenheit"]}},"required":["city"],"additionalProperties":false}`))
	if err != nil {
		b.Fatal(err)
	}
	for _, bench := range []struct{ name, value string }{
		{"complete", `{"city":"Paris","days":1}`},
		{"missing", `{"city":"Paris"}`},
	} {
		b.Run(bench.name, func(b *testing.B) {
			value := []byte(bench.value)
			b.ReportAllocs()
			for b.Loop() {
				_, _ = s.ApplyDefaults(value)
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	for _, bench := range []struct{ name, schema string }{{"small", smallSchema}, {"nested", nestedSchema}} {
		b.Run(bench.name, func(b *testing.B) {
			raw := []byte(bench.schema)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := schema.Compile(raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
