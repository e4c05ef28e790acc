package stdio

import (
	"context"
	"sync/atomic"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// A call is a request on its way through the handler.
type call struct {
	conn    *conn
	message *message
	key     string // of its id
	listen  bool
	cancel  context.CancelCauseFunc

	// silent is set once nothing may be sent for the call any more: it has been
	// answered, or the client has cancelled it (stdio, "Cancellation").
	silent atomic.Bool

	notified bool // a notification was sent for it; guarded by output.mu
}

// start makes m a call and reports whether it did. It waits for a free slot, and
// with it the reader.
func (c *conn) start(ctx context.Context, m *message) bool {
	req := &m.request
	x := &call{conn: c, message: m, key: idKey(req.ID), listen: req.Method == methodListen}
	if err := c.admit(x); err != nil {
		c.refuse(req.ID, err)
		return false
	}
	ctx, x.cancel = context.WithCancelCause(ctx)
	if !x.listen {
		select {
		case c.slots <- struct{}{}:
		case <-ctx.Done(): // the server shuts down: who reads cancellations waits here
			x.end(jsonrpc.ErrorResponse(req.ID, jsonrpc.Errorf(jsonrpc.CodeInternalError, "%v", errShutdown)))
			return true
		}
	}
	go x.serve(ctx)
	return true
}

// admit enters x among the calls under way.
func (c *conn) admit(x *call) *jsonrpc.Error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.draining:
		return jsonrpc.Errorf(jsonrpc.CodeInternalError, "%v", errShutdown)
	case c.calls[x.key] != nil:
		return jsonrpc.Errorf(jsonrpc.CodeInvalidRequest, "a request with the id %s is under way already", x.message.request.ID)
	case x.listen && c.listening == c.config.MaxConcurrent:
		return jsonrpc.Errorf(jsonrpc.CodeInternalError, "no more than %d subscriptions are accepted", c.config.MaxConcurrent)
	}
	c.calls[x.key] = x
	c.active++
	if x.listen {
		c.listening++
	}
	return nil
}

func (c *conn) underWay(id []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls[idKey(id)] != nil
}

// cancel abandons the request with the given id and reports whether there is
// one. The call falls silent before its handler hears of it.
func (c *conn) cancel(id []byte) bool {
	c.mu.Lock()
	x := c.calls[idKey(id)]
	c.mu.Unlock()
	if x == nil {
		return false
	}
	x.silent.Store(true)
	x.cancel(errCancelled)
	return true
}

func (x *call) serve(ctx context.Context) {
	resp := x.conn.handler.Handle(ctx, &x.message.request, x.notify)
	x.end(resp)
	if !x.listen {
		<-x.conn.slots
	}
}

func (x *call) notify(n jsonrpc.Notification) { x.conn.out.notify(x, n) }

// end sends the response and forgets the call. Its id is free as soon as the
// client can see the response, but it counts as active until that is written,
// because [Serve] returns when none is.
func (x *call) end(resp *jsonrpc.Response) {
	c := x.conn
	c.mu.Lock()
	delete(c.calls, x.key)
	c.mu.Unlock()

	c.out.respond(x, resp)
	resp.Release()
	x.cancel(nil)
	c.release(x.message)

	c.mu.Lock()
	defer c.mu.Unlock()
	if x.listen {
		c.listening--
	}
	if c.active--; c.active == 0 && c.draining {
		close(c.idle)
	}
}
