package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/ext/tasks"
)

type report struct {
	Title    string `json:"title" jsonschema:"what the report is about" minLength:"1" maxLength:"200"`
	Chapters int    `json:"chapters,omitempty" jsonschema:"how long it is" default:"3" minimum:"1" maximum:"20"`
}

type approval struct {
	Approve bool   `json:"approve" jsonschema:"whether the report may be published"`
	Remark  string `json:"remark,omitempty" jsonschema:"for the author"`
}

// An author writes a chapter in the time of its pace.
type author struct{ pace time.Duration }

// publish writes a report chapter by chapter, asks a person, and publishes it. It
// is run again from its beginning after each interruption, and each finished step
// returns what it returned before.
func (a author) publish(ctx context.Context, in report) (string, error) {
	chapters := make([]string, in.Chapters)
	for i := range chapters {
		text, err := mcpengine.Step(ctx, fmt.Sprintf("chapter %d", i+1),
			func(ctx context.Context) (string, error) { return a.write(ctx, in.Title, i+1) }, tasks.Retry(5, time.Second))
		if err != nil {
			return "", err
		}
		chapters[i] = text
		mcpengine.Progress(ctx, float64(i+1), float64(in.Chapters+1), fmt.Sprintf("chapter %d of %d is written", i+1, in.Chapters))
	}
	answer, err := mcpengine.Elicit[approval](ctx, fmt.Sprintf("Publish the report %q with %d chapters?", in.Title, in.Chapters), mcpengine.WithKey("approval"))
	switch {
	case errors.Is(err, mcpengine.ErrDeclined), errors.Is(err, mcpengine.ErrCancelled), err == nil && !answer.Approve:
		return strings.TrimSpace("The report was not approved. " + answer.Remark), nil
	case err != nil:
		return "", err
	}
	_, err = mcpengine.Step(ctx, "publish", func(ctx context.Context) (bool, error) {
		// The report and the note that it is published are one transaction: it is
		// published exactly once.
		tx, err := tasks.Tx[*sql.Tx](ctx)
		if err != nil {
			return false, err
		}
		_, err = tx.ExecContext(ctx, "INSERT INTO report (title, body) VALUES ($1, $2)", in.Title, strings.Join(chapters, "\n\n"))
		return err == nil, err
	})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("The report %q is published.", in.Title), nil
}

// write stands for what takes long: a query, a model, another service.
func (a author) write(ctx context.Context, title string, chapter int) (string, error) {
	select {
	case <-ctx.Done():
		return "", context.Cause(ctx)
	case <-time.After(a.pace):
		return fmt.Sprintf("Chapter %d of %s.", chapter, title), nil
	}
}

// createTable makes the table of the published reports.
func createTable(ctx context.Context, db *sql.DB) error {
	if _, err := db.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS report (title TEXT NOT NULL, body TEXT NOT NULL)"); err != nil {
		return fmt.Errorf("make the table of reports: %w", err)
	}
	return nil
}

// titles returns the titles of the published reports.
func titles(ctx context.Context, db *sql.DB) ([]string, error) {
	rows, err := db.QueryContext(ctx, "SELECT title FROM report ORDER BY title")
	if err != nil {
		return nil, fmt.Errorf("list the reports: %w", err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var title string
		if err := rows.Scan(&title); err != nil {
			return nil, err
		}
		all = append(all, title)
	}
	return all, rows.Err()
}
