package handshake

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/internal/share"
	"github.com/mcpengine/mcpengine/internal/streamable"
	"github.com/mcpengine/mcpengine/mcp"
)

const (
	// maxDeleted bounds the deleted sessions that are remembered. Beyond it the
	// one deleted first is forgotten.
	maxDeleted = 10_000

	// evictionSample is how many sessions are looked at to find one that has
	// not been used for long.
	evictionSample = 16
)

// A table holds the sessions of which this instance knows something, and which
// have been deleted.
type table struct {
	max int

	mu      sync.RWMutex
	live    map[string]*session // by id
	held    map[share.Caller]int
	deleted map[string]bool // by name
	order   []string        // of deleted, from index first on
	first   int
}

func (t *table) init(maxSessions int) {
	t.max = maxSessions
	t.live, t.held, t.deleted = make(map[string]*session), make(map[share.Caller]int), make(map[string]bool)
}

// get returns a session that is known.
func (t *table) get(token string) *session {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.live[token]
}

// add makes a session known, unless it is already or has been deleted, which
// returns nil. The session that had to make room for it is to be closed.
func (t *table) add(s *session) (known, evicted *session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.deleted[s.name] {
		return nil, nil
	}
	if known := t.live[s.token]; known != nil {
		return known, nil
	}
	if len(t.live) >= t.max {
		evicted = t.victim()
		t.forget(evicted)
	}
	t.live[s.token] = s
	t.held[s.from]++
	return s, evicted
}

// forget removes a session. The caller holds t.mu.
func (t *table) forget(s *session) {
	if t.live[s.token] != s {
		return
	}
	delete(t.live, s.token)
	if t.held[s.from]--; t.held[s.from] == 0 {
		delete(t.held, s.from)
	}
}

// victim returns the session that makes room for another one: of the caller who
// has most, one that has not been used for long. It looks at a sample, in
// whatever order the map has them: exactness would cost every request a turn at
// one list.
func (t *table) victim() (found *session) {
	n := 0
	for _, s := range t.live {
		if found == nil || t.held[s.from] > t.held[found.from] || t.held[s.from] == t.held[found.from] && s.idleLonger(found) {
			found = s
		}
		if n++; n == evictionSample {
			break
		}
	}
	return found
}

func (t *table) remove(s *session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forget(s)
}

// delete remembers that a session has ended before it has expired.
func (t *table) delete(s *session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forget(s)
	if t.deleted[s.name] {
		return
	}
	t.deleted[s.name] = true
	if len(t.order) < maxDeleted {
		t.order = append(t.order, s.name)
		return
	}
	delete(t.deleted, t.order[t.first])
	t.order[t.first] = s.name
	t.first = (t.first + 1) % maxDeleted
}

func (t *table) all() []*session {
	t.mu.RLock()
	defer t.mu.RUnlock()
	sessions := make([]*session, 0, len(t.live))
	for _, s := range t.live {
		sessions = append(sessions, s)
	}
	return sessions
}

// An httpRefusal refuses an HTTP request because of its session.
type httpRefusal struct {
	status  int
	message string
}

// send answers the request with the id, which is nil for what is not a request.
func (f *httpRefusal) send(w http.ResponseWriter, id []byte) {
	resp := jsonrpc.ErrorResponse(id, jsonrpc.Errorf(mcp.CodeInvalidRequest, "%s", f.message))
	defer resp.Release()
	streamable.WriteJSON(w, f.status, resp.Body)
}

// errNoSession does not say why an id is not valid: whoever tries ids learns
// nothing. The client begins anew (2025-11-25, transports, "Session
// Management").
var errNoSession = &httpRefusal{http.StatusNotFound, "there is no such session, or it has ended: send initialize without " + sessionField}

// find returns the session that an HTTP request belongs to.
func (h *HTTP) find(r *http.Request, now time.Time) (*session, *httpRefusal) {
	if h.config.NoSessions {
		return h.findStateless(r)
	}
	ids := r.Header[sessionField]
	switch {
	case len(ids) == 0:
		return nil, &httpRefusal{http.StatusBadRequest, sessionField + " header is missing: send initialize first, or params._meta[\"" + mcp.MetaProtocolVersion + "\"] with every request"}
	case len(ids) > 1:
		return nil, &httpRefusal{http.StatusBadRequest, sessionField + " header is repeated"}
	}
	caller := h.config.Caller(r)
	s := h.lookup(ids[0], caller, share.CallerOf(caller, r.RemoteAddr), now)
	switch {
	case s == nil && h.config.PlatformSessions && !h.made(ids[0], caller):
		return h.findStateless(r)
	case s == nil:
		return nil, errNoSession
	}
	return s, checkVersion(r.Header[versionField], s.peer.Version)
}

// lookup returns the session with an id, and nil when the id is not valid.
func (h *HTTP) lookup(token, caller string, from share.Caller, now time.Time) *session {
	if s := h.sessions.get(token); s != nil {
		if s.caller != caller {
			return nil
		}
		if !now.Before(s.expires) {
			h.sessions.remove(s)
			s.close(errExpired)
			return nil
		}
		s.used.Store(now.UnixNano())
		return s
	}
	t, ok := h.open(token, caller, now)
	if !ok {
		return nil
	}
	s := newSession(h, t, from)
	s.token, s.name, s.caller = strings.Clone(token), nameOf(token), caller
	s.used.Store(now.UnixNano())
	s, evicted := h.sessions.add(s)
	if evicted != nil {
		evicted.close(errEvicted)
	}
	return s
}

// findStateless returns what stands for the session of a client that has none.
// A client says its version with every request; one that does not is older than
// the header (2025-11-25, transports, "Protocol Version Header").
func (h *HTTP) findStateless(r *http.Request) (*session, *httpRefusal) {
	version := protocol.Unnamed().Name
	if values := r.Header[versionField]; len(values) > 0 {
		version = values[0]
	}
	s := h.stateless[version]
	if s == nil {
		s = h.stateless[versions[0]]
	}
	return s, checkVersion(r.Header[versionField], s.peer.Version)
}

// checkVersion compares the version header, which a client may leave out, with
// the version of the session.
func checkVersion(values []string, version string) *httpRefusal {
	switch {
	case len(values) == 0 || len(values) == 1 && values[0] == version:
		return nil
	case len(values) > 1:
		return &httpRefusal{http.StatusBadRequest, "MCP-Protocol-Version header is repeated"}
	}
	return &httpRefusal{http.StatusBadRequest, "MCP-Protocol-Version must be " + version + ", the version of the session"}
}
