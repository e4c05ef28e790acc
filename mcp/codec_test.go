package mcp_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/mcp"
)

// codec is a JSON library that has to agree with the others about every type.
type codec struct {
	name      string
	marshal   func(any) ([]byte, error)
	unmarshal func([]byte, any) error
}

var codecs = []codec{
	{name: "encoding/json", marshal: json.Marshal, unmarshal: json.Unmarshal},
	{
		name: "go-json-experiment",
		// Deterministic sorts maps, as encoding/json always does.
		marshal: func(v any) ([]byte, error) { return jsonv2.Marshal(v, jsonv2.Deterministic(true)) },
		unmarshal: func(data []byte, v any) error {
			return jsonv2.Unmarshal(data, v)
		},
	},
}

// wireForm pairs a Go value with the JSON it stands for. White space in the
// JSON is for the reader.
type wireForm struct {
	value any
	json  string
}

// testRoundTrip checks with each library that every value encodes to exactly
// its JSON and that the JSON decodes to exactly the value.
func testRoundTrip(t *testing.T, forms []wireForm) {
	t.Helper()
	for _, form := range forms {
		testEncode(t, form)
		testDecode(t, form)
	}
}

func testEncode(t *testing.T, form wireForm) {
	t.Helper()
	want := compact(t, form.json)
	for _, c := range codecs {
		got, err := c.marshal(form.value)
		if err != nil {
			t.Errorf("%s: encode %T: %v", c.name, form.value, err)
			continue
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s: encode %T (-want +got):\n%s", c.name, form.value, diff)
		}
	}
}

func testDecode(t *testing.T, form wireForm) {
	t.Helper()
	sameID := cmp.Comparer(func(a, b mcp.RequestID) bool { return a == b })
	for _, c := range codecs {
		got := reflect.New(reflect.TypeOf(form.value))
		if err := c.unmarshal([]byte(compact(t, form.json)), got.Interface()); err != nil {
			t.Errorf("%s: decode %T: %v", c.name, form.value, err)
			continue
		}
		if diff := cmp.Diff(form.value, got.Elem().Interface(), sameID); diff != "" {
			t.Errorf("%s: decode %T (-want +got):\n%s", c.name, form.value, diff)
		}
	}
}

// refusal is JSON that does not decode to a type, and what the error must say.
type refusal struct {
	into    any
	json    string
	message string
}

func testRefusals(t *testing.T, refusals []refusal) {
	t.Helper()
	for _, r := range refusals {
		for _, c := range codecs {
			into := reflect.New(reflect.TypeOf(r.into)).Interface()
			err := c.unmarshal([]byte(r.json), into)
			if err == nil {
				t.Errorf("%s: decode %s into %T: no error, want %q", c.name, r.json, r.into, r.message)
				continue
			}
			if !bytes.Contains([]byte(err.Error()), []byte(r.message)) {
				t.Errorf("%s: decode %s into %T: error %q, want it to say %q", c.name, r.json, r.into, err, r.message)
			}
		}
	}
}

func compact(t *testing.T, s string) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(s)); err != nil {
		t.Fatalf("compact %s: %v", s, err)
	}
	return b.String()
}
