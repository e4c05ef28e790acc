package streamable

import (
	"context"
	"net/http"

	"github.com/mcpengine/mcpengine/internal/conn"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

var varyAuthorization = []string{"Authorization"}

// authenticate returns the context of the request with its caller, and nil when
// it has been turned away.
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
		WriteResponse(w, r, resp.Status, resp)
		return nil
	}
	return ctx
}

// WriteResponse answers r with the status, or with that of the refusal.
func WriteResponse(w http.ResponseWriter, r *http.Request, status int, resp *jsonrpc.Response) {
	if refusal := resp.Refusal; refusal != nil {
		status = refusal.Status
		for name, values := range refusal.Header {
			if name != "Vary" { // which has been said
				w.Header()[name] = values
			}
		}
	}
	if n := len(resp.Body) + len(resp.Tail); n > maxUnsized {
		conn.Expect(r.Context(), n)
	}
	writeJSON(w, status, resp.Body, resp.Tail)
}
