package river

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/riverqueue/river"

	"github.com/mcpengine/mcpengine/ext/tasks"
)

// channel is where changes are told on PostgreSQL. A notification holds an id.
const channel = "mcpengine_task"

// query writes a statement in the dialect of the database: with $1 for ? on
// PostgreSQL.
func (b *Backend) query(statement string) string {
	if b.postgres == "" {
		return statement
	}
	var numbered strings.Builder
	for i, part := range strings.Split(statement, "?") {
		if i > 0 {
			numbered.WriteString("$" + strconv.Itoa(i))
		}
		numbered.WriteString(part)
	}
	return numbered.String()
}

// Create implements [tasks.Store].
func (b *Backend) Create(ctx context.Context, r *tasks.Record) error {
	tx, err := b.begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback(ctx) //nolint:errcheck // it was committed, or has failed before
	if err := tx.insert(ctx, r); err != nil {
		return fmt.Errorf("create a task: %w", err)
	}
	return tx.Commit(ctx)
}

// Get implements [tasks.Store].
func (b *Backend) Get(ctx context.Context, id string) (*tasks.Record, error) {
	return scan(b.reader.QueryRowContext(ctx, b.query("SELECT record FROM mcpengine_task WHERE id = ?"), id))
}

func scan(row interface{ Scan(...any) error }) (*tasks.Record, error) {
	var text string
	if err := row.Scan(&text); errors.Is(err, sql.ErrNoRows) {
		return nil, tasks.ErrNotFound
	} else if err != nil {
		return nil, fmt.Errorf("read a task: %w", err)
	}
	r := new(tasks.Record)
	if err := json.Unmarshal([]byte(text), r); err != nil {
		return nil, fmt.Errorf("decode a task: %w", err)
	}
	return r, nil
}

// Update implements [tasks.Store].
func (b *Backend) Update(ctx context.Context, id string, change func(*tasks.Record) error) (*tasks.Record, error) {
	tx, err := b.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback(ctx) //nolint:errcheck // it was committed, or has failed before
	r, err := tx.Update(ctx, id, change)
	if err != nil {
		return nil, err
	}
	return r, tx.Commit(ctx)
}

// Delete implements [tasks.Store].
func (b *Backend) Delete(ctx context.Context, id string) error {
	_, err := b.db.ExecContext(ctx, b.query("DELETE FROM mcpengine_task WHERE id = ?"), id)
	return err
}

// Expired implements [tasks.Store].
func (b *Backend) Expired(ctx context.Context, now time.Time, limit int) (ids []string, err error) {
	rows, err := b.reader.QueryContext(ctx, b.query("SELECT id FROM mcpengine_task WHERE expires <= ? ORDER BY expires LIMIT ?"), now.UnixMilli(), limit)
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
	rows, err := b.reader.QueryContext(ctx, b.query("SELECT record FROM mcpengine_task WHERE owner = ? AND id > ? ORDER BY id LIMIT ?"), owner, after, limit)
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

// Begin implements [tasks.Transactor]. The handle is an *sql.Tx.
func (b *Backend) Begin(ctx context.Context) (tasks.Transaction, error) { return b.begin(ctx) }

func (b *Backend) begin(ctx context.Context) (*transaction, error) {
	tx, err := b.db.BeginTx(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("begin a transaction: %w", err)
	}
	return &transaction{b: b, tx: tx}, nil
}

// A transaction implements [tasks.Transaction].
type transaction struct {
	b       *Backend
	tx      *sql.Tx
	changed []string
}

func (t *transaction) Handle() any { return t.tx }

func (t *transaction) Rollback(context.Context) error { return t.tx.Rollback() }

func (t *transaction) Commit(context.Context) error {
	if err := t.tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	if w := t.b.worker.Load(); w != nil {
		for _, id := range t.changed {
			w.Changed(id)
		}
	}
	return nil
}

// Update reads the record, which nobody else can change until the transaction
// ends, and writes it.
func (t *transaction) Update(ctx context.Context, id string, change func(*tasks.Record) error) (*tasks.Record, error) {
	statement := "SELECT record FROM mcpengine_task WHERE id = ?"
	if t.b.postgres != "" {
		statement += " FOR UPDATE"
	}
	r, err := scan(t.tx.QueryRowContext(ctx, t.b.query(statement), id))
	if err != nil {
		return nil, err
	}
	due := r.Due
	if err := change(r); errors.Is(err, tasks.ErrUnchanged) {
		return r, nil
	} else if err != nil {
		return nil, err
	}
	text, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode a task: %w", err)
	}
	if _, err := t.tx.ExecContext(ctx, t.b.query("UPDATE mcpengine_task SET expires = ?, change = "+t.b.nextChange()+", record = ? WHERE id = ?"),
		r.Expires.UnixMilli(), string(text), id); err != nil {
		return nil, fmt.Errorf("write a task: %w", err)
	}
	return r, t.follow(ctx, r, due)
}

// nextChange numbers changes, so that a reader of SQLite finds those after one that
// it knows. Writers take turns there. PostgreSQL notifies.
func (b *Backend) nextChange() string {
	if b.postgres != "" {
		return "0"
	}
	return "(SELECT coalesce(max(change), 0) + 1 FROM mcpengine_task)"
}

func (t *transaction) insert(ctx context.Context, r *tasks.Record) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if _, err := t.tx.ExecContext(ctx, t.b.query("INSERT INTO mcpengine_task (id, owner, expires, change, record) VALUES (?, ?, ?, "+t.b.nextChange()+", ?)"),
		r.ID, r.Owner, r.Expires.UnixMilli(), string(text)); err != nil {
		return err
	}
	return t.follow(ctx, r, time.Time{})
}

// follow schedules a run, if the record has another time for it than before, and
// tells other processes of the change.
func (t *transaction) follow(ctx context.Context, r *tasks.Record, before time.Time) error {
	t.changed = append(t.changed, r.ID)
	if !r.Due.IsZero() && !r.Due.Equal(before) {
		opts := &river.InsertOpts{Queue: queue, MaxAttempts: maxAttempts}
		if time.Until(r.Due) > 0 {
			opts.ScheduledAt = r.Due
		}
		if _, err := t.b.client.InsertTx(ctx, t.tx, args{ID: r.ID}, opts); err != nil {
			return fmt.Errorf("schedule a task: %w", err)
		}
	}
	if t.b.postgres == "" {
		return nil // changes are looked for
	}
	if _, err := t.tx.ExecContext(ctx, "SELECT pg_notify($1, $2)", channel, r.ID); err != nil {
		return fmt.Errorf("notify of a task: %w", err)
	}
	return nil
}
