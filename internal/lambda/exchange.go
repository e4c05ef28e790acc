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

// An exchange is one invocation on its way through the adapter.
type exchange struct {
	adapter *Adapter
	event   event
	door    *door
	body    []byte // of the request
	id      string
	writer  writer
}

// Invoke answers one invocation with an answer that is complete. It fails, and
// with it the invocation, when the event is not an HTTP request.
func (a *Adapter) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	x, err := a.begin(ctx, payload)
	if err != nil {
		return nil, err
	}
	x.serve(ctx)
	return x.reply(ctx), nil
}

// begin reads the event.
func (a *Adapter) begin(ctx context.Context, payload []byte) (*exchange, error) {
	x := &exchange{adapter: a}
	var err error
	if x.door, err = x.event.parse(payload); err != nil {
		return nil, err
	}
	x.id = x.event.RequestContext.RequestID
	if x.id == "" { // a load balancer gives none
		x.id, _ = ctx.Value(invocationIDKey{}).(string)
	}
	x.writer.exchange = x
	x.writer.header = make(http.Header, 8)
	return x, nil
}

// serve has the request answered, by the handler if it gets that far.
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
	// The loop goes on even if a handler ends its goroutine.
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer x.recover(ctx)
		x.adapter.handler.ServeHTTP(&x.writer, r)
	}()
	<-done
}

// isHealthCheck reports whether the request only asks if there is anybody. A
// load balancer does so at a path of its own choosing.
func (x *exchange) isHealthCheck() bool {
	if method := x.event.method(); method != http.MethodGet && method != http.MethodHead {
		return false
	}
	if x.door == balancer && strings.HasPrefix(x.event.header().Get("User-Agent"), "ELB-HealthChecker/") {
		return true
	}
	return x.event.path(x.door) == x.adapter.config.HealthPath
}

// apiPatience is how long an HTTP API waits for an answer, at most.
const apiPatience = 30 * time.Second

// bound ends the context early enough to answer before the invocation ends. No
// event tells that the client has gone away, so that nothing else bounds the
// work.
func (x *exchange) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	now := time.Now()
	end, ok := ctx.Deadline()
	if x.door == httpAPI || x.door == httpAPI1 {
		if last := now.Add(apiPatience); !ok || last.Before(end) {
			end, ok = last, true
		}
	}
	if !ok {
		return context.WithCancel(ctx)
	}
	margin := min(x.adapter.config.Margin, max(end.Sub(now), 0)/2)
	return context.WithDeadline(ctx, end.Add(-margin))
}

// recover makes a panic the end of the request instead of the process.
func (x *exchange) recover(ctx context.Context) {
	reason := recover()
	if reason == nil {
		return
	}
	if err, ok := reason.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
		x.log(ctx, slog.LevelError, "the handler panicked", slog.Any("panic", reason), slog.String("stack", string(debug.Stack())))
	}
	x.writer.abort()
}

func (x *exchange) log(ctx context.Context, level slog.Level, message string, attrs ...slog.Attr) {
	x.adapter.config.Logger.LogAttrs(ctx, level, message, append(attrs, slog.String(requestIDAttr, x.id))...)
}
