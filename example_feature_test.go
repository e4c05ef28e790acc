package mcpengine_test

import (
	"context"
	"fmt"

	"github.com/mcpengine/mcpengine"
)

// A gateway registers what other servers name. What cannot be registered is an
// error, and nothing of what came with it stays.
func ExampleEngine_Add() {
	e := mcpengine.New("gateway")
	var features []mcpengine.Feature
	for _, name := range []string{"search", "send mail"} {
		features = append(features, mcpengine.NewTool(name, "A tool of another server.",
			func(context.Context, map[string]any) (string, error) { return "done", nil },
			mcpengine.WithInputSchema(`{"type":"object"}`)))
	}
	fmt.Println(e.Add(features...))
	fmt.Println(e.Add(features[0]))
	fmt.Print(e.Explain())
	// Output:
	// add tool "send mail": ' ' is not allowed in a name
	// <nil>
	// KIND       NAME                    TOKENS  WHO        WHY
	// discovery  lists, server/discover          everybody  no WithAuth
	// tool       search                      23  everybody  no WithAuth
}

func ExampleNewTool() {
	type place struct {
		City string `json:"city"`
	}
	weather := mcpengine.NewTool("get_weather", "Return the current weather for a city.",
		func(_ context.Context, in place) (string, error) { return in.City + " is sunny.", nil })
	fmt.Println(weather.Kind(), weather.Name())
	// Output:
	// tool get_weather
}

func ExampleNewResource() {
	type message struct {
		ID int `json:"id"`
	}
	rules := mcpengine.NewResource("board://rules", "The rules of the board.",
		func(context.Context, struct{}) (string, error) { return "Be kind.", nil })
	messages := mcpengine.NewResource("board://messages/{id}", "A message.",
		func(_ context.Context, in message) (string, error) { return fmt.Sprint("Message ", in.ID), nil })
	fmt.Println(rules.Kind(), rules.Name())
	fmt.Println(messages.Kind(), messages.Name())
	// Output:
	// resource board://rules
	// template board://messages/{id}
}

func ExampleNewPrompt() {
	type topic struct {
		Topic string `json:"topic"`
	}
	explain := mcpengine.NewPrompt("explain", "Explain a topic.",
		func(_ context.Context, in topic) (string, error) { return "Explain " + in.Topic + ".", nil })
	fmt.Println(explain.Kind(), explain.Name())
	// Output:
	// prompt explain
}

func ExampleEngine_Remove() {
	e := mcpengine.New("weather")
	beta := mcpengine.NewTool("forecast", "", func(context.Context, struct{}) (string, error) { return "Rain.", nil })
	fmt.Println(e.Add(beta))
	e.Remove(beta)
	fmt.Print(e.Explain())
	// Output:
	// <nil>
	// KIND       NAME                    TOKENS  WHO        WHY
	// discovery  lists, server/discover          everybody  no WithAuth
}
