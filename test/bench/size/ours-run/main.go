// Command ours-run is a minimal weather server with every transport linked.
package main

import (
	"context"
	"log"

	"github.com/mcpengine/mcpengine"
)

type place struct {
	City string `json:"city" jsonschema:"the city to ask about"`
}

func weather(_ context.Context, in place) (string, error) {
	return "Light rain in " + in.City, nil
}

func main() {
	engine := mcpengine.New("weather")
	mcpengine.AddTool(engine, "get_weather", "Tells the weather in a city.", weather)
	if err := engine.Run(context.Background()); err != nil {
		log.Fatal(err)
	}
}
