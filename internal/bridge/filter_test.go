package bridge_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/internal/bridge"
)

// Tools that the profile hides are neither listed nor called.
func TestFilter(t *testing.T) {
	t.Parallel()
	const list = `{"tools":[{"name":"look","annotations":{"readOnlyHint":true},"inputSchema":{"type":"object"}},{"name":"act","inputSchema":{}},{"name":"drop","inputSchema":{}}],"nextCursor":"n"}`
	for name, row := range map[string]struct {
		filter bridge.Filter
		listed []string
	}{
		"all":             {bridge.Filter{}, []string{"look", "act", "drop"}},
		"allow":           {bridge.Filter{Allow: []string{"act", "look"}}, []string{"look", "act"}},
		"deny":            {bridge.Filter{Deny: []string{"drop"}}, []string{"look", "act"}},
		"read only":       {bridge.Filter{ReadOnly: true}, []string{"look"}},
		"nothing is left": {bridge.Filter{ReadOnly: true, Deny: []string{"look"}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, version := range []string{latest, previous} {
				s := newFake(t, version)
				s.answer("tools/list", strings.Replace(list, `,"nextCursor":"n"`, "", 1))
				s.answer("tools/call", `{"content":[]}`)
				h := newHost(t, bridge.Config{URL: s.url, Tools: row.filter})
				h.begin(version)
				// The calls come first: a tool is hidden even if nobody has listed it.
				for i, tool := range []string{"look", "act", "drop"} {
					h.send(request(version, fmt.Sprint(i), "tools/call", fmt.Sprintf(`"name":%q`, tool)))
					m := h.response(fmt.Sprint(i))
					if want := slices.Contains(row.listed, tool); (m.Error == nil) != want {
						t.Errorf("%s: the call of %s is answered with %s", version, tool, m.raw)
					}
				}
				h.send(request(version, "9", "tools/list", ""))
				got := h.result("9")
				for _, tool := range []string{"look", "act", "drop"} {
					if listed := strings.Contains(got, `"`+tool+`"`); listed != slices.Contains(row.listed, tool) {
						t.Errorf("%s: the list is %s", version, got)
					}
				}
				if len(row.listed) == 3 && got != strings.Replace(list, `,"nextCursor":"n"`, "", 1) {
					t.Errorf("%s: a list that nothing is taken from is %s", version, got)
				}
			}
		})
	}
}
