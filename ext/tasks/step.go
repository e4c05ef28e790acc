package tasks

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/mcp"
)

// maxWait is how long a run waits by itself, for a retry or in [Sleep]. For
// longer times the run ends, so that it holds neither a worker nor memory.
const maxWait = time.Second

type (
	retryKey struct{}
	onceKey  struct{}
	stepKey  struct{}
)

// A retry is a policy of a step.
type retry struct {
	attempts int
	first    time.Duration
}

// maxBackoff bounds the time between two attempts of a step.
const maxBackoff = time.Hour

// backoff returns the time after a failed attempt, the first being 1.
func (p retry) backoff(attempt int) time.Duration {
	d := p.first
	for ; attempt > 1 && d < maxBackoff; attempt-- {
		d *= 2
	}
	return min(d, maxBackoff)
}

// Retry runs a step of a durable tool again when it fails, up to so many times
// altogether. The time between two attempts begins with first and doubles up to
// an hour; attempts are counted across restarts. An error of package mcp, an
// *mcp.Error, is final. Without this option the first error of a step is the
// step's error, in every later run too.
func Retry(attempts int, first time.Duration) mcpengine.StepOption {
	return mcpengine.StepValue(retryKey{}, retry{attempts, first})
}

// NeverTwice marks a step that must not run again when it is not known whether it
// had its effect: the process died after it had begun and before the journal said
// that it was done. The task then fails and names the step.
func NeverTwice() mcpengine.StepOption { return mcpengine.StepValue(onceKey{}, true) }

// A running is a step that runs.
type running struct {
	key   string // for idempotency
	store Transactor

	mu sync.Mutex
	tx Transaction
}

// IdempotencyKey returns the key of the step that ctx belongs to: the same for
// every attempt, after every restart, and different for every other step and
// task. Hand it to whatever the step changes outside. Outside of a step of a task
// it is empty.
func IdempotencyKey(ctx context.Context) string {
	if s, ok := ctx.Value(stepKey{}).(*running); ok {
		return s.key
	}
	return ""
}

func stepKeyOf(id, step string) string {
	digest := sha256.Sum256([]byte(id + "\x00" + step))
	return base64.RawURLEncoding.EncodeToString(digest[:16])
}

// Tx returns the transaction in which the journal will note that the step is
// done. It is committed when the step returns no error, so that what the step
// writes with it happens exactly once. T is the type that the backend documents,
// such as *sql.Tx. Do not commit it or roll it back.
//
// It is an error outside of a step of a task, and with a backend that has no
// transactions to share.
func Tx[T any](ctx context.Context) (T, error) {
	var none T
	s, ok := ctx.Value(stepKey{}).(*running)
	switch {
	case !ok:
		return none, errors.New("tasks.Tx: the context does not come from a step of a task")
	case s.store == nil:
		return none, errors.New("tasks.Tx: the tasks are kept where there is no transaction to share")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tx == nil {
		tx, err := s.store.Begin(ctx)
		if err != nil {
			return none, fmt.Errorf("tasks.Tx: %w", err)
		}
		s.tx = tx
	}
	handle, ok := s.tx.Handle().(T)
	if !ok {
		return none, fmt.Errorf("tasks.Tx: the transaction is a %T, not a %T", s.tx.Handle(), none)
	}
	return handle, nil
}

// Step implements [mcpengine.Journal].
func (j *journal) Step(ctx context.Context, step mcpengine.StepInfo, run func(context.Context) (json.RawMessage, error)) (json.RawMessage, error) {
	e, err := j.enter(ctx, step)
	if err != nil {
		return nil, err
	}
	if !e.Done {
		defer j.leave()
		if e, err = j.attempt(ctx, step, e, run); err != nil {
			return nil, err
		}
	}
	if e.Error != nil {
		return nil, stepError(e.Error)
	}
	return e.Value, nil
}

// enter returns the entry of a step. If the step has to run, the run has entered
// it.
func (j *journal) enter(ctx context.Context, step mcpengine.StepInfo) (Entry, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	once := step.Value(onceKey{}) != nil
	switch {
	case j.fault != nil:
		return Entry{}, j.fault
	case j.inStep != "":
		return Entry{}, j.failf("the step %q began within the step %q: the steps of a task run one after the other", step.Name, j.inStep)
	}
	e := Entry{Kind: kindStep, Name: step.Name}
	if kept := j.find(kindStep, step.Name); kept != nil {
		e = *kept
	} else if err := j.checkNew(kindStep, step.Name); err != nil {
		return e, err
	}
	switch {
	case e.Done:
		return e, nil
	case once && e.Attempts > 0:
		return e, j.failf("the step %q must not run twice, and it is not known whether it was done: the process ended while it ran", step.Name)
	case once:
		e.Attempts = 1
		if err := j.keep(ctx, e); err != nil {
			return e, err
		}
	}
	j.inStep, j.entered = step.Name, step.Name
	return e, nil
}

func (j *journal) leave() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.inStep = ""
}

