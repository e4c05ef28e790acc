package streamable

import (
	"net/http"
	"time"
)

// bound bounds the time in which the body has to arrive, and the same time
// again in which the client has to read the answer: a client that sends a byte
// an hour, or reads nothing, must not hold a goroutine. It comes before all
// checks, because net/http waits for the body before it sends the answer to a
// request that was refused unread. At the end of the body and at the end of the
// request, net/http lifts the deadlines itself. The result is for
// [ExtendWrite].
func (s *Server) bound(w http.ResponseWriter, r *http.Request) (began time.Time) {
	began = time.Now()
	d := deadlinesOf(w)
	if r.Body != nil && r.Body != http.NoBody {
		_ = d.SetReadDeadline(began.Add(s.config.IOTimeout))
	}
	_ = d.SetWriteDeadline(began.Add(2 * s.config.IOTimeout))
	return began
}

// ExtendWrite gives the client time to read an answer when the handler is done.
// Even a short answer may have to wait: the buffers on the way are full when a
// client sends requests and reads nothing. Began is when the request began;
// zero means long ago. While the deadline that [Server.bound] set then still
// leaves the full time, it stays.
func ExtendWrite(w http.ResponseWriter, began time.Time, timeout time.Duration) {
	if time.Since(began) >= timeout {
		_ = deadlinesOf(w).SetWriteDeadline(time.Now().Add(timeout))
	}
}

// deadlines sets the deadlines of a connection, or of a stream of HTTP/2. It
// only fails when the connection has ended.
type deadlines interface {
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

// deadlinesOf finds the same writer as [http.ResponseController]. The latter
// allocates an error with each call for a writer without deadlines, such as the
// one on AWS Lambda.
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
