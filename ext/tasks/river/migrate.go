package river

import (
	"context"
	"fmt"
	"time"

	"github.com/riverqueue/river/rivermigrate"
)

// lockKey is the advisory lock under which processes migrate a PostgreSQL database
// one after the other.
const lockKey = 0x6d6370656e67 // "mcpeng"

// migrate brings the tables up to date.
func (b *Backend) migrate(ctx context.Context) error {
	if b.postgres == "" {
		return b.migrateSQLite(ctx)
	}
	conn, err := b.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", int64(lockKey)); err != nil {
		return err
	}
	defer func() {
		// The lock ends with the connection at the latest.
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", int64(lockKey))
	}()
	return b.migrateOnce(ctx)
}

// migrateSQLite repeats a migration that another process was in the way of.
func (b *Backend) migrateSQLite(ctx context.Context) error {
	const attempts = 20
	for i := 1; ; i++ {
		err := b.migrateOnce(ctx)
		if err == nil || i == attempts {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (b *Backend) migrateOnce(ctx context.Context) error {
	migrator, err := rivermigrate.New(b.driver, &rivermigrate.Config{Logger: b.logger})
	if err != nil {
		return err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("migrate the tables of River: %w", err)
	}
	for _, statement := range b.table.statements() {
		if _, err := b.db.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}
