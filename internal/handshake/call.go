package handshake

import (
	"context"
	"errors"
)

// The causes of requests that end before they have been answered.
var (
	errCancelled    = errors.New("the client has cancelled the request")
	errDeleted      = errors.New("the client has ended the session")
	errExpired      = errors.New("the session has expired")
	errEvicted      = errors.New("the session made room for another one")
	errDisconnected = errors.New("the client has been disconnected for too long")
	errAnswered     = errors.New("the request has been answered")
)

// A call is one request of a session while the server answers it.
//
// The loss of a connection "SHOULD NOT be interpreted as the client cancelling
// its request" (2025-11-25, transports, "Sending Messages to the Server"), so
// ctx has the values of the HTTP request but not its end.
type call struct {
	id     []byte
	index  int // in session.calls
	ctx    context.Context
	cancel context.CancelCauseFunc // only the first cause counts
}

// begin returns the call of a request that came in an HTTP request with the
// context ctx.
func begin(ctx context.Context, id []byte) *call {
	c := &call{id: id}
	c.ctx, c.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	return c
}

// unwanted reports whether the client expects no response any more.
func (c *call) unwanted() bool {
	cause := context.Cause(c.ctx)
	return errors.Is(cause, errCancelled) || errors.Is(cause, errDeleted)
}
