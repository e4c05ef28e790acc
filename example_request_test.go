package mcpengine_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/mcp"
	"github.com/mcpengine/mcpengine/mcptest"
)

// The first run of the handler ends at the question; the client asks the user
// and sends the request again, and the second run gets the answer.
func ExampleElicit() {
	type Booking struct {
		Seats int  `json:"seats" jsonschema:"how many seats"`
		Aisle bool `json:"aisle,omitempty" jsonschema:"prefer the aisle"`
	}
	e := mcpengine.New("travel")
	mcpengine.AddTool(e, "book", "Book a train.",
		func(ctx context.Context, _ struct{}) (string, error) {
			in, err := mcpengine.Elicit[Booking](ctx, "What shall I book?")
			if errors.Is(err, mcpengine.ErrDeclined) {
				return "Nothing was booked.", nil
			}
			if err != nil {
				return "", err
			}
			return fmt.Sprintf("Booked %d seats.", in.Seats), nil
		})

	c := mcptest.New(e, client.WithHandlers(client.Handlers{ElicitForm: mcptest.Accept(Booking{Seats: 2})}))
	result, err := c.CallTool(context.Background(), "book", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Text())
	// Output:
	// Booked 2 seats.
}

// Questions that do not depend on each other are asked in one round when their
// errors are looked at together.
func ExampleElicit_together() {
	type Name struct {
		Name string `json:"name"`
	}
	e := mcpengine.New("greeter")
	mcpengine.AddTool(e, "greet", "",
		func(ctx context.Context, _ struct{}) (string, error) {
			in, err1 := mcpengine.Elicit[Name](ctx, "Your name?", mcpengine.WithKey("name"))
			roots, err2 := mcpengine.ListRoots(ctx, mcpengine.WithKey("roots"))
			if err := errors.Join(err1, err2); err != nil {
				return "", err
			}
			return fmt.Sprintf("Hello %s, you work in %d folders.", in.Name, len(roots)), nil
		})

	c := mcptest.New(e, client.WithHandlers(client.Handlers{
		ElicitForm: mcptest.Accept(Name{"Ann"}),
		ListRoots:  func(context.Context) ([]mcp.Root, error) { return []mcp.Root{{URI: "file:///home/ann"}}, nil },
	}))
	result, err := c.CallTool(context.Background(), "greet", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Text())
	// Output:
	// Hello Ann, you work in 1 folders.
}

// A form given as a schema says what a Go type cannot, such as the titles of
// choices.
func ExampleWithRequestedSchema() {
	type Choice struct {
		Pet string `json:"pet"`
	}
	const form = `{
		"type": "object",
		"properties": {"pet": {"type": "string", "oneOf": [{"const": "c", "title": "Cat"}, {"const": "d", "title": "Dog"}]}},
		"required": ["pet"]
	}`
	e := mcpengine.New("shelter")
	mcpengine.AddTool(e, "adopt", "Adopt a pet.",
		func(ctx context.Context, _ struct{}) (string, error) {
			in, err := mcpengine.Elicit[Choice](ctx, "Which one?", mcpengine.WithRequestedSchema(form))
			return in.Pet, err
		})
}

// A secret is entered on a page of the server's own, where the client cannot
// see it.
func ExampleElicitURL() {
	e := mcpengine.New("bank")
	mcpengine.AddTool(e, "pay", "Pay a bill.",
		func(ctx context.Context, _ struct{}) (string, error) {
			if err := mcpengine.ElicitURL(ctx, "Please confirm the payment.", "https://bank.example/confirm/42"); err != nil {
				return "", err
			}
			return "Thank you.", nil
		})

	c := mcptest.New(e, client.WithHandlers(client.Handlers{
		ElicitURL: func(context.Context, mcp.ElicitRequestURLParams) (mcp.ElicitResult, error) {
			return mcp.ElicitResult{Action: mcp.ElicitActionDecline}, nil
		},
	}))
	result, err := c.CallTool(context.Background(), "pay", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.IsError, result.Text())
	// Output:
	// true the user declined
}

