package mcpengine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mcpengine/mcpengine/internal/share"
)

// A LimitOption limits what callers may do: of the whole engine, or of one feature.
// A caller is a verified user together with the OAuth client that it uses, or else
// the address that requests come from; all requests of a stdio server come from one
// caller. Limits are checked after authorization, and before middleware and the
// handler. A request over a limit is answered with [mcp.CodeRateLimited], and over
// HTTP with status 429 and Retry-After.
type LimitOption interface {
	Option
	FeatureOption
	MethodOption
}

type limitOption func(*limits)

func (o limitOption) applyToEngine(e *Engine)           { o(&e.limits) }
func (o limitOption) applyToTool(c *toolConfig)         { o(&c.limits) }
func (o limitOption) applyToResource(c *resourceConfig) { o(&c.limits) }
func (o limitOption) applyToPrompt(c *promptConfig)     { o(&c.limits) }
func (o limitOption) applyToMethod(c *methodConfig)     { o(&c.limits) }

// limits are what limit options have set. Zero means no limit.
type limits struct {
	perMinute int
	atOnce    int
	handlers  *share.Bound // of all callers
	timeout   time.Duration
}

// shares are the most that one caller may hold of what all callers have in common.
// A zero number leaves the share.
type shares struct{ subscriptions, sessions, streams int }

// CallsPerMinute limits how many requests a caller may make in a minute, evenly or
// at once. By default there is no limit. It panics when n is not positive.
func CallsPerMinute(n int) LimitOption {
	mustBePositive("CallsPerMinute", n)
	return limitOption(func(l *limits) { l.perMinute = n })
}

// CallsAtOnce limits how many requests of a caller are under way at once. For the
// engine it does not count subscriptions and other requests that last; for a method
// of an extension that lasts, such as a stream of events, it counts those. It counts
// in each replica for itself. By default there is no limit but the share of what all
// callers have in common (docs/limits.md). It panics when n is not positive.
func CallsAtOnce(n int) LimitOption {
	mustBePositive("CallsAtOnce", n)
	return limitOption(func(l *limits) { l.atOnce = n })
}

// HandlersAtOnce limits how many requests of all callers together are under way at
// once, without those that last. Each caller has a share: it may hold no more than
// are free, so that one alone gets half, and another caller always finds room. It
// counts in each replica for itself. By default 4096 requests over HTTP are under
// way at once. It panics when n is not positive.
func HandlersAtOnce(n int) LimitOption {
	mustBePositive("HandlersAtOnce", n)
	return limitOption(func(l *limits) { l.handlers = share.NewBound(n) })
}

// SubscriptionsAtOnce limits how many subscriptions of a caller are open at once,
// with requests of extensions that last, such as streams of events. One more is
// refused like a request over a limit. The default is the caller's share of 10,000.
// It panics when n is not positive.
func SubscriptionsAtOnce(n int) Option {
	mustBePositive("SubscriptionsAtOnce", n)
	return engineOption(func(e *Engine) { e.shares.subscriptions = n })
}

// SessionsAtOnce limits how many sessions of a caller, of the handshake versions,
// the process keeps state for. One more ends the streams, subscriptions and log
// level of the session that the caller has not used for longest. The default is the
// caller's share of 10,000. It panics when n is not positive.
func SessionsAtOnce(n int) Option {
	mustBePositive("SessionsAtOnce", n)
	return engineOption(func(e *Engine) { e.shares.sessions = n })
}

// StreamsAtOnce limits how many event streams of a caller, of the handshake
// versions, are kept at once: connections of HTTP+SSE, of which one more is refused
// like a request over a limit, and streams whose client may come back, of which one
// more is not kept. The default is the caller's share of 1,000 of each. It panics
// when n is not positive.
func StreamsAtOnce(n int) Option {
	mustBePositive("StreamsAtOnce", n)
	return engineOption(func(e *Engine) { e.shares.streams = n })
}

// WithTimeout ends the context of a handler after d. A tool whose handler returns
// the error of the context then fails with a message for the model, and any other
// request with -32603. The timeout of a feature takes the place of the engine's.
// By default there is none. A handler that ignores its context is not stopped. It
// panics when d is not positive.
func WithTimeout(d time.Duration) LimitOption {
	mustBePositive("WithTimeout", d)
	return limitOption(func(l *limits) { l.timeout = d })
}

func mustBePositive[N int | time.Duration](option string, n N) {
	if n <= 0 {
		panic(fmt.Sprintf("mcpengine: %s(%v): not positive", option, n))
	}
}

// A timeoutError is why the context of a handler has ended.
type timeoutError time.Duration

func (e timeoutError) Error() string {
	return fmt.Sprintf("this took longer than %v and was stopped: ask for less at once, or try again later", time.Duration(e))
}

// timedOut returns the error for a handler that returned err because its time was
// over, and err otherwise.
func timedOut(ctx context.Context, err error) error {
	if cause, ok := errors.AsType[timeoutError](context.Cause(ctx)); ok && errors.Is(err, context.DeadlineExceeded) {
		return cause
	}
	return err
}

// withTimeout returns the context of the handler. Without a timeout it is ctx.
func (r *Request) withTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	d := r.engine.limits.timeout
	if f := r.target.feature(); f != nil && f.limits.timeout > 0 {
		d = f.limits.timeout
	}
	if d == 0 || r.target.method.Lasts {
		return ctx, nil
	}
	return context.WithTimeoutCause(ctx, d, timeoutError(d))
}
