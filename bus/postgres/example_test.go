package postgres_test

import (
	"context"
	"os"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/bus/postgres"
)

// Replicas with the same database and the same MCPENGINE_KEYS need no sticky
// routing.
func Example() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		panic(err)
	}
	defer pool.Close()
	e := mcpengine.New("board",
		mcpengine.WithBus(postgres.New(pool)),
		mcpengine.WithHTTP(mcpengine.HTTPConfig{Events: postgres.NewEvents(pool, nil)}))
	if err := e.Run(ctx); err != nil {
		panic(err)
	}
}

func ExampleWithChannel() {
	pool, err := pgxpool.New(context.Background(), os.Getenv("DATABASE_URL"))
	if err != nil {
		panic(err)
	}
	_ = mcpengine.New("board", mcpengine.WithBus(postgres.New(pool, postgres.WithChannel("board"))))
}
