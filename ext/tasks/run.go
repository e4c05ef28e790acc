package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/mcp"
)

var (
	errCancelled = errors.New("the client has cancelled the task")
	errExpired   = errors.New("the time of the task is over")
)

func ignoreMissing(err error) error {
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// run runs a task that is due. It is [Worker.Run].
func (t *Tasks) run(ctx context.Context, id string) (again time.Time, err error) {
	c, again, err := t.begin(ctx, id)
	if c == nil || err != nil {
		return again, ignoreMissing(err)
	}
	defer c.free()
	r := c.record
	runCtx, observed := t.observeRun(ctx, Run{ID: id, Call: r.Call, Number: r.Run, Waited: c.waited})
	runCtx, end := context.WithCancelCause(runCtx)
	defer end(nil)
	runCtx, stop := context.WithDeadlineCause(runCtx, r.Expires, errExpired)
	defer stop()
	j := newJournal(t, r)
	kept := make(chan struct{})
	go func() {
		defer close(kept)
		t.guard(runCtx, id, r.Run, end)
	}()
	result, err := t.engine.CallDetached(context.WithValue(runCtx, journalKey{}, j), r.Call, j)
	cause := context.Cause(runCtx)
	end(nil)
	<-kept
	again, err = t.finish(context.WithoutCancel(ctx), j, outcome{result, err, cause})
	observed(RunEnd{Status: j.record.Status, Interrupted: err != nil || !again.IsZero(), Retries: j.retries})
	return again, err
}

// A claim is the right to run a task.
type claim struct {
	record *Record
	waited time.Duration // since the task was due
	slots  slots         // of the tool, one of which is taken
}

// begin claims the task for a run. It returns no claim when there is nothing to
// run, and then the time to look again, if there is one.
func (t *Tasks) begin(ctx context.Context, id string) (claimed *claim, again time.Time, err error) {
	r, err := t.update(ctx, id, func(r *Record) error {
		now := time.Now()
		claimed.free() // of a transaction that is repeated
		claimed, again = nil, time.Time{}
		switch {
		case r.Status.Ended():
			return ErrUnchanged
		case !now.Before(r.Expires):
			r.expire(now)
			return nil
		case r.Due.IsZero():
			return ErrUnchanged
		case r.Cancel:
			r.end(Cancelled, errCancelled.Error(), now)
			return nil
		case now.Before(r.Due):
			again = r.Due
			return ErrUnchanged
		case now.Before(r.Lease):
			again = r.Lease // another run is alive, or was a moment ago
			return ErrUnchanged
		}
		slots := t.slotsOf(r.Call.Tool)
		if !slots.take() {
			again = now.Add(slotWait)
			return ErrUnchanged
		}
		r.Run, r.Lease = r.Run+1, now.Add(t.lease)
		claimed = &claim{waited: now.Sub(r.Due), slots: slots}
		return nil
	})
	if err != nil {
		claimed.free()
		return nil, again, err
	}
	if claimed != nil {
		claimed.record = r
	}
	return claimed, again, nil
}

// free gives up the claim, if there is one.
func (c *claim) free() {
	if c != nil {
		c.slots.free()
	}
}

// guard renews the lease of a run and ends the run when it has to stop.
func (t *Tasks) guard(ctx context.Context, id string, run int64, end context.CancelCauseFunc) {
	w := t.addWatcher(&watcher{id: id, run: true})
	defer w.stop()
	renew := time.NewTicker(t.lease / 3)
	defer renew.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case r := <-w.changes:
			var err error
			if r == nil {
				r, err = t.backend.Get(ctx, id)
			}
			if err == nil {
				err = stillRuns(r, run)
			}
			t.endRun(ctx, err, end)
		case <-renew.C:
			_, err := t.backend.Update(ctx, id, func(r *Record) error {
				if err := stillRuns(r, run); err != nil {
					return err
				}
				r.Lease = time.Now().Add(t.lease)
				return nil
			})
			t.endRun(ctx, err, end)
		}
	}
}

// stillRuns returns the reason why a run has to end, if there is one.
func stillRuns(r *Record, run int64) error {
	switch {
	case r.Status.Ended() || r.Run != run:
		return errReplaced
	case r.Cancel:
		return errCancelled
	}
	return nil
}

// endRun ends the run for a reason that concerns the task. A store that is down
// does not: it may come back.
func (t *Tasks) endRun(ctx context.Context, err error, end context.CancelCauseFunc) {
	for _, reason := range []error{errReplaced, errCancelled, ErrNotFound} {
		if errors.Is(err, reason) {
			end(reason)
			return
		}
	}
	if err != nil && ctx.Err() == nil {
		t.logger.WarnContext(ctx, "the lease of a task was not renewed", "error", err)
	}
}

