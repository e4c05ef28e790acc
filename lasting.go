package mcpengine

import (
	"context"
	"errors"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/internal/streamable"
	"github.com/mcpengine/mcpengine/mcp"
)

// Lasting makes requests of a method stay open, as subscriptions/listen does: they
// count as subscriptions and not as calls, and silence is not a fault. The context of the handler ends when the client goes, its token
// expires or the engine closes. In the last two cases the client gets the result
// that the handler returns then; an error of the context counts as a zero Out. A
// handler sends with [Notify], which names the request in "_meta".
//
// On AWS Lambda the method is not found.
func Lasting() MethodOption {
	return methodOption(func(c *methodConfig) { c.row.Lasts = true })
}

// errEnded is the cause of the context of a lasting request that the server ends.
var errEnded = errors.New("the server ends the request")

// last runs the handler of a lasting method.
func (e *Engine) last(ctx context.Context, req *Request, m *extensionMethod, params []byte) (any, error) {
	if e.serverless {
		return nil, jsonrpc.Errorf(mcp.CodeMethodNotFound, "%s is not served here: a process lives no longer than its requests", m.name)
	}
	if err := e.subscriptions.enter(req.wire.Caller); err != nil {
		return nil, err
	}
	defer e.subscriptions.leave(req.wire.Caller)
	ctx, cancel := context.WithCancelCause(ctx)
	expired, stop := streamable.UntilExpiry(expiry(req.user))
	watched := make(chan struct{})
	defer func() {
		cancel(nil)
		<-watched
		stop()
	}()
	go func() {
		defer close(watched)
		select {
		case <-ctx.Done():
		case <-expired:
		case <-e.subscriptions.closing:
		case <-req.hangup:
		}
		cancel(errEnded)
	}()
	out, err := m.run(ctx, params)
	if err != nil && errors.Is(context.Cause(ctx), errEnded) && (errors.Is(err, context.Canceled) || errors.Is(err, errEnded)) {
		return out, nil
	}
	return out, err
}

// Notify sends the client a notification of an extension: its method is one of
// [Extension.Notifications], and its parameters encode as a JSON object. Call it
// while a method of that extension, or another request whose client declares the
// extension, is being answered. For a client that does not declare it, nothing is
// sent. The error says that the notification is not valid; it does not say that it
// has arrived.
func Notify(ctx context.Context, method string, params any) error {
	req := RequestFrom(ctx)
	if req == nil {
		return errors.New("mcpengine: the context does not come from a handler")
	}
	x := req.catalog.notifications[method]
	served := req.target.served
	if x != nil && (served == nil || served.extension != x) && !req.ClientExtension(x.id, nil) {
		return nil
	}
	return req.notifyExtension(x, method, params, served != nil && served.row.Lasts)
}

// callTools returns the handler of tools/call, wrapped by the extensions that wrap
// it, and nil when no extension does.
func (e *Engine) callTools(extensions []*extension) (handler MethodHandler) {
	var wraps []func(MethodHandler) MethodHandler
	for _, x := range extensions {
		if x.callTool == nil {
			continue
		}
		wraps = append(wraps, func(next MethodHandler) MethodHandler {
			handler := x.callTool(next)
			return func(ctx context.Context, req *Request) (Result, error) {
				if x.settings[req.version] == nil {
					return next(ctx, req)
				}
				return handler(ctx, req)
			}
		})
	}
	return chain(MethodHandler(e.runCallTool), wraps)
}

// runCallTool is the innermost handler of tools/call.
func (e *Engine) runCallTool(ctx context.Context, req *Request) (Result, error) {
	return e.resultOf(ctx, req, (*Engine).callTool)
}

// checkResultType refuses a result type of tools/call that no extension has, or
// whose extension the client does not declare.
func (r *Request) checkResultType(result []byte) error {
	if r.target.method.About != protocol.AboutTool {
		return nil
	}
	members, err := jsonrpc.ParseObject(result)
	if err != nil {
		return internalf("read a result: %w", err)
	}
	raw := members.Get("resultType")
	switch kind := mcp.ResultType(jsonrpc.Text(raw)); {
	case raw == nil, kind == mcp.ResultTypeComplete, kind == mcp.ResultTypeInputRequired:
		return nil
	case !jsonrpc.IsString(raw):
		return internalf("the resultType %.64s is not a string", raw)
	case r.version.Handshake:
		return internalf("a result of the type %.64q cannot be sent in protocol version %s", kind, r.version.Name)
	default:
		x := r.catalog.resultTypes[string(kind)]
		if x == nil {
			return internalf("the resultType %.64q belongs to no extension: add it to Extension.ResultTypes", kind)
		}
		if !r.ClientExtension(x.id, nil) {
			return internalf("the resultType %.64q needs the extension %s, which the client does not declare", kind, x.id)
		}
		return nil
	}
}
