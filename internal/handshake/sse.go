package handshake

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/internal/duplex"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/share"
	"github.com/mcpengine/mcpengine/internal/sse"
	"github.com/mcpengine/mcpengine/internal/streamable"
	"github.com/mcpengine/mcpengine/mcp"
)

// An SSEConfig adjusts the HTTP+SSE transport. Its zero value is ready to use.
type SSEConfig struct {
	// Messages is the path of the endpoint for messages as clients see it. The
	// default is "/messages".
	Messages string

	// MaxConnections bounds the open event streams, each caller by its share and
	// by EachConnections. One more is refused with 429. The defaults are 1,000
	// and the share.
	MaxConnections, EachConnections int

	// KeepAlive is how often a comment is sent, so that intermediaries keep the
	// stream open. The default is 15 seconds.
	KeepAlive time.Duration

	// IOTimeout bounds the time to send one event, and the time that a message
	// waits for a busy connection. The default is 30 seconds.
	IOTimeout time.Duration

	// Grace is how long requests under way may go on after Closing. The default
	// is 5 seconds.
	Grace time.Duration

	// Closing ends all connections in good order when it is closed. Optional.
	Closing <-chan struct{}

	// AskTimeout means the same as in [ConnConfig].
	AskTimeout time.Duration

	// Caller returns the verified caller of an HTTP request. Expires returns
	// when the caller's token expires, or zero. Optional.
	Caller  func(*http.Request) string
	Expires func(*http.Request) time.Time

	// Owner means the same as in [HTTPConfig], and so does Ended, of connections.
	Owner func(*http.Request) string
	Ended func(version string, began time.Time)

	// Logger is told of events that clients are not told of. Optional.
	Logger *slog.Logger
}

func (c SSEConfig) withDefaults() SSEConfig {
	if c.Messages == "" {
		c.Messages = "/messages"
	}
	if c.MaxConnections <= 0 {
		c.MaxConnections = share.SSEConnections
	}
	if c.KeepAlive <= 0 {
		c.KeepAlive = 15 * time.Second
	}
	if c.IOTimeout <= 0 {
		c.IOTimeout = 30 * time.Second
	}
	if c.Grace <= 0 {
		c.Grace = 5 * time.Second
	}
	if c.Caller == nil {
		c.Caller = func(*http.Request) string { return "" }
	}
	if c.Owner == nil {
		c.Owner = c.Caller
	}
	if c.Expires == nil {
		c.Expires = func(*http.Request) time.Time { return time.Time{} }
	}
	return c
}

// An SSE serves a [jsonrpc.Handler] over HTTP+SSE, the transport of 2024-11-05.
// An event stream carries the messages to the client, and each message from the
// client is a POST (2024-11-05, transports, "HTTP with SSE"). A connection
// belongs to one process: a load balancer must send the requests of a client to
// both endpoints to the same process.
type SSE struct {
	handler  jsonrpc.Handler
	endpoint *streamable.Server // its checks are made here too
	config   SSEConfig
	verifies bool // callers are verified

	bound *share.Bound // of the connections

	mu    sync.Mutex
	conns map[string]*sseConn // by session id
}

// NewSSE returns a server of h. It makes the same checks as the server of the
// MCP endpoint.
func NewSSE(h jsonrpc.Handler, endpoint *streamable.Server, config SSEConfig) *SSE {
	verifies := config.Caller != nil
	config = config.withDefaults()
	return &SSE{
		handler: h, endpoint: endpoint, config: config, verifies: verifies,
		bound: share.NewBound(config.MaxConnections).Each(config.EachConnections), conns: make(map[string]*sseConn),
	}
}

// ServeStream answers GET with an event stream, which lasts until the client or
// the server ends it.
func (s *SSE) ServeStream(w http.ResponseWriter, r *http.Request) {
	if r = s.endpoint.Admit(w, r, http.MethodGet); r == nil {
		return
	}
	if !streamable.AcceptsEvents(r.Header) {
		streamable.Reject(w, http.StatusNotAcceptable, mcp.CodeInvalidRequest, "Accept must list text/event-stream")
		return
	}
	if isClosed(s.config.Closing) {
		w.Header().Set("Retry-After", "5")
		streamable.Reject(w, http.StatusServiceUnavailable, mcp.CodeInternalError, "the server shuts down")
		return
	}
	user := s.config.Caller(r)
	c := s.open(w, user, share.CallerOf(s.config.Owner(r), r.RemoteAddr))
	if c == nil {
		streamable.Refuse(w, jsonrpc.OverLimit(5*time.Second, "no more connections of this caller are accepted"))
		return
	}
	defer s.forget(c)
	// Anybody who knows the id can send messages. It has 128 random bits, so it
	// cannot be guessed.
	endpoint := s.config.Messages + "?sessionId=" + url.QueryEscape(c.id)
	_ = c.stream.Send(sse.Event{Name: "endpoint", Data: []byte(endpoint)}) // when this fails, so does the next write
	began := time.Now()
	c.serve(r, s.config)
	if s.config.Ended != nil {
		s.config.Ended(c.handshake.Version(), began)
	}
}

