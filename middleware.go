package mcpengine

import (
	"context"
	"fmt"
	"slices"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/mcp"
)

// A MethodHandler answers one request of the client, whatever its method is.
// Middleware reads the request before it calls the next handler, and at the
// result afterwards; it may replace both, with [Request.SetParams] and
// [NewResult]. See [WithMiddleware].
type MethodHandler func(ctx context.Context, req *Request) (Result, error)

// A ToolHandler calls a tool with arguments that match its schema. The error is
// the error of the tool's [Handler]. See [WithToolMiddleware].
type ToolHandler func(ctx context.Context, params *mcp.CallToolRequestParams) (*mcp.CallToolResult, error)

// WithMiddleware wraps every request whose caller may make it. The first one
// given is the outermost. A middleware that passes requests and results on
// costs next to nothing: they are decoded when it asks for that. For HTTP
// alone, wrap the engine as the [net/http.Handler] that it is.
func WithMiddleware(middleware ...func(next MethodHandler) MethodHandler) Option {
	return engineOption(func(e *Engine) { e.middleware = append(e.middleware, middleware...) })
}

// WithToolMiddleware wraps every call of a tool, inside of [WithMiddleware] and
// after the arguments have been validated. The first one given is the outermost.
// It may replace arguments, which are validated again, and the result, which is
// checked against the tool's output schema; the name stays as it is.
func WithToolMiddleware(middleware ...func(next ToolHandler) ToolHandler) Option {
	return engineOption(func(e *Engine) { e.toolMiddleware = append(e.toolMiddleware, middleware...) })
}

// chain wraps middleware around a handler. It returns nil when there is none.
func chain[H any](innermost H, middleware []func(H) H) (handler H) {
	if len(middleware) == 0 {
		return handler
	}
	handler = innermost
	for _, wrap := range slices.Backward(middleware) {
		handler = wrap(handler)
	}
	return handler
}

// A Result is the result of a request, or one that a middleware puts in its
// place. The zero Result holds no result.
type Result struct {
	json     []byte
	err      error // NewResult could not encode
	replaced bool  // by NewResult
	wrapped  bool  // the structured content is in a member "result"
	failure  error // see ToolError
}

// NewResult makes a result from a type of package mcp, such as
// [*mcp.CallToolResult], or from anything else that encodes as a JSON object,
// [encoding/json.RawMessage] among it. The engine adds the members that it
// lacks and that every result has, and gives it the form of the client's
// protocol version.
func NewResult(v any) Result {
	encoded, err := encode(v)
	return Result{json: encoded, err: err, replaced: true}
}

// JSON returns the result as JSON, as the client gets it. It must not be changed.
func (r Result) JSON() []byte { return r.json }

// Decode decodes the result into the type of package mcp that fits the method,
// such as [*mcp.CallToolResult], or into any other. Structured content that
// the client's protocol version wants wrapped is not wrapped in it.
func (r Result) Decode(v any) error {
	if r.err != nil {
		return r.err
	}
	result := r.json
	if r.wrapped {
		result = jsonrpc.EditMember(result, "structuredContent", func(value []byte) []byte {
			return unwrapped(value)
		})
	}
	if err := unmarshal(result, v); err != nil {
		return internalf("decode a result: %w", err)
	}
	return nil
}

// unwrapped returns the value that was wrapped for a version in which structured
// content is an object.
func unwrapped(value []byte) []byte {
	members, err := jsonrpc.ParseObject(value)
	if err != nil || members.Get("result") == nil {
		return value
	}
	return members.Get("result")
}

// ToolError returns the error of a tool that became the result for the model, and
// nil for any other result.
func (r Result) ToolError() error { return r.failure }

// runMethod is the innermost [MethodHandler]. A middleware may keep the result
// when it calls the handler again, so that each result has memory of its own.
func (e *Engine) runMethod(ctx context.Context, req *Request) (Result, error) {
	return e.resultOf(ctx, req, (*Engine).run)
}

// usualResult is the memory that a result gets at first, in bytes.
const usualResult = 256

// resultOf returns the result of a runner, in memory of its own.
func (e *Engine) resultOf(ctx context.Context, req *Request, run runner) (Result, error) {
	req.toolErr = nil
	if req.observed != nil {
		req.observed.observed = observed{}
	}
	result, err := run(e, ctx, req, make([]byte, 0, usualResult))
	t := req.target.tool
	return Result{json: result, failure: req.toolErr, wrapped: t != nil && req.version.Handshake && t.wraps(req.version)}, err
}

