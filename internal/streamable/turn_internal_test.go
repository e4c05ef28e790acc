package streamable

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

type discover struct{ jsonrpc.Handler }

func (discover) Handle(context.Context, *jsonrpc.Request, func(jsonrpc.Notification)) *jsonrpc.Response {
	return &jsonrpc.Response{Status: http.StatusOK, Body: []byte(`{}`)}
}

// While large messages have all turns, another large message waits until its
// client leaves. Small messages are answered.
func TestLargeMessagesTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(discover{}, Config{MaxBody: 1 << 20})
		post := func(ctx context.Context, padding int) *httptest.ResponseRecorder {
			body := `{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{"x":"` + strings.Repeat("x", padding) +
				`","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}`
			r := httptest.NewRequestWithContext(ctx, http.MethodPost, "http://localhost/mcp", strings.NewReader(body))
			r.Header = http.Header{
				"Content-Type": {"application/json"}, "Accept": {"application/json, text/event-stream"},
				"Mcp-Protocol-Version": {"2026-07-28"}, "Mcp-Method": {"server/discover"},
			}
			w := httptest.NewRecorder()
			w.Code = 0
			s.ServeHTTP(w, r)
			return w
		}
		for range cap(s.large) {
			s.large.enter(t.Context())
		}
		var wg sync.WaitGroup
		var waiting, left *httptest.ResponseRecorder
		ctx, leave := context.WithCancel(t.Context())
		wg.Go(func() { waiting = post(t.Context(), largeMessage) })
		wg.Go(func() { left = post(ctx, largeMessage) })
		synctest.Wait()
		if w := post(t.Context(), 0); w.Code != http.StatusOK {
			t.Errorf("a small message: HTTP %d %s", w.Code, w.Body)
		}
		if waiting != nil || left != nil {
			t.Error("a large message is answered before its turn")
		}
		leave()
		synctest.Wait()
		if left == nil || left.Code != 0 {
			t.Errorf("a client that has left is answered: %v", left)
		}
		s.large.leave()
		wg.Wait()
		if waiting.Code != http.StatusOK {
			t.Errorf("a large message in its turn: HTTP %d %s", waiting.Code, waiting.Body)
		}
	})
}
