package bridge_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/internal/bridge"
)

// A failure of the server is reported to the host as an internal error, with
// the kind of the failure.
func TestBlame(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"null":            "null",
		"a number":        "7",
		"a batch":         `[{"jsonrpc":"2.0","id":ID,"result":{}}]`,
		"half of it":      `{"jsonrpc":"2.0","id":ID,"result":{"a":`,
		"nothing":         "",
		"HTML":            "<html>",
		"another version": `{"jsonrpc":"1.0","id":ID,"result":{}}`,
		"no result":       `{"jsonrpc":"2.0","id":ID}`,
		"another id":      `{"jsonrpc":"2.0","id":77777,"result":{}}`,
		"a bad error":     `{"jsonrpc":"2.0","id":ID,"error":{"code":"x"}}`,
		"duplicate names": `{"jsonrpc":"2.0","id":ID,"result":{"a":1,"a":2}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, server := range []string{latest, previous} {
				if name == "a batch" && server == previous {
					continue // which has them
				}
				for _, contentType := range []string{"application/json", "text/event-stream"} {
					s := newFake(t, server)
					s.handle("tools/call", func(w http.ResponseWriter, r *http.Request) {
						text := strings.ReplaceAll(answer, "ID", r.Header.Get("Test-Id"))
						if contentType != "application/json" {
							text = "data: " + text + "\n\n"
						}
						w.Header().Set("Content-Type", contentType)
						_, _ = fmt.Fprint(w, text)
					})
					h := newHost(t, bridge.Config{URL: s.url})
					h.begin(server)
					h.send(request(server, "1", "tools/call", `"name":"t","arguments":{}`))
					m := h.response("1")
					kind := `{"kind":"protocol"}`
					if name == "nothing" && contentType != "application/json" {
						kind = `{"kind":"unreachable"}` // the stream has ended
					}
					if m.Error == nil || m.Error.Code != -32603 || string(m.Error.Data) != kind {
						t.Errorf("%s, %s: the host gets %s", server, contentType, m.raw)
					}
				}
			}
		})
	}
}

// Errors of the server, whatever their code, are its own.
func TestErrorsAreHandedOn(t *testing.T) {
	t.Parallel()
	for _, code := range []int{-32700, -32600, -32601, -32603, -32000, 1} {
		s := newFake(t, latest)
		s.handle("tools/call", func(w http.ResponseWriter, r *http.Request) {
			reply(w, fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"error":{"code":%d,"message":"mine","data":{"a":1}}}`, r.Header.Get("Test-Id"), code))
		})
		h := newHost(t, bridge.Config{URL: s.url})
		h.initialize(previous)
		h.send(request(previous, "1", "tools/call", `"name":"t","arguments":{}`))
		if m := h.response("1"); m.Error == nil || m.Error.Code != code || m.Error.Message != "mine" || string(m.Error.Data) != `{"a":1}` {
			t.Errorf("the host gets %s, want the code %d", m.raw, code)
		}
	}
}
