package tasks

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/mcp"
)

const (
	// maxQueue is the default of [WithMaxQueue].
	maxQueue = 10_000

	// countEvery is how often tasks are counted while calls come.
	countEvery = time.Second

	// queueWait is when a caller that finds the queue full may try again.
	queueWait = 5 * time.Second

	// slotWait is when a task is looked at again that has found its tool busy; see
	// [Concurrency].
	slotWait = time.Second
)

// WithMaxQueue sets how many tasks of all replicas may wait for a worker or run.
// One more is refused before anything is stored, with [mcp.CodeRateLimited]. Each
// caller has a share: it may have no more than are free, so that one alone gets
// half. Tasks that sleep or wait for answers do not count. Calls of the same
// second may exceed the number a little. The default is 10,000, with a backend
// that is a [Counter].
func WithMaxQueue(n int) Option { return option(func(t *Tasks) { t.maxQueue = n }) }

// A queue knows about how many tasks wait or run.
type queue struct {
	mu      sync.Mutex
	counted time.Time
	busy    int
}

// about returns how many tasks wait or run, counted a moment ago, and those that
// this process has let in since. The task that asks is one of them.
func (q *queue) about(ctx context.Context, c Counter) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if time.Since(q.counted) >= countEvery {
		counts, err := c.Count(ctx)
		if err != nil {
			return 0, err
		}
		q.counted, q.busy = time.Now(), counts.Waiting+counts.Running
	}
	q.busy++
	return q.busy, nil
}

// admit returns an error when there is no room for the task. While the queue is
// less than half full each caller is within its share, which saves counting.
func (t *Tasks) admit(ctx context.Context, r *Record) error {
	c, ok := t.backend.(Counter)
	if !ok {
		return nil
	}
	busy, err := t.queue.about(ctx, c)
	if err != nil || busy <= t.maxQueue/2 {
		return err
	}
	all, err := c.Count(ctx)
	if err != nil {
		return err
	}
	own, err := c.CountBusy(ctx, r.Owner)
	if err != nil {
		return err
	}
	busy = all.Waiting + all.Running
	if own < t.maxQueue-busy {
		return nil
	}
	t.observeRefusal(r.Call.Tool)
	return mcp.Errorf(mcp.CodeRateLimited, "the queue of tasks is full: %d wait or run, %d of them are this caller's; try again in %d s", busy, own, int(queueWait.Seconds())).
		WithData(mcp.RateLimitedData{RetryAfterMs: queueWait.Milliseconds()})
}

// count is what observers count with.
func (t *Tasks) count(ctx context.Context) (Counts, error) {
	if c, ok := t.backend.(Counter); ok {
		return c.Count(ctx)
	}
	return Counts{}, errors.ErrUnsupported
}

// slots bounds the runs of one tool in this process.
type slots chan struct{}

// take takes a slot, unless all are taken. Without a bound there is always one.
func (s slots) take() bool {
	if s == nil {
		return true
	}
	select {
	case s <- struct{}{}:
		return true
	default:
		return false
	}
}

func (s slots) free() {
	if s != nil {
		<-s
	}
}

// slotsOf returns the slots of a tool.
func (t *Tasks) slotsOf(tool string) slots {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.slots[tool]
}

// setSlots sets the bound of a tool; 0 is none.
func (t *Tasks) setSlots(tool string, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.slots, tool)
	if n > 0 {
		t.slots[tool] = make(slots, n)
	}
}
