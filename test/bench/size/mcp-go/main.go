// Command mcp-go is a minimal weather server on mcp-go.
package main

import (
	"context"
	"log"
	"net/http"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

type place struct {
	City string `json:"city" jsonschema:"the city to ask about"`
}

func weather(_ context.Context, _ mcp.CallToolRequest, in place) (*mcp.CallToolResult, error) {
	return mcp.NewToolResultText("Light rain in " + in.City), nil
}

func main() {
	engine := server.NewMCPServer("weather", "1.0.0", server.WithInputSchemaValidation())
	engine.AddTool(mcp.NewTool("get_weather", mcp.WithDescription("Tells the weather in a city."),
		mcp.WithInputSchema[place]()), mcp.NewTypedToolHandler(weather))
	handler := server.NewStreamableHTTPServer(engine, server.WithStateLess(true))
	log.Fatal(http.ListenAndServe("localhost:8000", handler))
}
