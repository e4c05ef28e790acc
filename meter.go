package mcpengine

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/limit"
	"github.com/mcpengine/mcpengine/internal/share"
)

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
		return "user " + ownerID(r.user)
	}
	return "address " + r.wire.Caller.Address()
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
	scopes := [...]scope{{limits: &r.engine.limits}, {}}
	if f := r.target.feature(); f != nil {
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
		left, err := r.enterScope(s, key)
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

// enterScope counts the request towards the limits of a scope.
func (r *Request) enterScope(s scope, key string) (leave func(), err *jsonrpc.Error) {
	m, l := &r.engine.meter, s.limits
	key = s.name + "\n" + key
	defer func() {
		if err != nil && leave != nil {
			leave()
			leave = nil
		}
	}()
	lasts := r.target.method.Lasts
	if l.atOnce > 0 && (!lasts || s.name != "") {
		if !m.places.Take(key, l.atOnce) {
			return nil, tooMany(time.Second, "more than %d at once", l.atOnce)
		}
		leave = func() { m.places.Release(key) }
	}
	if l.handlers != nil && !lasts {
		caller := share.CallerOf(key, "")
		if !l.handlers.Take(caller) {
			return leave, tooMany(time.Second, "more at once than this caller's share")
		}
		leave = joined(leave, func() { l.handlers.Release(caller) })
	}
	if l.perMinute > 0 {
		if wait := r.take(key, l.perMinute); wait > 0 {
			return leave, tooMany(wait, "more than %d a minute", l.perMinute)
		}
	}
	return leave, nil
}

// tooMany is the error of a request over a limit.
func tooMany(wait time.Duration, format string, args ...any) *jsonrpc.Error {
	return jsonrpc.OverLimit(wait, "Too many requests: "+format, args...)
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
