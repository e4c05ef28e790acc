package mcpengine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/mcp"
)

// ErrSuspended is the error of [Engine.CallDetached] when the run of the handler
// has ended before its work: the journal says what it waits for.
var ErrSuspended = errors.New("the call is suspended")

// An Execution answers the calls of a tool in place of its handler.
type Execution struct {
	// Call answers one call, and may run the handler later with
	// [Engine.CallDetached]. It is called within the request, after the caller was
	// authorized and the arguments were validated, so that it may ask the client and
	// use [Step]. Its error is treated like the handler's. The result is one of
	// [NewResult]; a result type other than "complete" belongs to an extension that
	// the client has declared.
	Call func(ctx context.Context, call DetachedCall) (Result, error)

	// TaskSupport is what clients of protocol version 2025-11-25 find in the
	// definition of the tool, as execution.taskSupport: "optional", "required", or
	// nothing. Whatever sets it serves tasks/get, tasks/result, tasks/list and
	// tasks/cancel in that version.
	TaskSupport string
}

// WithExecution gives a tool an [Execution]. The function bind makes it when the
// tool is added to an engine; its error keeps the tool from being added.
func WithExecution(bind func(e *Engine, tool string) (Execution, error)) ToolOption {
	return toolOption(func(c *toolConfig) { c.execution = bind })
}

// A DetachedCall is a call of a tool as a value, to be kept and run later. It
// encodes as JSON. It holds who called, but no token: a handler that calls other
// servers gets itself credentials when it runs.
type DetachedCall struct {
	Tool      string          `json:"tool"`
	Arguments json.RawMessage `json:"arguments"` // valid, with defaults

	// User is the caller, and nil when none is verified. Local says that the
	// connection could not verify one, as over stdio.
	User  *auth.User `json:"user,omitzero"`
	Local bool       `json:"local,omitzero"`

	// Meta has the members of "_meta" that a handler may read with
	// [Request.Meta]: the client's capabilities and its description of itself, and
	// the trace context.
	Meta map[string]json.RawMessage `json:"meta,omitzero"`
}

// keptMeta are the members of "_meta" that a detached call keeps.
var keptMeta = []string{
	mcp.MetaClientCapabilities, mcp.MetaClientInfo,
	mcp.MetaTraceParent, mcp.MetaTraceState, mcp.MetaBaggage,
}

// UnmarshalJSON keeps the digits of numbers in claims, as auth.User promises.
func (c *DetachedCall) UnmarshalJSON(data []byte) error {
	type plain DetachedCall
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return d.Decode((*plain)(c))
}

// detached returns the call that the request makes.
func (r *Request) detached(t *tool, args []byte) DetachedCall {
	call := DetachedCall{Tool: t.name, Arguments: bytes.Clone(args), User: r.user, Local: r.local, Meta: make(map[string]json.RawMessage)}
	for _, key := range keptMeta {
		if value := r.Meta(key); value != nil {
			call.Meta[key] = bytes.Clone(value)
		}
	}
	return call
}

// execute answers a call by the execution of the tool.
func (r *Request) execute(ctx context.Context, t *tool, args, dst []byte) ([]byte, error) {
	start := len(dst)
	result, err := t.execution.Call(ctx, r.detached(t, args))
	if r.version.Handshake {
		result.json = withoutServer(result.json)
	}
	if err == nil {
		dst, err = r.appendResult(ctx, dst, result)
	}
	if err != nil {
		return r.toolFailure(dst[:start], err)
	}
	return dst, nil
}

