package streamable

import (
	"errors"
	"net/http"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/mcp"
)

// A Handshake serves the messages of the handshake versions, which share the
// endpoint. The checks of Origin, Host, Content-Type, Accept and size have been
// made by then.
type Handshake interface {
	// Speaks reports whether a version is one of those it serves.
	Speaks(version string) bool

	// Post answers the message in body. Either it is the request or
	// notification req, or err says that it is something else:
	// [jsonrpc.ErrIsResponse] or [jsonrpc.ErrIsBatch]. Kept says that body and
	// req are still in use when Post has returned.
	Post(w http.ResponseWriter, r *http.Request, body []byte, req *jsonrpc.Request, err *jsonrpc.Error) (kept bool)

	// Cut answers the requests that run with err and returns how many there were.
	Cut(err *jsonrpc.Error) int

	// Get answers a request for an event stream, and Delete one to end a
	// session.
	Get(w http.ResponseWriter, r *http.Request)
	Delete(w http.ResponseWriter, r *http.Request)
}

// isHandshake reports whether a message belongs to a handshake version: its body
// does not say that it is of 2026-07-28, and its header does not either. Err is
// what came of parsing it.
//
// Everything else is served, or refused, by the rules of 2026-07-28, so
// that a message in whose body and header different versions are named is
// refused as the mismatch it is.
func (s *Server) isHandshake(h http.Header, req *jsonrpc.Request, err *jsonrpc.Error) bool {
	handshake := s.config.Handshake
	switch {
	case handshake == nil || req.Meta.Get(mcp.MetaProtocolVersion) != nil:
		return false
	case err != nil && !errors.Is(err, jsonrpc.ErrIsResponse) && !errors.Is(err, jsonrpc.ErrIsBatch):
		return false
	case req.Method == "initialize":
		return true
	}
	versions := h[protocolVersionField]
	return len(versions) == 0 || len(versions) == 1 && handshake.Speaks(versions[0])
}

func (s *Server) getHandshake(w http.ResponseWriter, r *http.Request) {
	if _, events := accepts(r.Header["Accept"]); !events {
		Reject(w, http.StatusNotAcceptable, mcp.CodeInvalidRequest, "Accept must list text/event-stream")
		return
	}
	s.config.Handshake.Get(w, r)
}

// allows reports whether the endpoint has anything to do with an HTTP method
// that a script may want to send.
func (s *Server) allows(method string) bool {
	switch method {
	case http.MethodPost:
		return true
	case http.MethodGet, http.MethodDelete:
		return s.config.Handshake != nil
	}
	return false
}

// methods returns the value of Allow.
func (s *Server) methods() string {
	if s.config.Handshake == nil {
		return postOnly
	}
	return "GET, POST, DELETE, OPTIONS"
}

const postOnly = "POST, OPTIONS"

// RejectMethod answers a request whose HTTP method is none of those allowed,
// which RFC 9110, section 15.5.6, wants to be listed.
func RejectMethod(w http.ResponseWriter, allowed string) {
	w.Header().Set("Allow", allowed)
	message := "the MCP endpoint accepts POST only"
	if allowed != postOnly {
		message = "the MCP endpoint accepts " + allowed + " only"
	}
	Reject(w, http.StatusMethodNotAllowed, mcp.CodeInvalidRequest, message)
}
