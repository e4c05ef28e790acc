package mcpengine_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/mcp"
	"github.com/mcpengine/mcpengine/mcptest"
)

// A server with one tool. Run serves it over HTTP when a person starts the
// program, and over stdio when a host does.
func Example() {
	type Place struct {
		City string `json:"city" jsonschema:"name of the city"`
	}
	e := mcpengine.New("weather")
	mcpengine.AddTool(e, "get_weather", "Return the current weather for a city.",
		func(_ context.Context, in Place) (string, error) {
			return "The weather in " + in.City + " is sunny and 72°F.", nil
		})
	if err := e.Run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

// A listener may come from anywhere: here the system chooses the port.
func ExampleEngine_Serve() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	served := make(chan error, 1)
	go func() { served <- mcpengine.New("weather").Serve(ctx, l) }()

	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+l.Addr().String()+"/healthz", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	fmt.Println(resp.Status)
	stop()
	fmt.Println(<-served)
	// Output:
	// 200 OK
	// <nil>
}

// The options describe the server to clients, and how it works.
func ExampleNew() {
	e := mcpengine.New("weather",
		mcpengine.WithImplementation(mcp.Implementation{Title: "Weather", Version: "1.2.0"}),
		mcpengine.WithInstructions("Forecasts reach seven days."),
		mcpengine.WithLogger(slog.New(slog.NewJSONHandler(os.Stderr, nil))),
	)
	fmt.Println(mcptest.New(e).Instructions())
	// Output:
	// Forecasts reach seven days.
}

// What a handler returns is the result: here a struct, which becomes structured
// content with an output schema.
func ExampleAddTool() {
	type Query struct {
		City string `json:"city" jsonschema:"name of the city"`
		Unit string `json:"unit" enum:"celsius,fahrenheit" default:"celsius"`
	}
	type Weather struct {
		Temperature float64 `json:"temperature"`
		Unit        string  `json:"unit"`
	}
	e := mcpengine.New("weather")
	mcpengine.AddTool(e, "get_weather", "Return the current weather for a city.",
		func(_ context.Context, in Query) (Weather, error) {
			return Weather{Temperature: 21.5, Unit: in.Unit}, nil
		})

	c := mcptest.New(e)
	for _, arguments := range []map[string]any{{"city": "Paris"}, {"city": "Paris", "unit": "kelvin"}} {
		result, err := c.CallTool(context.Background(), "get_weather", arguments)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(result.Text())
	}
	// Output:
	// {"temperature":21.5,"unit":"celsius"}
	// arguments are invalid: unit: must be one of "celsius", "fahrenheit", got "kelvin"
}

// An error is written for the model: it says how to succeed next time.
// Tags bound the arguments. What is refused tells the model what is wanted.
func ExampleAddTool_tags() {
	type Search struct {
		Query string  `json:"query" minLength:"1"`
		Limit int     `json:"limit" minimum:"1" maximum:"50" default:"10"`
		Since *string `json:"since,omitempty" format:"date"`
	}
	e := mcpengine.New("search")
	mcpengine.AddTool(e, "search", "Search the news.",
		func(_ context.Context, in Search) (string, error) {
			return fmt.Sprintf("the first %d results for %q", in.Limit, in.Query), nil
		})

	ctx := context.Background()
	c := mcptest.New(e)
	for _, args := range []map[string]any{
		{"query": "go", "since": nil},
		{"query": "", "limit": 99, "since": "last week"},
	} {
		result, err := c.CallTool(ctx, "search", args)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(result.Text())
	}
	// Output:
	// the first 10 results for "go"
	// arguments are invalid: limit: must be at most 50, got 99; query: must have at least 1 character, got 0; since: must be a date such as 2026-01-31, got "last week"
}

func ExampleAddTool_error() {
	type Query struct {
		Days int `json:"days"`
	}
	e := mcpengine.New("weather")
	mcpengine.AddTool(e, "forecast", "Return the weather of the next days.",
		func(_ context.Context, in Query) (string, error) {
			if in.Days > 7 {
				return "", fmt.Errorf("the forecast reaches 7 days, not %d: ask for fewer", in.Days)
			}
			return "sunny", nil
		})

	result, err := mcptest.New(e).CallTool(context.Background(), "forecast", map[string]int{"days": 10})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.IsError, result.Text())
	// Output:
	// true the forecast reaches 7 days, not 10: ask for fewer
}

// A tool that returns content blocks shows pictures, sound and links.
func ExampleAddTool_content() {
	e := mcpengine.New("weather")
	mcpengine.AddTool(e, "radar", "Return the latest radar image.",
		func(context.Context, struct{}) ([]mcp.ContentBlock, error) {
			return []mcp.ContentBlock{
				mcp.TextContent{Text: "Rain is coming from the west."},
				mcp.ImageContent{Data: []byte("GIF89a"), MIMEType: "image/gif"},
			}, nil
		})

	result, err := mcptest.New(e).CallTool(context.Background(), "radar", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, block := range result.Content {
		fmt.Printf("%T\n", block)
	}
	// Output:
	// mcp.TextContent
	// mcp.ImageContent
}

// A resource has one URI.
func ExampleAddResource() {
	e := mcpengine.New("board")
	mcpengine.AddResource(e, "board://rules", "The rules of the board.",
		func(context.Context, struct{}) (string, error) { return "# Be kind", nil },
		mcpengine.WithMIMEType("text/markdown"),
		mcpengine.WithCache(time.Hour, mcp.CacheScopePublic))

	result, err := mcptest.New(e).ReadResource(context.Background(), "board://rules")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Contents[0].MIMEType, result.Contents[0].Text)
	// Output:
	// text/markdown # Be kind
}

