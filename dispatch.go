package mcpengine

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"time"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/mcp"
)

// A runner appends the result of a request to dst.
type runner func(e *Engine, ctx context.Context, req *Request, dst []byte) ([]byte, error)

// A method is how the engine answers a method. What a request of the method is
// about stands in the table of package protocol.
type method struct {
	run runner

	// offered reports whether the server has declared the capability that the
	// method belongs to; without it the method does not exist (schema,
	// "MethodNotFoundError"). Nil means always.
	offered func(*catalog) bool
}

var methods = map[string]method{
	mcp.MethodServerDiscover:         {run: (*Engine).discover},
	mcp.MethodSubscriptionsListen:    {run: (*Engine).listen},
	mcp.MethodToolsList:              {run: (*Engine).listTools, offered: (*catalog).hasTools},
	mcp.MethodToolsCall:              {run: (*Engine).callTool, offered: (*catalog).hasTools},
	mcp.MethodResourcesList:          {run: (*Engine).listResources, offered: (*catalog).hasResources},
	mcp.MethodResourcesTemplatesList: {run: (*Engine).listTemplates, offered: (*catalog).hasResources},
	mcp.MethodResourcesRead:          {run: (*Engine).readResource, offered: (*catalog).hasResources},
	mcp.MethodPromptsList:            {run: (*Engine).listPrompts, offered: (*catalog).hasPrompts},
	mcp.MethodPromptsGet:             {run: (*Engine).getPrompt, offered: (*catalog).hasPrompts},
	mcp.MethodCompletionComplete:     {run: (*Engine).complete, offered: (*catalog).hasCompletions},
	protocol.MethodInitialize:        {run: (*Engine).initialize},
	protocol.MethodPing:              {run: (*Engine).ping},
}

func (c *catalog) hasTools() bool     { return len(c.tools.list) > 0 }
func (c *catalog) hasPrompts() bool   { return len(c.prompts.list) > 0 }
func (c *catalog) hasResources() bool { return len(c.resources.list)+len(c.templates.list) > 0 }
func (c *catalog) hasCompletions() bool {
	return slices.ContainsFunc(c.prompts.list, (*prompt).completes) ||
		slices.ContainsFunc(c.templates.list, (*resource).completes)
}

// Handle answers one request: the one function around which everything else is
// an adapter.
func (c core) Handle(ctx context.Context, wire *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
	resp := jsonrpc.NewResponse()
	version, err := checkMeta(wire)
	if err != nil {
		resp.SetError(wire.ID, err)
		return resp
	}
	if c.lives.due.Load() {
		if err := c.start(ctx); err != nil {
			resp.SetError(wire.ID, notStarted())
			return resp
		}
	}
	req := newRequest(ctx, c.Engine, wire, version, notify)
	req.hangup = c.hangup
	defer req.end()
	if c.auth != nil {
		req.user, req.local = auth.UserFrom(ctx), c.local
	}
	if c.observers != nil {
		wire.Received = time.Now()
		defer req.tellObservers(resp)
	}
	c.serve(req, resp)
	return resp
}

// serve decides about the request and answers it. A handler or an observer that
// panics fails this request alone. Code that ends its goroutine cannot be answered
// here: the transport does that, see [jsonrpc.Handler].
func (e *Engine) serve(req *Request, resp *jsonrpc.Response) {
	returned := false
	defer func() {
		v := recover()
		if returned {
			return
		}
		if v == nil {
			v = "the handler ended its goroutine (runtime.Goexit)"
		}
		e.logger.ErrorContext(req.ctx.Context, "handler panicked", requestAttrs(req, "panic", v, "stack", string(debug.Stack()))...)
		req.noteCause(fmt.Errorf("panic: %v", v))
		req.fail(resp, jsonrpc.ErrInternal)
	}()
	leave, err := req.decide()
	if leave != nil {
		defer leave()
	}
	if err != nil {
		req.fail(resp, err)
	} else {
		e.answer(req, resp)
	}
	returned = true
}

// decide tells the observers of the request, and says whether it may run: its caller
// is authorized and within the limits. Leave, if there is one, ends its counting.
func (r *Request) decide() (leave func(), err *jsonrpc.Error) {
	r.observe()
	if r.engine.auth != nil {
		if err := r.admit(); err != nil {
			return nil, err
		}
	}
	return r.enter()
}

// answer runs the request and encodes what comes of it.
func (e *Engine) answer(req *Request, resp *jsonrpc.Response) {
	if req.wire.OnRun != nil {
		req.wire.OnRun()
	}
	resp.BeginResult(req.wire.ID)
	ctx, cancel := req.withTimeout(&req.ctx)
	if cancel != nil {
		defer cancel()
	}
	var err error
	if e.handle == nil {
		if req.wire.Tails {
			req.response = resp
		}
		resp.Body, err = e.run(ctx, req, resp.Body)
	} else {
		var result Result
		if result, err = e.handle(ctx, req); err == nil {
			resp.Body, err = req.appendResult(ctx, resp.Body, result)
		}
	}
	if err != nil {
		req.noteCause(err)
		req.fail(resp, e.report(req, err))
	} else {
		req.noteUnsent()
		resp.EndResult()
	}
}