// open returns a new connection, or nil when the caller may have no more.
func (s *SSE) open(w http.ResponseWriter, caller string, from share.Caller) *sseConn {
	if !s.bound.Take(from) {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &sseConn{
		id:     rand.Text(),
		caller: caller,
		from:   from,
		stream: streamable.NewEventWriter(w, s.config.IOTimeout, s.config.KeepAlive),
		inbox:  make(chan inbound),
		ended:  make(chan struct{}),
	}
	conn := NewConn(s.handler, ConnConfig{AskTimeout: s.config.AskTimeout, From: from, Logger: s.config.Logger})
	c.handshake, c.conn = conn, duplex.New(conn, messageEvents{c.stream}, duplex.Config{Logger: s.config.Logger})
	s.conns[c.id] = c
	return c
}

func (s *SSE) forget(c *sseConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c.id)
	s.bound.Release(c.from)
}

// find returns the caller's connection with that id. To other callers it does
// not exist.
func (s *SSE) find(id, caller string) *sseConn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.conns[id]; c != nil && c.caller == caller {
		return c
	}
	return nil
}

// ServeMessage answers POST with 202 as soon as the connection has taken the
// message. The response to the message is sent as an event.
func (s *SSE) ServeMessage(w http.ResponseWriter, r *http.Request) {
	if r = s.endpoint.Admit(w, r, http.MethodPost); r == nil {
		return
	}
	c := s.find(r.URL.Query().Get("sessionId"), s.config.Caller(r))
	if c == nil {
		s.refuseMessage(w, r)
		return
	}
	m := c.conn.Message()
	var ok bool
	if m.Text, ok = s.endpoint.ReadMessage(w, r, m.Text); !ok {
		c.conn.Release(m)
		return
	}
	if err := jsonrpc.Valid(m.Text); err != nil {
		c.conn.Release(m)
		streamable.Reject(w, http.StatusBadRequest, mcp.CodeParseError, "parse error: "+err.Error())
		return
	}
	if s.turnAway(w, r, m.Text) {
		c.conn.Release(m)
		return
	}
	s.deliver(w, r, c, m)
}

// refuseMessage answers a message to a connection that does not exist, or that
// belongs to another caller. A client without its token is told so before it is
// told that the connection is unknown.
func (s *SSE) refuseMessage(w http.ResponseWriter, r *http.Request) {
	if s.verifies {
		text, ok := s.endpoint.ReadMessage(w, r, nil)
		if !ok || s.turnAway(w, r, text) {
			return
		}
	}
	reject404(w)
}

// turnAway refuses a message that contradicts the header fields, or that the
// caller may not send, and reports whether it did. The connection checks the
// caller too, but a client learns from the status of its POST that it has to
// log in.
func (s *SSE) turnAway(w http.ResponseWriter, r *http.Request, text []byte) bool {
	if err := s.checkFields(r.Header, text); err != nil {
		sendError(w, nil, err)
		return true
	}
	if !s.verifies {
		return false
	}
	messages, err := jsonrpc.SplitBatch(text)
	if err != nil {
		messages = [][]byte{text}
	}
	for _, message := range messages {
		var req jsonrpc.Request
		if req.Parse(message) != nil || req.IsNotification() {
			continue // the connection answers it
		}
		if err := jsonrpc.Authorize(r.Context(), s.handler, &req); err != nil {
			resp := jsonrpc.ErrorResponse(req.ID, err)
			defer resp.Release()
			streamable.WriteResponse(w, resp.Status, resp)
			return true
		}
	}
	return false
}

// checkFields compares the header fields with a message.
func (s *SSE) checkFields(h http.Header, text []byte) *jsonrpc.Error {
	err := streamable.CheckNoFields(h)
	if err == nil || streamable.HasParamFields(h) {
		return err
	}
	var req jsonrpc.Request
	if req.Parse(text) != nil {
		return err
	}
	return s.endpoint.CheckFields(h, &req)
}

// deliver hands a message to its connection. While the client does not read its
// events, the connection takes no more messages and the POST waits.
func (s *SSE) deliver(w http.ResponseWriter, r *http.Request, c *sseConn, m *duplex.Message) {
	streamable.ExtendWrite(w, time.Time{}, 2*s.config.IOTimeout) // once for the wait, once for the answer
	patience := time.NewTimer(s.config.IOTimeout)
	defer patience.Stop()
	// The requests in the message outlive the POST, so they keep the values of
	// its context, such as the caller, but not its end.
	select {
	case c.inbox <- inbound{context.WithoutCancel(r.Context()), m}:
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, "Accepted") // the client is gone when this fails
		return
	case <-c.ended:
		reject404(w)
	case <-patience.C:
		w.Header().Set("Retry-After", "5")
		streamable.Reject(w, http.StatusServiceUnavailable, mcp.CodeInternalError, "too many requests are under way")
	case <-r.Context().Done():
	}
	c.conn.Release(m)
}

func reject404(w http.ResponseWriter) {
	streamable.Reject(w, http.StatusNotFound, mcp.CodeInvalidRequest, "there is no such connection: open an event stream first")
}

func isClosed(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}
