package peer_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/peer"
)

// An odd server answers every request but the handshake with arbitrary bytes.
type odd struct {
	status     int
	kind, body string
	asked      int
}

func (s *odd) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	id, method := request(r)
	switch {
	case method == "initialize":
		w.Header().Set("Mcp-Session-Id", "s")
		reply(w, id, initialized)
	case method == "notifications/initialized":
		w.WriteHeader(http.StatusAccepted)
	case r.Method != http.MethodPost:
		w.WriteHeader(http.StatusMethodNotAllowed)
	default:
		s.asked++
		w.Header().Set("Content-Type", s.kind)
		w.WriteHeader(s.status)
		_, _ = io.WriteString(w, strings.ReplaceAll(s.body, "ID", id))
	}
	return w.Result(), nil
}

// Whatever a server answers, connecting and calling end after few requests: with a
// result, or with an error that says what to do.
func FuzzAnswers(f *testing.F) {
	for _, lost := range lostSessions {
		f.Add(lost.status, "application/json", lost.body)
	}
	f.Add(200, "text/event-stream", "id: 1\nretry: 1\ndata:\n\n")
	f.Add(200, "text/html", "<html>")
	f.Add(200, "application/json", `{"jsonrpc":"2.0","id":ID,"result":{"supportedVersions":["2026-07-28"]}}`)
	f.Add(400, "application/json", `{"jsonrpc":"2.0","id":ID,"error":{"code":-32022,"message":"","data":{"supported":["2026-07-28"]}}}`)
	f.Fuzz(func(t *testing.T, status int, kind, body string) {
		if status < 200 || status > 599 || strings.Contains(kind, "event-stream") && strings.Contains(body, "id") {
			return // a stream that is resumed takes its time
		}
		server := &odd{status: status, kind: kind, body: body}
		c, err := peer.Dial(t.Context(), "http://server.example/mcp", peer.Config{HTTPClient: &http.Client{Transport: server}})
		if err == nil {
			_, err = c.Call(t.Context(), peer.Call{Method: "tools/call"})
			c.Close()
		}
		if server.asked > 12 {
			t.Errorf("%d requests", server.asked)
		}
		if err == nil {
			return
		}
		_, rpc := errors.AsType[*jsonrpc.Error](err)
		if !rpc && !known(err) {
			t.Errorf("an error without a type: %v", err)
		}
	})
}

func known(err error) bool {
	_, auth := errors.AsType[*peer.AuthError](err)
	_, status := errors.AsType[*peer.StatusError](err)
	_, unreachable := errors.AsType[*peer.UnreachableError](err)
	_, session := errors.AsType[*peer.SessionError](err)
	return auth || status || unreachable || session || isProtocol(err)
}
