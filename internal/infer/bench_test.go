package infer_test

import (
	"reflect"
	"testing"

	"github.com/mcpengine/mcpengine/internal/infer"
)

type weatherInput struct {
	City string `json:"city" jsonschema:"the city to look up"`
	Days int    `json:"days,omitempty" jsonschema:"how many days ahead" default:"3"`
	Unit string `json:"unit,omitempty" enum:"celsius,fahrenheit"`
}

func BenchmarkInfer(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := infer.Input(reflect.TypeFor[weatherInput]()); err != nil {
			b.Fatal(err)
		}
	}
}
