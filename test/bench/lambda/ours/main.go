// Command ours is a weather server of this framework, which AWS Lambda runs as it
// is. TOOLS is how many tools it has, at most 100, each with a type of its own.
package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"

	"github.com/mcpengine/mcpengine"
)

// A place is the input of a tool. The digits make as many types of it as there
// are tools: tools that share one are cheaper to register, and rare.
type place[Tens, Ones any] struct {
	City string `json:"city" jsonschema:"the city to ask about"`
}

type (
	d0 struct{}
	d1 struct{}
	d2 struct{}
	d3 struct{}
	d4 struct{}
	d5 struct{}
	d6 struct{}
	d7 struct{}
	d8 struct{}
	d9 struct{}
)

func main() {
	n, err := strconv.Atoi(os.Getenv("TOOLS"))
	if err == nil {
		err = serve(n)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "ours: error:", err)
		os.Exit(1)
	}
}

func serve(tools int) error {
	e := mcpengine.New("weather")
	adds := slices.Concat(ten[d0](), ten[d1](), ten[d2](), ten[d3](), ten[d4](), ten[d5](), ten[d6](), ten[d7](), ten[d8](), ten[d9]())
	for i, add := range adds[:tools] {
		add(e, fmt.Sprintf("get_weather_%04d", i))
	}
	return e.Run(context.Background())
}

// ten returns functions that add ten tools.
func ten[Tens any]() []func(e *mcpengine.Engine, name string) {
	return []func(e *mcpengine.Engine, name string){
		add[Tens, d0], add[Tens, d1], add[Tens, d2], add[Tens, d3], add[Tens, d4],
		add[Tens, d5], add[Tens, d6], add[Tens, d7], add[Tens, d8], add[Tens, d9],
	}
}

func add[Tens, Ones any](e *mcpengine.Engine, name string) {
	mcpengine.AddTool(e, name, "Tells the weather in a city.", weather[Tens, Ones])
}

func weather[Tens, Ones any](_ context.Context, in place[Tens, Ones]) (string, error) {
	return fmt.Sprintf("Light rain in %s, 9 °C.", in.City), nil
}
