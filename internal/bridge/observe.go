package bridge

import (
	"context"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// An Observer is told of each request of the host before it is answered. What is
// sent to the server for it is sent with the context that the observer returns. The
// function it returns is told the answer. It is called once, and may be nil.
type Observer func(ctx context.Context, received Received) (context.Context, func(result []byte, err *jsonrpc.Error))

// A Received is a request of the host as an [Observer] sees it. It is valid until the
// request has its answer.
type Received struct {
	*jsonrpc.Request
	Version string // of the protocol, in which the host speaks
}

// observe tells the observer of a request, and returns the function that tells it the
// answer.
func (b *bridge) observe(ctx context.Context, req *jsonrpc.Request) (context.Context, func([]byte, *jsonrpc.Error)) {
	if b.config.Observer != nil {
		observed, end := b.config.Observer(ctx, Received{req, b.versionOf(req).Name})
		if end != nil {
			return observed, end
		}
		ctx = observed
	}
	return ctx, func([]byte, *jsonrpc.Error) {}
}

// observed is the context of a request to the server that may outlive the request
// of the host, or of a question of the server. It has what the observer put into that request's context, and ends
// with its own.
type observed struct {
	context.Context
	of context.Context
}

// Value implements [context.Context].
func (o observed) Value(key any) any {
	if value := o.Context.Value(key); value != nil {
		return value
	}
	return o.of.Value(key)
}
