package streamable

import (
	"context"
	"net/http"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
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
		resp := jsonrpc.ErrorResponse(nil, refused)
		defer resp.Release()
		WriteResponse(w, resp.Status, resp)
		return nil
	}
	return ctx
}
