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

// A session is what an id says, opened, and what this instance knows of the
// session beyond that. One without an id stands for clients without a session;
// nothing is kept of them.
type session struct {
	claims
	http          *HTTP
	token, caller string
	from          share.Caller // to whose share the session counts
	name          string       // see nameOf; empty without an id
	description   description
	used          atomic.Int64 // when it was, in nanoseconds

	mu      sync.Mutex
	closed  error // why nothing is kept any more
	level   string
	calls   []*call
	streams map[string]*stream // that can be resumed here, by id
	asks    *duplex.Questions  // nil until the first one

	// Held while the client begins and ends to listen, which may take the
	// engine a moment. It comes before all other locks.
	listenMu  sync.Mutex
	listening *stream        // nil when the client does not listen
	changes   *subscriptions // what it hears of meanwhile
	uris      []string       // of the resources it wants to hear of
}

func newSession(h *HTTP, t claims, from share.Caller) *session {
	return &session{claims: t, http: h, from: from, description: t.peer.description(t.peer.Version), level: protocol.DefaultLevel}
}

// stateless reports whether s stands for clients without a session.
func (s *session) stateless() bool { return s.token == "" }

// adapt puts into a request what the session knows.
func (s *session) adapt(req *jsonrpc.Request, level string) {
	req.Handshake = true
	s.description.put(req, level)
}

// enter notes that a request is under way, and returns the level of its log
// messages. It reports false when the session has ended meanwhile.
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

// forgotten reports whether the session goes on, but not here. What was known
// of it is gone, and a request that came at that moment does without.
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

// cancel cancels the request with an id. One that is unknown is answered
// already, or by another instance (2025-11-25, cancellation, "Error Handling").
func (s *session) cancel(id []byte) {
	s.mu.Lock()
	// An id is valid as long as its call is in the list.
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
}

func (s *session) cancelAll(cause error) {
	s.mu.Lock()
	calls := slices.Clone(s.calls)
	s.mu.Unlock()
	for _, c := range calls {
		c.cancel(cause)
	}
}

// idleLonger reports whether s is the better one to be forgotten: nothing is
// under way in it, or else it has not been used for longer.
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

// setLevel sets the level of log messages, for this instance.
func (s *session) setLevel(level string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.level = level
}

// requests returns the table of requests to the client. Its ids begin with a
// random prefix, because an answer may reach another instance, which must not
// take it for its own.
func (s *session) requests() *duplex.Questions {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asks == nil {
		s.asks = duplex.NewQuestions("s-"+rand.Text()+"-", s.http.config.AskTimeout)
		if s.closed != nil {
			s.asks.Close(s.closed)
		}
	}
	return s.asks
}

// resolve hands an answer to who waits for it, if anybody does.
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
	if buffer, ok := s.http.config.Events.(*EventBuffer); ok {
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

// close forgets what is known of the session. Requests that wait for the client
// fail, because its answers find nobody any more, and it does not listen any
// more. What is under way goes on to its answer.
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

// end cancels what is under way in the session, and forgets the rest.
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
func (s *session) notice(req *jsonrpc.Request) {
	if req.Method != mcp.MethodNotificationsCancelled {
		// The end of the handshake may be told to another instance, so that
		// nothing depends on it: a client that opens a stream, or waits for the
		// answer to a request, is ready for what comes there.
		return
	}
	if id := req.Params.Get("requestId"); id != nil {
		s.cancel(id)
	}
}

// subscribe begins to tell the client of updates of a resource, once it
// listens.
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
		// While nobody listens, this only asks whether the resource is there.
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
	s.uris = slices.DeleteFunc(s.uris, func(u string) bool { return u == uri })
	if s.changes != nil {
		s.changes.end(uri)
	}
}

// listen returns the stream on which the client hears of changes, not connected
// yet, and refuses a second one: what is sent on one stream must not be sent on
// another (2025-11-25, transports, "Multiple Connections").
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
	for _, uri := range s.uris {
		if changes.begin(ctx, s.peer, uri) == nil {
			_ = changes.confirm(ctx, uri) // a resource that is gone has no updates
		}
	}
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

// stopListening ends the stream on which the client hears of changes.
func (s *session) stopListening() {
	s.listenMu.Lock()
	defer s.listenMu.Unlock()
	s.stopLocked()
}

// stopIf ends the stream if it is still the one.
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
	s.listening, s.changes = nil, nil
}
