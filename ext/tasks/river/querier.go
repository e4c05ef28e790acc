package river

import (
	"context"
	"database/sql"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
)

// A querier is a transaction of one of two packages. Steps share one of
// database/sql, on both databases. What this package writes by itself to
// PostgreSQL goes through pgx, which takes half of the processor time.
type querier interface {
	exec(ctx context.Context, statement string, args ...any) error
	each(ctx context.Context, got func(id, record string) error, query string, args ...any) error
	schedule(ctx context.Context, jobs []river.InsertManyParams) error
	commit(ctx context.Context) error
	rollback(ctx context.Context) error
}

type sqlQuerier struct {
	tx     *sql.Tx
	client *river.Client[*sql.Tx]
}

func (q *sqlQuerier) exec(ctx context.Context, statement string, args ...any) error {
	_, err := q.tx.ExecContext(ctx, statement, args...)
	return err
}

func (q *sqlQuerier) each(ctx context.Context, got func(id, record string) error, query string, args ...any) error {
	rows, err := q.tx.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	return eachRow(rows, got)
}

func (q *sqlQuerier) schedule(ctx context.Context, jobs []river.InsertManyParams) error {
	_, err := q.client.InsertManyFastTx(ctx, q.tx, jobs)
	return err
}

func (q *sqlQuerier) commit(context.Context) error   { return q.tx.Commit() }
func (q *sqlQuerier) rollback(context.Context) error { return q.tx.Rollback() }

type pgxQuerier struct {
	tx     pgx.Tx
	client *river.Client[pgx.Tx]
}

func (q *pgxQuerier) exec(ctx context.Context, statement string, args ...any) error {
	_, err := q.tx.Exec(ctx, statement, args...)
	return err
}

func (q *pgxQuerier) each(ctx context.Context, got func(id, record string) error, query string, args ...any) error {
	rows, err := q.tx.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	return eachRow(rows, got)
}

// schedule inserts jobs. InsertManyFastTx would copy them, which costs more for the
// few of a batch.
func (q *pgxQuerier) schedule(ctx context.Context, jobs []river.InsertManyParams) error {
	_, err := q.client.InsertManyTx(ctx, q.tx, jobs)
	return err
}

func (q *pgxQuerier) commit(ctx context.Context) error   { return q.tx.Commit(ctx) }
func (q *pgxQuerier) rollback(ctx context.Context) error { return q.tx.Rollback(ctx) }

// eachRow passes on the rows of either package.
func eachRow(rows interface {
	Next() bool
	Scan(dest ...any) error
	Err() error
}, got func(id, record string) error,
) error {
	for rows.Next() {
		var id, record string
		if err := rows.Scan(&id, &record); err != nil {
			return err
		}
		if err := got(id, record); err != nil {
			return err
		}
	}
	return rows.Err()
}
