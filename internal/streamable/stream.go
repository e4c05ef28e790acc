package streamable

import (
	"net/http"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/sse"
)

// A stream is the answer to one request while it may still become an event
// stream. The first notification opens it; until then nothing has been sent
// and the answer can be JSON with a status of its own.
type stream struct {
	mu        sync.Mutex
	w         http.ResponseWriter
	control   *http.ResponseController
	keepAlive time.Duration
	ioTimeout time.Duration
	timer     *time.Timer // sends comments while nothing else is sent
	sent      time.Time   // when the last event or comment was
	isOpen    bool        // the request is being answered
	started   bool        // and the answer is an event stream
	message   []byte
	buf       []byte

	// opened counts the streams that have lived here, because an exchange is
	// used again: a comment that comes late must not reach the next one.
	opened int
}

func (s *stream) open(w http.ResponseWriter, config Config) {
	s.w, s.keepAlive, s.ioTimeout = w, config.KeepAlive, config.IOTimeout
	s.isOpen = true
}

// close drops what a handler that is gone, or should be, may still send. It is
// called again after [stream.finish], to no effect.
func (s *stream) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.started {
		s.timer.Stop()
	}
	s.isOpen, s.started = false, false
}

func (s *stream) reset() {
	if cap(s.buf) > maxPooled {
		s.buf, s.message = nil, nil
	}
	s.w, s.control = nil, nil
}

// send sends one notification as an event.
func (s *stream) send(n jsonrpc.Notification) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.isOpen {
		return
	}
	if !s.started {
		s.start()
	}
	s.message = n.Append(s.message[:0])
	s.event(s.message)
}

// finish ends the stream with the response and reports whether there is a
// stream at all.
func (s *stream) finish(resp *jsonrpc.Response) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.isOpen = false
	if !s.started {
		return false
	}
	s.timer.Stop()
	s.event(resp.Whole())
	s.started = false
	return true
}

func (s *stream) start() {
	s.started = true
	s.opened++
	s.control = http.NewResponseController(s.w)
	h := s.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	// Keeps proxies from holding events back (streamable-http, "Receiving
	// Messages").
	h.Set("X-Accel-Buffering", "no")
	s.w.WriteHeader(http.StatusOK)
	number := s.opened
	s.timer = time.AfterFunc(s.keepAlive, func() { s.comment(number) })
}

func (s *stream) event(data []byte) {
	s.buf = sse.Append(s.buf[:0], sse.Event{Data: data})
	s.flush()
}

// comment keeps the connection alive for intermediaries and notices a client
// that has gone without a word. The timer is not reset with every event: when
// it fires too early, it is set to what is left.
func (s *stream) comment(number int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.started || s.opened != number {
		return
	}
	if left := s.keepAlive - time.Since(s.sent); left > 0 {
		s.timer.Reset(left)
		return
	}
	s.buf = sse.AppendComment(s.buf[:0], "")
	s.flush()
	s.timer.Reset(s.keepAlive)
}

// flush sends what is in the buffer. A client that does not take it in time is
// treated as gone: after a failed write net/http cancels the request's context,
// which ends a handler that would otherwise wait for its next event.
func (s *stream) flush() {
	s.sent = time.Now()
	s.control.SetWriteDeadline(s.sent.Add(s.ioTimeout))
	if _, err := s.w.Write(s.buf); err == nil {
		s.control.Flush()
	}
}
