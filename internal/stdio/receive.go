package stdio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

const (
	methodCancelled = "notifications/cancelled"
	methodListen    = "subscriptions/listen"
)

// maxPooled bounds the buffers kept for reuse.
const maxPooled = 64 << 10

// maxLogged bounds what a log line repeats of a message.
const maxLogged = 256

// A message is one line and what was parsed from it.
type message struct {
	text    []byte
	request jsonrpc.Request // aliases text
}

func (c *conn) release(m *message) {
	if cap(m.text) > maxPooled {
		m.text = nil
	}
	m.request = jsonrpc.Request{}
	c.messages.Put(m)
}

// read receives messages until the input ends or [Serve] has returned. Ctx is
// that of all requests.
func (c *conn) read(ctx context.Context, lines *lineReader) {
	defer close(c.ended)
	for !c.out.closed.Load() {
		m := c.messages.Get().(*message)
		var err error
		m.text, err = lines.next(m.text)
		switch {
		case errors.Is(err, errTooLong):
			c.refuse(nil, jsonrpc.Errorf(jsonrpc.CodeInvalidRequest, "the message is longer than %d bytes", c.config.MaxMessage))
		case err != nil:
			if !errors.Is(err, io.EOF) {
				c.readErr = fmt.Errorf("read message: %w", err)
			}
			return
		case len(m.text) > 0 && c.receive(ctx, m):
			continue // the call releases it
		}
		c.release(m)
	}
}

// receive acts on one message and reports whether a call has taken it over.
func (c *conn) receive(ctx context.Context, m *message) bool {
	req := &m.request
	err := req.Parse(m.text)
	switch {
	case req.IsNotification() && req.Method != "":
		// Notifications are never answered, not even wrong ones (JSON-RPC 2.0,
		// section 4.1).
		if err == nil {
			err = c.notification(req)
		}
		if err != nil {
			c.config.Logger.Debug("ignore notification", "method", clip(req.Method), "error", err)
		}
		return false
	case err != nil:
		c.refuse(req.ID, err)
		return false
	}
	return c.start(ctx, m)
}

// notification acts on the one notification that a client sends.
func (c *conn) notification(req *jsonrpc.Request) *jsonrpc.Error {
	if req.Method != methodCancelled {
		return jsonrpc.Errorf(jsonrpc.CodeMethodNotFound, "unknown notification")
	}
	id, reason := req.Params.Get("requestId"), req.Params.Get("reason")
	switch {
	case id == nil || id[0] != '"' && !jsonrpc.IsStringOrInteger(id):
		return jsonrpc.Errorf(jsonrpc.CodeInvalidParams, "requestId must be a string or an integer")
	case reason != nil && reason[0] != '"':
		return jsonrpc.Errorf(jsonrpc.CodeInvalidParams, "reason must be a string")
	case !c.cancel(id):
		return jsonrpc.Errorf(jsonrpc.CodeInvalidParams, "no request with that id is under way")
	}
	text := ""
	if reason != nil {
		text = jsonrpc.UnquoteString(reason)
	}
	c.config.Logger.Debug("request cancelled by the client", "id", clip(string(id)), "reason", clip(text))
	return nil
}

// refuse answers a message that did not become a call. When a request with its
// id is under way the id is left out: the client would take the error for the
// answer to that request.
func (c *conn) refuse(id []byte, err *jsonrpc.Error) {
	c.config.Logger.Debug("refuse message", "error", err)
	if id != nil && c.underWay(id) {
		id = nil
	}
	resp := jsonrpc.ErrorResponse(id, err)
	defer resp.Release()
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
