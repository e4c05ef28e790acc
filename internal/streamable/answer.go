package streamable

import (
	"net/http"
	"strconv"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

var (
	jsonType = []string{"application/json"}
	noStore  = []string{"no-store"}
)

// maxUnsized is the length up to which net/http finds the length of a body by
// itself. It sends a longer body of unknown length in chunks.
const maxUnsized = 2 << 10

// WriteResponse sends a response as JSON with the status, or with the status
// and header fields of its refusal.
func WriteResponse(w http.ResponseWriter, status int, resp *jsonrpc.Response) {
	if refusal := resp.Refusal; refusal != nil {
		status = refusal.Status
		for name, values := range refusal.Header {
			if name != "Vary" { // authenticate has set it
				w.Header()[name] = values
			}
		}
	}
	writeJSON(w, status, resp.Body, resp.Tail)
}

// WriteJSON sends body. No cache between client and server may keep it, because
// answers depend on the caller.
func WriteJSON(w http.ResponseWriter, status int, body []byte) { writeJSON(w, status, body, nil) }

// writeJSON sends a body in two parts.
func writeJSON(w http.ResponseWriter, status int, body, tail []byte) {
	h := w.Header()
	h["Content-Type"] = jsonType
	h["Cache-Control"] = noStore
	if n := len(body) + len(tail); n > maxUnsized {
		h["Content-Length"] = []string{strconv.Itoa(n)}
	}
	w.WriteHeader(status)
	w.Write(body) // the client is gone when this fails
	if tail != nil {
		w.Write(tail)
	}
}

// Refuse answers with a JSON-RPC error without an id, and with the status and
// header fields of its refusal.
func Refuse(w http.ResponseWriter, err *jsonrpc.Error) {
	resp := jsonrpc.ErrorResponse(nil, err)
	defer resp.Release()
	WriteResponse(w, resp.Status, resp)
}

// Reject answers with a JSON-RPC error without an id.
func Reject(w http.ResponseWriter, status, code int, message string) {
	resp := jsonrpc.ErrorResponse(nil, jsonrpc.Errorf(code, "%s", message))
	defer resp.Release()
	WriteJSON(w, status, resp.Body)
}
