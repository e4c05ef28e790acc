package postgres

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// eventTime is how long an event is kept. A client may be disconnected for 10
	// minutes while its request runs, and the end of the request is kept for
	// some more.
	eventTime = 15 * time.Minute

	// sweepInterval is how often old events are deleted.
	sweepInterval = time.Minute

	// storeTime bounds one statement, so that a database that hangs does not
	// hold up the streams for long.
	storeTime = 3 * time.Second

	// pause is how long the store is left alone after a failure.
	pause = time.Second

	undefinedTable = "42P01"
)

const createEvents = `
CREATE TABLE IF NOT EXISTS mcpengine_event (
	stream text NOT NULL,
	number bigint NOT NULL,
	data bytea NOT NULL,
	at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (stream, number)
);
CREATE INDEX IF NOT EXISTS mcpengine_event_at ON mcpengine_event (at)`

// Events keeps the events of streams in the table mcpengine_event, for 15
// minutes. It is a mcpengine.EventStore.
//
// The events are what clients are sent, in the clear: who may read the table may
// read the results of tools. An event that cannot be stored is lost for clients
// that come back, and the log says so; the stream itself goes on.
type Events struct {
	pool   *pgxpool.Pool
	logger *slog.Logger

	mu     sync.Mutex
	swept  time.Time
	failed time.Time // zero while the store works
}

// NewEvents returns a store in the database of a pool. It creates its table when
// it is first needed; the user of the database must be allowed to, unless the
// table is there. A nil logger is [slog.Default].
func NewEvents(pool *pgxpool.Pool, logger *slog.Logger) *Events {
	if logger == nil {
		logger = slog.Default()
	}
	return &Events{pool: pool, logger: logger, swept: time.Now()}
}

// Append implements mcpengine.EventStore.
func (e *Events) Append(stream string, number uint64, data []byte) {
	e.try("store an event", func(ctx context.Context) error {
		_, err := e.pool.Exec(ctx, "INSERT INTO mcpengine_event (stream, number, data) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", stream, int64(number), data) //nolint:gosec // numbers begin at 1
		return err
	})
	if e.isTimeToSweep(time.Now()) {
		e.try("delete old events", func(ctx context.Context) error {
			_, err := e.pool.Exec(ctx, "DELETE FROM mcpengine_event WHERE at < now() - make_interval(secs => $1)", eventTime.Seconds())
			return err
		})
	}
}

// After implements mcpengine.EventStore.
func (e *Events) After(stream string, number uint64) iter.Seq2[uint64, []byte] {
	return func(yield func(uint64, []byte) bool) {
		for _, event := range e.after(stream, number) {
			if !yield(uint64(event.Number), event.Data) { //nolint:gosec // numbers begin at 1
				return
			}
		}
	}
}

type event struct {
	Number int64
	Data   []byte
}

func (e *Events) after(stream string, number uint64) (events []event) {
	e.try("read events", func(ctx context.Context) error {
		rows, err := e.pool.Query(ctx, "SELECT number, data FROM mcpengine_event WHERE stream = $1 AND number > $2 ORDER BY number", stream, int64(min(number, 1<<62))) //nolint:gosec // bounded
		if err != nil {
			return err
		}
		events, err = pgx.CollectRows(rows, pgx.RowToStructByPos[event])
		return err
	})
	return events
}

// End implements mcpengine.EventStore. Events go when they are old, whether
// their stream has ended or not.
func (e *Events) End(string) {}

// try runs a statement, and creates the table if it is missing. Failures are
// logged once, until the store works again.
func (e *Events) try(what string, f func(ctx context.Context) error) {
	if e.isPaused(time.Now()) {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeTime)
	defer cancel()
	err := f(ctx)
	var missing *pgconn.PgError
	if errors.As(err, &missing) && missing.Code == undefinedTable {
		if err = e.create(ctx); err == nil {
			err = f(ctx)
		}
	}
	e.note(what, err)
}

// create makes the table. Replicas may try at the same time, which IF NOT EXISTS
// alone does not survive.
func (e *Events) create(ctx context.Context) error {
	return pgx.BeginFunc(ctx, e.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtext('mcpengine_event'))"); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, createEvents)
		return err
	})
}

func (e *Events) isPaused(now time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return now.Before(e.failed.Add(pause))
}

func (e *Events) note(what string, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case err != nil && e.failed.IsZero():
		e.logger.Warn("the event store has failed: clients that come back to a stream may miss events", "attempt", what, "error", err)
	case err == nil && !e.failed.IsZero():
		e.logger.Warn("the event store works again")
	}
	e.failed = time.Time{}
	if err != nil {
		e.failed = time.Now()
	}
}

func (e *Events) isTimeToSweep(now time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if now.Sub(e.swept) < sweepInterval {
		return false
	}
	e.swept = now
	return true
}
