package handshake_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/internal/handshake"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/sse"
)

// restless is a handler that does everything a handler can do.
type restless struct{ *feed }

func (h restless) Handle(ctx context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
	if req.Method != "tools/call" {
		return h.feed.Handle(ctx, req, notify)
	}
	var wg sync.WaitGroup
	for i := range 5 {
		wg.Go(func() {
			notify(jsonrpc.Notification{Method: "notifications/message", Params: fmt.Appendf(nil, `{"data":%d}`, i)})
			switch i {
			case 2:
				req.StreamCloser.CloseStream(time.Millisecond)
			case 3:
				h.toolsChanged()
			case 4:
				short, cancel := context.WithTimeout(ctx, time.Millisecond)
				defer cancel()
				_, _ = req.Asker.Ask(short, "roots/list", nil)
			}
		})
	}
	wg.Wait()
	return result(req, `{}`)
}

// Clients that connect, disconnect and come back at any moment, and cancel
// requests and end sessions, get the answers to all requests that they have not
// cancelled.
func TestStorm(t *testing.T) {
	t.Parallel()
	h := restless{newFeed("a:1")}
	h.ended = make(chan struct{}, 100_000)
	endpoint, handshakeHTTP := newEndpoint(h, handshake.HTTPConfig{MaxSessions: 6})
	server := connect(t, endpoint, "2025-11-25")
	var wg sync.WaitGroup
	for seed := range uint64(8) {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(seed, 0))
			for range 20 {
				c := *server
				c.session = initialize(t, endpoint, c.version)
				storm(t, &c, random)
			}
		})
	}
	wg.Wait()
	handshakeHTTP.Close()
	if err := handshakeHTTP.Wait(t.Context()); err != nil {
		t.Errorf("Wait() = %v", err)
	}
	if n := h.count(); n > 0 {
		t.Errorf("%d subscriptions are left", n)
	}
}

// storm is one session.
func storm(t *testing.T, c *client, random *rand.Rand) {
	exchange := func(r *http.Request) *http.Response {
		resp, err := c.http.Do(r)
		if err != nil {
			t.Error(err)
			return &http.Response{Body: http.NoBody}
		}
		return resp
	}
	done := func(r *http.Request) { exchange(r).Body.Close() }
	post := func(message string) *http.Request {
		return newMessage(t.Context(), c.url, c.version, c.session, message)
	}
	if random.IntN(2) == 0 {
		done(post(subscription("subscribe", "a:1")))
		done(c.newRequest(http.MethodGet, "")) // leaves at once
	}
	cancels, deletes := random.IntN(4) == 0, random.IntN(4) == 0
	resp := exchange(post(callMessage))
	last, answer := "", ""
	for try := 0; answer == "" && try < 100; try++ {
		reader := sse.NewReader(resp.Body, 1<<20)
		for n := random.IntN(4); n >= 0; n-- {
			e, err := reader.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Errorf("read an event: %v", err)
				return
			}
			last = e.ID
			if m := (message{}); len(e.Data) > 0 {
				if m = parse(t, e.Data); m.Result != nil {
					answer = string(m.Result)
				}
			}
		}
		resp.Body.Close()
		switch {
		case cancels:
			done(post(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`))
			return
		case deletes:
			done(c.newRequest(http.MethodDelete, ""))
			return
		case last == "":
			t.Errorf("there is no event: HTTP %d %v", resp.StatusCode, resp.Header)
			return
		case answer == "":
			resp = exchange(c.newRequest(http.MethodGet, last))
			if resp.StatusCode != http.StatusOK {
				// The state of the session has made room for others.
				resp.Body.Close()
				return
			}
		}
	}
	if answer == "" {
		t.Error("there is no answer")
	}
}
