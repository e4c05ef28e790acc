package handshake

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/internal/replicas"
	"github.com/mcpengine/mcpengine/internal/seal"
	"github.com/mcpengine/mcpengine/internal/share"
	"github.com/mcpengine/mcpengine/internal/streamable"
)

// Header fields as net/http stores them.
const (
	sessionField = "Mcp-Session-Id"
	versionField = "Mcp-Protocol-Version"
	eventField   = "Last-Event-Id"
)

// An HTTPConfig adjusts how the handshake versions are served over Streamable
// HTTP. Its zero value is ready to use by one process.
type HTTPConfig struct {
	// Keys seals the session ids. Replicas with the same keys serve each
	// other's sessions. The default is a random key.
	Keys *seal.Ring

	// NoSessions keeps nothing between requests: no session id is given out,
	// clients have no capabilities, and none can listen for changes. A request
	// ends with its connection, because the client could not fetch the answer.
	NoSessions bool

	// PlatformSessions serves a request whose session id this server did not
	// issue as a request without a session, instead of answering 404. It is for
	// platforms that put ids of their own into requests.
	PlatformSessions bool

	// JSONOnly always answers with JSON: there are no event streams, and so no
	// notifications and no requests to the client.
	JSONOnly bool

	// SessionTTL is how long a session id is valid. The default is 24 hours.
	SessionTTL time.Duration

	// MaxSessions bounds the sessions for which the server keeps state beyond
	// the session id. The default is 10,000.
	MaxSessions int

	// MaxDisconnected is how long a request goes on while its client has no connection,
	// and how long changes are kept for a client. The default is 10 minutes.
	MaxDisconnected time.Duration

	// AskTimeout means the same as in [ConnConfig].
	AskTimeout time.Duration

	// KeepAlive is how often a comment is sent, so that intermediaries keep a
	// stream open. The default is 15 seconds.
	KeepAlive time.Duration

	// IOTimeout bounds the time to send one event; an answer may take up to
	// twice as long. The default is 30 seconds.
	IOTimeout time.Duration

	// Events keeps the events of answers for clients that come back. The
	// default is [NewEventBuffer]. The changes that a client has missed are
	// kept in memory.
	Events EventStore

	// Replicas connects the server to the other replicas. Optional.
	Replicas *replicas.Link

	// Caller returns the verified caller of an HTTP request. Expires returns
	// when the caller's token expires, or zero. Optional.
	Caller  func(*http.Request) string
	Expires func(*http.Request) time.Time

	// Owner returns to whose share a request counts, or "" for the address. The
	// default is Caller.
	Owner func(*http.Request) string

	// Ended is told of each session that its client deletes: its version and when it
	// began. Optional.
	Ended func(version string, began time.Time)

	// EachSessions and EachDisconnected limit the sessions and the streams without a
	// connection of one caller. By default its share alone does.
	EachSessions, EachDisconnected int

	// Logger is told of messages that are ignored. Optional.
	Logger *slog.Logger
}

