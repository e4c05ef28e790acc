package aws

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/mcpengine/mcpengine/ext/tasks"
)

// A Tx is what a step writes in the transaction in which its end is noted. It
// comes from tasks.Tx[*aws.Tx](ctx).
type Tx struct {
	mu    sync.Mutex
	items []types.TransactWriteItem
}

// maxStepItems is how many items a step may write in its transaction.
const maxStepItems = 100 - maxItems

// Write adds puts, updates, deletes and condition checks of any table of the same
// account and region, 25 at most. Nothing is written before the step returns; then
// all of it is, or nothing. When a condition fails, so does the step, with
// [tasks.ErrRejected]; [tasks.Retry] tries it again.
func (t *Tx) Write(items ...types.TransactWriteItem) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.items)+len(items) > maxStepItems {
		return fmt.Errorf("a step writes %d items in its transaction at most", maxStepItems)
	}
	t.items = append(t.items, items...)
	return nil
}

func (t *Tx) written() []types.TransactWriteItem {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.items
}

// Begin implements [tasks.Transactor]. The handle is a *[Tx].
func (b *Backend) Begin(context.Context) (tasks.Transaction, error) {
	return &transaction{b: b, tx: new(Tx)}, nil
}

// A transaction implements [tasks.Transaction]. It holds what has to be written
// until it is committed.
type transaction struct {
	b      *Backend
	tx     *Tx
	id     string
	change func(*tasks.Record) error

	before *snapshot
	record *tasks.Record
	due    time.Time
}

func (t *transaction) Handle() any { return t.tx }

func (t *transaction) Rollback(context.Context) error { return nil } // nothing is written

// Update reads the record and changes it. What it returns is written by Commit.
func (t *transaction) Update(ctx context.Context, id string, change func(*tasks.Record) error) (*tasks.Record, error) {
	t.id, t.change = id, change
	return t.record, t.apply(ctx)
}

func (t *transaction) apply(ctx context.Context) (err error) {
	if t.before, err = t.b.load(ctx, t.id); err != nil {
		return err
	}
	t.record, t.due, err = t.before.changed(t.change)
	return err
}

// Commit writes the record and what the step has added. If the record has changed
// in the meantime, as by a renewed lease, the change is made again.
func (t *transaction) Commit(ctx context.Context) error {
	if t.before == nil {
		return errors.New("commit: there is nothing to commit")
	}
	for attempt := range maxConflicts {
		switch written, err := t.b.replace(ctx, t.before, t.record, t.tx.written()); {
		case err != nil:
			return err
		case written:
			t.b.follow(ctx, t.record, t.due)
			return nil
		}
		if err := pause(ctx, attempt); err != nil {
			return err
		}
		if err := t.apply(ctx); err != nil {
			return err
		}
	}
	return fmt.Errorf("write a task: %w, %d times", errConflict, maxConflicts)
}
