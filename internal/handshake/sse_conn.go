package handshake

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/internal/duplex"
	"github.com/mcpengine/mcpengine/internal/sse"
)

// An sseConn is one event stream and the messages that belong to it.
type sseConn struct {
	id, caller string
	conn       *duplex.Conn
	stream     *sseStream
	inbox      chan inbound
	ended      chan struct{} // closed when no more messages are taken
}

// An inbound message has the values of the request that brought it.
type inbound struct {
	ctx     context.Context
	message *duplex.Message
}

// serve answers messages until the client goes, its token expires or the server
// closes. Before it returns, all that the connection has begun is ended: when
// the client is gone, at once.
func (c *sseConn) serve(r *http.Request, config SSEConfig) {
	received := make(chan struct{})
	go func() {
		defer close(received)
		c.receive()
	}()
	c.conn.Close(r.Context(), c.await(r, config))
	close(c.ended)
	<-received
	c.stream.close()
}

// receive hands the messages to the connection, one after the other.
func (c *sseConn) receive() {
	for {
		select {
		case in := <-c.inbox:
			c.conn.Receive(in.ctx, in.message)
		case <-c.ended:
			return
		}
	}
}

// await keeps the stream alive until there is a reason to end it, and returns
// how long the requests under way may then go on.
func (c *sseConn) await(r *http.Request, config SSEConfig) (grace time.Duration) {
	alive := time.NewTicker(config.KeepAlive)
	defer alive.Stop()
	unverified, stop := untilExpiry(config.Expires(r))
	defer stop()
	for {
		select {
		case <-r.Context().Done():
			return 0
		case <-unverified:
			return 0
		case <-c.conn.Broken():
			return 0
		case <-config.Closing:
			return config.Grace
		case <-alive.C:
			if c.stream.comment() != nil {
				return 0
			}
		}
	}
}

// An sseStream writes events, each under a deadline of its own, so that a
// client that reads nothing is noticed.
type sseStream struct {
	mu      sync.Mutex
	w       http.ResponseWriter // nil once the response has ended
	control *http.ResponseController
	timeout time.Duration
	buf     []byte
}

// maxBuffered bounds the buffer that a stream keeps.
const maxBuffered = 64 << 10

func newSSEStream(w http.ResponseWriter, timeout time.Duration) *sseStream {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // keeps proxies from holding events back
	s := &sseStream{w: w, control: http.NewResponseController(w), timeout: timeout}
	// A server's limit for reading a request is not one for the stream. Where
	// there is no deadline to lift, there is none.
	_ = s.control.SetReadDeadline(time.Time{})
	return s
}

// Write sends a line that holds a message.
func (s *sseStream) Write(line []byte) (int, error) {
	if err := s.send(sse.Event{Name: "message", Data: bytes.TrimSuffix(line, []byte("\n"))}); err != nil {
		return 0, err
	}
	return len(line), nil
}

// event sends an event that is no message. When that fails, so does the next
// one.
func (s *sseStream) event(name, data string) {
	_ = s.send(sse.Event{Name: name, Data: []byte(data)})
}

func (s *sseStream) send(event sse.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buf = sse.Append(s.buf[:0], event)
	return s.flush()
}

func (s *sseStream) comment() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buf = sse.AppendComment(s.buf[:0], "")
	return s.flush()
}

func (s *sseStream) flush() error {
	if s.w == nil {
		return io.ErrClosedPipe
	}
	s.bound()
	_, err := s.w.Write(s.buf)
	if err == nil {
		err = s.control.Flush()
	}
	if cap(s.buf) > maxBuffered {
		s.buf = nil
	}
	return err
}

// bound gives the client the time to take what is sent next.
func (s *sseStream) bound() {
	_ = s.control.SetWriteDeadline(time.Now().Add(s.timeout)) // recorders in tests have none
}

// close waits for the event that is being sent. None is sent after it, because
// the response ends.
func (s *sseStream) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bound() // the end of the response
	s.w = nil
}
