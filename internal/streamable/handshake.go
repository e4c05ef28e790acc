package streamable

import (
	"errors"
	"net/http"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/mcp"
)

// A Handshake serves the messages of the handshake versions, which share the
// endpoint. The server checks Origin, Host, Content-Type, Accept and size
// before it calls a method.
type Handshake interface {
	// Speaks reports whether it serves a version.
	Speaks(version string) bool

	// Post answers the message in body. When err is nil, the message is the
	// request or notification req. Otherwise err says what it is:
	// [jsonrpc.ErrIsResponse] or [jsonrpc.ErrIsBatch]. Kept says that body and
	// req are still in use when Post has returned.
	Post(w http.ResponseWriter, r *http.Request, body []byte, req *jsonrpc.Request, err *jsonrpc.Error) (kept bool)

	// Cut answers all running requests with err and returns how many there
	// were.
	Cut(err *jsonrpc.Error) int

	// Get answers a request for an event stream, and Delete one to end a
	// session.
	Get(w http.ResponseWriter, r *http.Request)
	Delete(w http.ResponseWriter, r *http.Request)
}

// isHandshake reports whether a message belongs to a handshake version: neither
// its body nor its header names 2026-07-28. Err is the result of parsing it.
//
// Every other message is served, or refused, by the rules of 2026-07-28. So a
// message whose body and header name different versions is refused as a
// mismatch.
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

// allows reports whether the endpoint serves an HTTP method that scripts may
// use.
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

// RejectMethod refuses a request whose HTTP method is not allowed. The answer
// has to list the allowed methods (RFC 9110, section 15.5.6).
func RejectMethod(w http.ResponseWriter, allowed string) {
	w.Header().Set("Allow", allowed)
	message := "the MCP endpoint accepts POST only"
	if allowed != postOnly {
		message = "the MCP endpoint accepts " + allowed + " only"
	}
	Reject(w, http.StatusMethodNotAllowed, mcp.CodeInvalidRequest, message)
}
