package bridge_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/internal/bridge"
	"github.com/mcpengine/mcpengine/internal/peer"
)

// A request to a silent server, such as a stopped one, fails after the
// time-out. A request with progress does not.
func TestTimeout(t *testing.T) {
	t.Parallel()
	for _, version := range []string{latest, previous} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			bubble(t, version, bridge.Config{Peer: peer.Config{IdleTimeout: 10 * time.Second}}, func(t *testing.T, h *host, s *fake) {
				h.initialize(previous)
				s.handle("tools/call", func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Content-Type", "text/event-stream")
					for step := range 4 {
						<-time.After(8 * time.Second) // in the bubble
						fmt.Fprintf(w, "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":%s,\"progress\":%d}}\n\n", r.Header.Get("Test-Id"), step+1)
					}
					fmt.Fprintf(w, "data: {\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{\"content\":[]}}\n\n", r.Header.Get("Test-Id"))
				})
				h.send(request(previous, "0", "tools/call", `"name":"sleep","_meta":{"progressToken":"t"}`))
				for range 4 {
					h.notification("notifications/progress")
				}
				h.result("0")

				s.handle("tools/call", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
				began := time.Now()
				h.send(request(previous, "1", "tools/call", `"name":"sleep"`))
				m := h.response("1")
				if m.Error == nil || !strings.Contains(string(m.Error.Data), "timeout") {
					t.Errorf("the answer is %s", m.raw)
				}
				if took := time.Since(began); took != 10*time.Second {
					t.Errorf("it took %v, want 10 s", took)
				}
			})
		})
	}
}

// One limit holds for the whole request: for connecting to a server that
// accepts and is silent, and for sending the request again to a server that is
// away.
func TestOneLimit(t *testing.T) {
	t.Parallel()
	silent := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	away := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "2")
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	for _, version := range []string{latest, previous} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			bubble(t, version, bridge.Config{Peer: peer.Config{IdleTimeout: 3 * time.Second}}, func(t *testing.T, h *host, s *fake) {
				within := func(id string, send func()) {
					t.Helper()
					began := time.Now()
					send()
					m := h.response(id)
					if took := time.Since(began); m.Error == nil || took > 3*time.Second {
						t.Errorf("%s after %v, want an error within 3 s", m.raw, took)
					}
				}
				for _, method := range []string{"server/discover", "initialize"} {
					s.handle(method, silent)
				}
				within("7", func() {
					h.send(`{"jsonrpc":"2.0","id":7,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"h","version":"1"}}}`)
				})
				for _, method := range []string{"server/discover", "initialize"} {
					s.handle(method, nil)
				}
				for i, refuse := range []http.HandlerFunc{silent, away} {
					s.handle("tools/list", refuse)
					id := fmt.Sprint(i)
					within(id, func() { h.send(request(previous, id, "tools/list", "")) })
				}
			})
		})
	}
}
