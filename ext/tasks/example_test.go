package tasks_test

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/ext/tasks"
	"github.com/mcpengine/mcpengine/mcptest"
)

// A handler writes a draft, which is tried again when it fails, asks a person, and
// publishes. It could be killed between any two lines.
func Example() {
	logger := slog.New(slog.DiscardHandler)
	e := mcpengine.New("reports", mcpengine.WithExtension(tasks.Extension(tasks.Memory(), tasks.WithLogger(logger))))
	defer e.Close()
	type approval struct {
		Approve bool `json:"approve"`
	}
	mcpengine.AddTool(e, "publish", "Publish a report.", func(ctx context.Context, _ struct{}) (string, error) {
		draft, err := mcpengine.Step(ctx, "draft", func(context.Context) (string, error) { return "Sales are up.", nil }, tasks.Retry(5, time.Second))
		if err != nil {
			return "", err
		}
		answer, err := mcpengine.Elicit[approval](ctx, "Publish “"+draft+"”?")
		if err != nil {
			return "", err
		}
		if !answer.Approve {
			return "not published", nil
		}
		return mcpengine.Step(ctx, "publish", func(ctx context.Context) (string, error) {
			return "published under one key, " + fmt.Sprint(len(tasks.IdempotencyKey(ctx)) > 0), nil
		})
	}, tasks.Durable(tasks.Grace(time.Second)))

	c := mcptest.New(e, client.WithHandlers(client.Handlers{ElicitForm: mcptest.Accept(approval{true})}))
	result, err := c.CallTool(context.Background(), "publish", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Text())
	// Output:
	// published under one key, true
}