// A URI with variables stands for a family of resources. The handler says which
// of them exist.
func ExampleAddResource_template() {
	type Message struct {
		ID int `json:"id"`
	}
	messages := map[int]string{1: "Hello!"}
	e := mcpengine.New("board")
	mcpengine.AddResource(e, "board://messages/{id}", "A message on the board.",
		func(_ context.Context, in Message) (string, error) {
			text, ok := messages[in.ID]
			if !ok {
				return "", mcpengine.ResourceNotFound(fmt.Sprintf("board://messages/%d", in.ID))
			}
			return text, nil
		})

	c := mcptest.New(e)
	for _, uri := range []string{"board://messages/1", "board://messages/2", "board://messages/x"} {
		result, err := c.ReadResource(context.Background(), uri)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(result.Contents[0].Text)
	}
	// Output:
	// Hello!
	// Resource not found (-32602)
	// arguments are invalid: id: must be an integer, got "x" (-32602)
}

func ExampleAddPrompt() {
	type Review struct {
		Code   string `json:"code" jsonschema:"what to review"`
		Strict bool   `json:"strict,omitempty"`
	}
	e := mcpengine.New("reviewer")
	mcpengine.AddPrompt(e, "review", "Review a piece of code.",
		func(_ context.Context, in Review) (string, error) {
			tone := "kindly"
			if in.Strict {
				tone = "strictly"
			}
			return "Review " + tone + ":\n" + in.Code, nil
		})

	result, err := mcptest.New(e).GetPrompt(context.Background(), "review", map[string]string{"code": "x := 1", "strict": "true"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Messages[0].Content.(mcp.TextContent).Text)
	// Output:
	// Review strictly:
	// x := 1
}

// Suggestions depend on what has been typed and on the other arguments.
func ExampleWithCompletion() {
	type Trip struct {
		Country string `json:"country"`
		City    string `json:"city"`
	}
	cities := map[string][]string{"France": {"Lyon", "Lille", "Paris"}}
	e := mcpengine.New("travel")
	mcpengine.AddPrompt(e, "plan", "Plan a trip.",
		func(_ context.Context, in Trip) (string, error) { return "Plan a trip to " + in.City + ".", nil },
		mcpengine.WithCompletion("city", func(_ context.Context, value string, resolved map[string]string) ([]string, error) {
			return slices.DeleteFunc(slices.Clone(cities[resolved["country"]]), func(city string) bool {
				return !strings.HasPrefix(city, value)
			}), nil
		}))

	completion, err := mcptest.New(e).Complete(context.Background(),
		mcp.PromptReference{Name: "plan"}, "city", "L", map[string]string{"country": "France"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(completion.Values)
	// Output:
	// [Lyon Lille]
}

// An mcp.Error reaches the client as a JSON-RPC error, with its data. For what
// the model can put right, an ordinary error is better.
func Example_protocolError() {
	e := mcpengine.New("weather")
	mcpengine.AddTool(e, "forecast", "",
		func(context.Context, struct{}) (string, error) {
			return "", mcp.Errorf(1, "the weather service is down").WithData(map[string]int{"retryAfter": 60})
		})

	_, err := mcptest.New(e).CallTool(context.Background(), "forecast", nil)
	if refused, ok := errors.AsType[*mcp.Error](err); ok {
		fmt.Println(refused.Code, refused.Message, string(refused.Data))
	}
	// Output:
	// 1 the weather service is down {"retryAfter":60}
}

func ExampleResourceNotFound() {
	err := mcpengine.ResourceNotFound("board://messages/7")
	fmt.Println(err)
	// Output:
	// Resource not found (-32602)
}

// An engine is an http.Handler: mount it beside other handlers and behind
// other middleware.
func ExampleEngine_ServeHTTP() {
	e := mcpengine.New("weather")
	mux := http.NewServeMux()
	mux.Handle("/mcp", e)
	server := &http.Server{Addr: "localhost:8000", Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	server.RegisterOnShutdown(e.Close)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		fmt.Fprintln(os.Stderr, err)
	}
}

func ExampleEngine_ServeStdio() {
	e := mcpengine.New("weather", mcpengine.WithImplementation(mcp.Implementation{Version: "1.2.0"}))
	in := strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{"_meta":{` +
		`"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}` + "\n")
	var out strings.Builder
	if err := e.ServeStdio(context.Background(), in, &out); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(strings.Contains(out.String(), `"name":"weather"`))
	// Output:
	// true
}

// Features come and go while the server runs; clients that subscribed hear of
// it.
func ExampleEngine_RemoveTools() {
	e := mcpengine.New("weather")
	for _, name := range []string{"today", "tomorrow"} {
		mcpengine.AddTool(e, name, "", func(context.Context, struct{}) (string, error) { return "sunny", nil })
	}
	e.RemoveTools("tomorrow")

	tools, err := client.Collect(mcptest.New(e).Tools(context.Background()))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(tools), tools[0].Name)
	// Output:
	// 1 today
}

// Clients that subscribed to a resource hear that it has changed, and read it
// again.
func ExampleEngine_ResourceUpdated() {
	type Message struct {
		Text string `json:"text"`
	}
	var latest atomic.Value // of string: handlers run concurrently
	latest.Store("Hello!")
	e := mcpengine.New("board")
	mcpengine.AddResource(e, "board://latest", "The latest message.",
		func(context.Context, struct{}) (string, error) { return latest.Load().(string), nil })
	mcpengine.AddTool(e, "post", "Post a message.",
		func(_ context.Context, in Message) (string, error) {
			latest.Store(in.Text)
			e.ResourceUpdated("board://latest")
			return "posted", nil
		})
}
