// Command engine is an MCP server on Lambda, with as many tools as the variable
// TOOLS says.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/internal/lambda"
)

type place struct {
	City string `json:"city" jsonschema:"name of the city"`
}

func main() {
	n, err := strconv.Atoi(os.Getenv("TOOLS"))
	if err != nil {
		fmt.Fprintln(os.Stderr, "engine: error:", err)
		os.Exit(1)
	}
	e := mcpengine.New("weather")
	for i := range n {
		mcpengine.AddTool(e, "get_weather_"+strconv.Itoa(i), "Return the current weather for a city.", weather)
	}
	mcpengine.AddTool(e, "count", "Count to three.", count)
	stream, err := lambda.ParseMode(os.Getenv)
	if err == nil {
		err = lambda.Run(context.Background(), e, lambda.Config{Stream: stream})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "engine: error:", err)
		os.Exit(1)
	}
}

func weather(_ context.Context, in place) (string, error) {
	return fmt.Sprintf("The weather in %s is sunny and 72°F.", in.City), nil
}

func count(ctx context.Context, _ struct{}) (string, error) {
	for i := range 3 {
		mcpengine.Progress(ctx, float64(i+1), 3, "counting")
	}
	return "three", nil
}
