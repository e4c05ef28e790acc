package peer

import (
	"context"
	"strconv"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// An Observer is told of each request before it is sent, and how it ended. The
// request is sent with the context that it returns.
type Observer func(ctx context.Context, sent *Sent) (context.Context, func(result []byte, err error))

// A Sent is a request as an [Observer] sees it.
type Sent struct {
	Method string
	Params []byte // without what every request is given; may be nil

	// Version is the protocol version that the request is sent in. For initialize
	// it is the version that is offered.
	Version string

	// Server is the URL of the server without its query, and empty for a command.
	Server string

	// Session is the id of the session over HTTP, and empty without one.
	Session string

	// ID is the id of the request. It is set when the observer is told the end.
	ID string

	// Meta is what the observer adds to the "_meta" of the request.
	Meta map[string]string
}

// observe tells the observer of a call, to which it may add, and returns the
// function that sends it and tells how it ended.
func (c *Conn) observe(ctx context.Context, l *binding, call Call, send func(context.Context, *pendingCall) ([]byte, error)) ([]byte, error) {
	if c.config.Observer == nil {
		p, err := c.prepare(l, call)
		if err != nil {
			return nil, err
		}
		return send(ctx, p)
	}
	sent := &Sent{Method: call.Method, Params: call.Params, Version: l.version.Name, Server: c.target.server(), Session: l.session()}
	ctx, end := c.config.Observer(ctx, sent)
	for key, value := range sent.Meta {
		call.Params = jsonrpc.SetMeta(call.Params, key, jsonrpc.AppendString(nil, value))
	}
	p, err := c.prepare(l, call)
	var result []byte
	if err == nil {
		sent.ID = strconv.FormatInt(p.id, 10)
		result, err = send(ctx, p)
	}
	if end != nil {
		end(result, err)
	}
	return result, err
}
