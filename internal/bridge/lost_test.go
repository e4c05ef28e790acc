package bridge_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/internal/bridge"
)

// If the server has forgotten the session, a new one begins. This also holds
// for a call that must not be made twice, because the server has refused it.
func TestSessionLost(t *testing.T) {
	t.Parallel()
	bubble(t, previous, bridge.Config{}, func(t *testing.T, h *host, s *fake) {
		s.answer("tools/call", `{"content":[]}`)
		h.initialize(previous)
		h.send(request(previous, "1", "tools/call", `"name":"act"`))
		h.result("1")
		s.mu.Lock()
		s.session = "s2"
		s.mu.Unlock()
		h.send(request(previous, "2", "tools/call", `"name":"act"`))
		h.result("2")
		if got := s.count("initialize"); got != 2 {
			t.Errorf("%d handshakes, want 2", got)
		}
	})
}

// A new session gets the subscriptions and the log level of the last one, and
// the host is notified that anything may have changed.
func TestSessionLostWithSubscriptions(t *testing.T) {
	t.Parallel()
	for _, hosts := range []string{previous, latest} {
		t.Run(hosts, func(t *testing.T) {
			t.Parallel()
			bubble(t, previous, bridge.Config{}, func(t *testing.T, h *host, s *fake) {
				s.answer("initialize", `{"protocolVersion":"2025-11-25","capabilities":{"tools":{"listChanged":true},"resources":{"subscribe":true},"logging":{}},"serverInfo":{"name":"fake","version":"1"}}`)
				for _, method := range []string{"logging/setLevel", "resources/subscribe"} {
					s.answer(method, `{}`)
				}
				s.answer("tools/list", `{"tools":[]}`)
				h.begin(hosts)
				if hosts == latest {
					h.send(request(latest, `"sub"`, "subscriptions/listen", `"notifications":{"toolsListChanged":true,"resourceSubscriptions":["file:///a"]}`))
					h.notification("notifications/subscriptions/acknowledged")
				} else {
					h.send(request(previous, "1", "logging/setLevel", `"level":"error"`))
					h.result("1")
					h.send(request(previous, "2", "resources/subscribe", `"uri":"file:///a"`))
					h.result("2")
				}
				s.mu.Lock()
				s.session = "s2"
				s.mu.Unlock()
				h.send(request(hosts, "3", "tools/list", ""))
				h.result("3")
				h.notification("notifications/resources/updated")
				h.notification("notifications/tools/list_changed")
				if got := s.count("resources/subscribe"); got != 2 {
					t.Errorf("subscribed %d times, want 2", got)
				}
				if got := s.count("logging/setLevel"); hosts == previous && got != 2 {
					t.Errorf("the level was set %d times, want 2", got)
				}
			})
		})
	}
}

// After a single 404 the server is asked again.
func TestTransient404(t *testing.T) {
	t.Parallel()
	bubble(t, latest, bridge.Config{}, func(t *testing.T, h *host, s *fake) {
		s.answer("prompts/list", `{"prompts":[]}`)
		h.initialize(previous)
		for _, method := range []string{"prompts/list", "server/discover", "initialize"} {
			fail(1, 404)(s, method)
		}
		h.send(request(previous, "1", "prompts/list", ""))
		h.response("1") // any response
		h.send(request(previous, "2", "prompts/list", ""))
		if got, want := h.result("2"), `{"prompts":[]}`; got != want {
			t.Errorf("the list is %s, want %s", got, want)
		}
	})
}

// A lost subscription is made again, and the host is notified that anything may
// have changed.
func TestSubscriptionLost(t *testing.T) {
	t.Parallel()
	for _, hosts := range []string{previous, latest} {
		t.Run(hosts, func(t *testing.T) {
			t.Parallel()
			bubble(t, latest, bridge.Config{}, func(t *testing.T, h *host, s *fake) {
				s.answer("server/discover", `{"supportedVersions":["2026-07-28"],"capabilities":{"tools":{"listChanged":true}}}`)
				s.handle("subscriptions/listen", func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Content-Type", "text/event-stream")
					fmt.Fprintf(w, "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/acknowledged\",\"params\":{\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":%s},\"notifications\":{\"toolsListChanged\":true}}}\n\n", r.Header.Get("Test-Id"))
				})
				h.begin(hosts)
				if hosts == latest {
					h.send(request(latest, `"sub"`, "subscriptions/listen", `"notifications":{"toolsListChanged":true}`))
					h.notification("notifications/subscriptions/acknowledged")
				}
				changed := h.notification("notifications/tools/list_changed")
				if strings.Contains(changed.raw, `"sub"`) != (hosts == latest) {
					t.Errorf("the change is %s", changed.raw)
				}
				for _, m := range h.seen {
					if m.Method == "notifications/subscriptions/acknowledged" {
						t.Errorf("acknowledged again: %s", m.raw)
					}
				}
			})
		})
	}
}
