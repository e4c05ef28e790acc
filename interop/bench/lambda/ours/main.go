// Command ours is a weather server of this framework, which AWS Lambda runs as it
// is. TOOLS is how many tools it has.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"

	"github.com/mcpengine/mcpengine"
)

type place struct {
	City string `json:"city" jsonschema:"the city to ask about"`
}

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
	for i := range tools {
		mcpengine.AddTool(e, fmt.Sprintf("get_weather_%04d", i), "Tells the weather in a city.", weather)
	}
	return e.Run(context.Background())
}

func weather(_ context.Context, in place) (string, error) {
	return fmt.Sprintf("Light rain in %s, 9 °C.", in.City), nil
}
