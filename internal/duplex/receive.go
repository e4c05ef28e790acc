package duplex

import (
	"context"
	"errors"
	"strings"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/mcp"
)

// maxPooled bounds the buffers kept for reuse.
const maxPooled = 64 << 10

// maxLogged bounds the part of a message that a log line repeats.
const maxLogged = 256

// A Message is one message and the request parsed from it.
type Message struct {
	Text    []byte
	request jsonrpc.Request // aliases Text
}

// Message returns a message to fill in, whose Text may have been used before.
func (c *Conn) Message() *Message { return c.messages.Get().(*Message) }

// Release gives back a message that is not received.
func (c *Conn) Release(m *Message) {
	m.request.Reset()
	if cap(m.Text) > maxPooled {
		m.Text, m.request = nil, jsonrpc.Request{}
	}
	c.messages.Put(m)
}

// Receive acts on one message, which it takes over. Calls of Receive must not
// overlap. The contexts of requests in the message derive from ctx, which must
// not end before [Conn.Close] has returned, except to abandon the requests.
func (c *Conn) Receive(ctx context.Context, m *Message) {
	if ctx, x := c.accept(ctx, m, nil); x != nil {
		c.run(ctx, x)
	}
}

// Refuse sends an error for a message that could not be read.
func (c *Conn) Refuse(err *jsonrpc.Error) { c.refuse(nil, err, nil) }

// accept acts on one message, which belongs to the batch if b is not nil. It
// returns a request that has to run; the call then owns the message.
func (c *Conn) accept(ctx context.Context, m *Message, b *batch) (context.Context, *call) {
	req := &m.request
	err := req.Parse(m.Text)
	switch {
	case err == nil && !req.IsNotification():
		return c.admit(ctx, m, b)
	case req.IsNotification() && req.Method != "":
		// Notifications are never answered, not even wrong ones (JSON-RPC 2.0,
		// section 4.1).
		if err == nil {
			err = c.notification(ctx, req)
		}
		if err != nil {
			c.config.Logger.Debug("ignore notification", "method", clip(req.Method), "error", err)
		}
	case c.stateful == nil:
		c.refuse(req.ID, err, b)
	case errors.Is(err, jsonrpc.ErrIsBatch) && b == nil && c.stateful.Batches():
		c.receiveBatch(ctx, m)
		return nil, nil
	case isResponse(m.Text):
		if err = c.stateful.Reply(m.Text); err != nil {
			c.refuse(req.ID, err, b)
		}
	default:
		c.refuse(req.ID, err, b)
	}
	c.Release(m)
	return nil, nil
}

// isResponse reports whether a message is meant as a response, even if it is
// not valid. An error of the client that belongs to no request must not be
// answered with another error.
func isResponse(text []byte) bool {
	members, err := jsonrpc.ParseObject(text)
	return err == nil && members.Get("method") == nil && (members.Get("result") != nil || members.Get("error") != nil)
}

// notification acts on notifications/cancelled, and passes the others to the
// handler.
func (c *Conn) notification(ctx context.Context, req *jsonrpc.Request) *jsonrpc.Error {
	if req.Method != mcp.MethodNotificationsCancelled {
		if c.stateful != nil {
			return c.stateful.Notification(ctx, req)
		}
		return jsonrpc.Errorf(mcp.CodeMethodNotFound, "unknown notification")
	}
	id, reason := req.Params.Get("requestId"), req.Params.Get("reason")
	switch {
	case id == nil || id[0] != '"' && !jsonrpc.IsStringOrInteger(id):
		return jsonrpc.Errorf(mcp.CodeInvalidParams, "requestId must be a string or an integer")
	case reason != nil && reason[0] != '"':
		return jsonrpc.Errorf(mcp.CodeInvalidParams, "reason must be a string")
	case !c.cancel(id):
		return jsonrpc.Errorf(mcp.CodeInvalidParams, "no request with that id is under way that can be cancelled")
	}
	text := ""
	if reason != nil {
		text = jsonrpc.UnquoteString(reason)
	}
	c.config.Logger.Debug("request cancelled by the client", "id", clip(string(id)), "reason", clip(text))
	return nil
}

// refuse answers a message that did not become a call. When a request with the
// same id is under way, the id is left out: the client would take the error for
// the answer to that request.
func (c *Conn) refuse(id []byte, err *jsonrpc.Error, b *batch) {
	c.config.Logger.Debug("refuse message", "error", err)
	if id != nil && c.underWay(id) {
		id = nil
	}
	resp := jsonrpc.ErrorResponse(id, err)
	defer resp.Release()
	if b != nil {
		b.add(resp.Body)
		return
	}
	c.out.send(resp)
}

// idKey returns a text that two ids share if and only if they are the same JSON
// value: "a" is "\u0061" but 1 is not "1".
func idKey(id []byte) string {
	switch {
	case id[0] == '"':
		return `"` + jsonrpc.UnquoteString(id)
	case string(id) == "-0":
		return "0"
	}
	return string(id)
}

func clip(s string) string {
	if len(s) <= maxLogged {
		return s
	}
	return strings.ToValidUTF8(s[:maxLogged], "") + "…"
}