// attempt runs a step until it has a value or has failed for good.
func (j *journal) attempt(ctx context.Context, step mcpengine.StepInfo, e Entry, run func(context.Context) (json.RawMessage, error)) (Entry, error) {
	policy, _ := step.Value(retryKey{}).(retry)
	for {
		if err := j.waitUntil(ctx, e.Next); err != nil {
			return e, err
		}
		value, err := j.once(ctx, e, run)
		switch {
		case err == nil:
			e.Value, e.Done = value, true
			return e, nil
		case ctx.Err() != nil || errors.Is(err, errSuspended) || j.ending():
			return e, err // the run ends, not the step
		}
		e.Attempts++
		final, _ := errors.AsType[*mcp.Error](err)
		if final != nil || e.Attempts >= policy.attempts || step.Value(onceKey{}) != nil {
			e.Done, e.Error, e.Next = true, keptError(err, final), time.Time{}
		} else {
			e.Next = time.Now().Add(policy.backoff(e.Attempts))
			j.tasks.logger.InfoContext(ctx, "a step of a task has failed and is tried again", "task", j.id, "step", step.Name, "attempt", e.Attempts, "error", err)
		}
		j.mu.Lock()
		if !e.Done {
			j.retries++
		}
		written := j.keep(ctx, e)
		j.mu.Unlock()
		switch {
		case written != nil:
			return e, written
		case e.Done:
			return e, err
		}
	}
}

// once runs a step one time and keeps its value.
func (j *journal) once(ctx context.Context, e Entry, run func(context.Context) (json.RawMessage, error)) (json.RawMessage, error) {
	s := &running{key: stepKeyOf(j.id, e.Name)}
	s.store, _ = j.tasks.backend.(Transactor)
	defer s.rollback(ctx) // of a handler that panics, too
	j.setRunning(s)
	defer j.setRunning(nil)
	value, err := run(context.WithValue(ctx, stepKey{}, s))
	if err != nil {
		return nil, err
	}
	e.Value, e.Done, e.Next = value, true, time.Time{}
	j.mu.Lock()
	defer j.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tx == nil {
		return value, j.keep(ctx, e)
	}
	before := j.record
	if err := j.put(context.WithoutCancel(ctx), s.tx.Update, e); err != nil {
		if j.fault == nil {
			j.broken = err
		}
		return nil, fmt.Errorf("write the journal: %w", err)
	}
	if err := s.tx.Commit(context.WithoutCancel(ctx)); err != nil {
		j.record, j.kept = before, j.kept-1
		if !errors.Is(err, ErrRejected) {
			j.broken = err
		}
		return nil, fmt.Errorf("commit the step: %w", err)
	}
	s.tx = nil
	j.tasks.tell(j.record, true)
	j.visited[kindStep+" "+e.Name] = true
	return value, nil
}

func (j *journal) setRunning(s *running) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.running = s
}

// rollback ends a transaction that was not committed.
func (s *running) rollback(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tx != nil {
		_ = s.tx.Rollback(context.WithoutCancel(ctx)) // it ends with its connection too
		s.tx = nil
	}
}

// ending reports whether the run cannot go on, because of the journal.
func (j *journal) ending() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.fault != nil || j.broken != nil
}

// stepErrorCode marks the error of a step that is not an *mcp.Error. It is never
// sent.
const stepErrorCode = 0

// keptError is the error of a step as the journal keeps it.
func keptError(err error, final *mcp.Error) *mcp.Error {
	if final != nil {
		return final
	}
	return &mcp.Error{Code: stepErrorCode, Message: err.Error()}
}

// stepError is the error of a step in a later run.
func stepError(kept *mcp.Error) error {
	if kept.Code != stepErrorCode {
		return kept
	}
	for _, known := range []error{mcpengine.ErrDeclined, mcpengine.ErrCancelled} {
		if kept.Message == known.Error() {
			return known
		}
	}
	return errors.New(kept.Message)
}

// Sleep waits for the duration, across restarts. In a durable tool a long sleep
// ends the run of the handler, by an error that the handler returns; the handler
// is run again when the time has come. Elsewhere Sleep waits where it is. The
// error is ctx's when ctx ends first.
func Sleep(ctx context.Context, d time.Duration) error {
	j := journalOf(ctx)
	if j == nil {
		return wait(ctx, d)
	}
	end, err := j.sleep(ctx, d)
	if err != nil {
		return err
	}
	return j.waitUntil(ctx, end)
}

// sleep returns when the sleep that the run has come to ends.
func (j *journal) sleep(ctx context.Context, d time.Duration) (time.Time, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.fault != nil:
		return time.Time{}, j.fault
	case j.inStep != "":
		return time.Time{}, j.failf("a sleep began within the step %q: sleep between steps", j.inStep)
	}
	j.sleeps++
	name := fmt.Sprint(j.sleeps)
	if e := j.find(kindSleep, name); e != nil {
		return e.Next, nil
	}
	if err := j.checkNew(kindSleep, name); err != nil {
		return time.Time{}, err
	}
	e := Entry{Kind: kindSleep, Name: name, Done: true, Next: time.Now().Add(d)}
	return e.Next, j.keep(ctx, e)
}

// waitUntil waits, or ends the run if that would take long.
func (j *journal) waitUntil(ctx context.Context, end time.Time) error {
	left := time.Until(end)
	switch {
	case end.IsZero() || left <= 0:
		return nil
	case left <= maxWait:
		return wait(ctx, left)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.wake = end
	return errSuspended
}

// wait waits for the duration or the end of ctx.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
