package main

import (
	"context"
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

// An author writes a chapter in the time of its pace, and puts reports on the shelf.
type author struct {
	pace  time.Duration
	shelf shelf
}

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
		err := a.shelf.put(ctx, in.Title, strings.Join(chapters, "\n\n"))
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
