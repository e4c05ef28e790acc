package streamable_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/sse"
	"github.com/mcpengine/mcpengine/internal/streamable"
)

const (
	version = "2026-07-28"
	meta    = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}`

	// call is the message that newRequest sends.
	call = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"n":1},` + meta + `}}`

	notification = `{"jsonrpc":"2.0","method":"notifications/x","params":{}}`

	// completed is the answer of the fake handlers.
	completed = `{"resultType":"complete"}`
)

// patience is how long a test waits for something that normally happens at
// once.
const patience = 3 * time.Minute

type handlerFunc func(ctx context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response

func (f handlerFunc) Handle(ctx context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
	return f(ctx, req, notify)
}

// result answers req with a result object.
func result(req *jsonrpc.Request, object string) *jsonrpc.Response {
	resp := jsonrpc.NewResponse()
	resp.BeginResult(req.ID)
	if req.Tails {
		resp.Tail = []byte(object + "}")
		return resp
	}
	resp.Body = append(resp.Body, object...)
	resp.EndResult()
	return resp
}

// complete is the handler for tests of everything but the handler.
func complete(_ context.Context, req *jsonrpc.Request, _ func(jsonrpc.Notification)) *jsonrpc.Response {
	return result(req, completed)
}

// A counter is the handler complete and counts how often it runs.
type counter struct{ runs atomic.Int64 }

func (c *counter) Handle(ctx context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
	c.runs.Add(1)
	return complete(ctx, req, notify)
}

func config() streamable.Config {
	return streamable.Config{
		MaxBody:   1 << 20,
		KeepAlive: time.Minute,
		IOTimeout: patience,
		Versions:  []string{version},
	}
}

func newServer(h handlerFunc) *streamable.Server { return streamable.New(h, config()) }

// newRequest returns a well-formed request, from which each test departs in one
// respect.
func newRequest(ctx context.Context, body string) *http.Request {
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "http://mcp.example/mcp", strings.NewReader(body))
	setHeaders(r.Header)
	var req jsonrpc.Request
	switch err := req.Parse([]byte(body)); {
	case err == nil:
		r.Header.Set("Mcp-Method", req.Method)
	case errors.Is(err, jsonrpc.ErrIsBatch), errors.Is(err, jsonrpc.ErrIsResponse):
		r.Header.Del("Mcp-Method")
		r.Header.Del("Mcp-Name")
	}
	return r
}

func setHeaders(h http.Header) {
	h.Set("Content-Type", "application/json")
	h.Set("Accept", "application/json, text/event-stream")
	h.Set("Mcp-Protocol-Version", version)
	h.Set("Mcp-Method", "tools/call")
	h.Set("Mcp-Name", "echo")
}

// serve lets h answer r in memory.
func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// listen serves h over HTTP/1.1 on the loopback interface.
func listen(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// listen2 serves h over HTTP/2.
func listen2(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// post sends body to the server as newRequest would.
func post(ctx context.Context, s *httptest.Server, body io.Reader) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, body)
	if err != nil {
		return nil, err
	}
	setHeaders(r.Header)
	return s.Client().Do(r)
}

// dial connects to the server for requests that net/http would not send.
func dial(t *testing.T, s *httptest.Server) net.Conn {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// raw is the text of a well-formed request with the given header lines and body.
func raw(lines, body string) string {
	return "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
		"Accept: application/json, text/event-stream\r\n" + lines + "\r\n" + body
}

// A message is a JSON-RPC message as a client reads it.
type message struct {
	JSONRPC string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Method  string          `json:"method"`
	Params  json.RawMessage `json:"params"`
	Result  json.RawMessage `json:"result"`
	Error   struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

func parse(t *testing.T, data []byte) (m message) {
	t.Helper()
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatalf("the answer is not JSON: %v\n%s", err, data)
	}
	if m.JSONRPC != "2.0" {
		t.Fatalf("the answer is not JSON-RPC 2.0: %s", data)
	}
	return m
}

// events returns the messages of an event stream.
func events(t *testing.T, stream []byte) (messages []message) {
	t.Helper()
	reader := sse.NewReader(bytes.NewReader(stream), 64<<20)
	for {
		event, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return messages
		}
		if err != nil {
			t.Fatalf("the event stream is broken: %v\n%s", err, stream)
		}
		messages = append(messages, parse(t, event.Data))
	}
}

// wantError checks that w is a JSON-RPC error in JSON.
func wantError(t *testing.T, w *httptest.ResponseRecorder, status, code int, part string) {
	t.Helper()
	if w.Code != status {
		t.Errorf("status = %d, want %d", w.Code, status)
	}
	if got := w.Header().Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type = %q, want application/json", got)
	}
	m := parse(t, w.Body.Bytes())
	if m.Error.Code != code || !strings.Contains(m.Error.Message, part) {
		t.Errorf("error %d %q, want %d with %q", m.Error.Code, m.Error.Message, code, part)
	}
}

// await receives from ch, and fails the test when that takes too long.
func await[T any](t *testing.T, ch <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-ch:
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
	}
	return v
}
