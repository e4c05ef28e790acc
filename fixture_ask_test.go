package mcpengine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/mcp"
)

type login struct {
	User string `json:"user" jsonschema:"GitHub user name"`
}

type survey struct {
	Name   string   `json:"name"`
	Age    int      `json:"age,omitempty"`
	Score  float64  `json:"score,omitempty"`
	Member bool     `json:"member" default:"false"`
	Colour string   `json:"colour,omitempty" enum:"red,blue"`
	Tags   []string `json:"tags,omitempty" enum:"new,old"`
}

// askFixture has features that ask the client for input.
func askFixture(opts ...mcpengine.Option) *mcpengine.Engine {
	e := newFixture(opts)
	addQuestions(e)
	addSequences(e)
	addMistakes(e)
	askName := func(ctx context.Context, _ none) (string, error) {
		in, err := mcpengine.Elicit[login](ctx, "Your name?", mcpengine.WithKey("login"))
		return "hello " + in.User, err
	}
	mcpengine.AddTool(e, "login", "", askName)
	mcpengine.AddTool(e, "other_login", "", askName)
	mcpengine.AddPrompt(e, "login", "", askName)
	mcpengine.AddResource(e, "ask://login", "", askName)
	mcpengine.AddTool(e, "idle", "", func(context.Context, none) (string, error) { return "asks nothing", nil })
	return e
}

// addQuestions adds a tool for each thing there is to ask.
func addQuestions(e *mcpengine.Engine) {
	mcpengine.AddTool(e, "survey", "", func(ctx context.Context, _ none) (string, error) {
		in, err := mcpengine.Elicit[survey](ctx, "Tell us about you.", mcpengine.WithKey("survey"))
		return fmt.Sprintf("%+v", in), err
	})
	mcpengine.AddTool(e, "titled", "", func(ctx context.Context, _ none) (string, error) {
		in, err := mcpengine.Elicit[map[string]any](ctx, "Which one?", mcpengine.WithKey("titled"),
			mcpengine.WithRequestedSchema(`{"type":"object","properties":{"pet":{"type":"string","oneOf":[{"const":"c","title":"Cat"},{"const":"d","title":"Dog"}]}},"required":["pet"]}`))
		return fmt.Sprint(in["pet"]), err
	})
	mcpengine.AddTool(e, "visit", "", func(ctx context.Context, _ none) (string, error) {
		err := mcpengine.ElicitURL(ctx, "Please sign in.", "https://login.example/start", mcpengine.WithKey("visit"))
		switch {
		case errors.Is(err, mcpengine.ErrDeclined):
			return "they declined", nil
		case errors.Is(err, mcpengine.ErrCancelled):
			return "they cancelled", nil
		}
		return "visited", err
	})
	message := mcp.CreateMessageRequestParams{
		Messages:  []mcp.SamplingMessage{{Role: mcp.RoleUser, Content: mcp.SamplingMessageContentBlocks{mcp.TextContent{Text: "Capital of France?"}}}},
		MaxTokens: 10,
	}
	sample := func(name string, params mcp.CreateMessageRequestParams) {
		mcpengine.AddTool(e, name, "", func(ctx context.Context, _ none) (string, error) {
			answer, err := mcpengine.CreateMessage(ctx, params, mcpengine.WithKey("sample"))
			if err != nil {
				return "", err
			}
			content, err := json.Marshal(answer.Content)
			return answer.Model + ": " + string(content), err
		})
	}
	sample("sample", message)
	withTools, withContext := message, message
	withTools.Tools = []mcp.Tool{{Name: "look", InputSchema: json.RawMessage(`{"type":"object"}`)}}
	sample("sample_tools", withTools)
	withContext.IncludeContext = mcp.IncludeContextThisServer
	sample("sample_context", withContext)
	mcpengine.AddTool(e, "roots", "", func(ctx context.Context, _ none) (string, error) {
		roots, err := mcpengine.ListRoots(ctx, mcpengine.WithKey("roots"))
		return fmt.Sprint(roots), err
	})
}

