package peer

import (
	"context"
	"math"
	"sync"
	"time"
)

// An idleTimer is a context that ends with [ErrIdle] when the server has been
// silent for too long. It does not run while a person acts ([AwaitPerson]).
type idleTimer struct {
	context.Context
	cancel context.CancelCauseFunc
	limit  time.Duration
	timer  *time.Timer

	mu     sync.Mutex
	since  time.Time            // when the silence began
	paused int                  // number of waits for a person
	spent  time.Duration        // of the limit, before the pause
	quiet  func() time.Duration // for how long the server has not waited for the client; may be nil
}

// idleKey is the key of the innermost idleTimer of a context.
type idleKey struct{}

func startIdleTimer(ctx context.Context, limit time.Duration) *idleTimer {
	t := &idleTimer{limit: limit, since: time.Now()}
	t.Context, t.cancel = context.WithCancelCause(ctx)
	t.timer = time.AfterFunc(math.MaxInt64, t.expire)
	t.timer.Reset(limit)
	return t
}

// Value implements [context.Context].
func (t *idleTimer) Value(key any) any {
	if _, ok := key.(idleKey); ok {
		return t
	}
	return t.Context.Value(key)
}

// stop ends the context and releases its timer.
func (t *idleTimer) stop() {
	t.timer.Stop()
	t.cancel(nil)
}

// touch restarts the idle time: the server has sent a message.
func (t *idleTimer) touch() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.since, t.spent = time.Now(), 0
	if t.paused == 0 {
		t.timer.Reset(t.limit)
	}
}

func (t *idleTimer) expire() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.paused > 0 {
		return
	}
	if t.quiet != nil {
		if q := t.quiet(); q < t.limit {
			t.timer.Reset(t.limit - q)
			return
		}
	}
	t.cancel(ErrIdle)
}

func (t *idleTimer) pause() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.paused++; t.paused == 1 {
		t.timer.Stop()
		t.spent += time.Since(t.since)
	}
}

func (t *idleTimer) resume() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.paused--; t.paused == 0 {
		t.since = time.Now()
		t.timer.Reset(max(t.limit-t.spent, 0))
	}
}

// watch sets the function that tells how long the server has not waited for the
// client. The timer runs on while it waits.
func (t *idleTimer) watch(quiet func() time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.quiet = quiet
}

func idleTimerOf(ctx context.Context) *idleTimer {
	t, _ := ctx.Value(idleKey{}).(*idleTimer)
	return t
}

// WithIdleTimeout returns a context that ends with [ErrIdle] when the server
// has been silent for d. It takes the place of [Config].IdleTimeout in the
// calls that it is given to, so that one limit holds for all that a request
// takes: connecting, signing in, and being sent again. The caller calls stop.
func WithIdleTimeout(ctx context.Context, d time.Duration) (idle context.Context, stop func()) {
	t := startIdleTimer(ctx, d)
	return t, t.stop
}

// AwaitPerson stops the time-outs of the context until done is called: it is
// for an [Authorizer] that waits until a person has signed in.
func AwaitPerson(ctx context.Context) (done func()) {
	var all []*idleTimer
	for t := idleTimerOf(ctx); t != nil; t = idleTimerOf(t.Context) {
		t.pause()
		all = append(all, t)
	}
	return sync.OnceFunc(func() {
		for _, t := range all {
			t.resume()
		}
	})
}