// The client's model answers.
func ExampleCreateMessage() {
	e := mcpengine.New("writer")
	mcpengine.AddTool(e, "summarise", "",
		func(ctx context.Context, _ struct{}) (string, error) {
			answer, err := mcpengine.CreateMessage(ctx, mcp.CreateMessageRequestParams{
				Messages: []mcp.SamplingMessage{{
					Role:    mcp.RoleUser,
					Content: mcp.SamplingMessageContentBlocks{mcp.TextContent{Text: "Summarise: …"}},
				}},
				MaxTokens: 100,
			})
			if err != nil {
				return "", err
			}
			return fmt.Sprintf("%s used %d block", answer.Model, len(answer.Content)), nil
		})

	c := mcptest.New(e, client.WithHandlers(client.Handlers{
		CreateMessage: func(context.Context, mcp.CreateMessageRequestParams) (*mcp.CreateMessageResult, error) {
			return &mcp.CreateMessageResult{
				Role: mcp.RoleAssistant, Model: "model-1",
				Content: mcp.SamplingMessageContentBlocks{mcp.TextContent{Text: "It is short."}},
			}, nil
		},
	}))
	result, err := c.CallTool(context.Background(), "summarise", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Text())
	// Output:
	// model-1 used 1 block
}

func ExampleListRoots() {
	e := mcpengine.New("files")
	mcpengine.AddTool(e, "folders", "",
		func(ctx context.Context, _ struct{}) (string, error) {
			roots, err := mcpengine.ListRoots(ctx)
			if err != nil {
				return "", err
			}
			return roots[0].URI, nil
		})

	_, err := mcptest.New(e).CallTool(context.Background(), "folders", nil)
	fmt.Println(err)
	c := mcptest.New(e, client.WithHandlers(client.Handlers{
		ListRoots: func(context.Context) ([]mcp.Root, error) { return []mcp.Root{{URI: "file:///home/ann"}}, nil },
	}))
	result, err := c.CallTool(context.Background(), "folders", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Text())
	// Output:
	// the client lacks a capability that this request needs (-32021)
	// file:///home/ann
}

// A side effect before a question belongs into a step: the handler runs twice,
// the step once.
func ExampleStep() {
	type Confirm struct {
		Sure bool `json:"sure"`
	}
	e := mcpengine.New("shop")
	mcpengine.AddTool(e, "order", "",
		func(ctx context.Context, _ struct{}) (string, error) {
			number, err := mcpengine.Step(ctx, "reserve", func(context.Context) (int, error) {
				fmt.Println("reserving")
				return 42, nil
			})
			if err != nil {
				return "", err
			}
			if _, err := mcpengine.Elicit[Confirm](ctx, "Are you sure?"); err != nil {
				return "", err
			}
			return fmt.Sprint("ordered number ", number), nil
		})

	c := mcptest.New(e, client.WithHandlers(client.Handlers{ElicitForm: mcptest.Accept(Confirm{Sure: true})}))
	result, err := c.CallTool(context.Background(), "order", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Text())
	// Output:
	// reserving
	// ordered number 42
}

func ExampleProgress() {
	e := mcpengine.New("files")
	mcpengine.AddTool(e, "index", "",
		func(ctx context.Context, _ struct{}) (string, error) {
			for i := range 2 {
				mcpengine.Progress(ctx, float64(i+1), 2, "indexing")
			}
			return "done", nil
		})

	show := client.WithProgress(func(p mcp.ProgressNotificationParams) { fmt.Println(p.Progress, "of", *p.Total, p.Message) })
	if _, err := mcptest.New(e).CallTool(context.Background(), "index", nil, show); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 1 of 2 indexing
	// 2 of 2 indexing
}

func ExampleLog() {
	e := mcpengine.New("files")
	mcpengine.AddTool(e, "index", "",
		func(ctx context.Context, _ struct{}) (string, error) {
			mcpengine.Log(ctx, mcp.LoggingLevelDebug, "indexer", "starting")
			mcpengine.Log(ctx, mcp.LoggingLevelWarning, "indexer", map[string]int{"skipped": 3})
			return "done", nil
		})

	c := mcptest.New(e, client.WithHandlers(client.Handlers{
		Log: func(m mcp.LoggingMessageNotificationParams) { fmt.Println(m.Level, m.Logger, string(m.Data)) },
	}))
	if _, err := c.CallTool(context.Background(), "index", nil); err != nil {
		fmt.Println(err)
	}
	// Output:
	// warning indexer {"skipped":3}
}

