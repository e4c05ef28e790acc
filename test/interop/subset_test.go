package interop_test

import (
	"encoding/json"
	"fmt"
	"testing"
)

// checkSubset reports where the JSON of got lacks a part of want. Objects may
// have more members than in want. Everything else has to be equal.
func checkSubset(t *testing.T, what string, got []byte, want string) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal(got, &g); err != nil {
		t.Errorf("%s: decode %q: %v", what, got, err)
		return
	}
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatalf("%s: decode the wanted %q: %v", what, want, err)
	}
	if difference := lacking("", g, w); difference != "" {
		t.Errorf("%s: %s, in %s", what, difference, got)
	}
}

// lacking describes the first difference, or returns "".
func lacking(path string, got, want any) string {
	switch want := want.(type) {
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok {
			return fmt.Sprintf("%s is %v, want an object", path, got)
		}
		for key, value := range want {
			member, ok := object[key]
			if !ok {
				return fmt.Sprintf("%s.%s is missing", path, key)
			}
			if difference := lacking(path+"."+key, member, value); difference != "" {
				return difference
			}
		}
		return ""
	case []any:
		array, ok := got.([]any)
		if !ok || len(array) != len(want) {
			return fmt.Sprintf("%s is %v, want an array of %d", path, got, len(want))
		}
		for i := range want {
			if difference := lacking(fmt.Sprintf("%s[%d]", path, i), array[i], want[i]); difference != "" {
				return difference
			}
		}
		return ""
	default:
		if got != want {
			return fmt.Sprintf("%s is %v, want %v", path, got, want)
		}
		return ""
	}
}

func TestLacking(t *testing.T) {
	t.Parallel()
	tests := []struct{ got, want, difference string }{
		{`{"a":1,"b":2}`, `{"a":1}`, ""},
		{`{"a":1}`, `{"a":2}`, ".a is 1, want 2"},
		{`{"a":1}`, `{"b":1}`, ".b is missing"},
		{`{"a":[1]}`, `{"a":[1,2]}`, ".a is [1], want an array of 2"},
		{`{"a":[{"b":1}]}`, `{"a":[{"b":null}]}`, ".a[0].b is 1, want <nil>"},
	}
	for _, test := range tests {
		var got, want any
		for data, v := range map[string]*any{test.got: &got, test.want: &want} {
			if err := json.Unmarshal([]byte(data), v); err != nil {
				t.Fatal(err)
			}
		}
		if difference := lacking("", got, want); difference != test.difference {
			t.Errorf("lacking(%s, %s) = %q, want %q", test.got, test.want, difference, test.difference)
		}
	}
}
