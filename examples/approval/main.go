// Command approval writes reports that a person approves before they are
// published:
//
//	go run ./approval                                              # keeps tasks in approval.db
//	DATABASE_URL=postgres://me@localhost/approval go run ./approval   # in PostgreSQL
//
// Kill it at any time and start it again: it goes on where it was.
package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/ext/tasks"
	"github.com/mcpengine/mcpengine/ext/tasks/river"
)

func main() {
	if err := serve(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "approval: error:", err)
		os.Exit(1)
	}
}

// serve serves reports, as the environment says.
func serve(ctx context.Context) error {
	backend, err := river.Open(ctx, cmp.Or(os.Getenv("DATABASE_URL"), "sqlite:approval.db"))
	if err != nil {
		return err
	}
	defer backend.Close()
	e, err := newEngine(ctx, backend, author{pace: 20 * time.Second})
	if err != nil {
		return err
	}
	return e.Run(ctx)
}

// newEngine returns the server whose tasks the backend keeps.
func newEngine(ctx context.Context, backend *river.Backend, a author) (*mcpengine.Engine, error) {
	if err := createTable(ctx, backend.DB()); err != nil {
		return nil, err
	}
	e := mcpengine.New("approval", mcpengine.WithExtension(tasks.Extension(backend)))
	mcpengine.AddTool(e, "publish_report", "Write a report, have a person approve it, and publish it. Takes minutes, or days if nobody answers.",
		a.publish, tasks.Durable())
	mcpengine.AddTool(e, "list_reports", "List the titles of the published reports.",
		func(ctx context.Context, _ struct{}) ([]string, error) { return titles(ctx, backend.DB()) })
	return e, nil
}