// A handler learns who asks from its context.
func ExampleRequestFrom() {
	e := mcpengine.New("greeter")
	mcpengine.AddTool(e, "greet", "",
		func(ctx context.Context, _ struct{}) (string, error) {
			req := mcpengine.RequestFrom(ctx)
			return fmt.Sprintf("%s calls %s", req.ClientInfo().Name, req.Name()), nil
		})

	result, err := mcptest.New(e).CallTool(context.Background(), "greet", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Text())
	// Output:
	// mcptest calls greet
}

// A middleware sees every request and may answer it itself.
func ExampleWithMiddleware() {
	readOnly := func(next mcpengine.MethodHandler) mcpengine.MethodHandler {
		return func(ctx context.Context, req *mcpengine.Request) (mcpengine.Result, error) {
			if req.Method() == mcp.MethodToolsCall && req.Name() == "delete" {
				return mcpengine.Result{}, mcp.Errorf(1, "%s is closed for maintenance", req.Name())
			}
			return next(ctx, req)
		}
	}
	e := mcpengine.New("files", mcpengine.WithMiddleware(readOnly))
	mcpengine.AddTool(e, "delete", "", func(context.Context, struct{}) (string, error) { return "deleted", nil })

	_, err := mcptest.New(e).CallTool(context.Background(), "delete", nil)
	fmt.Println(err)
	// Output:
	// delete is closed for maintenance (1)
}

// A middleware may replace the parameters, and the result as a value of package
// mcp.
func ExampleRequest_SetParams() {
	latest := func(next mcpengine.MethodHandler) mcpengine.MethodHandler {
		return func(ctx context.Context, req *mcpengine.Request) (mcpengine.Result, error) {
			if req.Method() != mcp.MethodResourcesRead {
				return next(ctx, req)
			}
			var params mcp.ReadResourceRequestParams
			if err := req.DecodeParams(&params); err != nil {
				return mcpengine.Result{}, err
			}
			params.URI = strings.TrimSuffix(params.URI, "/latest")
			if err := req.SetParams(params); err != nil {
				return mcpengine.Result{}, err
			}
			result, err := next(ctx, req)
			if err != nil {
				return mcpengine.Result{}, err
			}
			var read mcp.ReadResourceResult
			if err := result.Decode(&read); err != nil {
				return mcpengine.Result{}, err
			}
			read.Contents[0].Text += " (checked)"
			return mcpengine.NewResult(read), nil
		}
	}
	e := mcpengine.New("board", mcpengine.WithMiddleware(latest))
	mcpengine.AddResource(e, "board://rules", "", func(context.Context, struct{}) (string, error) { return "Be kind.", nil })

	result, err := mcptest.New(e).ReadResource(context.Background(), "board://rules/latest")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Contents[0].Text)
	// Output:
	// Be kind. (checked)
}

// A middleware answers in the place of a tool.
func ExampleNewResult() {
	closed := func(next mcpengine.MethodHandler) mcpengine.MethodHandler {
		return func(ctx context.Context, req *mcpengine.Request) (mcpengine.Result, error) {
			if req.Method() != mcp.MethodToolsCall {
				return next(ctx, req)
			}
			return mcpengine.NewResult(&mcp.CallToolResult{
				Content: mcp.ContentBlocks{mcp.TextContent{Text: "The station is closed on Sundays: try again tomorrow."}},
				IsError: true,
			}), nil
		}
	}
	e := mcpengine.New("weather", mcpengine.WithMiddleware(closed))
	mcpengine.AddTool(e, "forecast", "", func(context.Context, struct{}) (string, error) { return "Rain.", nil })

	result, err := mcptest.New(e).CallTool(context.Background(), "forecast", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Text())
	// Output:
	// The station is closed on Sundays: try again tomorrow.
}

// A middleware counts failures without decoding any result.
func ExampleResult_ToolError() {
	failures := func(next mcpengine.MethodHandler) mcpengine.MethodHandler {
		return func(ctx context.Context, req *mcpengine.Request) (mcpengine.Result, error) {
			result, err := next(ctx, req)
			if failed := errors.Join(err, result.ToolError()); failed != nil {
				fmt.Println(req.Method(), req.Name(), "failed:", failed)
			}
			return result, err
		}
	}
	e := mcpengine.New("weather", mcpengine.WithMiddleware(failures))
	mcpengine.AddTool(e, "forecast", "", func(context.Context, struct{}) (string, error) {
		return "", errors.New("the forecast reaches 7 days")
	})

	if _, err := mcptest.New(e).CallTool(context.Background(), "forecast", nil); err != nil {
		fmt.Println(err)
	}
	// Output:
	// tools/call forecast failed: the forecast reaches 7 days
}

