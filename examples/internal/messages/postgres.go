package messages

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// patience bounds one call, connecting included. Callers have limits of their own,
// and an answer that says what is wrong is better than none.
const patience = 10 * time.Second

// A postgres is a store in PostgreSQL.
type postgres struct {
	pool   *pgxpool.Pool
	logger *slog.Logger

	// migrating is held while the table is created; it is closed when the table
	// is there.
	migrating chan struct{}
}

func newPostgres(pool *pgxpool.Pool, logger *slog.Logger) *postgres {
	p := &postgres{pool: pool, logger: logger, migrating: make(chan struct{}, 1)}
	p.migrating <- struct{}{}
	return p
}

func (p *postgres) Close() { p.pool.Close() }

// Post may be sent again when a connection broke: the key sees to it that the
// message is stored once.
func (p *postgres) Post(ctx context.Context, draft Draft) (id int64, err error) {
	d, err := checked(draft)
	if err != nil {
		return 0, err
	}
	var text string
	err = p.do(ctx, "post", keyed, func(ctx context.Context) error {
		// The update changes nothing. It makes the row that is there be returned.
		return p.pool.QueryRow(ctx, `INSERT INTO messages (username, text, key) VALUES ($1, $2, $3)
			ON CONFLICT (username, key) DO UPDATE SET key = excluded.key RETURNING id, text`,
			d.Username, d.Text, d.Key).Scan(&id, &text)
	})
	if err == nil && text != d.Text {
		return 0, errKeyUsed
	}
	return id, err
}

func (p *postgres) Recent(ctx context.Context) (found []Message, err error) {
	err = p.do(ctx, "read", reads, func(ctx context.Context) error {
		rows, err := p.pool.Query(ctx, `SELECT id, username, text, timestamp FROM messages ORDER BY id DESC LIMIT $1`, recent)
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Message])
		return err
	})
	return fit(found), err
}

func (p *postgres) Delete(ctx context.Context, id int64) error {
	var deleted int64
	err := p.do(ctx, "delete", once, func(ctx context.Context) error {
		tag, err := p.pool.Exec(ctx, `DELETE FROM messages WHERE id = $1`, id)
		deleted = tag.RowsAffected()
		return err
	})
	if err == nil && deleted == 0 {
		return notFound(id)
	}
	return err
}

// An effect says how often an operation may reach the database, and what its
// failure means.
type effect int

const (
	once  effect = iota // a second time would be a second effect
	keyed               // a second time has no effect, the first may have had its
	reads               // none
)

// do runs an operation on the database. It is tried a second time when that does
// no harm, and when the first attempt cannot have done anything: the connection
// had died while nobody used it, or the password had been changed.
func (p *postgres) do(ctx context.Context, what string, effect effect, operation func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := p.migrate(ctx); err != nil {
		p.logger.ErrorContext(ctx, "create the table of messages", "error", err)
		return errUnavailable
	}
	err := operation(ctx)
	if err != nil && ctx.Err() == nil && (unsent(err) || effect != once && lost(err)) {
		err = operation(ctx)
	}
	if err == nil {
		return nil
	}
	p.logger.ErrorContext(ctx, what+" messages", "error", err)
	if effect == reads || unsent(err) || refused(err) {
		return errUnavailable
	}
	return errUncertain
}

// unsent reports whether the operation never left this process.
func unsent(err error) bool {
	var connect *pgconn.ConnectError
	return pgconn.SafeToRetry(err) || errors.As(err, &connect)
}

// refused reports whether the database answered that it did not do it. Class 08
// (connection) and 57P (shutdown) leave that open.
func refused(err error) bool {
	var answer *pgconn.PgError
	return errors.As(err, &answer) && answer.Code[:2] != "08" && answer.Code[:3] != "57P"
}

// lost reports whether the connection broke and another may do better.
func lost(err error) bool { return !refused(err) }

// lock is the advisory lock that those who create the table hold. The number is
// any that nobody else uses in the database.
const lock = 0x6d657373616765 // "message"

// migrate creates the table, once in the life of the process. Many instances
// start at once and IF NOT EXISTS alone lets two of them create it: so they take
// turns.
func (p *postgres) migrate(ctx context.Context) error {
	select {
	case _, missing := <-p.migrating:
		if !missing {
			return nil
		}
	case <-ctx.Done():
		return ctx.Err()
	}
	err := p.createTable(ctx)
	if err != nil && unsent(err) && ctx.Err() == nil {
		err = p.createTable(ctx)
	}
	if err != nil {
		p.migrating <- struct{}{}
		return err
	}
	close(p.migrating)
	return nil
}

func (p *postgres) createTable(ctx context.Context) error {
	return pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, lock); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `CREATE TABLE IF NOT EXISTS messages (
			id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
			username  text NOT NULL,
			text      text NOT NULL,
			timestamp timestamptz NOT NULL DEFAULT now(),
			key       text,
			UNIQUE (username, key)
		)`)
		return err
	})
}
