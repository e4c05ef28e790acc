package mcpengine

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/limit"
	"github.com/mcpengine/mcpengine/mcp"
)

// A LimitOption limits what one caller may do: of the whole engine, or of one
// feature. A caller is a verified user together with the OAuth client that it
// uses, or else the address that requests come from; all requests of a stdio
// server come from one caller. Limits are checked after authorization, and before
// middleware and the handler. A request over a limit is answered with
// [mcp.CodeRateLimited], and over HTTP with status 429 and Retry-After.
type LimitOption interface {
	Option
	FeatureOption
}

type limitOption func(*limits)

func (o limitOption) applyToEngine(e *Engine)           { o(&e.limits) }
func (o limitOption) applyToTool(c *toolConfig)         { o(&c.limits) }
func (o limitOption) applyToResource(c *resourceConfig) { o(&c.limits) }
func (o limitOption) applyToPrompt(c *promptConfig)     { o(&c.limits) }
func (o limitOption) applyToMethod(c *methodConfig)     { o(&c.limits) }

// limits are what limit options have set. A zero limit is none.
type limits struct {
	perMinute int
	atOnce    int
	timeout   time.Duration
}

// CallsPerMinute limits how many requests a caller may make in a minute, evenly or
// at once. By default there is no limit. It panics when n is not positive.
func CallsPerMinute(n int) LimitOption {
	mustBePositive("CallsPerMinute", n)
	return limitOption(func(l *limits) { l.perMinute = n })
}

// CallsAtOnce limits how many requests of a caller are under way at once, without
// subscriptions. It counts in each replica for itself. By default there is no limit
// but the share of what all callers have in common (docs/limits.md). It panics when
// n is not positive.
func CallsAtOnce(n int) LimitOption {
	mustBePositive("CallsAtOnce", n)
	return limitOption(func(l *limits) { l.atOnce = n })
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

// A Limiter counts requests for [CallsPerMinute]. The engine's own counts in
// memory, so that with n replicas a caller may make n times as many requests;
// another one, given to [WithLimiter], may share the counts.
type Limiter interface {
	// Take counts a request of the key, or returns how long the caller has to
	// wait before its next one. There are at most so many requests in each
	// minute. With an error, the engine counts in memory.
	Take(ctx context.Context, key string, perMinute int) (wait time.Duration, err error)
}

// WithLimiter counts requests with l.
func WithLimiter(l Limiter) Option {
	return engineOption(func(e *Engine) { e.meter.shared = l })
}

// limiterTimeout is how long a shared limiter may take.
const limiterTimeout = time.Second

// A meter counts requests.
type meter struct {
	shared    Limiter // nil counts in memory
	users     *limit.Rates
	addresses *limit.Rates
	places    *limit.Places
	away      atomic.Bool // the shared limiter has failed
}

// The callers that are told apart. Users are real; addresses can be made up.
const (
	maxUsers     = 1_000_000
	maxAddresses = 200_000
)

func newMeter(shared Limiter) meter {
	return meter{shared: shared, users: limit.NewRates(maxUsers), addresses: limit.NewRates(maxAddresses), places: limit.NewPlaces()}
}

// callerKey returns the key under which the caller of a request is counted.
func (r *Request) callerKey() string {
	if r.user != nil {
		return "user " + r.user.ID() + " " + r.user.ClientID
	}
	return "address " + r.wire.Caller.Address()
}

// enter counts the request towards the limits of the engine and of its feature. The
// function it returns ends that; it is nil when nothing has to be ended.
func (r *Request) enter() (leave func(), err *jsonrpc.Error) {
	scopes := [...]struct {
		limits *limits
		name   string
	}{{&r.engine.limits, ""}, {}}
	if f := r.target.feature(); f != nil {
		scopes[1].limits, scopes[1].name = &f.limits, f.name
	}
	key := ""
	for _, s := range scopes {
		if s.limits == nil || s.limits.perMinute == 0 && s.limits.atOnce == 0 {
			continue
		}
		if key == "" {
			key = r.callerKey()
		}
		left, err := r.enterScope(s.limits, s.name, key)
		if err != nil {
			if leave != nil {
				leave()
			}
			return nil, err
		}
		leave = joined(leave, left)
	}
	return leave, nil
}

func joined(first, second func()) func() {
	switch {
	case first == nil:
		return second
	case second == nil:
		return first
	}
	return func() { second(); first() }
}

// enterScope counts the request towards the limits of the engine, whose name is
// empty, or of a feature.
func (r *Request) enterScope(l *limits, name, key string) (leave func(), err *jsonrpc.Error) {
	m := &r.engine.meter
	key = name + "\n" + key
	if l.atOnce > 0 && !r.target.method.Lasts {
		if !m.places.Take(key, l.atOnce) {
			return nil, overLimit(time.Second, "more than %d requests at once", l.atOnce)
		}
		leave = func() { m.places.Release(key) }
	}
	if l.perMinute > 0 {
		if wait := r.take(key, l.perMinute); wait > 0 {
			if leave != nil {
				leave()
			}
			return nil, overLimit(wait, "more than %d requests a minute", l.perMinute)
		}
	}
	return leave, nil
}

// take counts the request and returns how long the caller has to wait.
func (r *Request) take(key string, perMinute int) time.Duration {
	m := &r.engine.meter
	if m.shared != nil {
		ctx, cancel := context.WithTimeout(r.ctx.Context, limiterTimeout)
		defer cancel()
		wait, err := m.ask(ctx, key, perMinute)
		if err == nil {
			if m.away.CompareAndSwap(true, false) {
				r.engine.logger.InfoContext(ctx, "the shared limiter is back")
			}
			return wait
		}
		// A client that has gone is no fault of the limiter's.
		if r.ctx.Err() == nil && m.away.CompareAndSwap(false, true) {
			r.engine.logger.WarnContext(r.ctx.Context, "the shared limiter fails: requests are counted in memory", "error", err)
		}
	}
	rates := m.addresses
	if r.user != nil {
		rates = m.users
	}
	return rates.Take(key, limit.Rate{Requests: perMinute, Per: time.Minute}, time.Now())
}

// ask asks the shared limiter. One that panics has failed.
func (m *meter) ask(ctx context.Context, key string, perMinute int) (wait time.Duration, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the limiter panicked: %v", v)
		}
	}()
	return m.shared.Take(ctx, key, perMinute)
}

// overLimit is the error of a request over a limit.
func overLimit(wait time.Duration, format string, args ...any) *jsonrpc.Error {
	seconds := max(1, int64(math.Ceil(wait.Seconds())))
	return &jsonrpc.Error{
		Code:    mcp.CodeRateLimited,
		Message: fmt.Sprintf("Too many requests: "+format+"; try again in %d s", append(args, seconds)...),
		Data:    retryAfter(wait),
		Refusal: &jsonrpc.Refusal{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {strconv.FormatInt(seconds, 10)}}},
	}
}

func retryAfter(wait time.Duration) []byte {
	data, _ := encode(mcp.RateLimitedData{RetryAfterMs: max(1, wait.Milliseconds())})
	return data
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
