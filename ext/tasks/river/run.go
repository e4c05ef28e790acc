package river

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/mcpengine/mcpengine/ext/tasks"
)

const (
	queue = "mcpengine_task"

	// maxAttempts is how often River runs a job that fails. A task ends by its
	// time, not by this number.
	maxAttempts = 10_000

	// fetchCooldown is the time between two looks for jobs.
	fetchCooldown = 20 * time.Millisecond
	pollInterval  = 500 * time.Millisecond

	// lookEvery is how often changes are looked for in SQLite.
	lookEvery = 250 * time.Millisecond

	// reconnectAfter is how long a lost connection for notifications is not made
	// again.
	reconnectAfter = time.Second

	// stopTimeout bounds the time in which River writes what has become of the
	// jobs that were interrupted.
	stopTimeout = 10 * time.Second
)

// args are the arguments of a job.
type args struct {
	ID string `json:"id"`
}

// Kind implements [river.JobArgs].
func (args) Kind() string { return "mcpengine_task" }

// A runner works the jobs of one process.
type runner struct {
	river.WorkerDefaults[args]
	b      *Backend
	worker tasks.Worker
}

// Work implements [river.Worker].
func (r *runner) Work(ctx context.Context, job *river.Job[args]) error {
	again, err := r.worker.Run(ctx, job.Args.ID)
	if !again.IsZero() {
		if err != nil {
			r.b.logger.WarnContext(ctx, "a run of a task was interrupted", "task", job.Args.ID, "error", err)
		}
		return river.JobSnooze(max(0, time.Until(again)))
	}
	return err
}

// Timeout implements [river.Worker]. A run has no timeout of its own. River asks
// again when a job is old enough to be rescued: then the lease of the task tells
// whether its process is alive.
func (r *runner) Timeout(job *river.Job[args]) time.Duration {
	const never, now = -1, 1
	if job.AttemptedAt == nil || time.Since(*job.AttemptedAt) < r.b.rescue {
		return never
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
	defer cancel()
	record, err := r.b.Get(ctx, job.Args.ID)
	switch {
	case errors.Is(err, tasks.ErrNotFound):
		return now
	case err != nil, time.Now().Before(record.Lease):
		return never
	}
	return now
}

// lookTimeout bounds the time for reading a lease.
const lookTimeout = 5 * time.Second

// NextRetry implements [river.Worker].
func (r *runner) NextRetry(job *river.Job[args]) time.Time {
	const most = 60
	return time.Now().Add(time.Duration(min(job.Attempt, most)) * time.Second)
}

// Serve implements [tasks.Runner].
func (b *Backend) Serve(ctx context.Context, w tasks.Worker) error {
	workers := river.NewWorkers()
	river.AddWorker(workers, &runner{b: b, worker: w})
	client, err := b.newWorker(&river.Config{
		Queues:               map[string]river.QueueConfig{queue: {MaxWorkers: w.Concurrency}},
		Workers:              workers,
		FetchCooldown:        fetchCooldown,
		FetchPollInterval:    pollInterval,
		JobTimeout:           -1, // see Timeout
		RescueStuckJobsAfter: b.rescue,
		Logger:               b.logger,

		CompletedJobRetentionPeriod: time.Hour,
	})
	if err != nil {
		return fmt.Errorf("make a client of River: %w", err)
	}
	// The client is stopped below, and not by the end of ctx.
	if err := client.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("start River: %w", err)
	}
	b.hear(ctx, w.Changed)
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := client.StopAndCancel(stopping); err != nil {
		return fmt.Errorf("stop River: %w", err)
	}
	return nil
}

// A worker is a client of River that works jobs.
type worker interface {
	Start(ctx context.Context) error
	StopAndCancel(ctx context.Context) error
}

func (b *Backend) newWorker(config *river.Config) (worker, error) {
	if b.pool == nil {
		return river.NewClient(b.driver, config)
	}
	return river.NewClient(riverpgxv5.New(b.pool), config)
}

// hear tells of the changes that other processes make, until ctx ends.
func (b *Backend) hear(ctx context.Context, changed func(id string)) {
	for ctx.Err() == nil {
		var err error
		if b.postgres == "" {
			err = b.look(ctx, changed)
		} else {
			err = b.listen(ctx, changed)
		}
		if err == nil || ctx.Err() != nil {
			continue
		}
		b.logger.WarnContext(ctx, "changes of tasks on other replicas are not heard of at the moment", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(reconnectAfter):
		}
	}
}

// listen hears the notifications of PostgreSQL until the connection breaks.
func (b *Backend) listen(ctx context.Context, changed func(id string)) error {
	conn, err := pgx.Connect(ctx, b.postgres)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		return err
	}
	changed("") // since the last connection
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		if origin, id, _ := strings.Cut(n.Payload, " "); origin != b.table.(postgresTable).origin {
			changed(id)
		}
	}
}

// look looks for changes in SQLite.
func (b *Backend) look(ctx context.Context, changed func(id string)) error {
	var last int64
	if err := b.reader.QueryRowContext(ctx, "SELECT coalesce(max(change), 0) FROM mcpengine_task").Scan(&last); err != nil {
		return err
	}
	changed("")
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		ids, next, err := b.changesAfter(ctx, last)
		if err != nil {
			return err
		}
		last = next
		for _, id := range ids {
			changed(id)
		}
	}
}

// changesAfter returns the tasks with a change after the last one that is known.
func (b *Backend) changesAfter(ctx context.Context, last int64) (ids []string, next int64, err error) {
	rows, err := b.reader.QueryContext(ctx, "SELECT id, change FROM mcpengine_task WHERE change > ? ORDER BY change", last)
	if err != nil {
		return nil, last, err
	}
	defer rows.Close()
	next = last
	for rows.Next() {
		var id string
		if err := rows.Scan(&id, &next); err != nil {
			return nil, last, err
		}
		ids = append(ids, id)
	}
	return ids, next, rows.Err()
}
