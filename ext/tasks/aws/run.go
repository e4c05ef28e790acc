package aws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/mcpengine/mcpengine/ext/tasks"
)

const (
	// hold is how long an invocation waits for a task that is due soon, before it
	// ends and leaves the task to be woken.
	hold = 20 * time.Second

	// stopTimeout bounds the call that hands a task over.
	stopTimeout = 2 * time.Second

	// firstLook and lastLook are the times between two looks at a task that is
	// watched.
	firstLook = 100 * time.Millisecond
	lastLook  = 500 * time.Millisecond
)

// An event is what the function is invoked with for the sake of tasks.
type event struct {
	Tasks *command `json:"mcpengine/tasks"`
}

// A command has one of the members.
type command struct {
	Run  string `json:"run,omitzero"`  // the id of a task
	Wake bool   `json:"wake,omitzero"` // all that are overdue
}

// invoke has the function run a task. It returns when AWS has the event.
func (b *Backend) invoke(ctx context.Context, id string) error {
	payload, err := json.Marshal(event{&command{Run: id}})
	if err != nil {
		return err
	}
	in := &lambda.InvokeInput{FunctionName: &b.function, InvocationType: types.InvocationTypeEvent, Payload: payload}
	if b.version != "" {
		in.Qualifier = &b.version
	}
	if _, err := b.lambda.Invoke(ctx, in); err != nil {
		return fmt.Errorf("invoke the function: %w", err)
	}
	return nil
}

// Serve implements [tasks.Runner]. Tasks run in [Backend.LambdaEvent] while it
// lasts; then runs are handed over.
func (b *Backend) Serve(ctx context.Context, w tasks.Worker) error {
	b.worker, b.ended = w, ctx
	close(b.serving)
	<-ctx.Done()
	b.runs.Wait()
	return nil
}

// LambdaEvent implements [tasks.EventRunner].
func (b *Backend) LambdaEvent(ctx context.Context, payload json.RawMessage) (any, error) {
	var e event
	if err := json.Unmarshal(payload, &e); err != nil || e.Tasks == nil {
		return nil, errors.ErrUnsupported
	}
	select {
	case <-b.serving:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	switch {
	case e.Tasks.Run != "":
		return nil, b.run(ctx, e.Tasks.Run)
	case e.Tasks.Wake:
		return nil, b.wake(ctx)
	}
	return nil, errors.New("an event of tasks names a task to run, or wakes those that are overdue")
}

// run runs a task until it has ended, waits for something, or has to be handed
// over.
func (b *Backend) run(ctx context.Context, id string) error {
	b.runs.Add(1)
	defer b.runs.Done()
	running, stop := b.bound(ctx)
	defer stop()
	for {
		if err := b.runOnce(running, id); err != nil {
			return err
		}
		if running.Err() == nil {
			again, err := b.next(running, id)
			if err != nil || !again {
				return err
			}
		}
		if running.Err() != nil {
			return b.handOver(ctx, id)
		}
	}
}

// bound returns the context of a run, which ends before the invocation does, and
// with Serve.
func (b *Backend) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	running, cancel := context.WithCancelCause(ctx)
	unhook := context.AfterFunc(b.ended, func() { cancel(tasks.ErrHandover) })
	stop := func() {
		unhook()
		cancel(nil)
	}
	end, ok := ctx.Deadline()
	if !ok {
		return running, stop
	}
	margin := min(b.margin, max(time.Until(end), 0)/2)
	running, expire := context.WithDeadlineCause(running, end.Add(-margin), tasks.ErrHandover)
	return running, func() {
		expire()
		stop()
	}
}

// runOnce calls the worker. While it does, a change that makes the task due
// invokes nothing: next looks for it.
func (b *Backend) runOnce(ctx context.Context, id string) error {
	b.mark(id, 1)
	defer b.mark(id, -1)
	_, err := b.worker.Run(ctx, id)
	return err
}

func (b *Backend) mark(id string, by int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.running[id] += by; b.running[id] == 0 {
		delete(b.running, id)
	}
}

func (b *Backend) isRunning(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.running[id] > 0
}

// next reports whether the task has to be run again by this invocation, and waits
// until it is due. Another run that is alive looks after the task itself.
func (b *Backend) next(ctx context.Context, id string) (again bool, err error) {
	s, err := b.state(ctx, id, true)
	now := time.Now()
	switch {
	case errors.Is(err, tasks.ErrNotFound):
		return false, nil
	case err != nil:
		return false, err
	case s.status.Ended(), s.due.IsZero(), now.Before(s.lease), s.due.Sub(now) > hold:
		return false, nil
	}
	if end, ok := ctx.Deadline(); ok && end.Before(s.due) {
		return false, nil
	}
	timer := time.NewTimer(s.due.Sub(now))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return true, nil
}

// handOver has another invocation go on with a task. When that fails, so does this
// invocation, and the platform repeats it.
func (b *Backend) handOver(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	s, err := b.state(ctx, id, true)
	if errors.Is(err, tasks.ErrNotFound) || err == nil && (s.status.Ended() || s.due.IsZero() || time.Until(s.due) > 0) {
		return nil
	}
	return b.invoke(ctx, id)
}

// wake has the function run all tasks that are overdue. A schedule calls it.
func (b *Backend) wake(ctx context.Context) error {
	return b.eachWaiting(ctx, time.Now(), func(id string) error {
		s, err := b.state(ctx, id, true)
		switch {
		case errors.Is(err, tasks.ErrNotFound):
			return nil
		case err != nil:
			return err
		case s.overdue(time.Now()):
			return b.invoke(ctx, id)
		}
		return nil
	})
}

// Watch implements [tasks.Watcher]: it looks at the task again and again.
func (b *Backend) Watch(ctx context.Context, id string) {
	select {
	case <-b.serving:
	case <-ctx.Done():
		return
	}
	var known int64
	timer := time.NewTimer(firstLook)
	defer timer.Stop()
	for every := firstLook; ; every = min(every*5/4, lastLook) {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		s, err := b.state(ctx, id, false)
		switch {
		case errors.Is(err, tasks.ErrNotFound):
			b.worker.Changed(id)
			return
		case err != nil && ctx.Err() == nil:
			b.logger.WarnContext(ctx, "changes of a task are not heard of at the moment", "task", id, "error", err)
		case err == nil && s.rev != known:
			known = s.rev
			b.worker.Changed(id)
		}
		timer.Reset(every)
	}
}
