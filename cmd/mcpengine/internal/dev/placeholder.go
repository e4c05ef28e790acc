package dev

import (
	"context"
	"log/slog"
	"net/url"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/contract"
	"github.com/mcpengine/mcpengine/mcp"
)

// placeholder returns a server without features, for the time in which no other
// server runs. Its instructions and its answer to every call say why.
func placeholder(name, why string) *Target {
	quiet := mcpengine.WithLogger(slog.New(slog.DiscardHandler))
	e := mcpengine.New(name, quiet, mcpengine.WithInstructions(why), mcpengine.WithMiddleware(func(next mcpengine.MethodHandler) mcpengine.MethodHandler {
		return func(ctx context.Context, req *mcpengine.Request) (mcpengine.Result, error) {
			if req.Method() != mcp.MethodToolsCall {
				return next(ctx, req)
			}
			return mcpengine.NewResult(&mcp.CallToolResult{Content: []mcp.ContentBlock{mcp.TextContent{Text: why}}, IsError: true}), nil
		}
	}))
	return NewTarget(&url.URL{Scheme: "http", Host: "localhost"}, client.InMemory(e), &contract.Lock{})
}
