package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// Errors of a [Store] and a [Transaction].
var (
	// ErrNotFound reports that there is no task with the id.
	ErrNotFound = errors.New("there is no such task")

	// ErrUnchanged, returned by the function that changes a record, leaves the
	// record as it is. It is no error of [Store.Update].
	ErrUnchanged = errors.New("the record stays as it is")

	// ErrTooLarge reports that a record has become larger than the store takes. A
	// call is refused then, and a task that is under way fails.
	ErrTooLarge = errors.New("the task is larger than its store takes")

	// ErrRejected, returned by [Transaction.Commit], reports that what the step
	// wants to write was rejected, and nothing was written. It is the step's error.
	ErrRejected = errors.New("the transaction was rejected")
)

// ErrHandover is the cause with which a [Runner] ends the context of a run that
// has to go on elsewhere: the run is repeated at once. A task of which three runs
// end this way one after the other, without a step that was done in them, fails.
var ErrHandover = errors.New("the run of the task goes on in another process")

// A Backend keeps tasks and runs them.
type Backend interface {
	Store
	Runner
}

// A Store keeps the records of tasks. What a method has written is durable when
// it returns.
type Store interface {
	// Create writes a new record.
	Create(ctx context.Context, r *Record) error

	// Get returns the record, or [ErrNotFound].
	Get(ctx context.Context, id string) (*Record, error)

	// Update reads the record, changes it and writes it, all in one transaction,
	// and returns it. When change returns an error nothing is written, and Update
	// returns that error; [ErrUnchanged] is returned as nil. Change may be called
	// again when the transaction has to be repeated.
	Update(ctx context.Context, id string, change func(*Record) error) (*Record, error)

	// Delete removes the record; an unknown id is ignored.
	Delete(ctx context.Context, id string) error

	// Expired returns the ids of at most limit tasks whose Expires has passed. A store
	// that deletes records by itself may leave out those of tasks that have ended.
	Expired(ctx context.Context, now time.Time, limit int) ([]string, error)

	// List returns at most limit tasks of the owner, by their ids, beginning after
	// an id.
	List(ctx context.Context, owner, after string, limit int) ([]*Record, error)
}

// A Runner runs the tasks that are due.
type Runner interface {
	// Serve runs tasks until ctx ends. The contexts of runs end then, and Serve
	// waits for them, for as long as its caller lets it.
	Serve(ctx context.Context, w Worker) error
}

// A Worker is what a [Runner] calls.
type Worker struct {
	// Run runs a task whose Due has come, or ends one whose Expires has passed. A
	// second run of a task that is under way, has ended or is not due does no harm. If
	// again is not zero, or there is an error, the task has to be run again: at that
	// time, or after a while.
	Run func(ctx context.Context, id string) (again time.Time, err error)

	// Changed hears of every change of a record that another process has made, soon
	// after it was made. Changes of this process need not be told, and do no harm.
	// An empty id says that changes may have been missed.
	Changed func(id string)

	// Concurrency is how many tasks run at once.
	Concurrency int
}

// An EventRunner is a [Runner] for AWS Lambda, where a process is frozen whenever
// it answers no invocation: tasks run within invocations. It also looks for the
// tasks whose Expires has passed, which [Worker.Run] ends; for other runners that
// is done once a minute.
type EventRunner interface {
	Runner

	// LambdaEvent answers an event; see [mcpengine.Extension].
	LambdaEvent(ctx context.Context, event json.RawMessage) (reply any, err error)
}

// A Watcher is a [Backend] that hears of the changes that other processes make
// only while it watches a task.
type Watcher interface {
	// Watch calls [Worker.Changed] when the task has changed, until ctx ends.
	Watch(ctx context.Context, id string)
}

// A Counter is a [Store] that counts its tasks, for [WithMaxQueue] and observers.
type Counter interface {
	// Count counts the tasks that have not ended.
	Count(ctx context.Context) (Counts, error)

	// CountBusy returns how many tasks of the owner wait for a worker or run.
	CountBusy(ctx context.Context, owner string) (int, error)
}

// A Transactor is a [Store] whose database handlers may share; see [Tx].
type Transactor interface {
	// Begin begins a transaction of the database that holds the records.
	Begin(ctx context.Context) (Transaction, error)
}

// A Transaction is one transaction of a [Transactor].
type Transaction interface {
	// Handle returns the transaction as the database's package knows it, such as a
	// *sql.Tx.
	Handle() any

	// Update is [Store.Update] within the transaction.
	Update(ctx context.Context, id string, change func(*Record) error) (*Record, error)

	// Commit writes everything, or nothing when it returns an error. After an error
	// other than [ErrRejected] the run is repeated.
	Commit(ctx context.Context) error

	Rollback(ctx context.Context) error
}
