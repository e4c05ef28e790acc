package streamable

import (
	"net/http"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// authenticate returns the request with its caller in the context, and nil when
// it has been turned away.
func (s *Server) authenticate(w http.ResponseWriter, r *http.Request) *http.Request {
	w.Header().Add("Vary", "Authorization")
	ctx, refused := s.config.Authenticate(r)
	if refused != nil {
		resp := jsonrpc.ErrorResponse(nil, refused)
		defer resp.Release()
		WriteResponse(w, resp.Status, resp)
		return nil
	}
	return r.WithContext(ctx)
}

// WriteResponse sends a response with the status, or with that of its refusal.
func WriteResponse(w http.ResponseWriter, status int, resp *jsonrpc.Response) {
	if refusal := resp.Refusal; refusal != nil {
		status = refusal.Status
		for name, values := range refusal.Header {
			if name != "Vary" { // which has been said
				w.Header()[name] = values
			}
		}
	}
	WriteJSON(w, status, resp.Body)
}
