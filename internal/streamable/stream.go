package streamable

import (
	"net/http"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/sse"
)

// A stream is the answer to one request while it may still become an event
// stream. The first notification opens it, and so does a silence of
// [Config.KeepAlive]. Until then nothing has been sent, and the answer can be
// JSON with a status of its own.
type stream struct {
	mu      sync.Mutex
	w       http.ResponseWriter
	config  *Config
	id      []byte // of the request
	began   time.Time
	isOpen  bool         // the request is being answered
	running bool         // and its handler runs
	events  *EventWriter // nil until the answer has become an event stream
	dropped func()       // called for notifications that cannot be sent; nil when they can
	message []byte

	// The timer that ends a silence. It is not stopped when the request has
	// been answered, so that a busy server sets it once for many requests.
	silence *time.Timer
	armed   bool
}

func (s *stream) open(w http.ResponseWriter, config *Config, id []byte, began time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.w, s.config, s.id, s.began = w, config, id, began
	s.dropped = Buffers(w)
	s.isOpen, s.running = true, false
}

// end ends the stream. The caller holds s.mu.
func (s *stream) end() {
	if s.events != nil {
		s.events.End()
		s.events = nil
	}
	s.isOpen, s.w, s.id, s.dropped = false, nil, nil, nil
	if cap(s.message) > maxPooled {
		s.message = nil
	}
}

// send sends one notification as an event.
func (s *stream) send(n jsonrpc.Notification) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.isOpen {
		return
	}
	if s.dropped != nil {
		s.dropped()
		return
	}
	s.start()
	s.message = n.Append(s.message[:0])
	_ = s.events.Send(sse.Event{Data: s.message}) // the client is gone when this fails
}

// finish ends the stream with the response and reports whether there is a
// stream at all.
func (s *stream) finish(resp *jsonrpc.Response) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	streamed := s.events != nil || !s.isOpen
	if s.events != nil {
		_ = s.events.Send(sse.Event{Data: resp.Whole()})
	}
	s.end()
	return streamed
}

func (s *stream) start() {
	if s.events == nil {
		s.events = NewEventWriter(s.w, s.config.IOTimeout, s.config.KeepAlive)
	}
}

// run notes that the handler runs: from now on the answer may become a stream.
// Refusals, which have a status of their own, come before that.
func (s *stream) run() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = true
	switch {
	case s.armed:
		return
	case s.silence == nil:
		s.silence = time.AfterFunc(s.config.KeepAlive, s.breakSilence)
	default:
		s.silence.Reset(s.config.KeepAlive)
	}
	s.armed = true
}

// breakSilence turns the answer into a stream when nothing has been sent for
// long: intermediaries close an idle connection. The timer may have been set
// for an earlier request.
func (s *stream) breakSilence() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.armed = false
	if !s.isOpen || !s.running || s.events != nil || s.dropped != nil {
		return
	}
	if left := s.config.KeepAlive - time.Since(s.began); left > 0 {
		s.silence.Reset(left)
		s.armed = true
		return
	}
	s.start()
	_ = s.events.Comment()
}
