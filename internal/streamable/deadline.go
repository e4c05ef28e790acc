package streamable

import (
	"net/http"
	"time"
)

// bound bounds the time in which the body has to arrive, and as much again in
// which the answer has to be taken: a client that sends a byte an hour, or reads
// none, must not hold a goroutine. It comes first, because net/http waits for
// the body before it sends the answer to a request that was turned away unread.
// At the end of the body, and at that of the request, net/http lifts the
// deadlines itself. What it returns is for [ExtendWrite].
func (s *Server) bound(w http.ResponseWriter, r *http.Request) (began time.Time) {
	began = time.Now()
	d := deadlinesOf(w)
	if r.Body != nil && r.Body != http.NoBody {
		_ = d.SetReadDeadline(began.Add(s.config.IOTimeout))
	}
	_ = d.SetWriteDeadline(began.Add(2 * s.config.IOTimeout))
	return began
}

// ExtendWrite gives the client the time to take an answer that comes when the
// handler is done. Even a short one may wait for it: the buffers on the way are
// full when a client sends requests and reads nothing. What is left of the time
// that the request has had since it began, which may be zero for long ago, will
// do while it is as much.
func ExtendWrite(w http.ResponseWriter, began time.Time, timeout time.Duration) {
	if time.Since(began) >= timeout {
		_ = deadlinesOf(w).SetWriteDeadline(time.Now().Add(timeout))
	}
}

// deadlines are those of a connection, or of a stream of HTTP/2. One that cannot
// be set any more is of a connection that has ended.
type deadlines interface {
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

// deadlinesOf finds what [http.ResponseController] would. That makes an error
// with each call for a writer without deadlines, such as that of AWS Lambda.
func deadlinesOf(w http.ResponseWriter) deadlines {
	for {
		switch v := w.(type) {
		case deadlines:
			return v
		case interface{ Unwrap() http.ResponseWriter }:
			w = v.Unwrap()
		default:
			return noDeadlines{}
		}
	}
}

type noDeadlines struct{}

func (noDeadlines) SetReadDeadline(time.Time) error  { return nil }
func (noDeadlines) SetWriteDeadline(time.Time) error { return nil }
