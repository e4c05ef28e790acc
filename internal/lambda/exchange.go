package lambda

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine/mcp"
)

// An exchange is one invocation and its answer.
type exchange struct {
	adapter  *Adapter
	event    event
	frontEnd *frontEnd
	body     []byte // of the request
	id       string
	writer   writer
}

// Invoke returns the complete answer to one invocation. It fails, and so does
// the invocation, when the event is neither an HTTP request nor known to
// [Config.Event].
func (a *Adapter) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	x, err := a.begin(ctx, payload)
	if err != nil {
		return a.other(ctx, payload, err)
	}
	x.run(ctx)
	return x.reply(ctx), nil
}

// begin reads the event.
func (a *Adapter) begin(ctx context.Context, payload []byte) (*exchange, error) {
	x := &exchange{adapter: a}
	var err error
	if x.frontEnd, err = x.event.parse(payload); err != nil {
		return nil, err
	}
	x.id = x.event.RequestContext.RequestID
	if x.id == "" { // load balancers give no id
		x.id, _ = ctx.Value(invocationIDKey{}).(string)
	}
	x.writer.exchange = x
	x.writer.header = make(http.Header, 8)
	return x, nil
}

// run answers the request in a goroutine of its own: a handler that ends its
// goroutine ([runtime.Goexit]) must not end the loop of invocations.
func (x *exchange) run(ctx context.Context) {
	served := make(chan struct{})
	go func() {
		defer close(served)
		x.serve(ctx)
	}()
	<-served
}

// serve answers the request, with the handler unless it is refused before.
func (x *exchange) serve(ctx context.Context) {
	if x.isHealthCheck() {
		x.writer.header.Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprintln(&x.writer, "ok")
		return
	}
	if refused := x.decodeBody(); refused != nil {
		x.writer.reject(refused.status, mcp.CodeInvalidRequest, refused.reason)
		return
	}
	ctx, cancel := x.bound(ctx)
	defer cancel()
	r := x.request(context.WithValue(ctx, requestIDKey{}, x.id))
	x.writer.silent = r.Method == http.MethodHead
	returned := false
	defer func() {
		if !returned {
			x.abandoned(ctx, recover())
		}
	}()
	x.adapter.handler.ServeHTTP(&x.writer, r)
	returned = true
}

// isHealthCheck reports whether the request is a health check. A load balancer
// may send it to any path.
func (x *exchange) isHealthCheck() bool {
	if method := x.event.method(); method != http.MethodGet && method != http.MethodHead {
		return false
	}
	if x.frontEnd == balancer && strings.HasPrefix(x.event.header().Get("User-Agent"), "ELB-HealthChecker/") {
		return true
	}
	return x.event.path(x.frontEnd) == x.adapter.config.HealthPath
}

// apiPatience is how long an HTTP API waits for an answer, at most.
const apiPatience = 30 * time.Second

// bound ends the context early enough to answer before the invocation ends.
// Nothing else bounds the work, because the platform does not report that a
// client has gone.
func (x *exchange) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	now := time.Now()
	end, ok := ctx.Deadline()
	if x.frontEnd == httpAPI || x.frontEnd == httpAPI1 {
		if last := now.Add(apiPatience); !ok || last.Before(end) {
			end, ok = last, true
		}
	}
	if !ok {
		return context.WithCancel(ctx)
	}
	return x.adapter.withMargin(ctx, end)
}

// withMargin ends the context before the end of the invocation.
func (a *Adapter) withMargin(ctx context.Context, end time.Time) (context.Context, context.CancelFunc) {
	margin := min(a.config.Margin, max(time.Until(end), 0)/2)
	return context.WithDeadline(ctx, end.Add(-margin))
}

// abandoned ends a request whose handler has panicked with reason. When reason
// is nil, the handler has ended its goroutine.
func (x *exchange) abandoned(ctx context.Context, reason any) {
	err, ok := reason.(error)
	switch {
	case reason == nil && x.writer.complete():
		return // the request has been answered
	case reason == nil:
		x.log(ctx, slog.LevelError, "the handler ended its goroutine")
	case !ok || !errors.Is(err, http.ErrAbortHandler):
		x.log(ctx, slog.LevelError, "the handler panicked", slog.Any("panic", reason), slog.String("stack", string(debug.Stack())))
	}
	x.writer.abort()
}

func (x *exchange) log(ctx context.Context, level slog.Level, message string, attrs ...slog.Attr) {
	x.adapter.config.Logger.LogAttrs(ctx, level, message, append(attrs, slog.String(requestIDAttr, x.id))...)
}
