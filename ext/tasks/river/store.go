package river

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/riverqueue/river"

	"github.com/mcpengine/mcpengine/ext/tasks"
)

// Create implements [tasks.Store].
func (b *Backend) Create(ctx context.Context, r *tasks.Record) error {
	if _, err := b.writer.do(ctx, &write{id: r.ID, create: r}); err != nil {
		return fmt.Errorf("create a task: %w", err)
	}
	return nil
}

// Get implements [tasks.Store].
func (b *Backend) Get(ctx context.Context, id string) (*tasks.Record, error) {
	return scan(b.reader.QueryRowContext(ctx, b.table.query("SELECT record FROM mcpengine_task WHERE id = ?"), id))
}

func scan(row interface{ Scan(...any) error }) (*tasks.Record, error) {
	var text string
	if err := row.Scan(&text); errors.Is(err, sql.ErrNoRows) {
		return nil, tasks.ErrNotFound
	} else if err != nil {
		return nil, fmt.Errorf("read a task: %w", err)
	}
	return decode(text)
}

func decode(text string) (*tasks.Record, error) {
	r := new(tasks.Record)
	if err := json.Unmarshal([]byte(text), r); err != nil {
		return nil, fmt.Errorf("decode a task: %w", err)
	}
	return r, nil
}

// Update implements [tasks.Store].
func (b *Backend) Update(ctx context.Context, id string, change func(*tasks.Record) error) (*tasks.Record, error) {
	return b.writer.do(ctx, &write{id: id, change: change})
}

// Delete implements [tasks.Store].
func (b *Backend) Delete(ctx context.Context, id string) error {
	_, err := b.writer.do(ctx, &write{id: id})
	return err
}

