package jsonrpc_test

import (
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

func TestSet(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ object, value, want string }{
		{`{}`, `1`, `{"a":1}`},
		{`{ "b" : 2 }`, `1`, `{ "b" : 2,"a":1}`},
		{`{ "a" : [1, 2] , "b":2}`, `{}`, `{ "a" : {} , "b":2}`},
		{`{"b":{"a":1},"a":2}`, `3`, `{"b":{"a":1},"a":3}`},
		{`{"a":1,"b":2}`, ``, `{"b":2}`},
		{`{"b":2}`, ``, `{"b":2}`},
		{`[]`, `1`, `[]`},
	} {
		var value []byte
		if test.value != "" {
			value = []byte(test.value)
		}
		if got := jsonrpc.Set([]byte(test.object), "a", value); string(got) != test.want {
			t.Errorf("jsonrpc.Set(%s, a, %s) = %s, want %s", test.object, test.value, got, test.want)
		}
	}
	if got := jsonrpc.SetMeta([]byte(`{"x":1,"_meta":{"a":2}}`), "a", nil); string(got) != `{"x":1}` {
		t.Errorf("SetMeta of the last member = %s", got)
	}
	if got := jsonrpc.SetMeta([]byte(`{"x":1}`), "a", []byte("2")); string(got) != `{"x":1,"_meta":{"a":2}}` {
		t.Errorf("SetMeta = %s", got)
	}
}

func FuzzSet(f *testing.F) {
	f.Add(`{"b":1}`, "a", `{}`)
	f.Fuzz(func(t *testing.T, object, name, value string) {
		before, err := jsonrpc.ParseObject([]byte(object))
		if err != nil || jsonrpc.Valid([]byte(value)) != nil || len(value) == 0 {
			return
		}
		after, err := jsonrpc.ParseObject(jsonrpc.Set([]byte(object), strings.ToValidUTF8(name, ""), []byte(value)))
		if err != nil {
			t.Fatalf("jsonrpc.Set(%s, %q, %s): %v", object, name, value, err)
		}
		if string(after.Get(strings.ToValidUTF8(name, ""))) != strings.TrimSpace(value) && string(after.Get(strings.ToValidUTF8(name, ""))) != value {
			t.Errorf("jsonrpc.Set(%s, %q, %s) did not set it", object, name, value)
		}
		if len(after) < len(before) {
			t.Errorf("jsonrpc.Set(%s, %q, %s) lost members", object, name, value)
		}
	})
}

func TestEdit(t *testing.T) {
	t.Parallel()
	double := func(name string, value []byte) []byte {
		switch name {
		case "drop":
			return nil
		case "double":
			return append(append([]byte(`[`), value...), ']')
		}
		return value
	}
	for object, want := range map[string]string{
		`{ "a" : 1.50 }`:             `{ "a" : 1.50 }`,
		`{"a":1,"drop":2, "b": 3}`:   `{"a":1,"b":3}`,
		`{"drop":1}`:                 `{}`,
		`{"\u0064ouble":{"drop":1}}`: `{"double":[{"drop":1}]}`,
		`[1]`:                        `[1]`,
		`{`:                          `{`,
	} {
		if got := string(jsonrpc.Edit([]byte(object), double)); got != want {
			t.Errorf("Edit(%s) = %s, want %s", object, got, want)
		}
	}
	small := func(element []byte) []byte {
		if len(element) > 1 {
			return nil
		}
		return element
	}
	for array, want := range map[string]string{`[ 1, 2 ]`: `[ 1, 2 ]`, `[1,22,3]`: `[1,3]`, `[22]`: `[]`, `{}`: `{}`} {
		if got := string(jsonrpc.EditElements([]byte(array), small)); got != want {
			t.Errorf("EditElements(%s) = %s, want %s", array, got, want)
		}
	}
	if got := string(jsonrpc.Without([]byte(`{"a":1,"b":2,"c":3}`), "a", "c")); got != `{"b":2}` {
		t.Errorf("Without = %s", got)
	}
}

func TestBuilder(t *testing.T) {
	t.Parallel()
	var b jsonrpc.Builder
	b.AddText("none", "")
	b.AddGiven("none", nil)
	b.AddString("a", "\"")
	b.Add("b", []byte("1"))
	if got := string(b.Object()); got != `{"a":"\"","b":1}` {
		t.Errorf("Object = %s", got)
	}
	if got := string(new(jsonrpc.Builder).Object()); got != "{}" {
		t.Errorf("Object without members = %s", got)
	}
}
