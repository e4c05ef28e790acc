package bridge_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/internal/bridge"
)

// A host gets what its version allows, as it would from the engine itself,
// whatever the server has: hosts refuse a whole list because of one definition.
func TestShapesOfOtherVersions(t *testing.T) {
	t.Parallel()
	const (
		structured = `"structuredContent":[1]`
		wrapped    = `"structuredContent":{"result":[1]}`
		audio      = `{"type":"audio","data":"AAAA","mimeType":"audio/wav"}`
		link       = `{"type":"resource_link","uri":"a:b","name":"n"}`
	)
	for version, want := range map[string]struct{ has, lacks []string }{
		"2025-11-25": {
			has:   []string{`"outputSchema":{"type":"object","properties":{"result":{"type":"array"}},"required":["result"]}`, `"title":"T"`, `"icons":[]`, wrapped, audio, link, `"message":"half"`},
			lacks: []string{"resultType", structured},
		},
		"2025-06-18": {
			has:   []string{`"outputSchema":{"type":"object"`, `"title":"T"`, wrapped, audio, link, `"message":"half"`},
			lacks: []string{"icons", structured},
		},
		"2025-03-26": {
			has:   []string{audio, `{"type":"text","text":"[n](a:b)"}`, `"annotations":{}`, `"message":"half"`},
			lacks: []string{"outputSchema", "structuredContent", "icons", `"title"`, link},
		},
		"2024-11-05": {
			has:   []string{`has no audio]`, `{"type":"text","text":"[n](a:b)"}`, `"progress":1`},
			lacks: []string{"outputSchema", "structuredContent", "icons", `"title"`, `"annotations":{}`, audio, link, `"message"`},
		},
	} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, newest)
			f.answer("tools/list", `{"resultType":"complete","ttlMs":0,"cacheScope":"private","tools":[{"name":"t","title":"T","icons":[],"annotations":{},"inputSchema":{"type":"object"},"outputSchema":{"type":"array"}}]}`)
			f.handle("tools/call", progressThen(`{"resultType":"complete","content":[`+audio+`,`+link+`],`+structured+`}`))
			h := newHost(t, bridge.Config{URL: f.url})
			h.initialize(version)
			h.send(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`)
			got := h.response(`1`).raw
			h.send(`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"t","_meta":{"progressToken":7}}}`)
			for m := h.next(); ; m = h.next() {
				got += m.raw
				if string(m.ID) == "2" {
					break
				}
			}
			for _, text := range want.has {
				if !strings.Contains(got, text) {
					t.Errorf("%s is missing from %s", text, got)
				}
			}
			for _, text := range want.lacks {
				if strings.Contains(got, text) {
					t.Errorf("%s is in %s", text, got)
				}
			}
		})
	}
}

// progressThen answers a call with progress and then the result.
func progressThen(result string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		id := r.Header.Get("Test-Id")
		fmt.Fprintf(w, "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":%s,\"progress\":1,\"message\":\"half\"}}\n\n", id)
		fmt.Fprintf(w, "data: {\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":%s}\n\n", id, result)
	}
}
