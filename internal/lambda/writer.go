package lambda

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/mcp"
)

// A writer is the [http.ResponseWriter] of an exchange. It keeps the data that
// the handler writes until the exchange is over or, when the front end streams,
// until the handler flushes.
type writer struct {
	exchange    *exchange
	header      http.Header
	status      int
	contentType string // "" until the body begins, if the handler leaves it open
	silent      bool   // the request is HEAD: the body is dropped
	headers     []byte // encoded as the front end wants them; see head.go
	body        []byte
	pipe        *pipe // nil when the answer is buffered
}

// Header returns the headers of the response. Changes after the status is
// written have no effect.
func (w *writer) Header() http.Header { return w.header }

// WriteHeader writes the status. Only the first status counts. Informational
// statuses are ignored, because no front end can send them.
func (w *writer) WriteHeader(status int) {
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("invalid status %d", status)) // as net/http does
	}
	if w.status != 0 || status < 200 && status != http.StatusSwitchingProtocols {
		return
	}
	w.status = status
	w.appendHeaders()
}

// Write appends to the body.
func (w *writer) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	switch {
	case w.status == http.StatusNoContent || w.status == http.StatusNotModified:
		return 0, http.ErrBodyNotAllowed
	case w.silent:
		return len(p), nil
	}
	if len(w.body) == 0 && len(p) > 0 {
		w.sniff(p)
	}
	if w.pipe != nil && w.pipe.opened {
		return w.pipe.Write(p)
	}
	w.body = append(w.body, p...)
	if w.pipe != nil && len(w.body) > maxHeld {
		return len(p), w.FlushError()
	}
	return len(p), nil
}

// complete reports whether the body is as long as its header says.
func (w *writer) complete() bool {
	length := w.header["Content-Length"]
	return len(length) == 1 && length[0] == strconv.Itoa(len(w.body))
}

// sniff guesses the content type of a body when the handler has not set it, as
// net/http does. A field without values turns that off.
func (w *writer) sniff(p []byte) {
	if _, said := w.header["Content-Type"]; w.contentType == "" && !said {
		w.contentType = http.DetectContentType(p)
	}
}

// Flush is FlushError without the error.
func (w *writer) Flush() { _ = w.FlushError() }

// FlushError sends what has been written so far if the front end streams, and
// does nothing if it does not.
func (w *writer) FlushError() error {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if w.pipe == nil || w.pipe.opened {
		return nil
	}
	return w.pipe.open(w.prelude())
}

// reject answers with a JSON-RPC error without an id.
func (w *writer) reject(status, code int, message string) {
	resp := jsonrpc.ErrorResponse(nil, jsonrpc.Errorf(code, "%s", message))
	defer resp.Release()
	w.replace(status, resp.Body)
}

// replace replaces the answer written so far with JSON. Headers that do not
// describe the body, such as CORS headers, stay.
func (w *writer) replace(status int, body []byte) {
	for _, name := range []string{"Content-Encoding", "Content-Disposition", "Content-Range", "Etag", "Last-Modified"} {
		delete(w.header, name)
	}
	w.header["Content-Type"] = []string{"application/json"}
	w.header["Cache-Control"] = []string{"no-store"}
	w.status, w.contentType, w.headers, w.body = 0, "", nil, nil
	w.WriteHeader(status)
	if !w.silent {
		w.body = append(w.body, body...)
	}
}

// abort ends an answer that the handler did not finish. The part that has been
// sent cannot be taken back.
func (w *writer) abort() {
	if w.pipe != nil && w.pipe.opened {
		w.pipe.fail(errAborted)
		return
	}
	w.reject(http.StatusInternalServerError, mcp.CodeInternalError, "internal error")
}
