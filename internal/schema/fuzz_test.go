package schema_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/mcpengine/mcpengine/internal/schema"
)

// checkError checks that a refusal names one to eight problems.
func checkError(t *testing.T, err error) {
	t.Helper()
	var invalid *schema.ValidationError
	if err != nil && (!errors.As(err, &invalid) || len(invalid.Problems) == 0 || len(invalid.Problems) > 8) {
		t.Fatalf("Validate = %#v", err)
	}
}

// FuzzCompile feeds Compile anything.
func FuzzCompile(f *testing.F) {
	for _, seed := range []string{
		everyKeyword, smallSchema, nestedSchema, `{"$ref":"#/$defs/a","$defs":{"a":{"$anchor":"b","$id":"http://e.com/"}}}`,
		`{"$schema":"http://json-schema.org/draft-07/schema#","definitions":{"a":{"$id":"#x"}},"items":[{"$ref":"#x"}],"additionalItems":false,"dependencies":{"a":["b"]}}`,
		`{"properties":{"a":{"type":"integer","x-mcp-header":"A","default":1}}}`,
		`{"$dynamicAnchor":"n","properties":{"c":{"items":{"$dynamicRef":"#n"}}},"unevaluatedProperties":false}`,
		`{"\u0074ype":"string","multipleOf":1e-9,"const":[1e400]}`,
	} {
		f.Add([]byte(seed), []byte(`{"z":"","a":1,"arr":[1,{"c":[{}]}]}`))
	}
	f.Fuzz(func(t *testing.T, raw, value []byte) {
		s, err := schema.Compile(raw)
		if err != nil {
			return
		}
		again, err := schema.Compile(s.JSON())
		if err != nil || !bytes.Equal(again.JSON(), s.JSON()) {
			t.Fatalf("Compile(%s) = %v, once more: %v", raw, s.JSON(), err)
		}
		checkError(t, s.Validate(t.Context(), value))
		_, _ = s.ApplyDefaults(value)
	})
}

// FuzzApplyDefaults checks what is added: the result is JSON, has all that the
// value had, and needs nothing more.
func FuzzApplyDefaults(f *testing.F) {
	s, err := schema.Compile([]byte(`{"properties":{"a":{"default":1,"properties":{"b":{"default":"x"}}},"n":{"$ref":"#"},"l":{"items":{"$ref":"#"}},"\"":{"default":[]}},"additionalProperties":{"$ref":"#"}}`))
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{`{}`, ` { } `, `{"n":{"a":{}},"c":[{}]}`, `{"l":[{},[{}]],"x":{"l":[]}}`, `{"\u0061":1,"\"":{}}`, `[{}]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		filled, err := s.ApplyDefaults(value)
		if !jsontext.Value(value).IsValid() {
			return
		}
		if err != nil || !jsontext.Value(filled).IsValid() {
			t.Fatalf("ApplyDefaults(%s) = %s, %v", value, filled, err)
		}
		again, err := s.ApplyDefaults(filled)
		if err != nil || !bytes.Equal(again, filled) {
			t.Fatalf("ApplyDefaults(%s) = %s, once more: %s", value, filled, again)
		}
		if len(filled) == len(value) && !bytes.Equal(filled, value) {
			t.Fatalf("ApplyDefaults(%s) = %s", value, filled)
		}
	})
}
