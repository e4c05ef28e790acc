package handshake

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/mcpengine/mcpengine/internal/duplex"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/internal/share"
	"github.com/mcpengine/mcpengine/mcp"
)

// A session holds the claims of a session id and the state that this instance
// keeps beside them. A session without an id serves all clients of a version
// that have no session; nothing is kept for them.
type session struct {
	claims
	http          *HTTP
	token, caller string
	from          share.Caller // to whose share the session counts
	name          string       // see nameOf; empty without an id
	description   description
	used          atomic.Int64 // when it was used last, in nanoseconds

	mu      sync.Mutex
	closed  error // why nothing is kept any more, or nil
	level   string
	calls   []*call
	streams map[string]*stream // that can be resumed here, by id
	asks    *duplex.Questions  // nil until the first one

	// Held while the client begins or stops listening, which may take the
	// engine a moment. It is taken before all other locks.
	listenMu  sync.Mutex
	listening *stream          // nil when the client does not listen
	changes   *subscriptions   // nil when the client does not listen
	uris      []string         // of the resources it has subscribed to
	watch     func(uri string) // subscribes the stream of changes to a resource, for its caller

	partial map[string]*partialAnswer // see remote.go, by id of the question
}

func newSession(h *HTTP, t claims, from share.Caller) *session {
	return &session{claims: t, http: h, from: from, description: t.peer.description(t.peer.Version), level: protocol.DefaultLevel}
}

// sessionless reports whether s stands for clients without a session.
func (s *session) sessionless() bool { return s.token == "" }

// adapt puts the description of the client into a request.
func (s *session) adapt(req *jsonrpc.Request, level string) {
	req.Handshake = true
	req.Session = s.token
	s.description.put(req, level)
}

// enter notes that a request is under way, and returns the level of its log
// messages. It reports false when the session has already ended.
func (s *session) enter(c *call) (level string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed != nil && !s.forgotten() {
		return "", false
	}
	c.index = len(s.calls)
	s.calls = append(s.calls, c)
	return s.level, true
}

// forgotten reports whether this instance has dropped the state of a session
// that is still valid. A request that came at that moment runs without the
// state.
func (s *session) forgotten() bool { return errors.Is(s.closed, errEvicted) }

func (s *session) leave(c *call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := len(s.calls) - 1
	s.calls[c.index] = s.calls[last]
	s.calls[c.index].index = c.index
	s.calls[last] = nil
	s.calls = s.calls[:last]
}

// cancel cancels the request with an id, and reports whether there is one. An
// unknown request has been answered already, or runs on another instance
// (2025-11-25, cancellation, "Error Handling").
func (s *session) cancel(id []byte) (found bool) {
	s.mu.Lock()
	// The memory of an id is valid only while its call is in the list.
	var cancelled []*call
	for _, c := range s.calls {
		if bytes.Equal(c.id, id) {
			cancelled = append(cancelled, c)
		}
	}
	s.mu.Unlock()
	for _, c := range cancelled {
		c.cancel(errCancelled)
	}
	return len(cancelled) > 0
}

func (s *session) cancelAll(cause error) {
	s.mu.Lock()
	calls := slices.Clone(s.calls)
	s.mu.Unlock()
	for _, c := range calls {
		c.cancel(cause)
	}
}

// idleLonger reports whether s should be dropped before other: nothing is under
// way in s but is in other, or s was used less recently.
func (s *session) idleLonger(other *session) bool {
	busy, otherBusy := s.busy(), other.busy()
	if busy != otherBusy {
		return otherBusy
	}
	return s.used.Load() < other.used.Load()
}

func (s *session) busy() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.calls)+len(s.streams) > 0
}

// setLevel sets the level of log messages on this instance.
func (s *session) setLevel(level string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.level = level
}

// requests returns the table of requests to the client. The ids begin with a
// random prefix, because a response may reach another instance, which must not
// match it with a request of its own.
func (s *session) requests() *duplex.Questions {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asks == nil {
		prefix := "s-" + rand.Text() + "-"
		if s.http.remote != nil {
			prefix = s.http.remote.questionPrefix(s)
		}
		s.asks = duplex.NewQuestions(prefix, s.http.config.AskTimeout)
		if s.closed != nil {
			s.asks.Close(s.closed)
		}
	}
	return s.asks
}

// resolve hands a response to the request that waits for it, and reports
// whether there is one.
func (s *session) resolve(reply jsonrpc.Reply) bool {
	s.mu.Lock()
	asks := s.asks
	s.mu.Unlock()
	return asks != nil && asks.Resolve(reply)
}

// keep notes a stream that can be resumed.
func (s *session) keep(st *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.streams == nil {
		s.streams = make(map[string]*stream)
	}
	s.streams[st.id] = st
	if buffer, ok := st.events().(*EventBuffer); ok {
		buffer.Own(st.key(), s.from)
	}
}

func (s *session) drop(st *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.streams, st.id)
}

func (s *session) stream(id string) *stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.streams[id]
}

