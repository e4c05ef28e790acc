package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/mcp"
)

type none struct{}

type place struct {
	City   string `json:"city"`
	Region string `json:"region,omitempty" header:"Region"`
}

type forecast struct {
	City string `json:"city"`
	High int    `json:"high"`
}

func newEngine(opts ...mcpengine.Option) *mcpengine.Engine {
	opts = append(opts, mcpengine.WithLogger(slog.New(slog.DiscardHandler)), mcpengine.WithInstructions("Be quick."))
	e := mcpengine.New("fixture", opts...)
	mcpengine.AddTool(e, "weather", "", func(_ context.Context, in place) (string, error) { return "sunny in " + in.City, nil })
	mcpengine.AddTool(e, "forecast", "", func(_ context.Context, in place) (forecast, error) { return forecast{in.City, 25}, nil })
	mcpengine.AddTool(e, "fail", "", func(context.Context, none) (string, error) { return "", errors.New("try Oslo") })
	mcpengine.AddTool(e, "climb", "", func(ctx context.Context, _ none) (string, error) {
		for step := range 3 {
			mcpengine.Progress(ctx, float64(step+1), 3, "")
		}
		return "top", nil
	})
	mcpengine.AddTool(e, "ask", "", func(ctx context.Context, _ none) (string, error) {
		who, err := mcpengine.Elicit[struct {
			Name  string `json:"name"`
			Color string `json:"color" default:"red"`
		}](ctx, "Who?")
		if err != nil {
			return "", err
		}
		roots, err := mcpengine.ListRoots(ctx)
		if err != nil {
			return "", err
		}
		said, err := mcpengine.CreateMessage(ctx, mcp.CreateMessageRequestParams{
			MaxTokens: 10,
			Messages:  []mcp.SamplingMessage{{Role: mcp.RoleUser, Content: mcp.SamplingMessageContentBlocks{mcp.TextContent{Text: "Hi"}}}},
		})
		if err != nil {
			return "", err
		}
		return who.Name + " " + who.Color + " " + roots[0].URI + " " + said.Model, nil
	})
	mcpengine.AddTool(e, "complain", "", func(ctx context.Context, _ none) (string, error) {
		mcpengine.Log(ctx, mcp.LoggingLevelWarning, "fixture", "a complaint")
		return "", nil
	})
	greet := func(_ context.Context, in place) (string, error) { return "hello " + in.City, nil }
	complete := mcpengine.WithCompletion("city", func(_ context.Context, value string, _ map[string]string) ([]string, error) {
		return []string{value + "ris"}, nil
	})
	mcpengine.AddPrompt(e, "greet", "", func(_ context.Context, in struct {
		City string `json:"city"`
	},
	) (string, error) {
		return greet(context.Background(), place{City: in.City})
	}, complete)
	mcpengine.AddResource(e, "note://a", "", func(context.Context, none) (string, error) { return "a note", nil })
	mcpengine.AddResource(e, "greet://{city}", "", func(_ context.Context, in struct {
		City string `json:"city"`
	},
	) (string, error) {
		return greet(context.Background(), place{City: in.City})
	})
	return e
}

// A way is a way to a server: a transport and a version.
type way struct {
	name    string
	version string
	connect func(t *testing.T, e *mcpengine.Engine, opts ...client.Option) (*client.Client, error)
}

var versions = []string{"2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"}

func eachWay(t *testing.T, opts func() []mcpengine.Option, test func(*testing.T, way, *mcpengine.Engine)) {
	t.Helper()
	for _, version := range versions {
		ways := []way{{"http " + version, version, overHTTP}, {"stdio " + version, version, overPipe}}
		if version != versions[0] {
			ways = append(ways, way{"sse " + version, version, overSSE})
		}
		for _, w := range ways {
			t.Run(w.name, func(t *testing.T) {
				t.Parallel()
				var o []mcpengine.Option
				if opts != nil {
					o = opts()
				}
				test(t, w, newEngine(o...))
			})
		}
	}
}

