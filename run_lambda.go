package mcpengine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/lambda"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/mcp"
)

// serverlessTTL is how long lists stay fresh when clients cannot be told of
// changes, unless [WithCache] says otherwise.
const serverlessTTL = time.Minute

// runLambda serves the invocations of an AWS Lambda function until the
// execution environment ends.
func (e *Engine) runLambda(ctx context.Context) error {
	stream, err := lambda.ParseMode(os.Getenv)
	if err != nil {
		return err
	}
	e.logger = slog.New(lambda.NewLogHandler(e.logger.Handler()))
	e.goServerless()
	if err := e.start(ctx); err != nil {
		return err
	}
	defer e.Close()
	var flush func(context.Context)
	if len(e.flushes.all) > 0 { // without one, an invocation costs nothing more
		flush = e.flush
	}
	return lambda.Run(ctx, e.mux(), lambda.Config{
		Stream:              stream,
		AuthorizationHeader: e.httpConfig.AuthorizationHeader,
		Domain:              e.card != nil,
		MaxBody:             e.httpConfig.MaxBodyBytes,
		TooLarge:            e.tooLarge,
		Event:               e.lambdaEvent,
		Flush:               flush,
		Logger:              e.logger,
	})
}

// lambdaEvent has an extension answer an event that is not an HTTP request.
func (e *Engine) lambdaEvent(ctx context.Context, event []byte) ([]byte, error) {
	if err := e.start(ctx); err != nil {
		return nil, err
	}
	for _, x := range e.registry.catalog().extensions {
		if x.event == nil {
			continue
		}
		reply, err := x.event(ctx, event)
		if errors.Is(err, errors.ErrUnsupported) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("extension %s: %w", x.id, err)
		}
		return encode(reply)
	}
	return nil, errors.ErrUnsupported
}

// goServerless turns off the features that need a long-running process:
// subscriptions, sessions, resumable streams and the bus.
func (e *Engine) goServerless() {
	e.serverless = true
	if e.cache.ttlMs == 0 {
		e.cache.ttlMs = serverlessTTL.Milliseconds()
		e.encodeEnds()
	}
	e.httpConfig.NoSessions = true
	e.leaveBus()
	e.serveHTTP()
}

// tooLarge returns the answer that replaces one that is too large for the
// platform: for a tool, a result that the model can act on; for every other
// method, an error.
func (e *Engine) tooLarge(message []byte, reason string) (status int, body []byte) {
	var req jsonrpc.Request
	err := jsonrpc.Errorf(mcp.CodeInternalError, "%s", reason)
	if req.Parse(message) != nil || req.IsNotification() {
		resp := jsonrpc.ErrorResponse(nil, err)
		defer resp.Release()
		return http.StatusInternalServerError, bytes.Clone(resp.Body)
	}
	resp := jsonrpc.ErrorResponse(req.ID, err)
	defer resp.Release()
	if protocol.MethodOf(req.Method).About == protocol.AboutTool {
		call := Request{ends: &ends{result: []byte("}")}} // as in the handshake versions
		if v := protocol.FindJSON(req.Meta.Get(mcp.MetaProtocolVersion)); v != nil {
			call.ends = e.ends[v]
		}
		resp.Status = http.StatusOK
		resp.BeginResult(req.ID)
		resp.Body = call.appendToolError(resp.Body, errors.New(reason))
		resp.EndResult()
	}
	return resp.Status, bytes.Clone(resp.Body)
}
