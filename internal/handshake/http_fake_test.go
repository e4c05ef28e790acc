package handshake_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/internal/handshake"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/sse"
	"github.com/mcpengine/mcpengine/internal/streamable"
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

// newEndpoint returns an endpoint that serves h in all versions.
func newEndpoint(h jsonrpc.Handler, config handshake.HTTPConfig) (*streamable.Server, *handshake.HTTP) {
	handshakeHTTP := handshake.NewHTTP(h, config)
	return streamable.New(h, streamable.Config{
		MaxBody: 1 << 20, KeepAlive: time.Minute, IOTimeout: patience, Versions: []string{"2026-07-28"}, Handshake: handshakeHTTP,
	}), handshakeHTTP
}

// newMessage returns a well-formed POST of a client of the version.
func newMessage(ctx context.Context, url, version, session, message string) *http.Request {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(message))
	if err != nil {
		panic(err) // only for a malformed URL
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	if version != "" {
		r.Header.Set("MCP-Protocol-Version", version)
	}
	if session != "" {
		r.Header.Set("Mcp-Session-Id", session)
	}
	return r
}

const inMemory = "http://server.example/mcp"

// serve lets h answer r in memory.
func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func initializeMessage(version, capabilities string) string {
	return `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"` + version + `","capabilities":` + capabilities +
		`,"clientInfo":{"name":"test","version":"1"}}}`
}

// initialize begins a session, which may have no id.
func initialize(t testing.TB, h http.Handler, version string) string {
	t.Helper()
	w := serve(h, newMessage(t.Context(), inMemory, "", "", initializeMessage(version, `{"elicitation":{}}`)))
	if w.Code != http.StatusOK {
		t.Fatalf("initialize: HTTP %d %s", w.Code, w.Body)
	}
	return w.Header().Get("Mcp-Session-Id")
}

// A message is a JSON-RPC message as a client reads it.
type message struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

func parse(t testing.TB, data []byte) (m message) {
	t.Helper()
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatalf("not a message: %v\n%s", err, data)
	}
	return m
}

// A stream is an event stream as a client reads it.
type stream struct {
	t      testing.TB
	resp   *http.Response
	reader *sse.Reader
}

// next returns the next event.
func (s *stream) next() sse.Event {
	s.t.Helper()
	e, err := s.reader.Next()
	if err != nil {
		s.t.Fatalf("read the next event: %v", err)
	}
	return e
}

// rest returns the remaining events of the stream.
func (s *stream) rest() (events []sse.Event) {
	s.t.Helper()
	for {
		e, err := s.reader.Next()
		if errors.Is(err, io.EOF) {
			return events
		}
		if err != nil {
			s.t.Fatalf("read the rest of the stream: %v", err)
		}
		events = append(events, e)
	}
}

func (s *stream) close() { s.resp.Body.Close() }

// A client sends messages to a server over the loopback interface.
type client struct {
	t       *testing.T
	url     string
	version string
	session string
	http    *http.Client
}

// connect serves h and begins a session with it.
func connect(t *testing.T, h http.Handler, version string) *client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c := &client{t: t, url: s.URL, version: version, http: s.Client()}
	resp := c.send(newMessage(t.Context(), c.url, "", "", initializeMessage(version, `{"elicitation":{}}`)))
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("initialize: HTTP %d", resp.StatusCode)
	}
	c.session = resp.Header.Get("Mcp-Session-Id")
	return c
}

func (c *client) send(r *http.Request) *http.Response {
	c.t.Helper()
	resp, err := c.http.Do(r)
	if err != nil {
		c.t.Fatalf("%s: %v", r.Method, err)
	}
	c.t.Cleanup(func() { resp.Body.Close() })
	return resp
}

// post sends a message and returns the response.
func (c *client) post(ctx context.Context, message string) *http.Response {
	c.t.Helper()
	return c.send(newMessage(ctx, c.url, c.version, c.session, message))
}

// open sends a message whose answer is a stream.
func (c *client) open(ctx context.Context, message string) *stream {
	c.t.Helper()
	return c.stream(c.post(ctx, message))
}

// start sends a message whose answer is a stream, and does not wait for it.
func (c *client) start(message string) <-chan *stream {
	opened := make(chan *stream, 1)
	r := newMessage(c.t.Context(), c.url, c.version, c.session, message)
	go func() {
		resp, err := c.http.Do(r)
		if err != nil {
			c.t.Errorf("POST: %v", err)
			return
		}
		c.t.Cleanup(func() { resp.Body.Close() })
		opened <- c.stream(resp)
	}()
	return opened
}

// get opens a stream, after the event if there is one.
func (c *client) get(lastEvent string) *http.Response {
	c.t.Helper()
	return c.send(c.newRequest(http.MethodGet, lastEvent))
}

func (c *client) newRequest(method, lastEvent string) *http.Request {
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.url, nil)
	if err != nil {
		panic(err) // only for a malformed URL
	}
	r.Header.Set("Accept", "text/event-stream")
	r.Header.Set("MCP-Protocol-Version", c.version)
	r.Header.Set("Mcp-Session-Id", c.session)
	if lastEvent != "" {
		r.Header.Set("Last-Event-ID", lastEvent)
	}
	return r
}

func (c *client) stream(resp *http.Response) *stream {
	c.t.Helper()
	if got := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || got != "text/event-stream" {
		body, _ := io.ReadAll(resp.Body)
		c.t.Errorf("HTTP %d with %q, want a stream: %s", resp.StatusCode, got, body)
	}
	return &stream{t: c.t, resp: resp, reader: sse.NewReader(resp.Body, 1<<22)}
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