func (w way) client(t *testing.T, e *mcpengine.Engine, opts ...client.Option) *client.Client {
	t.Helper()
	c, err := w.connect(t, e, append(opts, client.WithProtocolVersion(w.version))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func overHTTP(t *testing.T, e *mcpengine.Engine, opts ...client.Option) (*client.Client, error) {
	t.Cleanup(e.Close)
	return client.Connect(t.Context(), serve(t, e), opts...)
}

func overSSE(t *testing.T, e *mcpengine.Engine, opts ...client.Option) (*client.Client, error) {
	t.Cleanup(e.Close)
	return client.Connect(t.Context(), serve(t, e.SSEHandler(""))+"/sse", opts...)
}

func overPipe(t *testing.T, e *mcpengine.Engine, opts ...client.Option) (*client.Client, error) {
	serverIn, out := io.Pipe()
	in, serverOut := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- e.ServeStdio(context.WithoutCancel(t.Context()), serverIn, serverOut)
		serverOut.Close()
	}()
	t.Cleanup(func() {
		serverIn.Close()
		<-ended
	})
	return client.Attach(t.Context(), in, out, opts...)
}

func handlers() client.Handlers {
	return client.Handlers{
		ElicitForm: func(context.Context, mcp.ElicitRequestFormParams) (mcp.ElicitResult, error) {
			return mcp.ElicitResult{Action: mcp.ElicitActionAccept, Content: json.RawMessage(`{"name":"Ada"}`)}, nil
		},
		ListRoots: func(context.Context) ([]mcp.Root, error) { return []mcp.Root{{URI: "file:///work"}}, nil },
		CreateMessage: func(context.Context, mcp.CreateMessageRequestParams) (*mcp.CreateMessageResult, error) {
			return &mcp.CreateMessageResult{
				Role: mcp.RoleAssistant, Model: "small", Content: mcp.SamplingMessageContentBlocks{mcp.TextContent{Text: "Hi"}},
			}, nil
		},
	}
}

func TestEveryWay(t *testing.T) {
	t.Parallel()
	eachWay(t, nil, func(t *testing.T, w way, e *mcpengine.Engine) {
		c := w.client(t, e)
		ctx := t.Context()
		if c.Version() != w.version || c.Server().Name != "fixture" || c.Capabilities().Tools == nil || c.Instructions() != "Be quick." {
			t.Errorf("the server is %q %+v on %s", c.Server().Name, c.Capabilities(), c.Version())
		}
		if got, err := client.Call[string](ctx, c, "weather", place{"Tokyo", "Köln"}); err != nil || got != "sunny in Tokyo" {
			t.Errorf("weather = %q, %v", got, err)
		}
		if got, err := client.Call[forecast](ctx, c, "forecast", place{City: "Tokyo"}); err != nil || got != (forecast{"Tokyo", 25}) {
			t.Errorf("forecast = %+v, %v", got, err)
		}
		_, err := client.Call[string](ctx, c, "fail", nil)
		if failed, ok := errors.AsType[*client.ToolError](err); !ok || !strings.Contains(failed.Error(), "try Oslo") {
			t.Errorf("fail: %v", err)
		}
		_, err = c.CallTool(ctx, "no such tool", nil)
		if rpcErr, ok := errors.AsType[*mcp.Error](err); !ok || rpcErr.Code != mcp.CodeInvalidParams {
			t.Errorf("no such tool: %v", err)
		}
		prompt, err := c.GetPrompt(ctx, "greet", map[string]string{"city": "Paris"})
		if err != nil || prompt.Messages[0].Content.(mcp.TextContent).Text != "hello Paris" {
			t.Errorf("GetPrompt = %+v, %v", prompt, err)
		}
		note, err := c.ReadResource(ctx, "greet://Paris")
		if err != nil || note.Contents[0].Text != "hello Paris" {
			t.Errorf("ReadResource = %+v, %v", note, err)
		}
		completion, err := c.Complete(ctx, mcp.PromptReference{Name: "greet"}, "city", "Pa", nil)
		if err != nil || !slices.Equal(completion.Values, []string{"Paris"}) {
			t.Errorf("Complete = %+v, %v", completion, err)
		}
	})
}

// Lists page by themselves, and can be left at any item.
func TestLists(t *testing.T) {
	t.Parallel()
	small := func() []mcpengine.Option { return []mcpengine.Option{mcpengine.WithPageSize(2)} }
	eachWay(t, small, func(t *testing.T, w way, e *mcpengine.Engine) {
		c := w.client(t, e)
		var names []string
		for tool, err := range c.Tools(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, tool.Name)
		}
		want := []string{"weather", "forecast", "fail", "climb", "ask", "complain"}
		if diff := cmp.Diff(want, names); diff != "" {
			t.Errorf("tools (-want +got):\n%s", diff)
		}
		for range c.Tools(t.Context()) {
			break
		}
		resources, err1 := client.Collect(c.Resources(t.Context()))
		templates, err2 := client.Collect(c.ResourceTemplates(t.Context()))
		prompts, err3 := client.Collect(c.Prompts(t.Context()))
		if err := errors.Join(err1, err2, err3); err != nil || len(resources) != 1 || len(templates) != 1 || len(prompts) != 1 {
			t.Errorf("%d resources, %d templates, %d prompts, %v", len(resources), len(templates), len(prompts), err)
		}
	})
}

// Servers ask in a result or by a request; the handlers do not notice.
func TestHandlers(t *testing.T) {
	t.Parallel()
	eachWay(t, nil, func(t *testing.T, w way, e *mcpengine.Engine) {
		if w.version < "2025-06-18" {
			return // it has no elicitation
		}
		c := w.client(t, e, client.WithHandlers(handlers()))
		if got, err := client.Call[string](t.Context(), c, "ask", nil); err != nil || got != "Ada red file:///work small" {
			t.Errorf("ask = %q, %v", got, err)
		}
	})
}

