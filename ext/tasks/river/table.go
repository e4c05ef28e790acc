package river

import (
	"context"
	"strconv"
	"strings"
)

// A table is the table of records in the dialect of a database.
type table interface {
	// read hands over the rows with the ids, which nobody else changes before the
	// transaction ends.
	read(ctx context.Context, q querier, ids []string, got func(id, record string) error) error
	insert(ctx context.Context, q querier, rows []row) error
	update(ctx context.Context, q querier, rows []row) error
	remove(ctx context.Context, q querier, ids []string) error

	// query writes a statement with a ? for each argument in the dialect.
	query(statement string) string

	// statements make the table.
	statements() []string
}

// sqliteTable numbers changes, so that another process finds those after one that
// it knows. Writers take turns there, and a statement is a call of a function.
type sqliteTable struct{}

func (sqliteTable) query(statement string) string { return statement }

func (sqliteTable) statements() []string {
	return []string{
		`CREATE TABLE IF NOT EXISTS mcpengine_task (
			id TEXT PRIMARY KEY,
			owner TEXT NOT NULL,
			expires BIGINT NOT NULL,
			status TEXT NOT NULL,
			due BIGINT NOT NULL,
			lease BIGINT NOT NULL,
			change BIGINT NOT NULL,
			record TEXT NOT NULL
		)`,
		`CREATE INDEX IF NOT EXISTS mcpengine_task_owner ON mcpengine_task (owner, id)`,
		`CREATE INDEX IF NOT EXISTS mcpengine_task_expires ON mcpengine_task (expires)`,
		`CREATE INDEX IF NOT EXISTS mcpengine_task_change ON mcpengine_task (change)`,
		openIndex,
	}
}

// openIndex finds the tasks that have not ended.
const openIndex = `CREATE INDEX IF NOT EXISTS mcpengine_task_open ON mcpengine_task (owner) WHERE status IN ('working', 'input_required')`

const nextChange = "(SELECT coalesce(max(change), 0) + 1 FROM mcpengine_task)"

func (sqliteTable) read(ctx context.Context, q querier, ids []string, got func(id, record string) error) error {
	return q.each(ctx, got, "SELECT id, record FROM mcpengine_task WHERE id IN (?"+strings.Repeat(", ?", len(ids)-1)+")", anyOf(ids)...)
}

func (sqliteTable) insert(ctx context.Context, q querier, rows []row) error {
	for _, r := range rows {
		if err := q.exec(ctx, "INSERT INTO mcpengine_task (id, owner, expires, status, due, lease, change, record) VALUES (?, ?, ?, ?, ?, ?, "+nextChange+", ?)",
			r.id, r.owner, r.expires, r.status, r.due, r.lease, r.record); err != nil {
			return err
		}
	}
	return nil
}

func (sqliteTable) update(ctx context.Context, q querier, rows []row) error {
	for _, r := range rows {
		if err := q.exec(ctx, "UPDATE mcpengine_task SET expires = ?, status = ?, due = ?, lease = ?, change = "+nextChange+", record = ? WHERE id = ?",
			r.expires, r.status, r.due, r.lease, r.record, r.id); err != nil {
			return err
		}
	}
	return nil
}

func (sqliteTable) remove(ctx context.Context, q querier, ids []string) error {
	return q.exec(ctx, "DELETE FROM mcpengine_task WHERE id IN (?"+strings.Repeat(", ?", len(ids)-1)+")", anyOf(ids)...)
}

func anyOf(ids []string) []any {
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	return args
}

// postgresTable notifies of changes. One statement writes all rows.
type postgresTable struct {
	origin string // of this process, which needs no notifications of its own changes
}

// channel is where changes are told. A notification holds the origin and an id.
const channel = "mcpengine_task"

func (postgresTable) query(statement string) string {
	var numbered strings.Builder
	for i, part := range strings.Split(statement, "?") {
		if i > 0 {
			numbered.WriteString("$" + strconv.Itoa(i))
		}
		numbered.WriteString(part)
	}
	return numbered.String()
}

func (postgresTable) statements() []string {
	return []string{
		`CREATE TABLE IF NOT EXISTS mcpengine_task (
			id TEXT PRIMARY KEY,
			owner TEXT NOT NULL,
			expires BIGINT NOT NULL,
			status TEXT NOT NULL,
			due BIGINT NOT NULL,
			lease BIGINT NOT NULL,
			record TEXT NOT NULL
		)`,
		`CREATE INDEX IF NOT EXISTS mcpengine_task_owner ON mcpengine_task (owner, id)`,
		`CREATE INDEX IF NOT EXISTS mcpengine_task_expires ON mcpengine_task (expires)`,
		openIndex,
	}
}

// read locks rows in the order of their ids, so that two transactions cannot wait
// for each other.
func (postgresTable) read(ctx context.Context, q querier, ids []string, got func(id, record string) error) error {
	return q.each(ctx, got, "SELECT id, record FROM mcpengine_task WHERE id = ANY($1) ORDER BY id FOR UPDATE", ids)
}

func (postgresTable) insert(ctx context.Context, q querier, rows []row) error {
	return q.exec(ctx, `INSERT INTO mcpengine_task (id, owner, expires, status, due, lease, record)
		SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $7::text[])`,
		column(rows, func(r row) string { return r.id }), column(rows, func(r row) string { return r.owner }),
		column(rows, func(r row) int64 { return r.expires }), column(rows, func(r row) string { return r.status }),
		column(rows, func(r row) int64 { return r.due }), column(rows, func(r row) int64 { return r.lease }),
		column(rows, func(r row) string { return r.record }))
}

func (p postgresTable) update(ctx context.Context, q querier, rows []row) error {
	return q.exec(ctx, `WITH changed AS (
			UPDATE mcpengine_task SET expires = new.expires, status = new.status, due = new.due, lease = new.lease, record = new.record
			FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::text[]) AS new (id, expires, status, due, lease, record)
			WHERE mcpengine_task.id = new.id RETURNING mcpengine_task.id
		) SELECT pg_notify($7, $8 || id) FROM changed`,
		column(rows, func(r row) string { return r.id }), column(rows, func(r row) int64 { return r.expires }),
		column(rows, func(r row) string { return r.status }), column(rows, func(r row) int64 { return r.due }),
		column(rows, func(r row) int64 { return r.lease }), column(rows, func(r row) string { return r.record }),
		channel, p.origin+" ")
}

func (postgresTable) remove(ctx context.Context, q querier, ids []string) error {
	return q.exec(ctx, "DELETE FROM mcpengine_task WHERE id = ANY($1)", ids)
}

// column returns one column of rows.
func column[T any](rows []row, of func(row) T) []T {
	values := make([]T, len(rows))
	for i, r := range rows {
		values[i] = of(r)
	}
	return values
}
