// Package river keeps and runs durable tasks with River
// (https://riverqueue.com), a job queue in the database: an SQLite file for one
// machine, PostgreSQL for many. It is a backend of package ext/tasks.
//
//	backend, err := river.Open(ctx, "sqlite:tasks.db")
//	if err != nil {
//		log.Fatal(err)
//	}
//	defer backend.Close()
//	e := mcpengine.New("reports", mcpengine.WithExtension(tasks.Extension(backend)))
//
// The tables of River, and one of this package, are made and migrated by Open. A
// task and the job that runs it are written in one transaction. River claims jobs,
// runs them again after errors, and rescues those whose process has died.
//
// Steps get the transaction in which their end is noted with
// tasks.Tx[*sql.Tx](ctx), on both databases. On SQLite such a step keeps all
// others from writing until it ends.
package river

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver pgx
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	_ "modernc.org/sqlite" // registers the driver sqlite

	"github.com/mcpengine/mcpengine/ext/tasks"
)

// A Backend keeps tasks in a database and runs them with River. Open makes one.
type Backend struct {
	db       *sql.DB       // for what writes
	reader   *sql.DB       // the same on PostgreSQL
	postgres string        // the address; empty for SQLite
	pool     *pgxpool.Pool // to PostgreSQL, for everything but transactions of steps
	table    table
	writer   writer
	driver   riverdriver.Driver[*sql.Tx]

	client    *river.Client[*sql.Tx] // that inserts jobs
	pgxClient *river.Client[pgx.Tx]  // the same, through the pool
	logger    *slog.Logger
	rescue    time.Duration
}

var (
	_ tasks.Backend    = (*Backend)(nil)
	_ tasks.Transactor = (*Backend)(nil)
	_ tasks.Counter    = (*Backend)(nil)
)

// An Option adjusts [Open].
type Option interface{ applyToBackend(*Backend) }

type option func(*Backend)

func (o option) applyToBackend(b *Backend) { o(b) }

// WithLogger sets the log of the backend and of River. The default writes warnings
// to standard error.
func WithLogger(logger *slog.Logger) Option {
	return option(func(b *Backend) { b.logger = logger })
}

// WithRescueAfter sets the age from which River looks whether the process of a job
// has died. The default is 20 seconds, which is more than the default of
// [tasks.WithLease]. River looks every 30 seconds.
func WithRescueAfter(d time.Duration) Option {
	return option(func(b *Backend) { b.rescue = d })
}

// Open opens the database at an address, sqlite:FILE or postgres://…, and brings
// its tables up to date. Several processes may open one database.
func Open(ctx context.Context, address string, opts ...Option) (*Backend, error) {
	b := &Backend{
		logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		rescue: 20 * time.Second,
	}
	b.writer.b = b
	for _, opt := range opts {
		opt.applyToBackend(b)
	}
	if err := b.open(ctx, address); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

func (b *Backend) open(ctx context.Context, address string) (err error) {
	scheme, rest, _ := strings.Cut(address, ":")
	switch scheme {
	case "sqlite":
		err = b.openSQLite(rest)
	case "postgres", "postgresql":
		err = b.openPostgres(ctx, address)
	default:
		err = errors.New(`the address of a database begins with "sqlite:" or "postgres:"`)
	}
	if err != nil {
		return fmt.Errorf("open the database of tasks: %w", err)
	}
	if err := b.migrate(ctx); err != nil {
		return fmt.Errorf("migrate the database of tasks: %w", err)
	}
	if b.client, err = river.NewClient(b.driver, &river.Config{Logger: b.logger}); err != nil {
		return fmt.Errorf("make a client of River: %w", err)
	}
	if b.pool == nil {
		return nil
	}
	if b.pgxClient, err = river.NewClient(riverpgxv5.New(b.pool), &river.Config{Logger: b.logger}); err != nil {
		return fmt.Errorf("make a client of River: %w", err)
	}
	return nil
}

// openSQLite opens a file. SQLite has one writer at a time: transactions take
// their turn when they begin, and not when they first write.
func (b *Backend) openSQLite(file string) (err error) {
	if file == "" {
		return errors.New("sqlite: no file")
	}
	settings := url.Values{
		"_pragma": {"busy_timeout(20000)", "journal_mode(WAL)", "synchronous(FULL)"},
		"_txlock": {"immediate"},
	}
	name := "file:" + (&url.URL{Path: file}).EscapedPath() + "?" + settings.Encode()
	if b.db, err = sql.Open("sqlite", name); err != nil {
		return err
	}
	b.db.SetMaxOpenConns(1)
	if b.reader, err = sql.Open("sqlite", name); err != nil {
		return err
	}
	b.table, b.driver = sqliteTable{}, riversqlite.New(b.db)
	return nil
}

// maxIdle is how many connections to PostgreSQL are kept for later.
const maxIdle = 16

// minPool is how many connections the pool may have at least: River listens on
// one, and fetches, completes and writes on others.
const minPool = 8

func (b *Backend) openPostgres(ctx context.Context, address string) (err error) {
	b.postgres = address
	if b.db, err = sql.Open("pgx", address); err != nil {
		return err
	}
	// A connection is a process of PostgreSQL: closing and opening them would cost
	// more than everything else.
	b.db.SetMaxIdleConns(maxIdle)
	b.db.SetConnMaxIdleTime(time.Minute)
	b.reader = b.db
	b.table = postgresTable{origin: rand.Text()}
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		return err
	}
	config.MaxConns = max(config.MaxConns, minPool)
	if b.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return err
	}
	b.driver = riverdatabasesql.New(b.db)
	return nil
}

// DB returns the database that holds the tasks, for tables of the program itself.
// A step writes to them with tasks.Tx. On SQLite a writer by other means waits
// for a step that does.
func (b *Backend) DB() *sql.DB { return b.db }

// Close closes the database. Close the engine first.
func (b *Backend) Close() error {
	var faults []error
	if b.pool != nil {
		b.pool.Close()
	}
	for _, db := range []*sql.DB{b.db, b.reader} {
		if db != nil {
			faults = append(faults, db.Close())
		}
	}
	return errors.Join(faults...)
}