// CallDetached runs the handler of a tool for a call that an [Execution] has got,
// in this process or another one, now or days later. [Elicit], [Step], [Progress]
// and the like use the journal. The policy of the tool is asked again, of the
// caller that the call holds; so is the tool's middleware, while [WithMiddleware]
// is for requests alone.
//
// The result has the form of the latest protocol version; [Result.ToolError]
// returns the error of the tool that it stands for. The error is [ErrSuspended],
// or an [*mcp.Error] that is safe to show to the client.
func (e *Engine) CallDetached(ctx context.Context, call DetachedCall, j Journal) (Result, error) {
	wire, err := call.request()
	if err != nil {
		return Result{}, err
	}
	ctx = e.forCaller(ctx, nil, call.User)
	req := newRequest(ctx, e, wire, protocol.Versions()[0], func(jsonrpc.Notification) {})
	req.user, req.local, req.journal = call.User, call.Local, newJournaled(j)
	defer req.end()
	if e.auth != nil {
		if err := req.admit(); err != nil {
			return Result{}, publicError(err)
		}
	}
	done := make(chan struct{})
	// The handler may end its goroutine, which is not the caller's then, and leaves
	// this error.
	result, err := Result{}, publicError(jsonrpc.ErrInternal)
	go func() {
		defer close(done)
		result, err = e.runDetached(req)
	}()
	<-done
	return result, err
}

// runDetached runs the handler and turns a panic into an error.
func (e *Engine) runDetached(req *Request) (result Result, err error) {
	returned := false
	defer func() {
		if v := recover(); !returned {
			if v == nil {
				v = "the handler ended its goroutine (runtime.Goexit)"
			}
			result, err = Result{}, publicError(jsonrpc.ErrInternal)
			e.logger.ErrorContext(req.ctx.Context, "handler panicked", requestAttrs(req, "panic", v, "stack", string(debug.Stack()))...)
		}
	}()
	text, err := e.callTool(&req.ctx, req, nil)
	returned = true
	switch {
	case errors.Is(err, ErrSuspended):
		return Result{}, ErrSuspended
	case err != nil:
		return Result{}, publicError(e.report(req, err))
	}
	if req.asks() {
		e.logger.WarnContext(req.ctx.Context, "a question of a durable tool was not sent: the handler must return the error of the question", slog.String("tool", req.Name()))
	}
	return Result{json: text, replaced: true, failure: req.toolErr}, nil
}

// request returns the call as a message of the latest protocol version.
func (c *DetachedCall) request() (*jsonrpc.Request, error) {
	meta := make(map[string]json.RawMessage, len(c.Meta)+1)
	for _, key := range keptMeta {
		if value := c.Meta[key]; value != nil {
			meta[key] = value
		}
	}
	version, _ := json.Marshal(mcp.LatestProtocolVersion)
	meta[mcp.MetaProtocolVersion] = version
	if meta[mcp.MetaClientCapabilities] == nil {
		meta[mcp.MetaClientCapabilities] = json.RawMessage("{}")
	}
	message, err := encode(map[string]any{
		"jsonrpc": "2.0", "id": "task", "method": mcp.MethodToolsCall,
		"params": map[string]any{"name": c.Tool, "arguments": c.Arguments, "_meta": meta},
	})
	if err != nil {
		return nil, fmt.Errorf("encode the call of %.128q: %w", c.Tool, err)
	}
	wire := new(jsonrpc.Request)
	if err := wire.Parse(message); err != nil {
		return nil, fmt.Errorf("read the call of %.128q: %w", c.Tool, err)
	}
	return wire, nil
}

// publicError is the error of a response as the [*mcp.Error] that it is sent as.
func publicError(err *jsonrpc.Error) error {
	public := mcp.Errorf(err.Code, "%s", err.Message)
	public.Data = err.Data
	return public
}

// ToolResult gives the result of a detached call of a tool the form that it would
// have had as the answer to a call in the protocol version of the request.
func (r *Request) ToolResult(tool string, result json.RawMessage) json.RawMessage {
	if !r.version.Handshake {
		return result
	}
	t, _ := r.catalog.tools.names.get(tool)
	return r.version.Result(mcp.MethodToolsCall, withoutServer(result), t != nil && t.wraps(r.version))
}

// withoutServer returns a result without the name of the server, which handshake
// versions do not put there.
func withoutServer(result []byte) []byte {
	if !bytes.Contains(result, []byte(mcp.MetaServerInfo)) {
		return result
	}
	return jsonrpc.EditMember(result, "_meta", func(meta []byte) []byte {
		if meta = jsonrpc.Without(meta, mcp.MetaServerInfo); string(meta) == "{}" {
			return nil
		}
		return meta
	})
}
