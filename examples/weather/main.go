// Command weather is an MCP server with one tool:
//
//	go run ./examples/weather    # in a terminal: HTTP at http://localhost:8000/mcp
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/mcpengine/mcpengine"
)

type place struct {
	City string `json:"city" jsonschema:"name of the city"`
}

func main() {
	e := mcpengine.New("weather")
	mcpengine.AddTool(e, "get_weather", "Return the current weather for a city.",
		func(_ context.Context, in place) (string, error) {
			return fmt.Sprintf("The weather in %s is sunny and 72°F.", in.City), nil
		})
	if err := e.Run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "weather: error:", err)
		os.Exit(1)
	}
}
