package mcptest_test

import (
	"context"
	"fmt"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/client"
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

	result, err := mcptest.New(e).CallTool(context.Background(), "get_weather", Place{City: "Paris"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Text())
	// Output:
	// It is sunny in Paris.
}

// An old host calls the same server.
func ExampleNew_oldHost() {
	e := mcpengine.New("weather")
	mcpengine.AddTool(e, "lucky_number", "Return a lucky number.",
		func(context.Context, struct{}) (int, error) { return 7, nil })

	for _, version := range []string{"2026-07-28", "2025-06-18", "2024-11-05"} {
		c := mcptest.New(e, client.WithProtocolVersion(version))
		result, err := c.CallTool(context.Background(), "lucky_number", nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(c.Version(), result.Text(), string(result.StructuredContent))
		c.Close()
	}
	// Output:
	// 2026-07-28 7 7
	// 2025-06-18 7 {"result":7}
	// 2024-11-05 7
}

// Accept plays the user of a server that asks.
func ExampleAccept() {
	type Name struct {
		Name string `json:"name"`
	}
	e := mcpengine.New("greeter")
	mcpengine.AddTool(e, "greet", "",
		func(ctx context.Context, _ struct{}) (string, error) {
			in, err := mcpengine.Elicit[Name](ctx, "Your name?")
			return "Hello " + in.Name + ".", err
		})

	c := mcptest.New(e, client.WithHandlers(client.Handlers{ElicitForm: mcptest.Accept(Name{"Ann"})}))
	result, err := c.CallTool(context.Background(), "greet", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Text())
	// Output:
	// Hello Ann.
}

// A test listens until it has what it waits for.
func ExampleNew_listen() {
	e := mcpengine.New("weather")
	add := func(name string) {
		mcpengine.AddTool(e, name, "", func(context.Context, struct{}) (string, error) { return "sunny", nil })
	}
	add("today")
	for change, err := range mcptest.New(e).Listen(context.Background(), mcp.SubscriptionFilter{ToolsListChanged: true}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(change.Method)
		if change.Method == mcp.MethodNotificationsToolsListChanged {
			break
		}
		add("tomorrow")
	}
	// Output:
	// notifications/subscriptions/acknowledged
	// notifications/tools/list_changed
}
