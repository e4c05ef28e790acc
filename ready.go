package mcpengine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	// readyTimeout bounds the checks of [WithReady].
	readyTimeout = 2 * time.Second

	// readyLife is how long their verdict is kept.
	readyLife = time.Second
)

// WithReady adds a check to those that /readyz and [Engine.Ready] make, such as
// whether a database answers. Its context ends after 2 seconds. Given again, it
// adds another one; all run at once. The reason of a failure goes to the log, and
// only "not ready" to the caller.
//
// A replica that is not ready gets no more requests. A check of what all replicas
// share takes all of them out of service at the same moment, so make one of what another
// replica may still have. /healthz makes no checks, because a restart brings no
// database back.
func WithReady(check func(ctx context.Context) error) Option {
	if check == nil {
		panic("mcpengine: WithReady: no check")
	}
	return engineOption(func(e *Engine) { e.readiness.checks = append(e.readiness.checks, check) })
}

// A readiness makes the checks, at most once in a second.
type readiness struct {
	checks []func(context.Context) error

	mu      sync.Mutex
	checked time.Time
	err     error
}

// Ready returns nil when all checks of [WithReady] succeed. The verdict is kept for a
// second, and the end of ctx does not end a check, because others wait for its
// verdict too.
func (e *Engine) Ready(ctx context.Context) error {
	r := &e.readiness
	if len(r.checks) == 0 {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.checked.IsZero() && time.Since(r.checked) < readyLife {
		return r.err
	}
	before := r.err
	r.err = r.check(context.WithoutCancel(ctx))
	r.checked = time.Now()
	switch {
	case r.err != nil && before == nil:
		e.logger.WarnContext(ctx, "not ready", "reason", r.err)
	case r.err == nil && before != nil:
		e.logger.InfoContext(ctx, "ready again")
	}
	return r.err
}

// check makes all checks and returns the errors of those that fail.
func (r *readiness) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	verdicts := make(chan error, len(r.checks)) // has room for checks that ignore ctx
	for _, check := range r.checks {
		go func() { verdicts <- safely(ctx, check) }()
	}
	var errs []error
	for range r.checks {
		select {
		case err := <-verdicts:
			errs = append(errs, err)
		case <-ctx.Done():
			return errors.Join(append(errs, fmt.Errorf("a check took longer than %v", readyTimeout))...)
		}
	}
	return errors.Join(errs...)
}

// safely calls a function and turns a panic into an error.
func safely(ctx context.Context, f func(context.Context) error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("it panicked: %v", v)
		}
	}()
	return f(ctx)
}
