package scan_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/mcpengine/mcpengine/internal/scan"
)

func TestAt(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		value string
		path  []string
		want  string
	}{
		{` {"a":1} `, nil, `{"a":1}`},
		{` { "a" : { "b" : [1, 2] } } `, []string{"a", "b"}, `[1, 2]`},
		{`{"x":{"a":1},"\u0061":"\"}"}`, []string{"a"}, `"\"}"`},
		{`{"a":1}`, []string{"b"}, ``},
		{`{"a":1}`, []string{"a", "b"}, ``},
		{`{}`, []string{"a"}, ``},
		{`[{"a":1}]`, []string{"a"}, ``},
		{``, []string{"a"}, ``},
		{`{"a":`, []string{"a"}, ``},
	} {
		if got := string(scan.At([]byte(test.value), test.path)); got != test.want {
			t.Errorf("At(%s, %q) = %q, want %q", test.value, test.path, got, test.want)
		}
	}
}

// FuzzScan steps over anything: it must not panic, and it finds the members and
// elements that encoding/json finds.
func FuzzScan(f *testing.F) {
	for _, seed := range []string{`{"a":[1,{"b":"\\\""}],"c":-1.5e3}`, ` [ ] `, `{"a`, `[1,`, `"\`, `{"a":1}]`, `[1 2]`, `{"a" 1}`, ``, `}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		pos := scan.Space(value, 0)
		end := scan.Value(value, pos)
		members, elements := 0, 0
		if pos < len(value) {
			m := scan.Members{Data: value, Pos: pos}
			for name := m.Next(); name != nil; name = m.Next() {
				_ = scan.Text(name)
				members++
				m.Pos = scan.Value(value, m.Pos)
			}
			e := scan.Elements{Data: value, Pos: pos}
			for e.Next() {
				elements++
				e.Pos = scan.Value(value, e.Pos)
			}
		}
		if !json.Valid(value) {
			return
		}
		if want := bytes.TrimSpace(value); !bytes.Equal(value[pos:end], want) {
			t.Fatalf("Value(%s) = %q", value, value[pos:end])
		}
		var list []json.RawMessage
		if value[pos] == '[' && json.Unmarshal(value, &list) == nil && len(list) != elements {
			t.Errorf("%s has %d elements, not %d", value, len(list), elements)
		}
		var object map[string]json.RawMessage
		if value[pos] == '{' && json.Unmarshal(value, &object) == nil && len(object) > members {
			t.Errorf("%s has at least %d members, not %d", value, len(object), members)
		}
	})
}