// An outcome is what became of a run of the handler. Cause is why its context has
// ended, if it has.
type outcome struct {
	result mcpengine.Result
	err    error
	cause  error
}

// clean reports whether the handler has come to an end by itself.
func (o outcome) clean() bool {
	return o.cause == nil || o.err == nil && o.result.ToolError() == nil
}

// finish writes what became of a run. A run that leaves the task unfinished frees
// it for the next one.
func (t *Tasks) finish(ctx context.Context, j *journal, o outcome) (again time.Time, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	end := func(r *Record) error {
		r.Lease = time.Time{}
		again = j.conclude(r, o)
		return nil
	}
	err = j.save(ctx, end)
	if errors.Is(err, ErrTooLarge) {
		_ = j.failf("the result of the task, or what it asks, is larger than the store of tasks takes: return less, or keep it elsewhere and return its place")
		err = j.save(ctx, end)
	}
	switch {
	case errors.Is(err, errReplaced), errors.Is(err, ErrNotFound):
		return time.Time{}, nil // the work is done, or another run does it
	case err != nil:
		return time.Time{}, fmt.Errorf("write the end of a run of task %s: %w", j.id, err)
	}
	return again, j.broken
}

// conclude puts what became of the run into the record. It returns when the task
// has to be run again, if the run was interrupted.
func (j *journal) conclude(r *Record, o outcome) (again time.Time) {
	now := time.Now()
	suspended := errors.Is(o.err, mcpengine.ErrSuspended)
	switch {
	case j.fault != nil:
	case r.Cancel && (suspended || !o.clean()):
		r.end(Cancelled, errCancelled.Error(), now)
		return again
	case errors.Is(o.cause, errExpired) && !o.clean():
		r.expire(now)
		return again
	case errors.Is(o.cause, ErrHandover) && !o.clean() && !suspended && j.stalls(r):
	case j.broken != nil, !o.clean() && !suspended:
		return now // the run was interrupted
	case suspended || o.err == nil && o.result.ToolError() == nil:
		j.checkEnd()
	}
	failed, _ := errors.AsType[*mcp.Error](o.err)
	switch {
	case j.fault != nil:
		r.fail(j.fault, now)
	case suspended:
		j.suspend(r, now)
	case o.err != nil && failed == nil:
		r.fail(mcp.Errorf(mcp.CodeInternalError, "internal error"), now)
		j.tasks.logger.Error("a task cannot be run", "task", j.id, "error", o.err)
	case o.err != nil:
		r.fail(failed, now)
	default:
		r.complete(json.RawMessage(o.result.JSON()), now)
	}
	return again
}

// maxStalled is how many runs may be handed over, one after the other, without a
// step that was done.
const maxStalled = 3

// stalls counts a run that is handed over. It reports whether the task has to
// fail, because its runs lead nowhere.
func (j *journal) stalls(r *Record) bool {
	if j.kept == 0 {
		r.Stalled++
	}
	if r.Stalled < maxStalled {
		return false
	}
	where := "the handler has not come to its first step"
	if j.entered != "" {
		where = fmt.Sprintf("the step %q has not come to its end", j.entered)
	}
	_ = j.failf("%s in the time that one run has, in %d runs: give runs more time, or make steps shorter", where, r.Stalled)
	return true
}

// checkEnd fails the task when its handler has ended without coming to all that
// it had done before.
func (j *journal) checkEnd() {
	if e := j.missing(); e != nil {
		_ = j.failf("this version of the program does not fit the task: the task has done the %s %q, which the program does not come to", e.Kind, e.Name)
	}
}

// suspend puts off the rest of the task until its questions are answered, or
// until a time.
func (j *journal) suspend(r *Record, now time.Time) {
	r.Status, r.Questions, r.Due = Working, nil, j.wake
	for _, q := range j.questions {
		if answered(r, q.Name) {
			continue // while the handler ran
		}
		if q.Key == "" {
			r.Keys++
			q.Key = fmt.Sprintf("%s.%d", q.Name, r.Keys)
		}
		r.Questions = append(r.Questions, q)
	}
	switch {
	case len(r.Questions) > 0:
		r.Status = InputRequired
	case r.Due.IsZero():
		r.Due = now
	}
}

func answered(r *Record, name string) bool {
	return slices.ContainsFunc(r.Entries, func(e Entry) bool { return e.Kind == kindAnswer && e.Name == name })
}
