package bridge_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpengine/mcpengine/internal/bridge"
	"github.com/mcpengine/mcpengine/internal/peer"
)

// A body that arrives byte by byte times out like a body that does not arrive:
// only messages count as progress. Other requests, at the same time and
// afterwards, are answered.
func TestSlowBody(t *testing.T) {
	t.Parallel()
	const (
		json   = "application/json"
		events = "text/event-stream"
		log    = `data: {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}` + "\n\n"
	)
	for name, row := range map[string]struct {
		kind string
		body func(id string) string
		pace time.Duration // between two bytes
		took time.Duration // 0 when it is answered in time
	}{
		"nothing after the head":          {json, func(string) string { return "" }, 0, 10 * time.Second},
		"no events after the head":        {events, func(string) string { return "" }, 0, 10 * time.Second},
		"JSON that stops":                 {json, func(id string) string { return `{"jsonrpc":"2.0","id":` + id }, 0, 10 * time.Second},
		"JSON, a byte now and then":       {json, complete, 3 * time.Second, 10 * time.Second},
		"JSON, slow and in time":          {json, complete, 100 * time.Millisecond, 0},
		"an event that stops":             {events, func(id string) string { return `data: {"jsonrpc":"2.0","id":` + id }, 0, 10 * time.Second},
		"an event without its end":        {events, func(id string) string { return "data: " + complete(id) + "\n" }, 0, 10 * time.Second},
		"events, a byte now and then":     {events, func(id string) string { return "data: " + complete(id) + "\n\n" }, 3 * time.Second, 10 * time.Second},
		"events, slow and in time":        {events, func(id string) string { return "data: " + complete(id) + "\n\n" }, 100 * time.Millisecond, 0},
		"comments are no messages":        {events, func(string) string { return strings.Repeat(":\n", 40) }, time.Second, 10 * time.Second},
		"a message, then half an event":   {events, func(id string) string { return log + `data: {"jsonrpc":"2.0","id":` + id }, 0, 10 * time.Second},
		"a message, then now and then":    {events, func(id string) string { return log + "data: " + complete(id) + "\n\n" }, 100 * time.Millisecond, 0},
		"an event that is never finished": {events, func(string) string { return "data: " + strings.Repeat("x", 1000) }, time.Second, 10 * time.Second},
	} {
		for _, version := range []string{latest, previous} {
			t.Run(name+" from "+version, func(t *testing.T) {
				t.Parallel()
				bubble(t, version, bridge.Config{Peer: peer.Config{IdleTimeout: 10 * time.Second}}, func(t *testing.T, h *host, s *fake) {
					s.answer("prompts/list", `{"prompts":[]}`)
					h.initialize(previous)
					ended := make(chan struct{})
					s.handle("tools/call", func(w http.ResponseWriter, r *http.Request) {
						defer close(ended)
						w.Header().Set("Content-Type", row.kind)
						w.WriteHeader(http.StatusOK)
						dribble(w, r, row.body(r.Header.Get("Test-Id")), row.pace)
						if row.took > 0 {
							<-r.Context().Done()
						}
					})
					began := time.Now()
					h.send(request(previous, "1", "tools/call", `"name":"act"`))
					h.send(request(previous, "2", "prompts/list", ""))
					h.result("2")
					if took := time.Since(began); took != 0 {
						t.Errorf("the other request took %v", took)
					}
					m := h.response("1")
					took := time.Since(began)
					switch {
					case row.took == 0 && m.Error != nil, row.took != 0 && m.Error == nil:
						t.Errorf("the answer is %s", m.raw)
					case row.took != 0 && !strings.Contains(string(m.Error.Data), "timeout"):
						t.Errorf("the error is %s", m.raw)
					case row.took != 0 && took != row.took:
						t.Errorf("it took %v, want %v", took, row.took)
					}
					<-ended // the server sees the cancellation
					if got := s.count("tools/call"); got != 1 {
						t.Errorf("the tool was called %d times", got)
					}
					h.send(request(previous, "3", "prompts/list", ""))
					h.result("3")
				})
			})
		}
	}
}

// complete is a response.
func complete(id string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":{"content":[]}}`, id)
}

// dribble writes text a byte at a time, until nobody reads.
func dribble(w io.Writer, r *http.Request, text string, pace time.Duration) {
	for i := range len(text) {
		if _, err := io.WriteString(w, text[i:i+1]); err != nil {
			return
		}
		if peer.Sleep(r.Context(), pace) != nil {
			return
		}
	}
}

// On the wire an answer can stop at places where no handler could stop it. Its
// connection is not used again.
func TestUnfinishedAnswer(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"no head":                     "",
		"half a status line":          "HTTP/1.1 2",
		"half a head":                 "HTTP/1.1 200 OK\r\nContent-Type: application/js",
		"less than Content-Length":    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n{\"jsonrpc\":",
		"half a size of a chunk":      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1",
		"a chunk that stops":          "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{\"jsonrpc\":",
		"no last chunk":               "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{\"\r\n",
		"an event that stops":         "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n8\r\ndata: {\"\r\n",
		"endless informational":       "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n",
		"an error that is unfinished": "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n{\"jsonrpc\":",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newFake(t, latest)
			s.answer("prompts/list", `{"prompts":[]}`)
			h := newHost(t, bridge.Config{URL: s.url, Peer: peer.Config{
				IdleTimeout: 5 * time.Second, HTTPClient: peer.NewHTTPClient(peer.TLSConfig{}),
			}})
			h.initialize(previous)
			h.send(request(previous, "1", "prompts/list", ""))
			h.result("1")
			closed := make(chan struct{})
			s.handle("tools/call", func(w http.ResponseWriter, _ *http.Request) {
				defer close(closed)
				conn, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close()
				_, _ = io.WriteString(conn, raw)
				_, _ = io.Copy(io.Discard, conn) // until the bridge closes it
			})
			h.send(request(previous, "2", "tools/call", `"name":"act"`))
			if m := h.response("2"); m.Error == nil || !strings.Contains(string(m.Error.Data), "timeout") {
				t.Errorf("the answer is %s", m.raw)
			}
			within(t, closed, "the connection is closed")
			h.send(request(previous, "3", "prompts/list", ""))
			h.result("3")
			if got := s.count("tools/call"); got != 1 {
				t.Errorf("the tool was called %d times", got)
			}
		})
	}
}

// The maximum number of calls block. The host's cancellations, pings and lists
// are handled all the same, and a waiting call is answered in its turn.
func TestBlockedCalls(t *testing.T) {
	t.Parallel()
	for _, server := range []string{latest, previous} {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			bubble(t, server, bridge.Config{Grace: time.Millisecond}, func(t *testing.T, h *host, s *fake) {
				s.answer("tools/list", `{"tools":[]}`)
				s.handle("tools/call", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
				h.initialize(previous)
				for i := range 130 {
					h.send(request(previous, fmt.Sprint(i), "tools/call", `"name":"wait","arguments":{}`))
				}
				synctest.Wait()
				if got := s.count("tools/call"); got != 128 {
					t.Errorf("the server has %d calls, want 128", got)
				}
				h.send(request(previous, `"ping"`, "ping", ""))
				h.result(`"ping"`)
				h.send(request(previous, `"list"`, "tools/list", ""))
				h.result(`"list"`)
				h.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":0}}`)
				synctest.Wait()
				if got := s.count("tools/call"); got != 129 {
					t.Errorf("the server has had %d calls once one is cancelled, want 129", got)
				}
			})
		})
	}
}