// close drops the state of the session. Requests to the client that wait for a
// response fail, because the response could not be matched any more. The client
// stops listening. Requests of the client go on until they are answered.
func (s *session) close(cause error) {
	s.mu.Lock()
	if s.closed == nil {
		s.closed = cause
	}
	asks := s.asks
	s.mu.Unlock()
	if asks != nil {
		asks.Close(cause)
	}
	s.stopListening()
}

// end cancels the requests and streams of the session, and drops its state.
func (s *session) end(cause error) {
	s.close(cause)
	s.cancelAll(cause)
	s.mu.Lock()
	streams := slices.Collect(maps.Values(s.streams))
	s.mu.Unlock()
	for _, st := range streams {
		st.hangUp()
	}
}

// notice takes a notification of the client.
func (s *session) notice(ctx context.Context, req *jsonrpc.Request) {
	if req.Method != mcp.MethodNotificationsCancelled {
		// Nothing depends on notifications/initialized, because it may reach
		// another instance. A client that opens a stream, or waits for the
		// answer to a request, is ready for the messages that come there.
		return
	}
	id := req.Params.Get("requestId")
	if id != nil && !s.cancel(id) && s.http.remote != nil && !s.sessionless() {
		s.http.remote.cancel(ctx, s, id)
	}
}

// subscribe subscribes the client to updates of a resource. It gets them while
// it listens.
func (s *session) subscribe(ctx context.Context, uri string) *jsonrpc.Error {
	s.listenMu.Lock()
	defer s.listenMu.Unlock()
	switch {
	case slices.Contains(s.uris, uri):
		return nil
	case len(s.uris) >= maxSubscriptions:
		return jsonrpc.Errorf(mcp.CodeInternalError, "no more than %d subscriptions are accepted", maxSubscriptions)
	}
	changes := s.changes
	if changes == nil {
		// While the client does not listen, this only checks that the resource
		// exists.
		changes = newSubscriptions(s.http.handler, s.from, func(jsonrpc.Notification) {})
		defer changes.close()
	}
	err := changes.begin(ctx, s.peer, uri)
	if err == nil {
		err = changes.confirm(ctx, uri)
	}
	if err == nil {
		s.uris = append(s.uris, uri)
	}
	return err
}

func (s *session) unsubscribe(uri string) {
	s.listenMu.Lock()
	defer s.listenMu.Unlock()
	s.unsubscribeLocked(uri)
}

func (s *session) unsubscribeLocked(uri string) {
	s.uris = slices.DeleteFunc(s.uris, func(u string) bool { return u == uri })
	if s.changes != nil {
		s.changes.end(uri)
	}
}

// listen returns the stream of changes, not connected yet. It refuses a second
// one, because a message must not be sent on two streams (2025-11-25,
// transports, "Multiple Connections").
func (s *session) listen(ctx context.Context) (*stream, *httpRefusal) {
	s.listenMu.Lock()
	defer s.listenMu.Unlock()
	if s.listening != nil && s.listening.connected() {
		return nil, errListening
	}
	s.stopLocked()
	st := &stream{session: s, kind: listenStream, detachable: true}
	changes := newSubscriptions(s.http.handler, s.from, st.notify)
	st.open()
	all := changes.beginLists(ctx, s.peer)
	select {
	case <-all.acknowledged:
	case <-all.ended:
		st.hangUp()
		return nil, errNoListener
	}
	watch := func(ctx context.Context, uri string) {
		if changes.begin(ctx, s.peer, uri) == nil {
			_ = changes.confirm(ctx, uri) // a resource that is gone has no updates
		}
	}
	for _, uri := range s.uris {
		watch(ctx, uri)
	}
	s.watch = func(uri string) { watch(context.WithoutCancel(ctx), uri) }
	s.listening, s.changes = st, changes
	if s.isClosed() || s.http.isClosed() {
		s.stopLocked()
		return nil, errNoListener
	}
	return st, nil
}

func (s *session) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed != nil
}

// stopListening ends the stream of changes.
func (s *session) stopListening() {
	s.listenMu.Lock()
	defer s.listenMu.Unlock()
	s.stopLocked()
}

// tellEverything tells a client that listens on st that everything has changed.
func (s *session) tellEverything(st *stream) {
	s.listenMu.Lock()
	defer s.listenMu.Unlock()
	if s.listening == st {
		s.changes.everything()
	}
}

// share tells the other replicas, if there are any, of an item of the session's
// state.
func (s *session) share(ctx context.Context, key, value string) {
	if s.http.remote != nil && !s.sessionless() {
		s.http.remote.set(ctx, s, key, value)
	}
}

// stopIf ends the stream of changes if it is st.
func (s *session) stopIf(st *stream) {
	s.listenMu.Lock()
	defer s.listenMu.Unlock()
	if s.listening == st {
		s.stopLocked()
	}
}

func (s *session) stopLocked() {
	if s.listening == nil {
		return
	}
	s.changes.close()
	s.listening.hangUp()
	s.listening, s.changes, s.watch = nil, nil, nil
}