// If the client answers no questions, the server's tool reports that to the
// model.
func TestNoHandlers(t *testing.T) {
	t.Parallel()
	eachWay(t, nil, func(t *testing.T, w way, e *mcpengine.Engine) {
		c := w.client(t, e)
		if got, err := client.Call[string](t.Context(), c, "ask", nil); err == nil {
			t.Errorf("ask = %q", got)
		}
	})
}

func TestProgressAndLog(t *testing.T) {
	t.Parallel()
	eachWay(t, nil, func(t *testing.T, w way, e *mcpengine.Engine) {
		logged := make(chan string, 1)
		c := w.client(t, e, client.WithHandlers(client.Handlers{Log: func(p mcp.LoggingMessageNotificationParams) {
			logged <- string(p.Level) + " " + string(p.Data)
		}}))
		var steps []float64
		if _, err := c.CallTool(t.Context(), "climb", nil, client.WithProgress(func(p mcp.ProgressNotificationParams) {
			steps = append(steps, p.Progress)
		})); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(steps, []float64{1, 2, 3}) {
			t.Errorf("progress %v", steps)
		}
		if _, err := c.CallTool(t.Context(), "complain", nil); err != nil {
			t.Fatal(err)
		}
		if got := <-logged; got != `warning "a complaint"` {
			t.Errorf("logged %s", got)
		}
	})
}

// The members that a caller adds to "_meta" arrive beside the client's own.
func TestMeta(t *testing.T) {
	t.Parallel()
	eachWay(t, nil, func(t *testing.T, w way, e *mcpengine.Engine) {
		mcpengine.AddTool(e, "trace", "", func(ctx context.Context, _ none) (string, error) {
			mcpengine.Progress(ctx, 1, 1, "")
			return string(mcpengine.RequestFrom(ctx).Meta("com.example/trace")), nil
		})
		progressed := false
		result, err := client.Call[string](t.Context(), w.client(t, e), "trace", nil,
			client.WithMeta(mcp.Meta{"com.example/trace": "00-ab"}),
			client.WithProgress(func(mcp.ProgressNotificationParams) { progressed = true }))
		if err != nil || result != `"00-ab"` || !progressed {
			t.Errorf("trace = %q, %v, progress %v", result, err, progressed)
		}
	})
}

// Listen reports changes, and a changed list is requested again.
func TestListen(t *testing.T) {
	t.Parallel()
	forever := func() []mcpengine.Option {
		return []mcpengine.Option{mcpengine.WithCache(1<<40, mcp.CacheScopePrivate)}
	}
	eachWay(t, forever, func(t *testing.T, w way, e *mcpengine.Engine) {
		c := w.client(t, e)
		before, err := client.Collect(c.Tools(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		var received []string
		filter := mcp.SubscriptionFilter{ToolsListChanged: true, ResourceSubscriptions: []string{"note://a"}}
		for change, err := range c.Listen(t.Context(), filter) {
			if err != nil {
				t.Fatal(err)
			}
			received = append(received, change.Method+" "+change.URI)
			if len(received) == 1 {
				if !change.Honoured.ToolsListChanged || len(change.Honoured.ResourceSubscriptions) != 1 {
					t.Errorf("honoured %+v", change.Honoured)
				}
				mcpengine.AddTool(e, "new", "", func(context.Context, none) (string, error) { return "", nil })
			}
			if len(received) == 2 {
				e.ResourceUpdated("note://a")
			}
			if len(received) == 3 {
				break
			}
		}
		want := []string{
			"notifications/subscriptions/acknowledged ", "notifications/tools/list_changed ", "notifications/resources/updated note://a",
		}
		if diff := cmp.Diff(want, received); diff != "" {
			t.Errorf("received (-want +got):\n%s", diff)
		}
		after, err := client.Collect(c.Tools(t.Context()))
		if err != nil || len(after) != len(before)+1 {
			t.Errorf("%d tools before and %d after, %v", len(before), len(after), err)
		}
	})
}

// With WithTransport the client does not fall back to the other transport.
func TestTransport(t *testing.T) {
	t.Parallel()
	e := newEngine()
	t.Cleanup(e.Close)
	streamable, sse := serve(t, e), serve(t, e.SSEHandler(""))+"/sse"
	for _, test := range []struct {
		url       string
		transport client.Transport
		ok        bool
	}{
		{streamable, client.TransportStreamableHTTP, true},
		{streamable, client.TransportSSE, false},
		{sse, client.TransportSSE, true},
		{sse, client.TransportStreamableHTTP, false},
	} {
		c, err := client.Connect(t.Context(), test.url, client.WithTransport(test.transport))
		if (err == nil) != test.ok {
			t.Errorf("Connect(%s) over %q: %v", test.url, test.transport, err)
		}
		if err == nil {
			c.Close()
		}
	}
}
