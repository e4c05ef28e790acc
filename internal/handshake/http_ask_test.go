package handshake_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/internal/handshake"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// A request to the client travels on the stream of the request that caused it,
// and the answer comes with a POST of its own.
func TestAsk(t *testing.T) {
	t.Parallel()
	const accepted = `{"action":"accept"}`
	for _, test := range []struct {
		name   string
		answer string // the rest of a response whose id is right
		result string
		err    string
	}{
		{"result", `"result":` + accepted, accepted, ""},
		{"error", `"error":{"code":-1,"message":"user is asleep"}`, "", "the client answered elicitation/create: user is asleep (-1)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := newScript()
			endpoint, _ := newEndpoint(h, handshake.HTTPConfig{})
			c := connect(t, endpoint, "2025-11-25")
			answers := c.start(callMessage)
			type outcome struct{ result, err string }
			outcomes := make(chan outcome, 1)
			h.begin(t, func(ctx context.Context, req *jsonrpc.Request, _ func(jsonrpc.Notification)) {
				result, err := req.Asker.Ask(ctx, "elicitation/create", []byte(`{"message":"?"}`))
				o := outcome{result: string(result)}
				if err != nil {
					o.err = err.Error()
				}
				outcomes <- o
			})
			s := await(t, answers, "the stream")
			s.next()
			m := parse(t, s.next().Data)
			if m.Method != "elicitation/create" || string(m.Params) != `{"message":"?"}` {
				t.Errorf("the request is %v", m)
			}

			// These are not answers.
			other := *c
			other.session = initialize(t, endpoint, "2025-11-25")
			for _, wrong := range []struct {
				c      *client
				id     string
				status int
			}{
				{c, `"s-1"`, http.StatusAccepted},
				{c, `1`, http.StatusAccepted},
				{&other, string(m.ID), http.StatusAccepted},
			} {
				resp := wrong.c.post(t.Context(), `{"jsonrpc":"2.0","id":`+wrong.id+`,"result":{"wrong":true}}`)
				if resp.StatusCode != wrong.status {
					t.Errorf("answer with id %s: HTTP %d, want %d", wrong.id, resp.StatusCode, wrong.status)
				}
			}
			if resp := c.post(t.Context(), `{"jsonrpc":"2.0","id":`+string(m.ID)+`,"result":{},"error":{}}`); resp.StatusCode != http.StatusBadRequest {
				t.Errorf("malformed answer: HTTP %d, want 400", resp.StatusCode)
			}

			resp := c.post(t.Context(), `{"jsonrpc":"2.0","id":`+string(m.ID)+`,`+test.answer+`}`)
			if body, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusAccepted || len(body) > 0 {
				t.Errorf("HTTP %d %q, want 202 and nothing", resp.StatusCode, body)
			}
			if got, want := await(t, outcomes, "the answer"), (outcome{test.result, test.err}); got != want {
				t.Errorf("the handler gets %v, want %v", got, want)
			}
			close(h.steps)
			s.rest()
		})
	}
}

// A request to the client gets its answer even if the connection is lost.
func TestAskAcrossConnections(t *testing.T) {
	t.Parallel()
	h := newScript()
	endpoint, _ := newEndpoint(h, handshake.HTTPConfig{})
	c := connect(t, endpoint, "2025-06-18")
	answers := c.start(callMessage)
	h.note(t, 1)
	s := await(t, answers, "the stream")
	id := s.next().ID
	s.close()
	outcome := make(chan error, 1)
	h.begin(t, func(ctx context.Context, req *jsonrpc.Request, _ func(jsonrpc.Notification)) {
		_, err := req.Asker.Ask(ctx, "roots/list", nil)
		outcome <- err
	})
	s = c.stream(c.get(id))
	m := parse(t, s.next().Data)
	c.post(t.Context(), `{"jsonrpc":"2.0","id":`+string(m.ID)+`,"result":{}}`)
	if err := await(t, outcome, "the answer"); err != nil {
		t.Error(err)
	}
	close(h.steps)
	s.rest()
}

// A client that takes too long is told that the request is cancelled.
func TestAskTimeout(t *testing.T) {
	t.Parallel()
	h := newScript()
	endpoint, _ := newEndpoint(h, handshake.HTTPConfig{AskTimeout: time.Millisecond})
	c := connect(t, endpoint, "2025-06-18")
	answers := c.start(callMessage)
	h.do(t, func(ctx context.Context, req *jsonrpc.Request, _ func(jsonrpc.Notification)) {
		if _, err := req.Asker.Ask(ctx, "roots/list", nil); err == nil || !strings.Contains(err.Error(), "not answered") {
			t.Errorf("Ask() = %v", err)
		}
	})
	close(h.steps)
	s := await(t, answers, "the stream")
	asked, told := parse(t, s.next().Data), parse(t, s.next().Data)
	if told.Method != "notifications/cancelled" || !strings.Contains(string(told.Params), string(asked.ID)) {
		t.Errorf("the client is told %v", told)
	}
}

// A client that has ended its session is not waited for.
func TestAskNobody(t *testing.T) {
	t.Parallel()
	h := newScript()
	endpoint, _ := newEndpoint(h, handshake.HTTPConfig{})
	c := connect(t, endpoint, "2025-06-18")
	answers := c.start(callMessage)
	outcome := make(chan error, 1)
	h.begin(t, func(ctx context.Context, req *jsonrpc.Request, _ func(jsonrpc.Notification)) {
		_, err := req.Asker.Ask(context.WithoutCancel(ctx), "roots/list", nil)
		outcome <- err
	})
	await(t, answers, "the stream").next()
	deleteSession(c)
	if err := await(t, outcome, "the end of the request"); err == nil || !strings.Contains(err.Error(), "ended the session") {
		t.Errorf("Ask() = %v", err)
	}
	close(h.steps)
}

// A client that has left before it received an id cannot come back.
func TestAskClientThatLeft(t *testing.T) {
	t.Parallel()
	ctx, leave := context.WithCancel(t.Context())
	endpoint, _ := newEndpoint(handlerFunc(func(_ context.Context, req *jsonrpc.Request, _ func(jsonrpc.Notification)) *jsonrpc.Response {
		if req.Method == "tools/call" {
			leave()
			if _, err := req.Asker.Ask(t.Context(), "roots/list", nil); err == nil || !strings.Contains(err.Error(), "has left") {
				t.Errorf("Ask() = %v", err)
			}
		}
		return result(req, `{}`)
	}), handshake.HTTPConfig{})
	id := initialize(t, endpoint, "2025-11-25")
	if w := serve(endpoint, newMessage(ctx, inMemory, "2025-11-25", id, callMessage)); w.Body.Len() > 0 {
		t.Errorf("somebody is sent %s", w.Body)
	}
}
