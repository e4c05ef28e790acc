package duplex

import (
	"context"
	"sync/atomic"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/mcp"
)

// A call is a request that has been accepted and not been answered.
type call struct {
	conn    *Conn
	message *Message
	key     string // of its id
	listen  bool
	lasting bool   // it must not be cancelled
	batch   *batch // that the answer belongs to, or nil
	place   int    // of the answer in the batch
	cancel  context.CancelCauseFunc
	slot    slot

	// silent is set when nothing may be sent for the call any more: it has been
	// answered, or the client has cancelled it (stdio, "Cancellation").
	silent atomic.Bool

	notified bool // a notification was sent for it; guarded by output.mu
}

// admit makes m a call, which [Conn.run] has to serve, and returns it with its
// context. It returns nil when the request is refused.
func (c *Conn) admit(ctx context.Context, m *Message, b *batch) (context.Context, *call) {
	req := &m.request
	x := &call{
		conn: c, message: m, key: idKey(req.ID), batch: b,
		listen:  c.methods.Of(req).Lasts,
		lasting: req.Method == protocol.MethodInitialize,
	}
	ctx, x.cancel = context.WithCancelCause(ctx)
	if err := c.enter(x); err != nil {
		c.refuse(req.ID, err, b)
		x.cancel(nil)
		c.Release(m)
		return nil, nil
	}
	if b != nil {
		x.place = b.reserve(x)
	}
	if c.stateful != nil {
		if err := c.stateful.Accept(ctx, req, b != nil); err != nil {
			c.config.Logger.Debug("refuse request", "error", err)
			x.end(jsonrpc.ErrorResponse(req.ID, err))
			return nil, nil
		}
	}
	return ctx, x
}

// enter adds x to the calls under way.
func (c *Conn) enter(x *call) *jsonrpc.Error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.draining:
		return jsonrpc.Errorf(mcp.CodeInternalError, "%v", errShutdown)
	case c.calls[x.key] != nil:
		return jsonrpc.Errorf(mcp.CodeInvalidRequest, "a request with the id %s is under way already", x.message.request.ID)
	case x.listen && c.listening == c.config.MaxConcurrent:
		return jsonrpc.Errorf(mcp.CodeInternalError, "no more than %d subscriptions are accepted", c.config.MaxConcurrent)
	}
	c.calls[x.key] = x
	c.active++
	if x.listen {
		c.listening++
	}
	return nil
}

// run serves x in a goroutine of its own, at once or when its lane has a free
// slot. The reader does not wait for that, because it has to read the messages
// that free slots, such as cancellations.
func (c *Conn) run(ctx context.Context, x *call) {
	req := &x.message.request
	if x.listen {
		go x.serve(ctx)
		return
	}
	x.slot.lane = c.lanes[laneOf(c.methods.Of(req))]
	if req.Asker != nil {
		req.Asker = slotAsker{&x.slot, req.Asker}
	}
	t := &waiter{size: len(x.message.Text)}
	// A request that is cancelled while it waits ends at once.
	giveUp := func() {
		if x.slot.lane.remove(t) {
			x.fail(errShutdown)
		}
	}
	unwatch := context.AfterFunc(ctx, giveUp)
	t.start = func() {
		x.slot.held = true
		unwatch()
		go x.serve(ctx)
	}
	err := x.slot.lane.enter(t, c.closing)
	switch {
	case err != nil:
		unwatch()
		x.fail(err)
	case ctx.Err() != nil:
		giveUp() // in case it was cancelled before it waited
	}
}

// fail answers a call that has not been served.
func (x *call) fail(err error) {
	x.end(jsonrpc.ErrorResponse(x.message.request.ID, jsonrpc.Errorf(mcp.CodeInternalError, "%v", err)))
}

func (c *Conn) underWay(id []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls[idKey(id)] != nil
}

// cancel abandons the request with the given id and reports whether there is
// one. Nothing more is sent for the call, even before its handler is cancelled.
func (c *Conn) cancel(id []byte) bool {
	c.mu.Lock()
	x := c.calls[idKey(id)]
	c.mu.Unlock()
	if x == nil || x.lasting {
		return false
	}
	x.silent.Store(true)
	x.cancel(errCancelled)
	return true
}

func (x *call) serve(ctx context.Context) {
	var resp *jsonrpc.Response
	defer func() {
		if v := recover(); v != nil {
			panic(v)
		}
		if resp == nil { // the handler has ended the goroutine
			resp = jsonrpc.ErrorResponse(x.message.request.ID, jsonrpc.ErrInternal)
		}
		x.end(resp)
		if x.slot.lane != nil {
			x.slot.leave()
		}
	}()
	resp = x.conn.handler.Handle(ctx, &x.message.request, x.notify)
}

func (x *call) notify(n jsonrpc.Notification) { x.conn.out.notify(x, n) }

// end sends the response and removes the call. Its id is free before the client
// can see the response. The call counts as active until the response is
// written, because [Conn.Close] waits for that.
func (x *call) end(resp *jsonrpc.Response) {
	c := x.conn
	if x.batch == nil {
		c.forget(x)
	}
	c.out.respond(x, resp)
	resp.Release()
	x.cancel(nil)
	c.Release(x.message)

	c.mu.Lock()
	defer c.mu.Unlock()
	if x.listen {
		c.listening--
	}
	if c.active--; c.active == 0 && c.draining {
		close(c.idle)
	}
}

// forget frees the ids of calls.
func (c *Conn) forget(calls ...*call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, x := range calls {
		delete(c.calls, x.key)
	}
}