// A long call lets go of its connection. Clients of protocol version 2025-11-25
// come back for the answer, and others do not notice.
func ExampleRequest_CloseStream() {
	e := mcpengine.New("press")
	mcpengine.AddTool(e, "print", "Print a book.", func(ctx context.Context, _ struct{}) (string, error) {
		mcpengine.Progress(ctx, 1, 300, "printing")
		mcpengine.RequestFrom(ctx).CloseStream(10 * time.Second)
		return "printed", nil
	})
}

// An interceptor of tool calls sees the handler's own error.
func ExampleWithToolMiddleware() {
	audit := func(next mcpengine.ToolHandler) mcpengine.ToolHandler {
		return func(ctx context.Context, params *mcp.CallToolRequestParams) (*mcp.CallToolResult, error) {
			result, err := next(ctx, params)
			fmt.Println("called", params.Name, string(params.Arguments), err)
			return result, err
		}
	}
	e := mcpengine.New("weather", mcpengine.WithToolMiddleware(audit))
	mcpengine.AddTool(e, "forecast", "", func(context.Context, struct{}) (string, error) {
		return "", errors.New("the forecast reaches 7 days")
	})

	if _, err := mcptest.New(e).CallTool(context.Background(), "forecast", nil); err != nil {
		fmt.Println(err)
	}
	// Output:
	// called forecast {} the forecast reaches 7 days
}

// The keys come from the environment, so that every replica has the same ones.
// To rotate them, put the new one in front of the old one.
// Engine.Run reads MCPENGINE_KEYS by itself. An engine that is mounted in a
// server of your own is given the keys.
func ExampleWithKeys() {
	keys, err := mcpengine.ParseKeys(os.Getenv("MCPENGINE_KEYS"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	e := mcpengine.New("shop", mcpengine.WithKeys(keys[0], keys[1:]...))
	http.Handle("/mcp", e)
}

// Two servers may share keys. What one seals, the other refuses.
func ExampleWithServerIdentity() {
	mcpengine.New("shop", mcpengine.WithServerIdentity("shop in "+os.Getenv("STAGE")))
}

func ExampleParseKeys() {
	keys, err := mcpengine.ParseKeys("0000000000000000000000000000000000000000000000000000000000000001")
	fmt.Println(len(keys), err)
	// Output: 1 <nil>
}

// A schema given as JSON reaches clients as it is written.
func ExampleWithInputSchema() {
	e := mcpengine.New("travel")
	mcpengine.AddTool(e, "book", "Book a trip.",
		func(_ context.Context, in map[string]any) (string, error) { return fmt.Sprint(len(in)), nil },
		mcpengine.WithInputSchema(`{
			"type": "object",
			"properties": {"train": {"type": "string"}, "plane": {"type": "string"}},
			"oneOf": [{"required": ["train"]}, {"required": ["plane"]}]
		}`))

	tools, err := client.Collect(mcptest.New(e).Tools(context.Background()))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(tools[0].InputSchema))
	// Output:
	// {"type":"object","properties":{"train":{"type":"string"},"plane":{"type":"string"}},"oneOf":[{"required":["train"]},{"required":["plane"]}]}
}

// Annotations tell clients what a call does to the world.
func ExampleWithToolAnnotations() {
	harmless := false
	e := mcpengine.New("files")
	mcpengine.AddTool(e, "search", "Search the files.",
		func(context.Context, struct{}) (string, error) { return "nothing", nil },
		mcpengine.WithTitle("Search"),
		mcpengine.WithToolAnnotations(mcp.ToolAnnotations{ReadOnlyHint: true, DestructiveHint: &harmless}))

	tools, err := client.Collect(mcptest.New(e).Tools(context.Background()))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(tools[0].Title, tools[0].Annotations.ReadOnlyHint)
	// Output:
	// Search true
}

// A web page of this origin may call the server.
func ExampleHTTPConfig() {
	mcpengine.New("weather", mcpengine.WithHTTP(mcpengine.HTTPConfig{
		AllowedOrigins: []string{"https://app.example"},
		AllowedHosts:   []string{"mcp.example"},
	}))
}
