package bridge_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/mcpengine/mcpengine/internal/bridge"
)

// Every request gets one answer, even if the server dies while all are under
// way.
func TestOneAnswerEach(t *testing.T) {
	t.Parallel()
	for _, status := range []int{0, 401, 403, 404, 429, 500, 502, 503} {
		for _, hosts := range []string{previous, latest} {
			t.Run(fmt.Sprint(status, " to ", hosts), func(t *testing.T) {
				t.Parallel()
				bubble(t, latest, bridge.Config{MaxConcurrent: 8}, func(t *testing.T, h *host, s *fake) {
					s.answer("prompts/list", `{"prompts":[]}`)
					h.begin(hosts)
					h.send(request(hosts, `"first"`, "prompts/list", ""))
					h.result(`"first"`)
					for _, method := range []string{"prompts/list", "tools/call", "server/discover", "initialize"} {
						s.handle(method, func(w http.ResponseWriter, _ *http.Request) {
							if status == 0 {
								panic(http.ErrAbortHandler)
							}
							w.WriteHeader(status)
						})
					}
					const n = 40
					go func() {
						for id := range n {
							method, params := "prompts/list", ""
							if id%2 == 1 {
								method, params = "tools/call", `"name":"act"`
							}
							h.send(request(hosts, fmt.Sprint(id), method, params))
						}
					}()
					answers := make(map[string]int)
					for range n {
						m := h.wait("answer", func(m message) bool { return m.Method == "" })
						if m.Error == nil {
							t.Errorf("a dead server has answered %s", m.raw)
						}
						answers[string(m.ID)]++
					}
					if len(answers) != n {
						t.Errorf("%d of %d requests are answered", len(answers), n)
					}
					for _, method := range []string{"prompts/list", "tools/call", "server/discover", "initialize"} {
						s.handle(method, nil)
					}
					h.send(request(hosts, `"last"`, "prompts/list", ""))
					h.result(`"last"`) // it is back
				})
			})
		}
	}
}