// report returns the part of err that the client may know, and logs the rest.
func (e *Engine) report(req *Request, err error) *jsonrpc.Error {
	wire, hidden := req.wireError(err)
	switch {
	case hidden && req.ctx.Err() != nil:
		e.logger.DebugContext(req.ctx.Context, "request abandoned", requestAttrs(req, "error", err)...)
	case hidden:
		e.logger.ErrorContext(req.ctx.Context, "request failed", requestAttrs(req, "error", err)...)
	}
	return wire
}

func requestAttrs(req *Request, attrs ...any) []any {
	return append([]any{slog.String("method", req.Method()), slog.String("name", req.Name())}, attrs...)
}

// run looks the method up and runs it.
func (e *Engine) run(ctx context.Context, req *Request, dst []byte) ([]byte, error) {
	if own := req.target.served; own != nil {
		return own.answer(e, ctx, req, dst)
	}
	m, ok := methods[req.wire.Method]
	if !ok || !m.in(req) {
		return dst, methodNotFound(req.wire.Method)
	}
	if call := req.catalog.callTool; call != nil && req.target.method.About == protocol.AboutTool {
		result, err := call(ctx, req)
		if err != nil {
			return dst, err
		}
		return req.appendResult(ctx, dst, result)
	}
	return m.run(e, ctx, req, dst)
}

// in reports whether the server has the method for the request.
func (m *method) in(r *Request) bool {
	return (m.offered == nil || m.offered(r.catalog)) && r.target.method.In(r.version.Handshake)
}

// discover describes the server (server/discover).
func (e *Engine) discover(_ context.Context, req *Request, dst []byte) ([]byte, error) {
	description := struct {
		Versions     []string               `json:"supportedVersions"`
		Capabilities mcp.ServerCapabilities `json:"capabilities"`
		Instructions string                 `json:"instructions,omitzero"`
	}{supportedVersions(), e.capabilities(req), e.instructions}
	members, err := encode(description)
	if err != nil {
		return dst, err
	}
	dst = append(dst, members[:len(members)-1]...)
	return append(dst, req.ends.list...), nil
}

// initialize describes the server to a client of a handshake version. The
// transport, which keeps the connection, has negotiated the version.
func (e *Engine) initialize(_ context.Context, req *Request, dst []byte) ([]byte, error) {
	return req.appendShaped(dst, struct {
		Version      string                `json:"protocolVersion"`
		Capabilities handshakeCapabilities `json:"capabilities"`
		Info         mcp.Implementation    `json:"serverInfo"`
		Instructions string                `json:"instructions,omitzero"`
	}{req.version.Name, handshakeCapabilities{e.capabilities(req), e.taskCapability(req.catalog)}, e.info, e.instructions}, false)
}

// A handshakeCapabilities has what only handshake versions declare.
type handshakeCapabilities struct {
	mcp.ServerCapabilities
	Tasks json.RawMessage `json:"tasks,omitzero"` // of 2025-11-25
}

// taskCapability says which methods of tasks there are. Callers that cannot be told
// apart have no list (2025-11-25, tasks, "Task Isolation and Access Control").
func (e *Engine) taskCapability(c *catalog) json.RawMessage {
	switch {
	case !slices.ContainsFunc(c.tools.list, func(t *tool) bool { return t.execution.TaskSupport != "" }):
		return nil
	case e.auth == nil:
		return json.RawMessage(`{"cancel":{},"requests":{"tools":{"call":{}}}}`)
	}
	return json.RawMessage(`{"list":{},"cancel":{},"requests":{"tools":{"call":{}}}}`)
}

func (e *Engine) ping(_ context.Context, _ *Request, dst []byte) ([]byte, error) {
	return append(dst, "{}"...), nil
}

// capabilities derives the server's capabilities from its features, so that it
// never declares a capability that it does not have.
func (e *Engine) capabilities(req *Request) (capabilities mcp.ServerCapabilities) {
	c, listens := req.catalog, !e.serverless
	capabilities.Extensions = c.settings(req.version)
	capabilities.Logging = mcp.JSONObject{}
	if c.hasTools() {
		capabilities.Tools = &mcp.ToolsCapability{ListChanged: listens}
	}
	if c.hasPrompts() {
		capabilities.Prompts = &mcp.PromptsCapability{ListChanged: listens}
	}
	if c.hasResources() {
		capabilities.Resources = &mcp.ResourcesCapability{ListChanged: listens, Subscribe: listens}
	}
	if c.hasCompletions() {
		capabilities.Completions = mcp.JSONObject{}
	}
	return capabilities
}
