package handshake_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/handshake"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/sse"
)

// Only one version has batches (2025-03-26, basic, "Batching").
func TestBatch(t *testing.T) {
	t.Parallel()
	const (
		ping  = `{"jsonrpc":"2.0","id":1,"method":"ping"}`
		ping2 = `{"jsonrpc":"2.0","id":"b","method":"ping"}`
		note  = `{"jsonrpc":"2.0","method":"notifications/x"}`
		reply = `{"jsonrpc":"2.0","id":"x","result":{}}`
		wrong = `{"jsonrpc":"1.0","id":7,"method":"ping"}`

		pong     = `{"jsonrpc":"2.0","id":1,"result":{}}`
		pong2    = `{"jsonrpc":"2.0","id":"b","result":{}}`
		mistaken = `{"jsonrpc":"2.0","id":7,"error":{"code":-32600,"message":"jsonrpc must be \"2.0\""}}`
		isBatch  = `{"jsonrpc":"2.0","error":{"code":-32600,"message":"a message is one JSON object: batches are not part of the protocol"}}`
	)
	for _, test := range []struct {
		name, version, batch string
		status               int
		want                 string
	}{
		{"request", "2025-03-26", `[` + ping + `]`, 200, `[` + pong + `]`},
		{"two requests", "2025-03-26", ` [ ` + ping + ` , ` + ping2 + `]`, 200, `[` + pong + `,` + pong2 + `]`},
		{"request and notification", "2025-03-26", `[` + note + `,` + ping2 + `]`, 200, `[` + pong2 + `]`},
		{"request and response", "2025-03-26", `[` + ping + `,` + reply + `]`, 200, `[` + pong + `]`},
		{"notifications", "2025-03-26", `[` + note + `,` + note + `]`, 202, ``},
		{"responses", "2025-03-26", `[` + reply + `,` + reply + `]`, 202, ``},
		{"mistakes", "2025-03-26", `[` + wrong + `,` + ping + `,1]`, 200, `[` + mistaken + `,` + pong +
			`,{"jsonrpc":"2.0","error":{"code":-32600,"message":"a message is a JSON object"}}]`},
		{
			"malformed response", "2025-03-26", `[` + strings.Replace(reply, "{}", `{},"error":{}`, 1) + `]`, 200,
			`[{"jsonrpc":"2.0","error":{"code":-32600,"message":"a response has either a result or an error"}}]`,
		},
		{"batch in a batch", "2025-03-26", `[[` + ping + `]]`, 200, `[` + isBatch + `]`},
		{
			"initialize", "2025-03-26", `[` + initializeMessage("2025-03-26", "{}") + `]`, 200,
			`[{"jsonrpc":"2.0","id":0,"error":{"code":-32600,"message":"initialize must not be part of a batch"}}]`,
		},
		{
			"setting of a level", "2025-03-26", `[{"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":"x"}},` + ping2 + `]`, 200,
			`[{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"params.level must be one of debug, info, notice, warning, error, critical, alert, emergency"}},` + pong2 + `]`,
		},
		{"empty", "2025-03-26", `[]`, 400, `{"jsonrpc":"2.0","error":{"code":-32600,"message":"the batch is empty"}}`},
		{
			"too long", "2025-03-26", `[` + strings.Repeat(ping+",", 64) + ping + `]`, 400,
			`{"jsonrpc":"2.0","error":{"code":-32600,"message":"a batch has at most 64 messages"}}`,
		},
		{"in 2025-06-18", "2025-06-18", `[` + ping + `]`, 400, isBatch},
		{"in 2025-11-25", "2025-11-25", `[` + ping + `]`, 400, isBatch},
		{"in 2024-11-05", "2024-11-05", `[` + ping + `]`, 400, isBatch},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for _, stateless := range []bool{false, true} {
				h, _ := newEndpoint(handlerFunc(complete), handshake.HTTPConfig{NoSessions: stateless})
				id := initialize(t, h, test.version)
				w := serve(h, newMessage(t.Context(), inMemory, test.version, id, test.batch))
				if diff := cmp.Diff(test.want, w.Body.String()); w.Code != test.status || diff != "" {
					t.Errorf("stateless %v: HTTP %d, want %d (-want +got):\n%s", stateless, w.Code, test.status, diff)
				}
			}
		})
	}
}

// The notifications of all requests of a batch travel on one stream, and the
// responses end it.
func TestBatchStream(t *testing.T) {
	t.Parallel()
	h, _ := newEndpoint(notes(1), handshake.HTTPConfig{})
	id := initialize(t, h, "2025-03-26")
	w := serve(h, newMessage(t.Context(), inMemory, "2025-03-26", id, `[`+callMessage+`,`+strings.Replace(callMessage, "1", "2", 1)+`]`))
	got := data((&stream{t: t, reader: sse.NewReader(w.Body, 1<<20)}).rest())
	if len(got) != 3 || got[0] != note(0) || got[1] != note(0) || got[2][0] != '[' {
		t.Errorf("the events are %q", got)
	}
}

// A request of a batch is cancelled like any other, and the others go on.
func TestBatchCancel(t *testing.T) {
	t.Parallel()
	entered := make(chan struct{}, 1)
	var once sync.Once
	h, _ := newEndpoint(handlerFunc(func(ctx context.Context, req *jsonrpc.Request, _ func(jsonrpc.Notification)) *jsonrpc.Response {
		if req.Method == "tools/call" {
			once.Do(func() { entered <- struct{}{} })
			<-ctx.Done()
		}
		return result(req, `{}`)
	}), handshake.HTTPConfig{})
	c := connect(t, h, "2025-03-26")
	answer := make(chan string, 1)
	go func() {
		w := serve(h, newMessage(t.Context(), inMemory, c.version, c.session, `[`+callMessage+`,{"jsonrpc":"2.0","id":2,"method":"ping"}]`))
		answer <- w.Body.String()
	}()
	await(t, entered, "the handler")
	if got := cancelled(c).StatusCode; got != http.StatusAccepted {
		t.Errorf("HTTP %d", got)
	}
	if got, want := await(t, answer, "the answer"), `[{"jsonrpc":"2.0","id":2,"result":{}}]`; got != want {
		t.Errorf("the answer is %s, want %s", got, want)
	}
}