// Expired implements [tasks.Store].
func (b *Backend) Expired(ctx context.Context, now time.Time, limit int) (ids []string, err error) {
	rows, err := b.reader.QueryContext(ctx, b.table.query("SELECT id FROM mcpengine_task WHERE expires <= ? ORDER BY expires LIMIT ?"), now.UnixMilli(), limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// List implements [tasks.Store].
func (b *Backend) List(ctx context.Context, owner, after string, limit int) (records []*tasks.Record, err error) {
	rows, err := b.reader.QueryContext(ctx, b.table.query("SELECT record FROM mcpengine_task WHERE owner = ? AND id > ? ORDER BY id LIMIT ?"), owner, after, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		r, err := scan(rows)
		if err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	return records, rows.Err()
}

// Count implements [tasks.Counter].
func (b *Backend) Count(ctx context.Context) (c tasks.Counts, err error) {
	now := time.Now().UnixMilli()
	var due sql.NullInt64
	err = b.reader.QueryRowContext(ctx, b.table.query(`SELECT
			count(*) FILTER (WHERE status = 'input_required'),
			count(*) FILTER (WHERE status = 'working' AND lease > ?),
			count(*) FILTER (WHERE status = 'working' AND lease <= ? AND due > ?),
			count(*) FILTER (WHERE status = 'working' AND lease <= ? AND due <= ?),
			min(due) FILTER (WHERE status = 'working' AND lease <= ? AND due <= ?)
		FROM mcpengine_task WHERE status IN ('working', 'input_required')`), now, now, now, now, now, now, now).
		Scan(&c.InputRequired, &c.Running, &c.Sleeping, &c.Waiting, &due)
	if err != nil {
		return c, fmt.Errorf("count tasks: %w", err)
	}
	if due.Valid {
		c.Oldest = time.Duration(now-due.Int64) * time.Millisecond
	}
	return c, nil
}

// CountBusy implements [tasks.Counter].
func (b *Backend) CountBusy(ctx context.Context, owner string) (n int, err error) {
	now := time.Now().UnixMilli()
	if err := b.reader.QueryRowContext(ctx, b.table.query(`SELECT count(*) FROM mcpengine_task
		WHERE status IN ('working', 'input_required') AND owner = ? AND status = 'working' AND (lease > ? OR due <= ?)`), owner, now, now).Scan(&n); err != nil {
		return 0, fmt.Errorf("count tasks: %w", err)
	}
	return n, nil
}

// Begin implements [tasks.Transactor]. The handle is an *sql.Tx.
func (b *Backend) Begin(ctx context.Context) (tasks.Transaction, error) {
	tx, err := b.db.BeginTx(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("begin a transaction: %w", err)
	}
	return &transaction{b: b, handle: tx, q: &sqlQuerier{tx, b.client}}, nil
}

// begin begins a transaction that no step shares.
func (b *Backend) begin(ctx context.Context) (*transaction, error) {
	if b.pool == nil {
		tx, err := b.db.BeginTx(ctx, nil)
		if err != nil {
			return nil, fmt.Errorf("begin a transaction: %w", err)
		}
		return &transaction{b: b, q: &sqlQuerier{tx, b.client}}, nil
	}
	tx, err := b.beginPool(ctx)
	if err != nil {
		return nil, fmt.Errorf("begin a transaction: %w", err)
	}
	return &transaction{b: b, q: &pgxQuerier{tx, b.pgxClient}}, nil
}

// beginPool begins a transaction on a connection that is alive: after a restart of
// PostgreSQL all those in the pool are not, which is noticed when they are used.
func (b *Backend) beginPool(ctx context.Context) (tx pgx.Tx, err error) {
	for range b.pool.Config().MaxConns + 1 {
		if tx, err = b.pool.Begin(ctx); err == nil || ctx.Err() != nil {
			return tx, err
		}
		if _, away := errors.AsType[*pgconn.ConnectError](err); away {
			return nil, err
		}
	}
	return nil, err
}

// A transaction implements [tasks.Transaction].
type transaction struct {
	b      *Backend
	handle *sql.Tx // of a step
	q      querier
}

func (t *transaction) Handle() any { return t.handle }

func (t *transaction) Rollback(ctx context.Context) error { return t.q.rollback(ctx) }

func (t *transaction) Commit(ctx context.Context) error {
	if err := t.q.commit(ctx); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// Update reads the record, which nobody else can change until the transaction
// ends, and writes it.
func (t *transaction) Update(ctx context.Context, id string, change func(*tasks.Record) error) (*tasks.Record, error) {
	op := &write{id: id, change: change}
	if err := t.apply(ctx, []*write{op}); err != nil {
		return nil, err
	}
	return op.record, op.err
}

// read reads the records that a batch changes.
func (t *transaction) read(ctx context.Context, batch []*write) error {
	changes := make(map[string]*write, len(batch))
	for _, op := range batch {
		if op.change != nil {
			changes[op.id], op.record = op, nil
		}
	}
	if len(changes) == 0 {
		return nil
	}
	err := t.b.table.read(ctx, t.q, slices.Sorted(maps.Keys(changes)), func(id, text string) (err error) {
		changes[id].record, err = decode(text)
		return err
	})
	if err != nil {
		return fmt.Errorf("read tasks: %w", err)
	}
	return nil
}

// A row is a record as a table keeps it. The record holds everything; the other
// columns are for finding and counting. Times are in milliseconds, and 0 is none.
type row struct {
	id, owner, status   string
	expires, due, lease int64
	record              string
}

func milliseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// put writes records into the table.
func (t *transaction) put(ctx context.Context, how func(context.Context, querier, []row) error, records []*tasks.Record) error {
	if len(records) == 0 {
		return nil
	}
	rows := make([]row, len(records))
	for i, r := range records {
		text, err := json.Marshal(r)
		if err != nil {
			return fmt.Errorf("encode a task: %w", err)
		}
		rows[i] = row{r.ID, r.Owner, string(r.Status), milliseconds(r.Expires), milliseconds(r.Due), milliseconds(r.Lease), string(text)}
	}
	if err := how(ctx, t.q, rows); err != nil {
		return fmt.Errorf("write tasks: %w", err)
	}
	return nil
}

func (t *transaction) remove(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	if err := t.b.table.remove(ctx, t.q, ids); err != nil {
		return fmt.Errorf("remove tasks: %w", err)
	}
	return nil
}

// schedule has the tasks run when they are due.
func (t *transaction) schedule(ctx context.Context, due []*tasks.Record) error {
	if len(due) == 0 {
		return nil
	}
	jobs := make([]river.InsertManyParams, len(due))
	for i, r := range due {
		opts := &river.InsertOpts{Queue: queue, MaxAttempts: maxAttempts}
		if time.Until(r.Due) > 0 {
			opts.ScheduledAt = r.Due
		}
		jobs[i] = river.InsertManyParams{Args: args{ID: r.ID}, InsertOpts: opts}
	}
	if err := t.q.schedule(ctx, jobs); err != nil {
		return fmt.Errorf("schedule tasks: %w", err)
	}
	return nil
}
