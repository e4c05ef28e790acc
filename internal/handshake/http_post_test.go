package handshake_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/handshake"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/internal/sse"
	"github.com/mcpengine/mcpengine/mcp"
)

// notes sends n notifications and completes.
func notes(n int) handlerFunc {
	return func(_ context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
		if req.Method == "tools/call" {
			for i := range n {
				notify(jsonrpc.Notification{Method: "notifications/message", Params: fmt.Appendf(nil, `{"data":%d}`, i)})
			}
		}
		return result(req, `{}`)
	}
}

// A request is answered with JSON, or with a stream when a message precedes the
// answer. The events of a stream have ids. In 2025-11-25 its first event has an
// id and no data.
func TestAnswer(t *testing.T) {
	t.Parallel()
	for _, version := range protocol.Names(protocol.IsHandshake) {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			h, _ := newEndpoint(notes(0), handshake.HTTPConfig{})
			c := connect(t, h, version)
			resp := c.post(t.Context(), callMessage)
			body, err := io.ReadAll(resp.Body)
			if got := resp.Header.Get("Content-Type"); err != nil || got != "application/json" || string(body) != `{"jsonrpc":"2.0","id":1,"result":{}}` {
				t.Errorf("without notifications: %q %s %v", got, body, err)
			}

			h, _ = newEndpoint(notes(2), handshake.HTTPConfig{})
			c = connect(t, h, version)
			s := c.open(t.Context(), callMessage)
			if got := s.resp.Header.Get("X-Accel-Buffering"); got != "no" {
				t.Errorf("X-Accel-Buffering = %q, want no", got)
			}
			events := s.rest()
			var data, numbers []string
			for _, e := range events {
				data = append(data, string(e.Data))
				_, number, _ := strings.Cut(e.ID, "-")
				numbers = append(numbers, number)
			}
			want := []string{
				`{"jsonrpc":"2.0","method":"notifications/message","params":{"data":0}}`,
				`{"jsonrpc":"2.0","method":"notifications/message","params":{"data":1}}`,
				`{"jsonrpc":"2.0","id":1,"result":{}}`,
			}
			wantNumbers := []string{"1", "2", "3"}
			if version == "2025-11-25" {
				want, wantNumbers = append([]string{""}, want...), append([]string{"0"}, wantNumbers...)
			}
			if diff := cmp.Diff(want, data); diff != "" {
				t.Errorf("the data of the events (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(wantNumbers, numbers); diff != "" {
				t.Errorf("the numbers of the events (-want +got):\n%s", diff)
			}
		})
	}
}

// To clients of the handshake versions 404 means that the session has ended, so
// the error of a request must not have that status.
func TestErrorsTravelWith200(t *testing.T) {
	t.Parallel()
	h, _ := newEndpoint(handlerFunc(func(_ context.Context, req *jsonrpc.Request, _ func(jsonrpc.Notification)) *jsonrpc.Response {
		if req.Method == "initialize" {
			return result(req, "{}")
		}
		return jsonrpc.ErrorResponse(req.ID, jsonrpc.Errorf(mcp.CodeMethodNotFound, "no"))
	}), handshake.HTTPConfig{})
	id := initialize(t, h, "2025-11-25")
	for _, method := range []string{"x", "server/discover", "subscriptions/listen"} {
		w := serve(h, newMessage(t.Context(), inMemory, "2025-11-25", id, `{"jsonrpc":"2.0","id":1,"method":"`+method+`"}`))
		if code := parse(t, w.Body.Bytes()).Error.Code; w.Code != http.StatusOK || code != mcp.CodeMethodNotFound {
			t.Errorf("%s: HTTP %d %s", method, w.Code, w.Body)
		}
	}
}

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
func TestAwayTooLong(t *testing.T) {
	t.Parallel()
	for _, notifies := range []bool{false, true} {
		entered, ended := make(chan struct{}, 1), make(chan error, 1)
		h, _ := newEndpoint(blocking(notifies, entered, ended), handshake.HTTPConfig{MaxAway: time.Millisecond})
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
		if err := await(t, ended, "the end of the handler"); err == nil || !strings.Contains(err.Error(), "away") {
			t.Errorf("the cause is %v", err)
		}
	}
}

