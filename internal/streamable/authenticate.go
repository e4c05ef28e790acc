package streamable

import (
	"context"
	"net/http"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/mcp"
)

var varyAuthorization = []string{"Authorization"}

// authenticate returns the context of the request with its caller. When it
// returns nil, it has refused the request.
func (s *Server) authenticate(w http.ResponseWriter, r *http.Request) context.Context {
	if h := w.Header(); h["Vary"] == nil {
		h["Vary"] = varyAuthorization
	} else {
		h.Add("Vary", "Authorization")
	}
	ctx, refused := s.config.Authenticate(r)
	if refused != nil {
		s.refuse(w, r, refused)
		return nil
	}
	return ctx
}

// refuse turns a request away before its message is read.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err *jsonrpc.Error) {
	if s.config.Refused != nil {
		s.config.Refused(r, err.Refusal.Status, err.Message)
	}
	Refuse(w, err)
}

// rejectOrigin refuses a request whose origin or host is not allowed, and reports
// whether it did.
func (s *Server) rejectOrigin(w http.ResponseWriter, r *http.Request) bool {
	reason := s.refuseOrigin(r)
	if reason == "" {
		return false
	}
	s.refuse(w, r, &jsonrpc.Error{Code: mcp.CodeInvalidRequest, Message: reason, Refusal: &jsonrpc.Refusal{Status: http.StatusForbidden}})
	return true
}
