package bridge_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/internal/bridge"
)

// A request is sent again only if that is safe. The host gets one answer in
// every case.
func TestRetry(t *testing.T) {
	t.Parallel()
	const safe, unsafe = `"name":"look"`, `"name":"act"`
	for name, row := range map[string]struct {
		method, params string
		fail           func(s *fake, method string)
		sent           int
		answered       bool
		took           time.Duration
	}{
		"a list after 503":                 {"tools/list", "", fail(1, 503), 2, true, 250 * time.Millisecond},
		"a list after 502 and 504":         {"tools/list", "", fail(2, 502), 3, true, 750 * time.Millisecond},
		"503 with an error":                {"tools/list", "", refuseWith503, 2, true, 250 * time.Millisecond},
		"429 with a time":                  {"tools/list", "", fail(1, 429, "Retry-After", "7"), 2, true, 7 * time.Second},
		"429 with too long a time":         {"tools/list", "", fail(1, 429, "Retry-After", "3600"), 1, false, 0},
		"a storm ends":                     {"tools/list", "", fail(100, 503), 5, false, 3750 * time.Millisecond},
		"500 is an answer":                 {"tools/list", "", fail(1, 500), 1, false, 0},
		"a tool that only looks":           {"tools/call", safe, fail(1, 503), 2, true, 250 * time.Millisecond},
		"a tool that acts":                 {"tools/call", unsafe, fail(1, 503), 1, false, 0},
		"a tool that acts, asked to wait":  {"tools/call", unsafe, fail(1, 429, "Retry-After", "1"), 1, false, 0},
		"the connection breaks, a list":    {"tools/list", "", breaks, 2, true, 250 * time.Millisecond},
		"the connection breaks, acting":    {"tools/call", unsafe, breaks, 1, false, 0},
		"the stream breaks, a list":        {"prompts/list", "", cut, 2, true, 250 * time.Millisecond},
		"the stream breaks, acting":        {"tools/call", unsafe, cut, 1, false, 0},
		"an answer that is no JSON":        {"prompts/list", "", says("application/json", "{"), 1, false, 0},
		"an answer that is a page":         {"prompts/list", "", says("text/html", "<p>"), 1, false, 0},
		"an answer to somebody else":       {"prompts/list", "", says("application/json", `{"jsonrpc":"2.0","id":"x","result":{}}`), 1, false, 0},
		"a method that the bridge ignores": {"vendor/act", "", fail(1, 503), 1, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, latest, bridge.Config{}, func(t *testing.T, h *host, s *fake) {
				s.answer("tools/list", `{"tools":[{"name":"look","inputSchema":{},"annotations":{"readOnlyHint":true}},{"name":"act","inputSchema":{}}]}`)
				s.answer("tools/call", `{"content":[]}`)
				s.answer("prompts/list", `{"prompts":[]}`)
				s.answer("vendor/act", `{}`)
				h.initialize(previous)
				h.send(request(previous, `"first"`, "tools/list", ""))
				h.result(`"first"`)
				row.fail(s, row.method)
				before, began := s.count(row.method), time.Now()
				h.send(request(previous, "1", row.method, row.params))
				m := h.response("1")
				if got := s.count(row.method) - before; got != row.sent {
					t.Errorf("sent %d times, want %d", got, row.sent)
				}
				if answered := m.Error == nil; answered != row.answered {
					t.Errorf("the answer is %s", m.raw)
				}
				if took := time.Since(began); took != row.took {
					t.Errorf("it took %v, want %v", took, row.took)
				}
			})
		})
	}
}

// refuseWith503 answers once as serve does when it is full.
func refuseWith503(s *fake, method string) {
	s.handle(method, func(w http.ResponseWriter, r *http.Request) {
		s.handle(method, nil)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"error":{"code":-32603,"message":"full"}}`, r.Header.Get("Test-Id"))
	})
}
