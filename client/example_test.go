package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/mcp"
)

// exampleServer starts a server and returns its URL.
func exampleServer() (url string, stop func()) {
	e := newEngine()
	s := httptest.NewServer(e)
	return s.URL, func() {
		e.Close()
		s.Close()
	}
}

func ExampleConnect() {
	url, stop := exampleServer()
	defer stop()
	ctx := context.Background()

	c, err := client.Connect(ctx, url)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	text, err := client.Call[string](ctx, c, "weather", map[string]any{"city": "Tokyo"})
	fmt.Println(text, err)
	// Output:
	// sunny in Tokyo <nil>
}

func ExampleCall() {
	url, stop := exampleServer()
	defer stop()
	ctx := context.Background()
	c, err := client.Connect(ctx, url)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()

	type forecast struct {
		City string `json:"city"`
		High int    `json:"high"`
	}
	tomorrow, err := client.Call[forecast](ctx, c, "forecast", map[string]any{"city": "Tokyo"})
	fmt.Println(tomorrow.High, err)
	// Output:
	// 25 <nil>
}

func ExampleClient_Tools() {
	url, stop := exampleServer()
	defer stop()
	ctx := context.Background()
	c, err := client.Connect(ctx, url)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()

	for tool, err := range c.Tools(ctx) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(tool.Name)
	}
	// Output:
	// weather
	// forecast
	// fail
	// climb
	// ask
	// complain
}

func ExampleWithHandlers() {
	e := mcpengine.New("greeter")
	mcpengine.AddTool(e, "greet", "", func(ctx context.Context, _ struct{}) (string, error) {
		who, err := mcpengine.Elicit[struct {
			Name string `json:"name"`
		}](ctx, "Your name?")
		return "Hello " + who.Name, err
	})
	s := httptest.NewServer(e)
	defer s.Close()
	ctx := context.Background()

	c, err := client.Connect(ctx, s.URL, client.WithHandlers(client.Handlers{
		ElicitForm: func(_ context.Context, p mcp.ElicitRequestFormParams) (mcp.ElicitResult, error) {
			fmt.Println(p.Message)
			return mcp.ElicitResult{Action: mcp.ElicitActionAccept, Content: []byte(`{"name":"Ada"}`)}, nil
		},
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	fmt.Println(client.Call[string](ctx, c, "greet", nil))
	// Output:
	// Your name?
	// Hello Ada <nil>
}

func ExampleClient_Listen() {
	e := mcpengine.New("board")
	mcpengine.AddResource(e, "board://rules", "", func(context.Context, struct{}) (string, error) { return "Be kind.", nil })
	s := httptest.NewServer(e)
	defer s.Close()
	defer e.Close()
	ctx := context.Background()
	c, err := client.Connect(ctx, s.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()

	for change, err := range c.Listen(ctx, mcp.SubscriptionFilter{ResourceSubscriptions: []string{"board://rules"}}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		if change.Method == mcp.MethodNotificationsSubscriptionsAcknowledged {
			e.ResourceUpdated("board://rules") // from now on the server tells
			continue
		}
		fmt.Println(change.URI)
		break
	}
	// Output:
	// board://rules
}

func ExampleCommand() {
	_, err := client.Command(context.Background(), client.Process{Path: "/no/such/server", Args: []string{"--stdio"}})
	if e, ok := errors.AsType[*client.UnreachableError](err); ok {
		fmt.Println("sent:", e.Sent)
	}
	// Output:
	// sent: false
}

// Any handler that serves MCP can be called without a network, such as an engine
// behind other handlers.
func ExampleInMemory() {
	ctx := context.Background()
	e := mcpengine.New("greeter")
	mcpengine.AddTool(e, "greet", "", func(context.Context, struct{}) (string, error) { return "Hello.", nil })
	c, err := client.Connect(ctx, "http://greeter/mcp",
		client.WithHTTPClient(&http.Client{Transport: client.InMemory(e)}))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	fmt.Println(client.Call[string](ctx, c, "greet", nil))
	// Output:
	// Hello. <nil>
}

func ExampleWithHeader() {
	ctx := context.Background()
	e := mcpengine.New("greeter")
	mcpengine.AddTool(e, "greet", "", func(context.Context, struct{}) (string, error) { return "Hello.", nil })
	log := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Mcp-Method") == "tools/call" {
			fmt.Println("tenant", r.Header.Get("X-Tenant"))
		}
		e.ServeHTTP(w, r)
	})
	c, err := client.Connect(ctx, "http://greeter/mcp", client.WithHeader("X-Tenant", "blue"),
		client.WithHTTPClient(&http.Client{Transport: client.InMemory(log)}))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	fmt.Println(client.Call[string](ctx, c, "greet", nil))
	// Output:
	// tenant blue
	// Hello. <nil>
}
