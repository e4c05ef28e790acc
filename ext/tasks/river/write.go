package river

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/ext/tasks"
)

const (
	// maxBatch is how many records one transaction writes at most.
	maxBatch = 128

	// writeTimeout bounds the time of a transaction.
	writeTimeout = 30 * time.Second
)

// A write is one change of one record that a caller waits for: a record to
// create, a change of the record with the id, or, with neither, its removal.
type write struct {
	id     string
	create *tasks.Record
	change func(*tasks.Record) error

	ready  chan struct{} // closed when the write is done, or its caller leads
	done   bool
	record *tasks.Record // as it is after the write
	err    error
}

// errInterrupted reports that the function which changes a record has panicked.
var errInterrupted = errors.New("the transaction was interrupted")

// A writer writes what many callers change at the same time in one transaction.
// Each caller waits for the commit. The first of those who wait writes for all of
// them, so that a single caller waits for nobody, and no goroutine is needed.
type writer struct {
	b *Backend

	mu    sync.Mutex
	busy  bool // somebody writes
	queue []*write
}

// do writes and returns the record as it was written.
func (w *writer) do(ctx context.Context, op *write) (*tasks.Record, error) {
	op.ready = make(chan struct{})
	w.mu.Lock()
	if w.busy {
		w.queue = append(w.queue, op)
	} else {
		w.busy = true
		close(op.ready)
	}
	w.mu.Unlock()
	select {
	case <-op.ready:
	case <-ctx.Done():
		if w.withdraw(op) {
			return nil, context.Cause(ctx)
		}
		<-op.ready // it is being written
	}
	if !op.done {
		w.lead(ctx, op)
	}
	return op.record, op.err
}

// withdraw takes a write out of the queue, if nobody has taken it yet.
func (w *writer) withdraw(op *write) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.Index(w.queue, op)
	if i >= 0 {
		w.queue = slices.Delete(w.queue, i, i+1)
	}
	return i >= 0
}

// lead writes a batch that begins with op, and hands over to the next caller.
func (w *writer) lead(ctx context.Context, op *write) {
	batch := w.take(op)
	defer w.handOver(batch, op)
	// A batch belongs to several callers: none of them ends it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	if err := w.b.write(ctx, batch); err != nil && len(batch) > 1 {
		w.b.writeEach(ctx, batch)
	}
}

// handOver wakes the callers of a batch, and the one who leads the next.
func (w *writer) handOver(batch []*write, leader *write) {
	for _, op := range batch {
		op.done = true
		if op != leader {
			close(op.ready)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) == 0 {
		w.busy = false
		return
	}
	next := w.queue[0]
	w.queue = w.queue[1:]
	close(next.ready)
}

// take takes the writes of a batch: one of each record at most.
func (w *writer) take(first *write) []*write {
	w.mu.Lock()
	defer w.mu.Unlock()
	batch, seen := []*write{first}, map[string]bool{first.id: true}
	w.queue = slices.DeleteFunc(w.queue, func(op *write) bool {
		if len(batch) == maxBatch || seen[op.id] {
			return false
		}
		seen[op.id] = true
		batch = append(batch, op)
		return true
	})
	return batch
}

// write writes a batch in one transaction.
func (b *Backend) write(ctx context.Context, batch []*write) (err error) {
	err = errInterrupted
	defer func() {
		for _, op := range batch {
			if err != nil {
				op.record, op.err = nil, err
			}
		}
	}()
	tx, err := b.begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback(ctx) //nolint:errcheck // it was committed, or has failed before
	if err := tx.apply(ctx, batch); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// writeEach writes each record of a batch that has failed by itself, so that one
// which cannot be written fails alone.
func (b *Backend) writeEach(ctx context.Context, batch []*write) {
	for _, op := range batch {
		_ = b.write(ctx, []*write{op}) // the error is the operation's
	}
}

// apply reads what is to be changed, changes it, and writes everything. A change
// that returns an error concerns its own record alone.
func (t *transaction) apply(ctx context.Context, batch []*write) error {
	if err := t.read(ctx, batch); err != nil {
		return err
	}
	var p plan
	for _, op := range batch {
		op.err = p.add(op)
	}
	return t.execute(ctx, &p)
}

// A plan is what a batch writes.
type plan struct {
	insert, update []*tasks.Record
	remove         []string
	due            []*tasks.Record // to be run at their Due
}

// add makes the change and notes what has to be written.
func (p *plan) add(op *write) error {
	var before time.Time
	switch {
	case op.create != nil:
		op.record = op.create
		p.insert = append(p.insert, op.record)
	case op.change == nil:
		p.remove = append(p.remove, op.id)
		return nil
	case op.record == nil:
		return tasks.ErrNotFound
	default:
		before = op.record.Due
		switch err := op.change(op.record); {
		case errors.Is(err, tasks.ErrUnchanged):
			return nil
		case err != nil:
			op.record = nil
			return err
		}
		p.update = append(p.update, op.record)
	}
	if due := op.record.Due; !due.IsZero() && !due.Equal(before) {
		p.due = append(p.due, op.record)
	}
	return nil
}

// execute writes everything, and schedules runs.
func (t *transaction) execute(ctx context.Context, p *plan) error {
	for _, do := range []func() error{
		func() error { return t.put(ctx, t.b.table.insert, p.insert) },
		func() error { return t.put(ctx, t.b.table.update, p.update) },
		func() error { return t.remove(ctx, p.remove) },
		func() error { return t.schedule(ctx, p.due) },
	} {
		if err := do(); err != nil {
			return err
		}
	}
	return nil
}
