package streamable

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
)

// readBody reads the message into x.body. A non-zero status says why it could
// not be read.
func (x *exchange) readBody(w http.ResponseWriter, r *http.Request) (status int, reason string) {
	limit := x.server.config.MaxBody
	tooLarge := func() (int, string) {
		w.Header().Set("Connection", "close")
		return http.StatusRequestEntityTooLarge, fmt.Sprintf("the message is larger than %d bytes", limit)
	}
	if r.ContentLength > limit {
		return tooLarge()
	}
	if err := x.fill(r.Body, r.ContentLength, limit); err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return http.StatusRequestTimeout, "the message did not arrive in time"
		}
		return http.StatusBadRequest, "the message could not be read"
	}
	if int64(len(x.body)) > limit {
		return tooLarge()
	}
	return 0, ""
}

// fill reads at most one byte more than limit.
func (x *exchange) fill(body io.Reader, length, limit int64) error {
	// A declared length costs nothing before the bytes arrive.
	if need := min(length, limit, maxPooled) + 1; int64(cap(x.body)) < need {
		x.body = make([]byte, 0, need)
	}
	x.body = x.body[:0]
	for int64(len(x.body)) <= limit {
		if len(x.body) == cap(x.body) {
			x.body = append(x.body, 0)[:len(x.body)]
		}
		room := x.body[len(x.body):cap(x.body)]
		room = room[:min(int64(len(room)), limit+1-int64(len(x.body)))]
		n, err := body.Read(room)
		x.body = x.body[:len(x.body)+n]
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}
