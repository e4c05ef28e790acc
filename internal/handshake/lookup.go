package handshake

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/internal/share"
	"github.com/mcpengine/mcpengine/internal/streamable"
	"github.com/mcpengine/mcpengine/mcp"
)

// An httpRefusal refuses an HTTP request because of its session.
type httpRefusal struct {
	status  int
	message string
}

// send answers the request with the id, which is nil for other messages.
func (f *httpRefusal) send(w http.ResponseWriter, id []byte) {
	resp := jsonrpc.ErrorResponse(id, jsonrpc.Errorf(mcp.CodeInvalidRequest, "%s", f.message))
	defer resp.Release()
	streamable.WriteJSON(w, f.status, resp.Body)
}

// errNoSession does not say why an id is not valid, so that guessing ids
// reveals nothing. The client has to initialize again (2025-11-25, transports,
// "Session Management").
var errNoSession = &httpRefusal{http.StatusNotFound, "there is no such session, or it has ended: send initialize without " + sessionField}

// find returns the session that an HTTP request belongs to.
func (h *HTTP) find(r *http.Request, now time.Time) (*session, *httpRefusal) {
	if h.config.NoSessions {
		return h.findSessionless(r)
	}
	ids := r.Header[sessionField]
	switch {
	case len(ids) == 0:
		return nil, &httpRefusal{http.StatusBadRequest, sessionField + " header is missing: send initialize first, or params._meta[\"" + mcp.MetaProtocolVersion + "\"] with every request"}
	case len(ids) > 1:
		return nil, &httpRefusal{http.StatusBadRequest, sessionField + " header is repeated"}
	}
	caller := h.config.Caller(r)
	s := h.lookup(r.Context(), ids[0], caller, share.CallerOf(h.config.Owner(r), r.RemoteAddr), now)
	switch {
	case s == nil && h.config.PlatformSessions && !h.made(ids[0], caller):
		return h.findSessionless(r)
	case s == nil:
		return nil, errNoSession
	}
	return s, checkVersion(r.Header[versionField], s.peer.Version)
}

// lookup returns the session with an id, or nil when the id is not valid.
func (h *HTTP) lookup(ctx context.Context, token, caller string, from share.Caller, now time.Time) *session {
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
	s.token, s.caller = strings.Clone(token), caller
	s.name = nameOf(s.token)
	s.used.Store(now.UnixNano())
	if h.remote != nil {
		h.remote.learn(ctx, s)
	}
	known, evicted := h.sessions.add(s)
	if evicted != nil {
		evicted.close(errEvicted)
	}
	if h.remote != nil && known == s {
		h.remote.adopt(s) // what has come since
	}
	return known
}

// findSessionless returns the session that all clients of a version without a
// session share. A client sends its version with every request; one that does
// not uses a version from before the header (2025-11-25, transports, "Protocol
// Version Header").
func (h *HTTP) findSessionless(r *http.Request) (*session, *httpRefusal) {
	version := protocol.Unnamed().Name
	if values := r.Header[versionField]; len(values) > 0 {
		version = values[0]
	}
	s := h.sessionless[version]
	if s == nil {
		s = h.sessionless[versions[0]]
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
