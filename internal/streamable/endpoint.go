package streamable

import (
	"net/http"

	"github.com/mcpengine/mcpengine/mcp"
)

// Admit makes the checks of the MCP endpoint for another endpoint of the same
// server, which answers one HTTP method, and returns the request with its
// caller. When it returns nil, it has answered the request.
func (s *Server) Admit(w http.ResponseWriter, r *http.Request, method string) *http.Request {
	s.bound(w, r)
	if s.rejectOrigin(w, r) {
		return nil
	}
	s.allowOrigin(w, r)
	allow := method + ", OPTIONS"
	switch {
	case r.Method == http.MethodOptions:
		preflight(w, r, allow, func(wanted string) bool { return wanted == method })
		return nil
	case r.Method != method:
		RejectMethod(w, allow)
		return nil
	case s.config.Authenticate == nil:
		return r
	}
	if ctx := s.authenticate(w, r); ctx != nil {
		return r.WithContext(ctx)
	}
	return nil
}

// AcceptsEvents reports whether the client accepts an event stream. A client
// without an Accept header accepts everything (RFC 9110, section 12.5.1).
func AcceptsEvents(h http.Header) bool {
	_, events := accepts(h["Accept"])
	return events || len(h["Accept"]) == 0
}

// ReadMessage reads the message of a POST into buf, which it may replace, by
// the rules of the MCP endpoint. When it reports false, it has answered the
// request.
func (s *Server) ReadMessage(w http.ResponseWriter, r *http.Request, buf []byte) (message []byte, ok bool) {
	if !isJSON(r.Header) {
		Reject(w, http.StatusUnsupportedMediaType, mcp.CodeInvalidRequest, notJSON)
		return buf, false
	}
	x := exchange{server: s, body: buf}
	if status, reason := x.readBody(w, r); status != 0 {
		Reject(w, status, mcp.CodeInvalidRequest, reason)
		return x.body, false
	}
	return x.body, true
}

const notJSON = "Content-Type must be application/json, not encoded further"
