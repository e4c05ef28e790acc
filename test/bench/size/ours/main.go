// Command ours is a minimal weather server that only speaks HTTP.
package main

import (
	"context"
	"log"
	"net/http"

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
	log.Fatal(http.ListenAndServe("localhost:8000", engine))
}
