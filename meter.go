package mcpengine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/limit"
	"github.com/mcpengine/mcpengine/internal/share"
	"github.com/mcpengine/mcpengine/mcp"
)

// A Limiter counts requests for [CallsPerMinute]. The engine's own counts in
// memory, so that with n replicas a caller may make n times as many requests;
// another one, given to [WithLimiter], may share the counts: package
// bus/redis/limit does, through Redis.
type Limiter interface {
	// Take counts a request of the key, or returns how long the caller has to
	// wait before its next one. There are at most so many requests in each
	// minute. The key names the server, the feature and the caller. With an error,
	// the engine counts in memory; with an [*mcp.Error], it refuses the request
	// with that error and HTTP 503. Either way it does not ask for a second.
	Take(ctx context.Context, key string, perMinute int) (wait time.Duration, err error)
}

// WithLimiter counts requests with l.
func WithLimiter(l Limiter) Option {
	return engineOption(func(e *Engine) { e.limiter = l })
}

// limiterTimeout is how long a shared limiter may take, and limiterPause how long it
// is not asked again when it has failed.
const (
	limiterTimeout = 500 * time.Millisecond
	limiterPause   = time.Second
)

// A meter counts requests.
type meter struct {
	shared    Limiter // nil counts in memory
	outage    outage  // of the shared limiter
	users     *limit.Rates
	addresses *limit.Rates
	places    *limit.Places
}

// The callers that are told apart. Users are real; addresses can be made up.
const (
	maxUsers     = 1_000_000
	maxAddresses = 200_000
)

func newMeter(shared Limiter) *meter {
	return &meter{shared: shared, users: limit.NewRates(maxUsers), addresses: limit.NewRates(maxAddresses), places: limit.NewPlaces()}
}

// callerKey returns the key under which the caller of a request is counted. An
// address is the key itself, since it begins with no "user ".
func (r *Request) callerKey() string {
	if r.user != nil {
		return "user " + ownerID(r.user)
	}
	return cmp.Or(r.wire.Caller.Address(), "stdio")
}

// ownerID names a verified caller and its client: to whom limits and shares apply.
func ownerID(u *auth.User) string {
	if u == nil {
		return ""
	}
	return u.ID() + " " + u.ClientID
}

// enter counts the request towards the limits of the engine and of its feature. The
// function it returns ends that; it is nil when nothing has to be ended.
func (r *Request) enter() (leave func(), err *jsonrpc.Error) {
	again := r.engine.budget != nil && r.ctx.Value(rerunKey{}) != nil
	scopes := [...]scope{{limits: &r.engine.limits}, {}}
	if f := r.target.feature(); f != nil && f.limits.counts() {
		scopes[1] = scope{&f.limits, r.target.kind() + " " + f.name}
	}
	key := ""
	for _, s := range scopes {
		if !s.limits.counts() {
			continue
		}
		if key == "" {
			key = r.callerKey()
		}
		left, err := r.enterScope(s, key, again)
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

// A scope is what limits apply to: the engine, whose name is empty, or a feature.
type scope struct {
	limits *limits
	name   string
}

func (l *limits) counts() bool {
	return l != nil && (l.perMinute > 0 || l.atOnce > 0 || l.handlers != nil)
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

// enterScope counts the request towards the limits of a scope. A call that is made
// again for the rest of its result is a part of a request that is under way already.
func (r *Request) enterScope(s scope, key string, again bool) (leave func(), err *jsonrpc.Error) {
	m, l := r.engine.meter, s.limits
	if s.name != "" {
		key = s.name + "\n" + key
	}
	lasts := r.target.method.Lasts
	if l.atOnce > 0 && (!lasts || s.name != "") && (!again || s.name != "") {
		if !m.places.Take(key, l.atOnce) {
			return nil, tooMany(time.Second, "more than %d at once", l.atOnce)
		}
		leave = func() { m.places.Release(key) }
	}
	if l.handlers != nil && !lasts && (!again || s.name != "") {
		caller := share.CallerOf(key, "")
		if !l.handlers.Take(caller) {
			return left(leave), tooMany(time.Second, "more at once than this caller's share")
		}
		leave = joined(leave, func() { l.handlers.Release(caller) })
	}
	if l.perMinute > 0 {
		wait, err := r.take(key, l.perMinute)
		if err == nil && wait > 0 {
			err = tooMany(wait, "more than %d a minute", l.perMinute)
		}
		if err != nil {
			return left(leave), err
		}
	}
	return leave, nil
}

// left ends the counting of a request that is refused.
func left(leave func()) func() {
	if leave != nil {
		leave()
	}
	return nil
}

// tooMany is the error of a request over a limit.
func tooMany(wait time.Duration, format string, args ...any) *jsonrpc.Error {
	return jsonrpc.OverLimit(wait, "Too many requests: "+format, args...)
}

// take counts the request and returns how long the caller has to wait. The error is
// of a shared limiter that does not let others count.
func (r *Request) take(key string, perMinute int) (time.Duration, *jsonrpc.Error) {
	m := r.engine.meter
	if m.shared != nil {
		wait, err := m.takeShared(r, key, perMinute)
		if err == nil {
			return wait, nil
		}
		if refusal, ok := errors.AsType[*mcp.Error](err); ok {
			return 0, &jsonrpc.Error{
				Code: refusal.Code, Message: refusal.Message, Data: refusal.Data,
				Refusal: &jsonrpc.Refusal{Status: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"1"}}},
			}
		}
	}
	rates := m.addresses
	if r.user != nil {
		rates = m.users
	}
	now := r.wire.Received
	if now.IsZero() {
		now = time.Now()
	}
	return rates.Take(key, limit.Rate{Requests: perMinute, Per: time.Minute}, now), nil
}

// takeShared asks the shared limiter, or returns the error that it had last.
func (m *meter) takeShared(r *Request, key string, perMinute int) (time.Duration, error) {
	if err := m.outage.current(time.Now()); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(r.ctx.Context, limiterTimeout)
	defer cancel()
	wait, err := m.ask(ctx, r.engine.serverIdentity()+"\n"+key, perMinute)
	switch {
	case err == nil:
		if m.outage.end() {
			r.engine.logger.InfoContext(ctx, "the shared limiter is back")
		}
	case r.ctx.Err() != nil: // a client that has gone is no fault of the limiter's
	case m.outage.begin(time.Now(), err):
		r.engine.logger.WarnContext(r.ctx.Context, "the shared limiter fails", "error", err)
	}
	return wait, err
}

// An outage is the time in which a shared limiter fails. It is asked once in each
// pause, so that it delays one request in a pause at most.
type outage struct {
	lasting atomic.Bool // what all requests look at

	mu    sync.Mutex
	err   error
	until time.Time
}

// current returns the error of the limiter, or nil when it should be asked.
func (o *outage) current(now time.Time) error {
	if !o.lasting.Load() {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if now.Before(o.until) {
		return o.err
	}
	o.until = now.Add(limiterPause) // this request asks, and no other
	return nil
}

// begin notes an error, and reports whether it is the first one.
func (o *outage) begin(now time.Time, err error) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.err, o.until = err, now.Add(limiterPause)
	return o.lasting.CompareAndSwap(false, true)
}

// end reports whether it ends the outage.
func (o *outage) end() bool {
	return o.lasting.Load() && o.lasting.CompareAndSwap(true, false)
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
