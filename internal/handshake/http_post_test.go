package handshake_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

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
