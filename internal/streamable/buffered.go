package streamable

import "net/http"

// buffering is a writer whose client gets the whole answer at once, such as the
// writer of an invocation on AWS Lambda. There answers are JSON, and
// notifications are dropped.
type buffering interface {
	http.ResponseWriter

	// Buffered reports whether this answer is buffered.
	Buffered() bool

	// Dropped is called when a notification is dropped.
	Dropped()
}

// Buffers returns the function to call for each dropped notification when w
// buffers the answer, or nil when it does not.
func Buffers(w http.ResponseWriter) (dropped func()) {
	for {
		switch v := w.(type) {
		case buffering:
			if v.Buffered() {
				return v.Dropped
			}
			return nil
		case interface{ Unwrap() http.ResponseWriter }:
			w = v.Unwrap()
		default:
			return nil
		}
	}
}