func (c HTTPConfig) withDefaults() HTTPConfig {
	if c.Keys == nil {
		c.Keys = seal.RandomRing()
	}
	if c.SessionTTL <= 0 {
		c.SessionTTL = 24 * time.Hour
	}
	if c.MaxSessions <= 0 {
		c.MaxSessions = share.Sessions
	}
	if c.MaxDisconnected <= 0 {
		c.MaxDisconnected = 10 * time.Minute
	}
	if c.KeepAlive <= 0 {
		c.KeepAlive = 15 * time.Second
	}
	if c.IOTimeout <= 0 {
		c.IOTimeout = 30 * time.Second
	}
	if c.Events == nil {
		c.Events = NewEventBuffer()
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
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// HTTP serves a [jsonrpc.Handler] to clients of the handshake versions over
// Streamable HTTP (2025-11-25, transports, "Streamable HTTP"). It is plugged
// into the endpoint of 2026-07-28 as its [streamable.Handshake].
//
// A session id holds everything that the handshake has established, sealed. So
// any replica with the same keys serves the session, and no replica has to
// store it. One instance keeps more: the log level, subscriptions, requests
// under way that can be cancelled, requests to the client that wait for an
// answer, and streams that can be resumed. [remote] shares these with the other
// replicas. Without it, requests that reach another instance get the defaults
// instead.
type HTTP struct {
	handler     jsonrpc.Handler
	methods     protocol.Methods
	config      HTTPConfig
	sessions    table
	sessionless map[string]*session // by version
	remote      *remote             // nil without other replicas, and without sessions

	changes EventStore // the events of streams of changes

	disconnected *share.Bound // streams without a connection
	workers      workers      // write answers

	mu       sync.Mutex
	running  map[*exchange]struct{}
	closed   bool
	requests sync.WaitGroup // of sessions, which may outlive their HTTP request
}

var _ streamable.Handshake = (*HTTP)(nil)

// NewHTTP returns a server of h.
func NewHTTP(h jsonrpc.Handler, config HTTPConfig) *HTTP {
	s := &HTTP{
		handler: h, methods: protocol.MethodsOf(h), config: config.withDefaults(),
		disconnected: share.NewBound(share.StreamsDisconnected).Each(config.EachDisconnected), running: make(map[*exchange]struct{}),
	}
	if s.changes = s.config.Events; !isLocal(s.changes) {
		s.changes = NewEventBuffer()
	}
	s.sessions.init(s.config.MaxSessions, s.config.EachSessions)
	s.sessionless = make(map[string]*session, len(versions))
	for _, version := range versions {
		s.sessionless[version] = newSession(s, claims{peer: Peer{Version: version}}, share.Caller{})
	}
	if s.config.Replicas != nil && !s.config.NoSessions {
		s.remote = newRemote(s, s.config.Replicas)
	}
	return s
}

// Speaks reports whether a version is a handshake version.
func (*HTTP) Speaks(version string) bool { return slices.Contains(versions, version) }

// Post answers one message.
func (h *HTTP) Post(w http.ResponseWriter, r *http.Request, body []byte, req *jsonrpc.Request, err *jsonrpc.Error) (kept bool) {
	if err == nil && req.Method == protocol.MethodInitialize && !req.IsNotification() {
		h.initialize(w, r, req)
		return false
	}
	s, refused := h.find(r, req.Began)
	if refused != nil {
		// A session belongs to its caller. A client without its token is told
		// so before it is told that the session is unknown.
		if err != nil || req.IsNotification() || !h.turnAway(w, r, req) {
			refused.send(w, req.ID)
		}
		return false
	}
	switch {
	case err == nil && req.IsNotification():
		s.notice(r.Context(), req)
		w.WriteHeader(http.StatusAccepted)
	case err == nil:
		return h.postRequest(w, r, s, req)
	case errors.Is(err, jsonrpc.ErrIsBatch):
		return h.postBatch(w, r, s, body, req.Began)
	default:
		h.postReply(w, r, s, body)
	}
	return false
}

// initialize begins a session. The server keeps nothing of it: the session id
// that it gives the client holds what has been negotiated.
func (h *HTTP) initialize(w http.ResponseWriter, r *http.Request, req *jsonrpc.Request) {
	peer, err := Negotiate(req)
	if err != nil {
		sendError(w, req.ID, err)
		return
	}
	caller := h.config.Caller(r)
	if !h.config.NoSessions {
		token, ok := h.issue(peer, caller, time.Now())
		if !ok {
			sendError(w, req.ID, invalid("params.capabilities and params.clientInfo are too large"))
			return
		}
		w.Header().Set(sessionField, token)
	}
	peer.Adapt(req, "")
	resp := jsonrpc.Isolate(req, func() *jsonrpc.Response {
		return h.handler.Handle(r.Context(), req, func(jsonrpc.Notification) {})
	})
	defer resp.Release()
	if resp.Code != 0 {
		w.Header().Del(sessionField)
	} else if !h.listens() {
		resp.Body = withoutChanges(resp.Body)
	}
	h.writeResponse(w, req.Began, resp)
}

// turnAway refuses a request that its caller may not make, and reports whether
// it did.
func (h *HTTP) turnAway(w http.ResponseWriter, r *http.Request, req *jsonrpc.Request) bool {
	err := jsonrpc.Authorize(r.Context(), h.handler, req)
	if err == nil {
		return false
	}
	resp := jsonrpc.ErrorResponse(req.ID, err)
	defer resp.Release()
	streamable.WriteResponse(w, resp.Status, resp)
	return true
}

// writeResponse sends the response of a handler, however long that has taken.
func (h *HTTP) writeResponse(w http.ResponseWriter, began time.Time, resp *jsonrpc.Response) {
	streamable.ExtendWrite(w, began, h.config.IOTimeout)
	streamable.WriteResponse(w, http.StatusOK, resp)
}

// listens reports whether clients can listen for changes.
func (h *HTTP) listens() bool { return !h.config.NoSessions && !h.config.JSONOnly }

// Delete ends a session. The server forgets the session and remembers that its
// id is not valid any more. Replicas that are not told accept the id
// until it expires.
func (h *HTTP) Delete(w http.ResponseWriter, r *http.Request) {
	if h.config.NoSessions {
		streamable.RejectMethod(w, "POST, OPTIONS")
		return
	}
	s, refused := h.find(r, time.Now())
	if refused != nil {
		refused.send(w, nil)
		return
	}
	if s.sessionless() {
		streamable.RejectMethod(w, "POST, OPTIONS")
		return
	}
	h.sessions.delete(s.name, s.from.Key())
	if h.remote != nil {
		h.remote.set(r.Context(), s, deletedItem, isSet)
	}
	s.end(errDeleted)
	if h.config.Ended != nil {
		h.config.Ended(s.peer.Version, s.expires.Add(-h.config.SessionTTL))
	}
	w.WriteHeader(http.StatusNoContent)
}

// KeepWorkers keeps goroutines that have written an answer for the next one,
// until release is called.
func (h *HTTP) KeepWorkers() (release func()) { return h.workers.keep() }

// Close ends the streams on which clients listen for changes and refuses new
// ones. The server goes on answering requests.
func (h *HTTP) Close() {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	for _, s := range h.sessions.all() {
		s.stopListening()
	}
}

// lastGrace is how long requests that have been cancelled may take to end. A
// handler that ignores its context does not hold up the end of the process.
const lastGrace = time.Second

// Wait returns when the requests of sessions have ended. When ctx ends, it
// cancels them. Call it after Close.
func (h *HTTP) Wait(ctx context.Context) error {
	done := h.ended()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	for _, s := range h.sessions.all() {
		s.cancelAll(ctx.Err())
	}
	last := time.NewTimer(lastGrace)
	defer last.Stop()
	select {
	case <-done:
	case <-last.C:
	}
	return ctx.Err()
}

// Idle returns when the requests of sessions have ended, or the error of ctx
// when that ends first. Call it after Close.
func (h *HTTP) Idle(ctx context.Context) error {
	select {
	case <-h.ended():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ended returns a channel that is closed when the requests of sessions have
// ended.
func (h *HTTP) ended() <-chan struct{} {
	done := make(chan struct{})
	go func() { // ends with the last request
		defer close(done)
		h.requests.Wait()
	}()
	return done
}

// enter notes that a request begins. When the server is closing, Wait does not
// wait for it, so it must not outlive its HTTP request.
func (h *HTTP) enter(x *exchange) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.running[x] = struct{}{}
	if x.owned = !h.closed; x.owned {
		h.requests.Add(1)
	}
}

func (h *HTTP) leave(x *exchange) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.running, x)
	if x.owned {
		h.requests.Done()
	}
}

// Cut answers all running requests with err, whatever their handlers do, and
// returns how many there were.
func (h *HTTP) Cut(err *jsonrpc.Error) int {
	h.mu.Lock()
	running := slices.Collect(maps.Keys(h.running))
	h.mu.Unlock()
	var all sync.WaitGroup
	for _, x := range running {
		all.Go(func() { x.cut(err) })
	}
	all.Wait()
	return len(running)
}

// spawn calls f on a goroutine that Wait waits for, unless the server is closed.
func (h *HTTP) spawn(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.requests.Go(f)
	}
}

func (h *HTTP) isClosed() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.closed
}

// sendError refuses a request with status 400.
func sendError(w http.ResponseWriter, id []byte, err *jsonrpc.Error) {
	resp := jsonrpc.ErrorResponse(id, err)
	defer resp.Release()
	streamable.WriteJSON(w, http.StatusBadRequest, resp.Body)
}

// withoutChanges removes from the result of initialize the capabilities that
// announce changes, for clients that have no stream to receive them on.
func withoutChanges(body []byte) []byte {
	return jsonrpc.EditMember(body, "result", func(result []byte) []byte {
		return jsonrpc.EditMember(result, "capabilities", func(capabilities []byte) []byte {
			for _, name := range []string{"tools", "prompts", "resources"} {
				capabilities = jsonrpc.EditMember(capabilities, name, func([]byte) []byte { return []byte("{}") })
			}
			return capabilities
		})
	})
}
