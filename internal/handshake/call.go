package handshake

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Why a request ends before it has been answered.
var (
	errCancelled = errors.New("the client has cancelled the request")
	errDeleted   = errors.New("the client has ended the session")
	errExpired   = errors.New("the session has expired")
	errEvicted   = errors.New("the session made room for another one")
	errAway      = errors.New("the client has been away for too long")
	errAnswered  = errors.New("the request has been answered")
)

// A call is one request of a session while it is answered, and the context in
// which it is.
//
// The loss of a connection "SHOULD NOT be interpreted as the client cancelling
// its request" (2025-11-25, transports, "Sending Messages to the Server"), so
// that the context has the values of the HTTP request but not its end. What
// watches for that end is set up when somebody first looks: most handlers never
// do, and the rest do not mind.
type call struct {
	request context.Context // of the HTTP request
	id      []byte
	stream  *stream
	index   int // in session.calls

	mu     sync.Mutex
	armed  context.Context // nil until somebody has looked
	cancel context.CancelCauseFunc
	cause  error // why it has ended
}

// Deadline is that of [context.Context]: there is none.
func (*call) Deadline() (deadline time.Time, ok bool) { return deadline, false }

// Done is that of [context.Context].
func (c *call) Done() <-chan struct{} { return c.arm().Done() }

// Err is that of [context.Context].
func (c *call) Err() error { return c.arm().Err() }

// Value is that of [context.Context]. It lets contexts made from an armed call
// find what they are cancelled by.
func (c *call) Value(key any) any {
	c.mu.Lock()
	armed := c.armed
	c.mu.Unlock()
	if armed != nil {
		return armed.Value(key)
	}
	return context.WithoutCancel(c.request).Value(key)
}

func (c *call) arm() context.Context {
	c.mu.Lock()
	if c.armed != nil {
		defer c.mu.Unlock()
		return c.armed
	}
	c.armed, c.cancel = context.WithCancelCause(context.WithoutCancel(c.request))
	if c.cause != nil {
		c.cancel(c.cause)
	}
	armed := c.armed
	c.mu.Unlock()
	c.stream.watch()
	return armed
}

// end ends the context. Only the first cause counts.
func (c *call) end(cause error) {
	c.mu.Lock()
	first, cancel := c.cause == nil, c.cancel
	if first {
		c.cause = cause
	}
	c.mu.Unlock()
	if first && cancel != nil {
		cancel(cause)
	}
}

// unwanted reports whether the client does not expect a response any more.
func (c *call) unwanted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return errors.Is(c.cause, errCancelled) || errors.Is(c.cause, errDeleted)
}
