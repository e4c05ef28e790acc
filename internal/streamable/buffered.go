package streamable

import "net/http"

// buffering is a writer whose client gets the answer when it is complete, such
// as that of an invocation on AWS Lambda. Answers are JSON there, and
// notifications are dropped.
type buffering interface {
	http.ResponseWriter

	// Buffered reports whether it is so for this answer.
	Buffered() bool

	// Dropped is called when a notification is dropped.
	Dropped()
}

// Buffers returns what is told of dropped notifications when w buffers the
// answer, and nil when it does not.
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
