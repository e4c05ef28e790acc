// Command plain is a minimal weather server written by hand.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"

	"github.com/mcpengine/mcpengine/test/bench/plain"
)

type place struct {
	City string `json:"city"`
}

func weather(_ context.Context, arguments json.RawMessage, _ plain.Progress) (plain.CallToolResult, error) {
	var in place
	if err := json.Unmarshal(arguments, &in); err != nil {
		return plain.CallToolResult{}, fmt.Errorf("invalid arguments: %w", err)
	}
	return plain.Text("Light rain in " + in.City), nil
}

func main() {
	server := plain.New("weather", "1.0.0")
	server.AddTool(plain.Tool{
		Name:        "get_weather",
		Description: "Tells the weather in a city.",
		InputSchema: plain.Schema{
			Type:       "object",
			Properties: map[string]plain.Schema{"city": {Type: "string", Description: "the city to ask about"}},
			Required:   []string{"city"},
		},
	}, weather)
	log.Fatal(http.ListenAndServe("localhost:8000", server))
}
