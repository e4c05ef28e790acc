// Command approval writes reports that a person approves before they are
// published:
//
//	go run ./approval                                              # keeps tasks in approval.db
//	DATABASE_URL=postgres://me@localhost/approval go run ./approval   # in PostgreSQL
//	mcpengine deploy ./approval --tasks                            # in DynamoDB, on AWS Lambda
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
	"github.com/mcpengine/mcpengine/ext/tasks/aws"
	"github.com/mcpengine/mcpengine/ext/tasks/river"
)

func main() {
	if err := serve(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "approval: error:", err)
		os.Exit(1)
	}
}

// settings are what the user of the server gives it.
type settings struct {
	DatabaseURL string        `json:"database_url,omitempty" sensitive:"true" jsonschema:"the PostgreSQL that keeps the tasks, or sqlite:FILE"`
	Pace        time.Duration `json:"approval_pace" default:"20s" jsonschema:"how long a chapter takes"`
}

// serve serves reports, as the settings say.
func serve(ctx context.Context) error {
	s, err := mcpengine.Config[settings]()
	if err != nil {
		return err
	}
	a := author{pace: s.Pace}
	if table := os.Getenv(aws.TableVariable); table != "" {
		backend, err := aws.Open(table)
		if err != nil {
			return err
		}
		a.shelf = tableShelf{table, backend.DynamoDB()}
		return newEngine(backend, a).Run(ctx)
	}
	backend, err := river.Open(ctx, cmp.Or(s.DatabaseURL, "sqlite:approval.db"))
	if err != nil {
		return err
	}
	defer backend.Close()
	if a.shelf, err = newSQLShelf(ctx, backend.DB()); err != nil {
		return err
	}
	return newEngine(backend, a).Run(ctx)
}

// newEngine returns the server whose tasks the backend keeps.
func newEngine(backend tasks.Backend, a author) *mcpengine.Engine {
	e := mcpengine.New("approval", mcpengine.WithExtension(tasks.Extension(backend)))
	mcpengine.AddTool(e, "publish_report", "Write a report, have a person approve it, and publish it. Takes minutes, or days if nobody answers.",
		a.publish, tasks.Durable())
	mcpengine.AddTool(e, "list_reports", "List the titles of the published reports.",
		func(ctx context.Context, _ struct{}) ([]string, error) { return a.shelf.titles(ctx) })
	return e
}
