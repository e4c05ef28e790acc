package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// serveMCPGo returns a server of mcp-go: stateless, and with the validation of
// inputs on, which the other servers cannot switch off. Its validation of
// outputs stays off, to its advantage.
func serveMCPGo(s setup) http.Handler {
	engine := server.NewMCPServer("weather", "1.0.0",
		server.WithToolCapabilities(true), server.WithInputSchemaValidation())
	for i := range s.tools {
		options := []mcp.ToolOption{mcp.WithDescription(toolDescription), mcp.WithInputSchema[Place]()}
		switch s.kind {
		case text:
			engine.AddTool(mcp.NewTool(toolName(i), options...), mcp.NewTypedToolHandler(mcpGoText))
		case structured:
			options = append(options, mcp.WithOutputSchema[Weather]())
			engine.AddTool(mcp.NewTool(toolName(i), options...), mcp.NewStructuredToolHandler(mcpGoStructured))
		case progress:
			engine.AddTool(mcp.NewTool(toolName(i), options...), mcp.NewTypedToolHandler(mcpGoProgress))
		}
	}
	return server.NewStreamableHTTPServer(engine, server.WithStateLess(true))
}

func mcpGoText(_ context.Context, _ mcp.CallToolRequest, in Place) (*mcp.CallToolResult, error) {
	return mcp.NewToolResultText(forecast(in.City)), nil
}

func mcpGoStructured(_ context.Context, _ mcp.CallToolRequest, in Place) (Weather, error) {
	return measured(in.City), nil
}

func mcpGoProgress(ctx context.Context, req mcp.CallToolRequest, in Place) (*mcp.CallToolResult, error) {
	for step := 1; step <= progressSteps; step++ {
		err := server.ServerFromContext(ctx).SendNotificationToClient(ctx, "notifications/progress", map[string]any{
			"progressToken": req.Params.Meta.ProgressToken,
			"progress":      step, "total": progressSteps, "message": stepMessage(step),
		})
		if err != nil {
			return nil, fmt.Errorf("send progress: %w", err)
		}
	}
	return mcp.NewToolResultText(forecast(in.City)), nil
}