// A request ends at once when its client has gone and cannot come back for the
// answer: it received no id of an event, or its version cannot resume streams.
func TestNobodyComesBack(t *testing.T) {
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
		want := "away"
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
func TestTooManyAway(t *testing.T) {
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
		if err := await(t, ended, "the end of what is over the share"); err == nil || !strings.Contains(err.Error(), "away") {
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

// Without sessions nothing is kept: each request holds all that its answer
// needs.
func TestNoSessions(t *testing.T) {
	t.Parallel()
	var version, capabilities, level string
	h, _ := newEndpoint(handlerFunc(func(_ context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
		if req.Method == "initialize" {
			return result(req, `{"protocolVersion":"2025-06-18","capabilities":{"tools":{"listChanged":true},"resources":{"listChanged":true,"subscribe":true},"logging":{}}}`)
		}
		version = string(req.Meta.Get("io.modelcontextprotocol/protocolVersion"))
		capabilities = string(req.Meta.Get("io.modelcontextprotocol/clientCapabilities"))
		level = string(req.Meta.Get("io.modelcontextprotocol/logLevel"))
		if req.Asker != nil || req.StreamCloser != nil {
			t.Errorf("Asker = %v, StreamCloser = %v", req.Asker != nil, req.StreamCloser != nil)
		}
		notify(jsonrpc.Notification{Method: "notifications/message", Params: []byte(`{}`)})
		return result(req, `{}`)
	}), handshake.HTTPConfig{NoSessions: true, Caller: byUser})
	post := func(version, message string) *httptest.ResponseRecorder {
		r := newMessage(t.Context(), inMemory, version, "", message)
		r.Header.Set("User", "ann")
		return serve(h, r)
	}

	w := post("", initializeMessage("2025-06-18", "{}"))
	if w.Header().Get("Mcp-Session-Id") != "" {
		t.Error("there is a session id")
	}
	want := `{"protocolVersion":"2025-06-18","capabilities":{"tools":{},"resources":{},"logging":{}}}`
	if got := string(parse(t, w.Body.Bytes()).Result); got != want {
		t.Errorf("initialize: %s, want %s", got, want)
	}

	for header, meta := range map[string]string{"": "2025-03-26", "2025-06-18": "2025-06-18", "2025-11-25": "2025-11-25", "2024-11-05": "2024-11-05"} {
		w := post(header, callMessage)
		if w.Code != http.StatusOK || version != `"`+meta+`"` || capabilities != "{}" || level != `"info"` {
			t.Errorf("version %q: HTTP %d, the handler sees version %s, capabilities %s, level %s", header, w.Code, version, capabilities, level)
		}
		events := (&stream{t: t, reader: sse.NewReader(w.Body, 1<<20)}).rest()
		if len(events) != 2 || events[0].ID != "" || events[1].ID != "" {
			t.Errorf("version %q: the events are %v, want two without ids", header, events)
		}
	}

	if w := post("2025-06-18", `{"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":"error"}}`); string(parse(t, w.Body.Bytes()).Result) != "{}" {
		t.Errorf("logging/setLevel: %s", w.Body)
	}
	if post("2025-06-18", callMessage); level != `"info"` {
		t.Errorf("the level is %s after another request has set it", level)
	}
	for _, method := range []string{"resources/subscribe", "resources/unsubscribe"} {
		w := post("2025-06-18", `{"jsonrpc":"2.0","id":1,"method":"`+method+`","params":{"uri":"x:y"}}`)
		if parse(t, w.Body.Bytes()).Error.Code != mcp.CodeMethodNotFound {
			t.Errorf("%s: %s", method, w.Body)
		}
	}
	for _, method := range []string{http.MethodGet, http.MethodDelete} {
		r := newMessage(t.Context(), inMemory, "2025-06-18", "", "")
		r.Method = method
		w := serve(h, r)
		wantRefusal(t, w, http.StatusMethodNotAllowed, "POST")
		if got := w.Header().Get("Allow"); got != "POST, OPTIONS" {
			t.Errorf("%s: Allow = %q", method, got)
		}
	}
}

// Without a session the client could not fetch the answer.
func TestNoSessionsEndWithConnection(t *testing.T) {
	t.Parallel()
	entered, ended := make(chan struct{}, 1), make(chan error, 1)
	h, _ := newEndpoint(blocking(true, entered, ended), handshake.HTTPConfig{NoSessions: true})
	c := connect(t, h, "2025-11-25")
	s := c.open(t.Context(), callMessage)
	await(t, entered, "the handler")
	s.close()
	await(t, ended, "the end of the handler")
}

func TestJSONOnly(t *testing.T) {
	t.Parallel()
	h, _ := newEndpoint(handlerFunc(func(_ context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
		if req.Method == "initialize" {
			return result(req, `{"capabilities":{"prompts":{"listChanged":true}}}`)
		}
		if req.Asker != nil || req.StreamCloser != nil {
			t.Error("the handler can ask, or close the stream")
		}
		notify(jsonrpc.Notification{Method: "notifications/message", Params: []byte(`{}`)})
		return result(req, `{}`)
	}), handshake.HTTPConfig{JSONOnly: true})
	w := serve(h, newMessage(t.Context(), inMemory, "", "", initializeMessage("2025-11-25", "{}")))
	if got, want := string(parse(t, w.Body.Bytes()).Result), `{"capabilities":{"prompts":{}}}`; got != want {
		t.Errorf("initialize: %s, want %s", got, want)
	}
	id := w.Header().Get("Mcp-Session-Id")
	w = serve(h, newMessage(t.Context(), inMemory, "2025-11-25", id, callMessage))
	if got := w.Header().Get("Content-Type"); got != "application/json" || w.Body.String() != `{"jsonrpc":"2.0","id":1,"result":{}}` {
		t.Errorf("%q %s, want JSON", got, w.Body)
	}
	r := newMessage(t.Context(), inMemory, "2025-11-25", id, "")
	r.Method = http.MethodGet
	w = serve(h, r)
	wantRefusal(t, w, http.StatusMethodNotAllowed, "POST, DELETE")
	r.Method = http.MethodDelete
	if w := serve(h, r); w.Code != http.StatusNoContent {
		t.Errorf("DELETE: HTTP %d", w.Code)
	}
}

// A handler that panics leaves nothing behind.
func TestPanic(t *testing.T) {
	t.Parallel()
	h, _ := newEndpoint(handlerFunc(func(_ context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
		switch req.Method {
		case "initialize", "ping":
			return result(req, `{}`)
		}
		notify(jsonrpc.Notification{Method: "notifications/message", Params: []byte(`{}`)})
		panic(http.ErrAbortHandler)
	}), handshake.HTTPConfig{})
	c := connect(t, h, "2025-11-25")
	s := c.open(t.Context(), callMessage)
	id := s.next().ID
	for {
		if _, err := s.reader.Next(); err != nil {
			break
		}
	}
	if resp := c.get(id); resp.StatusCode == http.StatusOK {
		events := c.stream(resp).rest()
		if len(events) != 1 {
			t.Errorf("the stream goes on: %v", events)
		}
	}
	if resp := c.post(t.Context(), `{"jsonrpc":"2.0","id":2,"method":"ping"}`); resp.StatusCode != http.StatusOK {
		t.Errorf("the session: HTTP %d", resp.StatusCode)
	}
}

// A bufferedWriter keeps the answer, as the response writer on AWS Lambda does.
type bufferedWriter struct {
	*httptest.ResponseRecorder
	dropped int
}

func (*bufferedWriter) Buffered() bool { return true }
func (w *bufferedWriter) Dropped()     { w.dropped++ }

// A buffered answer is JSON, and notifications are dropped.
func TestBufferedAnswer(t *testing.T) {
	t.Parallel()
	h, _ := newEndpoint(notes(2), handshake.HTTPConfig{NoSessions: true})
	w := &bufferedWriter{ResponseRecorder: httptest.NewRecorder()}
	h.ServeHTTP(w, newMessage(t.Context(), inMemory, "2025-11-25", "", callMessage))
	if got := w.Header().Get("Content-Type"); got != "application/json" || w.dropped != 2 {
		t.Errorf("%q with %d notifications dropped, want JSON and 2", got, w.dropped)
	}
}

// A handler that ends its goroutine is answered, in a session and without one.
func TestGoexit(t *testing.T) {
	t.Parallel()
	for _, noSessions := range []bool{false, true} {
		h, _ := newEndpoint(handlerFunc(func(_ context.Context, req *jsonrpc.Request, _ func(jsonrpc.Notification)) *jsonrpc.Response {
			if req.Method == "tools/call" {
				runtime.Goexit()
			}
			return result(req, `{}`)
		}), handshake.HTTPConfig{NoSessions: noSessions})
		c := connect(t, h, "2025-11-25")
		resp := c.post(t.Context(), callMessage)
		body, err := io.ReadAll(resp.Body)
		if err != nil || !strings.Contains(string(body), "internal error") || !strings.Contains(string(body), `"id":1`) {
			t.Errorf("without sessions %t: the answer is %q, %v", noSessions, body, err)
		}
	}
}
