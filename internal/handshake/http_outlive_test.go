package handshake_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpengine/mcpengine/internal/handshake"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/sse"
	"github.com/mcpengine/mcpengine/mcp"
)

// "Disconnection SHOULD NOT be interpreted as the client cancelling its
// request" (2025-11-25, transports, "Sending Messages to the Server").
func TestRequestOutlivesConnection(t *testing.T) {
	t.Parallel()
	type key struct{}
	left, entered, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	endpoint, _ := newEndpoint(handlerFunc(func(ctx context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
		if req.Method != "tools/call" {
			return result(req, `{}`)
		}
		notify(jsonrpc.Notification{Method: "notifications/message", Params: []byte(`{}`)}) // the client can resume the stream from here
		close(entered)
		<-left
		derived, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		switch {
		case ctx.Err() != nil || derived.Err() != nil || context.Cause(ctx) != nil:
			ended <- errors.Join(ctx.Err(), derived.Err(), context.Cause(ctx))
		case ctx.Value(key{}) != "kept":
			ended <- errors.New("the values of the context are lost")
		default:
			ended <- nil
		}
		return result(req, `{}`)
	}), handshake.HTTPConfig{})
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = r.WithContext(context.WithValue(r.Context(), key{}, "kept"))
		if r.Header.Get("Test") != "" {
			context.AfterFunc(r.Context(), func() { close(left) })
		}
		endpoint.ServeHTTP(w, r)
	})
	c := connect(t, h, "2025-11-25")
	ctx, cancel := context.WithCancel(t.Context())
	r := newMessage(ctx, c.url, c.version, c.session, callMessage)
	r.Header.Set("Test", "yes")
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		if resp, err := c.http.Do(r); err == nil {
			resp.Body.Close()
		}
	}()
	await(t, entered, "the handler")
	cancel()
	await(t, sent, "the client to leave")
	if err := await(t, ended, "the handler"); err != nil {
		t.Error(err)
	}
}

// blocking waits for the end of its context, before or after a notification.
func blocking(notifies bool, entered chan<- struct{}, ended chan<- error) handlerFunc {
	return func(ctx context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
		if req.Method != "tools/call" {
			return result(req, `{}`)
		}
		if notifies {
			notify(jsonrpc.Notification{Method: "notifications/message", Params: []byte(`{}`)})
		}
		entered <- struct{}{}
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return jsonrpc.ErrorResponse(req.ID, jsonrpc.Errorf(mcp.CodeInternalError, "cancelled"))
	}
}

// A request that is cancelled, alone or with its session, has no response
// (2025-11-25, cancellation, "Behavior Requirements").
func TestCancel(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		notifies bool
		cancel   func(c *client) *http.Response
		status   int
	}{
		{"by notification", false, cancelled, http.StatusAccepted},
		{"by notification, of a stream", true, cancelled, http.StatusAccepted},
		{"with the session", false, deleteSession, http.StatusNoContent},
		{"with the session, of a stream", true, deleteSession, http.StatusNoContent},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			entered, ended := make(chan struct{}, 1), make(chan error, 1)
			h, _ := newEndpoint(blocking(test.notifies, entered, ended), handshake.HTTPConfig{})
			c := connect(t, h, "2025-11-25")
			answered := make(chan []sse.Event, 1)
			go func() {
				resp, err := c.http.Do(newMessage(t.Context(), c.url, c.version, c.session, callMessage))
				if err != nil {
					t.Error(err)
					answered <- nil
					return
				}
				defer resp.Body.Close()
				answered <- c.stream(resp).rest()
			}()
			await(t, entered, "the handler")
			if got := test.cancel(c).StatusCode; got != test.status {
				t.Errorf("HTTP %d, want %d", got, test.status)
			}
			if err := await(t, ended, "the end of the handler"); err == nil || !strings.Contains(err.Error(), "client") {
				t.Errorf("the cause is %v", err)
			}
			for _, e := range await(t, answered, "the end of the stream") {
				if strings.Contains(string(e.Data), `"id":1`) {
					t.Errorf("there is a response: %s", e.Data)
				}
			}
		})
	}
}

func cancelled(c *client) *http.Response {
	return c.post(c.t.Context(), `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`)
}

func deleteSession(c *client) *http.Response {
	return c.send(c.newRequest(http.MethodDelete, ""))
}

// A notification cancels the request it names and no other, and only in its own
// session.
func TestCancelOtherRequest(t *testing.T) {
	t.Parallel()
	entered, ended := make(chan struct{}, 1), make(chan error, 1)
	h, _ := newEndpoint(blocking(true, entered, ended), handshake.HTTPConfig{})
	c := connect(t, h, "2025-11-25")
	s := c.open(t.Context(), callMessage)
	await(t, entered, "the handler")
	own := c.session
	c.session = initialize(t, h, "2025-11-25")
	cancelled(c)
	c.session = own
	for _, params := range []string{`{"requestId":2}`, `{"requestId":"1"}`, `{"requestId":null}`, `{"requestId":{}}`, `{}`} {
		resp := c.post(t.Context(), `{"jsonrpc":"2.0","method":"notifications/cancelled","params":`+params+`}`)
		if resp.StatusCode != http.StatusAccepted {
			t.Errorf("%s: HTTP %d", params, resp.StatusCode)
		}
	}
	select {
	case err := <-ended:
		t.Errorf("the request has ended: %v", err)
	default:
	}
	cancelled(c)
	await(t, ended, "the end of the handler")
	s.rest()
}

