package bridge_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/mcpengine/mcpengine/internal/bridge"
)

// A host of a version without mirrored arguments calls a tool that has some,
// without listing the tools. The first call has the header field already, and
// the server is asked for its tools once.
func TestFirstCallMirrors(t *testing.T) {
	t.Parallel()
	s := newFake(t, latest)
	s.answer("tools/list", `{"tools":[{"name":"act","inputSchema":{"properties":{"region":{"type":"string","x-mcp-header":"Region"}}}}]}`)
	var fields []string
	s.handle("tools/call", func(w http.ResponseWriter, r *http.Request) {
		fields = append(fields, r.Header.Get("Mcp-Param-Region"))
		reply(w, complete(r.Header.Get("Test-Id")))
	})
	h := newHost(t, bridge.Config{URL: s.url})
	h.initialize(previous)
	for id, tool := range []string{"act", "new", "act", "new"} {
		h.send(request(previous, fmt.Sprint(id), "tools/call", fmt.Sprintf(`"name":%q,"arguments":{"region":"Var"}`, tool)))
		h.result(fmt.Sprint(id))
	}
	if got := fmt.Sprintf("%q", fields); got != `["Var" "" "Var" ""]` {
		t.Errorf("the fields are %s", got)
	}
	if got := s.count("tools/list"); got != 1 {
		t.Errorf("the tools were listed %d times, want 1", got)
	}
}