// addSequences adds tools that ask more than one thing. They tell how often
// they and their steps have run, which a real handler could not do: it may run
// in another replica each time.
func addSequences(e *mcpengine.Engine) {
	var runs, steps atomic.Int64
	mcpengine.AddTool(e, "together", "", func(ctx context.Context, _ none) (string, error) {
		in, err1 := mcpengine.Elicit[login](ctx, "Your name?", mcpengine.WithKey("login"))
		roots, err2 := mcpengine.ListRoots(ctx, mcpengine.WithKey("roots"))
		if err := errors.Join(err1, err2); err != nil {
			return "", err
		}
		return fmt.Sprintf("%s has %d roots", in.User, len(roots)), nil
	})
	mcpengine.AddTool(e, "in_turn", "", func(ctx context.Context, _ none) (string, error) {
		run := runs.Add(1)
		ticket, err := mcpengine.Step(ctx, "open", func(context.Context) (string, error) {
			return fmt.Sprintf("ticket %d", steps.Add(1)), nil
		})
		if err != nil {
			return "", err
		}
		first, err := mcpengine.Elicit[login](ctx, "Your name?", mcpengine.WithKey("first"))
		if err != nil {
			return "", err
		}
		second, err := mcpengine.Elicit[login](ctx, "And your friend's, "+first.User+"?", mcpengine.WithKey("second"))
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%s: %s and %s after %d runs", ticket, first.User, second.User, run), nil
	})
	mcpengine.AddTool(e, "derived", "", func(ctx context.Context, _ none) (string, error) {
		first, err1 := mcpengine.Elicit[login](ctx, "Your name?")
		second, err2 := mcpengine.Elicit[login](ctx, "Your name?")
		if err := errors.Join(err1, err2); err != nil {
			return "", err
		}
		return first.User + " and " + second.User, nil
	})
	type amount struct {
		Euros int `json:"euros"`
		Cents int `json:"cents,omitempty"`
	}
	mcpengine.AddTool(e, "pay", "", func(ctx context.Context, in amount) (string, error) {
		err := mcpengine.ElicitURL(ctx, "Confirm.", "https://bank.example/pay", mcpengine.WithKey("confirm"))
		return fmt.Sprintf("paid %d.%02d", in.Euros, in.Cents), err
	})
}

// addMistakes adds tools that ask what must not be asked.
func addMistakes(e *mcpengine.Engine) {
	mistake := func(name string, ask func(ctx context.Context) error) {
		mcpengine.AddTool(e, name, "", func(ctx context.Context, _ none) (string, error) { return "done", ask(ctx) })
	}
	mistake("nested_form", func(ctx context.Context) error {
		_, err := mcpengine.Elicit[struct{ Inner login }](ctx, "")
		return err
	})
	mistake("free_list", func(ctx context.Context) error {
		_, err := mcpengine.Elicit[struct{ Names []string }](ctx, "")
		return err
	})
	mistake("no_struct", func(ctx context.Context) error {
		_, err := mcpengine.Elicit[string](ctx, "")
		return err
	})
	mistake("invalid_form", func(ctx context.Context) error {
		_, err := mcpengine.Elicit[login](ctx, "", mcpengine.WithRequestedSchema(`{"type":"nothing"}`))
		return err
	})
	mistake("relative_url", func(ctx context.Context) error { return mcpengine.ElicitURL(ctx, "", "/login") })
	mistake("same_key", func(ctx context.Context) (err error) {
		for _, url := range []string{"https://server.example/1", "https://server.example/2"} {
			err = mcpengine.ElicitURL(ctx, "", url, mcpengine.WithKey("k"))
		}
		return err
	})
	mistake("same_step", func(ctx context.Context) error {
		for range 2 {
			if _, err := mcpengine.Step(ctx, "s", func(context.Context) (int, error) { return 1, nil }); err != nil {
				return err
			}
		}
		return nil
	})
	mistake("failed_step", func(ctx context.Context) error {
		_, err := mcpengine.Step(ctx, "s", func(context.Context) (int, error) { return 0, errors.New("the step failed") })
		return err
	})
	mistake("unencodable_step", func(ctx context.Context) error {
		_, err := mcpengine.Step(ctx, "s", func(context.Context) (any, error) { return func() {}, nil })
		return err
	})
	mistake("too_many", func(ctx context.Context) (err error) {
		for i := range 33 {
			err = mcpengine.ElicitURL(ctx, "", fmt.Sprintf("https://server.example/%d", i))
		}
		return err
	})
	mistake("too_large", func(ctx context.Context) error {
		if _, err := mcpengine.Step(ctx, "s", func(context.Context) ([]byte, error) { return make([]byte, 60_000), nil }); err != nil {
			return err
		}
		return mcpengine.ElicitURL(ctx, "", "https://server.example/")
	})
}