// The request of a client that does not come back in time is cancelled.
func TestDisconnectedTooLong(t *testing.T) {
	t.Parallel()
	for _, notifies := range []bool{false, true} {
		entered, ended := make(chan struct{}, 1), make(chan error, 1)
		h, _ := newEndpoint(blocking(notifies, entered, ended), handshake.HTTPConfig{MaxDisconnected: time.Millisecond})
		c := connect(t, h, "2025-11-25")
		ctx, cancel := context.WithCancel(t.Context())
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			if resp, err := c.http.Do(newMessage(ctx, c.url, c.version, c.session, callMessage)); err == nil {
				resp.Body.Close()
			}
		}()
		await(t, entered, "the handler")
		cancel()
		await(t, sent, "the client to leave")
		if err := await(t, ended, "the end of the handler"); err == nil || !strings.Contains(err.Error(), "disconnected") {
			t.Errorf("the cause is %v", err)
		}
	}
}

// A request ends at once when its client has gone and cannot come back for the
// answer: it received no id of an event, or its version cannot resume streams.
func TestClientCannotResume(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		version  string
		notifies bool
		goesOn   bool
	}{
		{"2025-11-25", false, false},
		{"2025-11-25", true, true},
		{"2025-06-18", false, false},
		{"2025-06-18", true, true},
		{"2025-03-26", true, true},
		{"2024-11-05", true, false},
	} {
		entered, ended := make(chan struct{}, 1), make(chan error, 1)
		h, _ := newEndpoint(blocking(test.notifies, entered, ended), handshake.HTTPConfig{})
		c := connect(t, h, test.version)
		ctx, cancel := context.WithCancel(t.Context())
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			if resp, err := c.http.Do(newMessage(ctx, c.url, c.version, c.session, callMessage)); err == nil {
				resp.Body.Close()
			}
		}()
		await(t, entered, "the handler")
		cancel()
		await(t, sent, "the client to leave")
		want := "disconnected"
		if test.goesOn {
			deleteSession(c)
			want = "ended the session"
		}
		if err := await(t, ended, "the end of the handler"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s, notifies %t: the cause is %v, want %q", test.version, test.notifies, err, want)
		}
	}
}

// The answer to a call that sends nothing for long becomes a stream. In
// 2025-11-25 the stream begins with the id to resume it from.
func TestSilentCall(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		version string
		config  handshake.HTTPConfig
		batch   bool
		want    string // the beginning of the body
	}{
		{"2025-11-25", handshake.HTTPConfig{}, false, "id: a"},
		{"2025-06-18", handshake.HTTPConfig{}, false, ":\n\n:\n\nid: a"},
		{"2025-03-26", handshake.HTTPConfig{}, true, ":\n\n:\n\nid: a"},
		{"2025-11-25", handshake.HTTPConfig{NoSessions: true}, false, ":\n\n:\n\ndata: {"},
		{"2025-11-25", handshake.HTTPConfig{JSONOnly: true}, false, `{"jsonrpc"`},
	} {
		synctest.Test(t, func(t *testing.T) {
			test.config.KeepAlive = 10 * time.Second
			h, _ := newEndpoint(handlerFunc(func(_ context.Context, req *jsonrpc.Request, _ func(jsonrpc.Notification)) *jsonrpc.Response {
				if req.OnRun != nil {
					req.OnRun()
					time.Sleep(25 * time.Second) // of the bubble's clock
				}
				return result(req, `{}`)
			}), test.config)
			message := callMessage
			if test.batch {
				message = "[" + message + "]"
			}
			w := serve(h, newMessage(t.Context(), inMemory, test.version, initialize(t, h, test.version), message))
			if got := w.Body.String(); w.Code != http.StatusOK || !strings.HasPrefix(got, test.want) || !strings.Contains(got, `"result":{}`) {
				t.Errorf("%s %+v: HTTP %d %q, want %q and the answer", test.version, test.config, w.Code, got, test.want)
			}
			synctest.Wait()
		})
	}
}

// A caller may have half of the thousand streams that wait for their clients.
// Streams that are disconnected beyond that end at once.
func TestTooManyDisconnected(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1001)
	var entered sync.WaitGroup
	entered.Add(1001)
	h, _ := newEndpoint(handlerFunc(func(ctx context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
		if req.Method == "tools/call" {
			notify(jsonrpc.Notification{Method: "notifications/message", Params: []byte(`{}`)})
			entered.Done()
			<-ctx.Done()
			ended <- context.Cause(ctx)
		}
		return result(req, `{}`)
	}), handshake.HTTPConfig{})
	id := initialize(t, h, "2025-11-25")
	gone, leave := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 1001 {
		wg.Go(func() { serve(h, newMessage(gone, inMemory, "2025-11-25", id, callMessage)) })
	}
	entered.Wait()
	leave()
	wg.Wait()
	for range 501 {
		if err := await(t, ended, "the end of what is over the share"); err == nil || !strings.Contains(err.Error(), "disconnected") {
			t.Fatalf("the cause is %v", err)
		}
	}
	r := newMessage(t.Context(), inMemory, "2025-11-25", id, "")
	r.Method = http.MethodDelete
	serve(h, r)
	for range 500 {
		if err := await(t, ended, "the end of the others"); err == nil || !strings.Contains(err.Error(), "ended the session") {
			t.Fatalf("the cause is %v", err)
		}
	}
}
