package mcptest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/mcp"
	"github.com/mcpengine/mcpengine/mcptest"
)

// A test calls a tool as a client does, through the whole server.
func Example() {
	type Place struct {
		City string `json:"city"`
	}
	e := mcpengine.New("weather")
	mcpengine.AddTool(e, "get_weather", "Return the current weather for a city.",
		func(_ context.Context, in Place) (string, error) { return "It is sunny in " + in.City + ".", nil })

	result, err := mcptest.New(e).CallTool(context.Background(), "get_weather", map[string]any{"city": "Paris"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Content[0].(mcp.TextContent).Text)
	// Output:
	// It is sunny in Paris.
}

// Answer plays the user of a server that asks.
func ExampleClient_answer() {
	type Name struct {
		Name string `json:"name"`
	}
	e := mcpengine.New("greeter")
	mcpengine.AddTool(e, "greet", "",
		func(ctx context.Context, _ struct{}) (string, error) {
			in, err := mcpengine.Elicit[Name](ctx, "Your name?")
			return "Hello " + in.Name + ".", err
		})

	c := mcptest.New(e)
	c.Capabilities.Elicitation = &mcp.ElicitationCapability{}
	c.Answer = func(_ string, request mcp.InputRequest) (any, error) {
		if request.Method != mcp.MethodElicitationCreate {
			return nil, fmt.Errorf("unexpected %s", request.Method)
		}
		return mcp.ElicitResult{Action: mcp.ElicitActionAccept, Content: json.RawMessage(`{"name":"Ann"}`)}, nil
	}
	result, err := c.CallTool(context.Background(), "greet", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Content[0].(mcp.TextContent).Text)
	// Output:
	// Hello Ann.
}

// Listen runs until the test has heard enough.
func ExampleClient_Listen() {
	e := mcpengine.New("weather")
	add := func(name string) {
		mcpengine.AddTool(e, name, "", func(context.Context, struct{}) (string, error) { return "sunny", nil })
	}
	add("today")
	ctx, cancel := context.WithCancel(context.Background())
	err := mcptest.New(e).Listen(ctx, mcp.SubscriptionFilter{ToolsListChanged: true}, func(method string, _ json.RawMessage) {
		fmt.Println(method)
		if method == mcp.MethodNotificationsSubscriptionsAcknowledged {
			add("tomorrow")
			return
		}
		cancel()
	})
	fmt.Println(err)
	// Output:
	// notifications/subscriptions/acknowledged
	// notifications/tools/list_changed
	// <nil>
}

func ExampleError() {
	e := mcpengine.New("board")
	mcpengine.AddResource(e, "board://rules", "", func(context.Context, struct{}) (string, error) { return "Be kind.", nil })

	_, err := mcptest.New(e).ReadResource(context.Background(), "board://unknown")
	if refused, ok := errors.AsType[*mcptest.Error](err); ok {
		fmt.Println(refused.Code, refused.Message, string(refused.Data))
	}
	// Output:
	// -32602 Resource not found {"uri":"board://unknown"}
}
