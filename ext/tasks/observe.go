package tasks

import (
	"context"
	"runtime/debug"
	"time"

	"github.com/mcpengine/mcpengine"
)

// An Observer hears of the tasks of this process, for telemetry. Each function may
// be nil.
type Observer struct {
	// Run hears of a run of a task that begins. The handler gets the context that it
	// returns. The function that it returns, unless it is nil, hears of the end.
	Run func(ctx context.Context, run Run) (context.Context, func(RunEnd))

	// Ended hears of a task that has ended, by a run or otherwise.
	Ended func(End)

	// Refused hears of a call that was refused because the queue is full.
	Refused func(tool string)

	// Start gets a function that counts the tasks of all processes, and fails with
	// [errors.ErrUnsupported] where the backend does not count. It returns what the
	// end of the engine calls, or nil.
	Start func(count func(context.Context) (Counts, error)) (stop func())
}

// A Run is one run of the handler of a task.
type Run struct {
	ID   string
	Call mcpengine.DetachedCall

	Number int64         // 1 is the first run
	Waited time.Duration // since the task was due
}

// A RunEnd is what has become of a run.
type RunEnd struct {
	// Status is the status of the task after the run. It is [Working] when the task
	// sleeps, waits to try a step again, or was interrupted.
	Status Status

	Interrupted bool // the run is repeated
	Retries     int  // attempts of steps that have failed and are repeated
	Took        time.Duration
}

// An End is a task that has ended.
type End struct {
	ID, Tool string
	Status   Status
	Took     time.Duration // since the call
}

// Counts are numbers of tasks that have not ended.
type Counts struct {
	Waiting       int // due, and not run yet
	Running       int
	Sleeping      int // due later
	InputRequired int

	// Oldest is how long the first of those that wait has been due.
	Oldest time.Duration
}

// Add counts one more record.
func (c *Counts) Add(status Status, due, lease, now time.Time) {
	switch {
	case status == InputRequired:
		c.InputRequired++
	case status != Working:
	case now.Before(lease):
		c.Running++
	case now.Before(due):
		c.Sleeping++
	default:
		c.Waiting++
		c.Oldest = max(c.Oldest, now.Sub(due))
	}
}

// WithObserver adds an observer.
func WithObserver(o Observer) Option {
	return option(func(t *Tasks) { t.observers = append(t.observers, o) })
}

// observeStart tells the observers that tasks are run from now on.
func (t *Tasks) observeStart(count func(context.Context) (Counts, error)) (stop func()) {
	var stops []func()
	for _, o := range t.observers {
		if o.Start == nil {
			continue
		}
		t.safely(func() {
			if stop := o.Start(count); stop != nil {
				stops = append(stops, stop)
			}
		})
	}
	return func() {
		for _, stop := range stops {
			t.safely(stop)
		}
	}
}

// observeRun tells the observers of a run.
func (t *Tasks) observeRun(ctx context.Context, run Run) (context.Context, func(RunEnd)) {
	var ends []func(RunEnd)
	began := time.Now()
	for _, o := range t.observers {
		if o.Run == nil {
			continue
		}
		t.safely(func() {
			observed, end := o.Run(ctx, run)
			ctx = observed
			if end != nil {
				ends = append(ends, end)
			}
		})
	}
	return ctx, func(e RunEnd) {
		e.Took = time.Since(began)
		for _, end := range ends {
			t.safely(func() { end(e) })
		}
	}
}

func (t *Tasks) observeEnd(r *Record) {
	for _, o := range t.observers {
		if o.Ended != nil {
			t.safely(func() { o.Ended(End{r.ID, r.Call.Tool, r.Status, r.Updated.Sub(r.Created)}) })
		}
	}
}

func (t *Tasks) observeRefusal(tool string) {
	for _, o := range t.observers {
		if o.Refused != nil {
			t.safely(func() { o.Refused(tool) })
		}
	}
}

// safely calls a function of an observer, which ends no task by a panic.
func (t *Tasks) safely(f func()) {
	defer func() {
		if v := recover(); v != nil {
			t.logger.Error("an observer of tasks panicked", "panic", v, "stack", string(debug.Stack()))
		}
	}()
	f()
}
