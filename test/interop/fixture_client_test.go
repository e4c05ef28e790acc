package interop_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/mcp"
)

// addQuestions adds a tool for each thing a server can ask of a client.
func addQuestions(e *mcpengine.Engine) {
	mcpengine.AddTool(e, "sign_up", "Asks the user.", func(ctx context.Context, _ nothing) (string, error) {
		who, err := mcpengine.Elicit[login](ctx, "Your GitHub user name?")
		if err != nil {
			return "", err
		}
		return "signed up " + who.User, nil
	})
	mcpengine.AddTool(e, "sign_in", "Sends the user to a page.", func(ctx context.Context, _ nothing) (string, error) {
		if err := mcpengine.ElicitURL(ctx, "Please sign in.", "https://login.example/start"); err != nil {
			return "", err
		}
		return "signed in", nil
	})
	mcpengine.AddTool(e, "ask_model", "Asks the client's model.", func(ctx context.Context, _ nothing) (string, error) {
		question := mcp.SamplingMessage{
			Role:    mcp.RoleUser,
			Content: mcp.SamplingMessageContentBlocks{mcp.TextContent{Text: "Capital of France?"}},
		}
		answer, err := mcpengine.CreateMessage(ctx, mcp.CreateMessageRequestParams{
			Messages: []mcp.SamplingMessage{question}, MaxTokens: 10,
		})
		if err != nil {
			return "", err
		}
		return modelAnswer(answer)
	})
	mcpengine.AddTool(e, "list_roots", "Asks for the user's folders.", func(ctx context.Context, _ nothing) (string, error) {
		roots, err := mcpengine.ListRoots(ctx)
		var uris []string
		for _, root := range roots {
			uris = append(uris, root.URI)
		}
		return strings.Join(uris, " "), err
	})
}

func modelAnswer(answer *mcp.CreateMessageResult) (string, error) {
	if len(answer.Content) == 1 {
		switch text := answer.Content[0].(type) {
		case mcp.TextContent:
			return answer.Model + " says " + text.Text, nil
		case *mcp.TextContent:
			return answer.Model + " says " + text.Text, nil
		}
	}
	return "", fmt.Errorf("the model answered %+v, want one text", answer.Content)
}

// addNews adds tools that send notifications to the client.
func addNews(e *mcpengine.Engine) {
	mcpengine.AddTool(e, "climb", "Reports progress.", func(ctx context.Context, _ nothing) (string, error) {
		for step := 1; step <= 3; step++ {
			mcpengine.Progress(ctx, float64(step), 3, fmt.Sprintf("camp %d", step))
		}
		return "summit", nil
	})
	mcpengine.AddTool(e, "complain", "Logs.", func(ctx context.Context, _ nothing) (string, error) {
		mcpengine.Log(ctx, mcp.LoggingLevelDebug, "fixture", "a detail")
		mcpengine.Log(ctx, mcp.LoggingLevelWarning, "fixture", "a complaint")
		return "complained", nil
	})
	mcpengine.AddTool(e, "touch", "Says that note://welcome has changed.", func(_ context.Context, _ nothing) (string, error) {
		e.ResourceUpdated("note://welcome")
		return "touched", nil
	})
	mcpengine.AddTool(e, "learn", "Adds the tool new_trick.", func(_ context.Context, _ nothing) (string, error) {
		mcpengine.AddTool(e, "new_trick", "Is new.", func(context.Context, nothing) (string, error) { return "ta-da", nil })
		return "learned", nil
	})
}

// addCancellation adds a tool that waits for its cancellation and one that
// waits for the other to be cancelled.
func addCancellation(e *mcpengine.Engine) {
	cancelled := make(chan error, 1)
	mcpengine.AddTool(e, "wait", "Waits until it is cancelled.", func(ctx context.Context, _ nothing) (string, error) {
		mcpengine.Progress(ctx, 1, 0, "waiting")
		<-ctx.Done()
		cancelled <- ctx.Err()
		return "", ctx.Err()
	})
	mcpengine.AddTool(e, "wait_cancelled", "Waits until wait is cancelled.", func(ctx context.Context, _ nothing) (string, error) {
		select {
		case err := <-cancelled:
			if !errors.Is(err, context.Canceled) {
				return "", err
			}
			return "cancelled", nil
		case <-ctx.Done():
			return "", ctx.Err()
		}
	})
}
