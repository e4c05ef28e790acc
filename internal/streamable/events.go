package streamable

import (
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/internal/sse"
)

// An EventWriter writes a response that is an event stream. Each event has a
// write deadline of its own, so that a client that reads nothing is noticed.
// After each silence a comment is sent, so that intermediaries keep the
// connection open.
//
// When a write fails, net/http cancels the context of the request. That ends a
// handler that would otherwise wait for its next event.
type EventWriter struct {
	w         http.ResponseWriter
	control   *http.ResponseController
	timeout   time.Duration
	keepAlive time.Duration

	mu    sync.Mutex
	timer *time.Timer // sends comments
	sent  time.Time   // when the last event or comment was sent
	buf   []byte
	ended bool
}

// NewEventWriter begins the response. Timeout bounds the time to send an event;
// keepAlive is the silence after which a comment is sent. [EventWriter.End] ends
// the use of w.
func NewEventWriter(w http.ResponseWriter, timeout, keepAlive time.Duration) *EventWriter {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	// Keeps proxies from holding events back (streamable-http, "Receiving
	// Messages").
	h.Set("X-Accel-Buffering", "no")
	e := &EventWriter{w: w, control: http.NewResponseController(w), timeout: timeout, keepAlive: keepAlive, sent: time.Now()}
	// The server's read limit is for the request, not for the stream. A writer
	// without deadlines has none to lift.
	_ = e.control.SetReadDeadline(time.Time{})
	w.WriteHeader(http.StatusOK)
	e.timer = time.AfterFunc(keepAlive, e.keep)
	return e
}

// Send sends an event.
func (e *EventWriter) Send(event sse.Event) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.buf = sse.Append(e.buf[:0], event)
	return e.flush()
}

// Comment sends a comment, which shows that the stream is alive.
func (e *EventWriter) Comment() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.buf = sse.AppendComment(e.buf[:0], "")
	return e.flush()
}

// keep sends a comment when nothing else has been sent for long enough. The
// timer is not reset with every event. When it fires early, it is set to the
// remaining time.
func (e *EventWriter) keep() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ended {
		return
	}
	if left := e.keepAlive - time.Since(e.sent); left > 0 {
		e.timer.Reset(left)
		return
	}
	e.buf = sse.AppendComment(e.buf[:0], "")
	if e.flush() == nil {
		e.timer.Reset(e.keepAlive)
	}
}

// flush sends the buffer. The caller holds e.mu.
func (e *EventWriter) flush() error {
	if e.ended {
		return io.ErrClosedPipe
	}
	e.extend()
	_, err := e.w.Write(e.buf)
	if err == nil {
		err = e.control.Flush()
	}
	if err != nil {
		// Not every server notices by itself that its connection has failed.
		_ = e.control.SetReadDeadline(time.Unix(1, 0))
	}
	if cap(e.buf) > maxPooled {
		e.buf = nil
	}
	return err
}

// extend gives the client the time to read the next event.
func (e *EventWriter) extend() {
	e.sent = time.Now()
	_ = e.control.SetWriteDeadline(e.sent.Add(e.timeout)) // recorders in tests have none
}

// End waits for the event that is being sent. Nothing is sent after that. The
// client has the time of one event to read the end of the response.
func (e *EventWriter) End() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ended {
		return
	}
	e.timer.Stop()
	e.extend()
	e.ended = true
}
