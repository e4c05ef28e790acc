package interop_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine"
)

// stdioFixture is the variable that turns this test binary into the fixture,
// served over stdio.
const stdioFixture = "INTEROP_STDIO_FIXTURE"

func TestMain(m *testing.M) {
	if os.Getenv(stdioFixture) == "" {
		m.Run()
		return
	}
	if err := newFixture().ServeStdio(context.Background(), os.Stdin, os.Stdout); err != nil {
		panic(fmt.Sprintf("serve fixture: %v", err))
	}
}

type nothing struct{}

type noteInput struct {
	ID string `json:"id"`
}

type reviewInput struct {
	File string `json:"file" jsonschema:"the file to review"`
}

type login struct {
	User string `json:"user" jsonschema:"a GitHub user name"`
}

// newFixture returns our server with a feature for every stop of the tour. All
// that a test has to see is seen through the protocol, so that the fixture may
// run in a process of its own.
func newFixture() *mcpengine.Engine {
	e := mcpengine.New("fixture", mcpengine.WithInstructions("For tests."))
	mcpengine.AddTool(e, "greet", "Greets.", func(_ context.Context, in greetInput) (string, error) {
		return "Hello, " + in.Name + "!", nil
	})
	mcpengine.AddTool(e, "add", "Adds.", func(_ context.Context, in addInput) (addOutput, error) {
		return addOutput{in.A + in.B}, nil
	})
	mcpengine.AddTool(e, "climb", "Reports progress.", func(ctx context.Context, _ nothing) (string, error) {
		for step := 1; step <= 3; step++ {
			mcpengine.Progress(ctx, float64(step), 3, fmt.Sprintf("camp %d", step))
		}
		return "summit", nil
	})
	mcpengine.AddTool(e, "sign_up", "Asks the user.", func(ctx context.Context, _ nothing) (string, error) {
		who, err := mcpengine.Elicit[login](ctx, "Your GitHub user name?")
		if err != nil {
			return "", err
		}
		return "signed up " + who.User, nil
	})
	mcpengine.AddTool(e, "learn", "Adds the tool new_trick.", func(_ context.Context, _ nothing) (string, error) {
		mcpengine.AddTool(e, "new_trick", "Is new.", func(context.Context, nothing) (string, error) { return "ta-da", nil })
		return "learned", nil
	})
	addCancellation(e)
	addNotes(e)
	return e
}

// addCancellation adds a tool that waits for its cancellation and one that
// waits for the other to be cancelled.
func addCancellation(e *mcpengine.Engine) {
	cancelled := make(chan struct{})
	mcpengine.AddTool(e, "wait", "Waits until it is cancelled.", func(ctx context.Context, _ nothing) (string, error) {
		mcpengine.Progress(ctx, 1, 0, "waiting")
		<-ctx.Done()
		close(cancelled)
		return "", ctx.Err()
	})
	mcpengine.AddTool(e, "wait_cancelled", "Waits until wait is cancelled.", func(ctx context.Context, _ nothing) (string, error) {
		select {
		case <-cancelled:
			return "cancelled", nil
		case <-ctx.Done():
			return "", ctx.Err()
		}
	})
}

func addNotes(e *mcpengine.Engine) {
	mcpengine.AddResource(e, "note://welcome", "The first note.",
		func(context.Context, nothing) (string, error) { return note("note://welcome"), nil },
		mcpengine.WithName("welcome"))
	mcpengine.AddResource(e, "note://{id}", "A note.",
		func(_ context.Context, in noteInput) (string, error) { return note("note://" + in.ID), nil },
		mcpengine.WithName("note"))
	files := []string{"main.go", "main_test.go", "doc.go"}
	mcpengine.AddPrompt(e, "review", "Asks for a review.",
		func(_ context.Context, in reviewInput) (string, error) { return "Review " + in.File + ".", nil },
		mcpengine.WithCompletion("file", func(_ context.Context, value string, _ map[string]string) ([]string, error) {
			var matching []string
			for _, file := range files {
				if strings.HasPrefix(file, value) {
					matching = append(matching, file)
				}
			}
			return matching, nil
		}))
}