// appendResult appends the result that the middleware returned.
func (r *Request) appendResult(ctx context.Context, dst []byte, result Result) ([]byte, error) {
	switch {
	case result.err != nil:
		return dst, internalf("encode a result of middleware: %w", result.err)
	case !jsonrpc.IsObject(result.json):
		return dst, internalf("middleware returned no result")
	case !result.replaced:
		return append(dst, result.json...), nil
	}
	text := result.json
	if err := r.checkReplaced(ctx, text); err != nil {
		return dst, err
	}
	if err := r.checkResultType(text); err != nil {
		return dst, err
	}
	r.noteReplaced(text)
	if r.version.Handshake {
		t := r.target.tool
		return append(dst, r.version.Result(r.wire.Method, text, t != nil && t.wraps(r.version))...), nil
	}
	return append(dst, r.finished(text)...), nil
}

// checkReplaced holds the result of a tool to the tool's output schema.
func (r *Request) checkReplaced(ctx context.Context, result []byte) error {
	t := r.target.tool
	if t == nil || t.output == nil {
		return nil
	}
	members, err := jsonrpc.ParseObject(result)
	if err != nil {
		return internalf("read a result of middleware: %w", err)
	}
	content := members.Get("structuredContent")
	if content == nil || string(members.Get("isError")) == "true" {
		return nil
	}
	if err := t.output.Validate(ctx, content); err != nil {
		return internalf("the result of middleware does not match the output schema: %w", err)
	}
	return nil
}

// SetParams replaces the parameters of the request, except "_meta": by a type
// of package mcp, such as [*mcp.CallToolRequestParams], or by anything else
// that encodes as a JSON object. A middleware calls it before it calls the next
// handler. The request is then handled as if the client had sent the parameters
// itself: they are validated, and the caller's right to use the feature that
// they name is checked again; an error says that it is missing.
func (r *Request) SetParams(v any) error {
	params, err := encode(v)
	switch {
	case err != nil:
		return internalf("SetParams: %w", err)
	case !jsonrpc.IsObject(params):
		return internalf("SetParams: the parameters must encode as a JSON object")
	}
	if err := r.checkSent(); err != nil {
		return err
	}
	params = jsonrpc.Without(params, "_meta")
	if meta := r.param("_meta"); meta != nil {
		params = jsonrpc.Set(params, "_meta", meta)
	}
	wire := new(jsonrpc.Request)
	if err := wire.Parse(fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,"method":%s,"params":%s}`,
		r.wire.ID, jsonrpc.AppendString(nil, r.wire.Method), params)); err != nil {
		return internalf("SetParams: %w", err)
	}
	wire.Meta, wire.HasMeta, wire.ClientInfo = r.wire.Meta, r.wire.HasMeta, r.wire.ClientInfo
	wire.Handshake, wire.Began, wire.Received, wire.Tails = r.wire.Handshake, r.wire.Began, r.wire.Received, r.wire.Tails
	r.wire = wire
	r.target = r.catalog.find(wire)
	if r.engine.auth != nil {
		if err := r.admit(); err != nil {
			return err
		}
	}
	return nil
}

// checkSent compares the arguments that the client sent with the header fields
// they are mirrored into, before others take their place.
func (r *Request) checkSent() error {
	if r.wire.HTTP == nil || r.target.tool == nil {
		return nil
	}
	args, err := r.objectParam("arguments")
	if err != nil {
		return err
	}
	return checkParamHeaders(r, r.target.tool.input.Headers(), args)
}

// DecodeParams decodes the parameters into the type of package mcp that fits the
// method, such as [*mcp.CallToolRequestParams], or into any other.
func (r *Request) DecodeParams(v any) error {
	if r.wire.RawParams == nil {
		return nil
	}
	if err := unmarshal(r.wire.RawParams, v); err != nil {
		return invalidParams(fmt.Errorf("params: %w", err))
	}
	return nil
}

// callThrough calls the tool through the middleware of tools.
func (e *Engine) callThrough(ctx context.Context, req *Request, args, dst []byte) ([]byte, error) {
	var params mcp.CallToolRequestParams
	if err := req.DecodeParams(&params); err != nil {
		return dst, err
	}
	params.Arguments = args
	result, err := e.toolHandler(ctx, &params)
	if err != nil {
		return dst, err
	}
	return req.appendCallToolResult(ctx, dst, req.target.tool, result)
}

// runTool is the innermost [ToolHandler].
func (e *Engine) runTool(ctx context.Context, params *mcp.CallToolRequestParams) (*mcp.CallToolResult, error) {
	req := RequestFrom(ctx)
	switch {
	case req == nil || req.target.tool == nil:
		return nil, internalf("tool middleware passed on a context that does not come from its request")
	case params == nil || params.Name != req.target.tool.name:
		return nil, internalf("tool middleware changed the name of the tool")
	}
	t, args := req.target.tool, []byte(params.Arguments)
	if args == nil {
		args = []byte("{}")
	}
	if err := jsonrpc.Valid(args); err != nil {
		return nil, internalf("tool middleware passed on arguments that are not JSON: %w", err)
	}
	args, err := checkArguments(ctx, t.input, args)
	if err != nil {
		return nil, err
	}
	_, result, err := t.run(ctx, req, t, args, nil)
	return result, err
}
