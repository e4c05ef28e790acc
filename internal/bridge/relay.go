package bridge

import (
	"bytes"
	"context"
	"errors"
	"strings"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/mcp"
)

// An exchange is one request of the host and what becomes of it.
type exchange struct {
	*bridge
	req     *jsonrpc.Request
	version *protocol.Version // of the host
	notify  func(jsonrpc.Notification)
}

func (x *exchange) introduction() peer.Config { return x.bridge.introduction(x.req) }

// tool is the name of the tool that is called, or "".
func (x *exchange) tool() string {
	name := x.req.Params.Get("name")
	if x.req.Method != mcp.MethodToolsCall || len(name) < 2 || name[0] != '"' {
		return ""
	}
	return jsonrpc.UnquoteString(name)
}

// mirrors reports whether arguments are sent as header fields too.
func (x *exchange) mirrors() bool {
	c, err := x.server.current()
	return err == nil && c != nil && c.Mirrors()
}

// call is the request as it is sent on.
func (x *exchange) call() peer.Call {
	// The request may go on when it is not here any more.
	call := peer.Call{Method: strings.Clone(x.req.Method), Params: bytes.Clone(x.req.RawParams), OnNotification: x.notify}
	call.Replay = protocol.MethodOf(call.Method).Idempotent
	call.Name = x.nameOf(call.Method)
	if x.req.Method == mcp.MethodToolsCall {
		known, _ := x.tools.get(x.tool())
		call.Mirror = known.mirror
		call.Replay = known.readOnly || known.idempotent
	}
	if x.req.Handshake {
		call.OnRequest = x.ask
	}
	return call
}

// ask sends a question of the server to the host, in the host's version.
func (x *exchange) ask(ctx context.Context, method string, params []byte) ([]byte, error) {
	q := &Question{
		Method: method, Params: x.version.Question(method, params), ID: peer.RequestID(ctx),
		Request: x.req, ByRequest: true, HostVersion: x.version.Name,
	}
	return x.question(ctx, q, x.req.Asker.Ask)
}

// fromHandshake sends a request of a handshake version to the server, and
// returns the result as the host's version allows it.
func (x *exchange) fromHandshake(ctx context.Context, c *peer.Conn) (result []byte, err error) {
	if c.Handshake() {
		result, err = x.relay(ctx)
	} else {
		result, err = x.toStateless(ctx)
	}
	switch {
	case err != nil:
		return nil, x.errorOf(err)
	case c.Version() == x.version.Name:
		return result, nil
	}
	return keepType(result, x.version.Result(x.req.Method, result, x.wrapsOutput(ctx, result))), nil
}

// wrapsOutput reports whether the host's list of tools has the output schema of
// the called tool wrapped in an object. The server is asked for its tools if
// that is not known and makes a difference.
func (x *exchange) wrapsOutput(ctx context.Context, result []byte) bool {
	name := x.tool()
	if name == "" || x.version.Structured != protocol.StructuredObject {
		return false
	}
	known, ok := x.tools.get(name)
	if !ok && bytes.Contains(result, []byte(`"structuredContent"`)) {
		// When the list fails, the content decides for itself.
		_ = x.tools.learn(ctx, x)
		known, _ = x.tools.get(name)
	}
	return known.wrapped
}

// errorOf returns an error of the server with the code that the host's version
// has for it.
func (x *exchange) errorOf(err error) error {
	rpcErr, ok := errors.AsType[*jsonrpc.Error](err)
	if !ok || wraps[*peer.StatusError](err) {
		return err
	}
	code := rpcErr.Code
	switch {
	case rpcErr.Code == mcp.CodeResourceNotFound,
		rpcErr.Code == mcp.CodeInvalidParams && protocol.MethodOf(x.req.Method).About == protocol.AboutResource && namesURI(rpcErr.Data):
		code = x.version.NotFound
	case rpcErr.Code == mcp.CodeMissingRequiredClientCapability && !needsExtension(rpcErr.Data):
		code = x.version.MissingCapability
	}
	if code == rpcErr.Code {
		return err
	}
	changed := *rpcErr
	changed.Code = code
	return &changed
}

// namesURI reports whether the data of an error names a resource that does not
// exist (2026-07-28, resources, "Error Handling").
func namesURI(data []byte) bool {
	members, err := jsonrpc.ParseObject(data)
	return err == nil && jsonrpc.IsString(members.Get("uri"))
}

// relay sends the request as it is, and returns the result as it is.
func (x *exchange) relay(ctx context.Context) ([]byte, error) {
	result, err := x.forward(ctx, x.call())
	if err == nil && x.req.Handshake {
		x.remember()
	}
	return result, err
}

// forward sends a call to the server and filters its result.
func (x *exchange) forward(ctx context.Context, call peer.Call) ([]byte, error) {
	if answer := call.OnRequest; answer != nil {
		call.OnRequest = func(asked context.Context, method string, params []byte) ([]byte, error) {
			return answer(observed{asked, ctx}, method, params)
		}
	}
	result, err := x.server.call(ctx, x.introduction(), call)
	switch {
	case isHeaderMismatch(err) && isUnknown(call.Method) && x.mirrors():
		result, err = x.guessName(ctx, call, err)
	case isHeaderMismatch(err) && call.Method == mcp.MethodToolsCall && x.mirrors():
		// The tool mirrors other arguments than we knew. It has not been called.
		if err := x.tools.learn(ctx, x); err != nil {
			return nil, err
		}
		known, _ := x.tools.get(x.tool())
		call.Mirror = known.mirror
		result, err = x.server.call(ctx, x.introduction(), call)
	}
	if err != nil {
		return nil, err
	}
	switch call.Method {
	case mcp.MethodToolsList:
		result = x.tools.filter(x, result)
	case mcp.MethodPromptsList:
		result = x.pinned.prompts(result)
	}
	return x.named(result), nil
}
