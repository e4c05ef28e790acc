package messages

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	_ "modernc.org/sqlite" // registers the driver
)

// A sqlite is a store in a file of SQLite, which processes of one machine may
// share.
type sqlite struct {
	db     *sql.DB
	logger *slog.Logger

	// writing is held by the one writer of this process. SQLite has its writers
	// try again and again for the lock of the file, which with many of them leaves
	// some without it for as long as there are others.
	writing chan struct{}
}

// openSQLite opens the file, which is created with its table when it is not
// there. It fails when that cannot be done: nobody but the user can mend it.
func openSQLite(ctx context.Context, file string, logger *slog.Logger) (Store, error) {
	// A writer waits for another process instead of failing, and reads go on beside it.
	dsn := url.URL{Scheme: "file", Opaque: url.PathEscape(file), RawQuery: url.Values{
		"_pragma":      {fmt.Sprintf("busy_timeout(%d)", patience.Milliseconds()), "journal_mode(WAL)"},
		"_time_format": {"sqlite"},
	}.Encode()}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", file, err)
	}
	// AUTOINCREMENT: the number of a deleted message is not given to another.
	_, err = db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS messages (
		id        INTEGER PRIMARY KEY AUTOINCREMENT,
		username  TEXT NOT NULL,
		text      TEXT NOT NULL,
		timestamp TIMESTAMP NOT NULL,
		key       TEXT,
		UNIQUE (username, key)
	)`)
	if err != nil {
		db.Close()
		return nil, fmt.Errorf("create the table in %s (SQLITE_FILE names another file): %w", file, err)
	}
	return &sqlite{db: db, logger: logger, writing: make(chan struct{}, 1)}, nil
}

// write runs an operation when it is its turn, in the order of arrival.
func (s *sqlite) write(ctx context.Context, operation func() error) error {
	select {
	case s.writing <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.writing }()
	return operation()
}

func (s *sqlite) Close() { s.db.Close() }

func (s *sqlite) Post(ctx context.Context, draft Draft) (id int64, err error) {
	d, err := checked(draft)
	if err != nil {
		return 0, err
	}
	var text string
	err = s.write(ctx, func() error {
		return s.db.QueryRowContext(ctx, `INSERT INTO messages (username, text, timestamp, key) VALUES (?, ?, ?, ?)
			ON CONFLICT (username, key) DO UPDATE SET key = excluded.key RETURNING id, text`,
			d.Username, d.Text, time.Now().UTC(), d.Key).Scan(&id, &text)
	})
	switch {
	case err != nil:
		return 0, s.unavailable(ctx, "post", err)
	case text != d.Text:
		return 0, errKeyUsed
	}
	return id, nil
}

func (s *sqlite) Recent(ctx context.Context) ([]Message, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT id, username, text, timestamp FROM messages ORDER BY id DESC LIMIT ?`, recent)
	if err != nil {
		return nil, s.unavailable(ctx, "read", err)
	}
	defer rows.Close()
	found := []Message{} // in JSON a list, not null
	for rows.Next() {
		var m Message
		if err := rows.Scan(&m.ID, &m.Username, &m.Text, &m.Timestamp); err != nil {
			return nil, s.unavailable(ctx, "read", err)
		}
		found = append(found, m)
	}
	if err := rows.Err(); err != nil {
		return nil, s.unavailable(ctx, "read", err)
	}
	return fit(found), nil
}

func (s *sqlite) Delete(ctx context.Context, id int64) error {
	var result sql.Result
	err := s.write(ctx, func() (err error) {
		result, err = s.db.ExecContext(ctx, `DELETE FROM messages WHERE id = ?`, id)
		return err
	})
	if err != nil {
		return s.unavailable(ctx, "delete", err)
	}
	if n, err := result.RowsAffected(); err == nil && n == 0 {
		return notFound(id)
	}
	return nil
}

// unavailable logs the cause of what the model is told.
func (s *sqlite) unavailable(ctx context.Context, what string, err error) error {
	s.logger.ErrorContext(ctx, what+" messages", "error", err)
	return errUnavailable
}
