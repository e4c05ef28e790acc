package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// serveGoSDK returns a server of the official Go SDK in its fastest setting:
// stateless, answering in JSON. Progress needs its event streams, because in
// JSON mode the SDK drops a call's notifications.
func serveGoSDK(s setup) http.Handler {
	server := mcp.NewServer(&mcp.Implementation{Name: "weather", Version: "1.0.0"}, nil)
	for i := range s.tools {
		tool := &mcp.Tool{Name: toolName(i), Description: toolDescription}
		switch s.kind {
		case text:
			mcp.AddTool(server, tool, goSDKText)
		case structured:
			mcp.AddTool(server, tool, goSDKStructured)
		case progress:
			mcp.AddTool(server, tool, goSDKProgress)
		}
	}
	return mcp.NewStreamableHTTPHandler(
		func(*http.Request) *mcp.Server { return server },
		&mcp.StreamableHTTPOptions{Stateless: true, JSONResponse: s.kind != progress},
	)
}

func goSDKText(_ context.Context, _ *mcp.CallToolRequest, in Place) (*mcp.CallToolResult, any, error) {
	return goSDKResult(forecast(in.City)), nil, nil
}

func goSDKStructured(_ context.Context, _ *mcp.CallToolRequest, in Place) (*mcp.CallToolResult, Weather, error) {
	return nil, measured(in.City), nil
}

func goSDKProgress(ctx context.Context, req *mcp.CallToolRequest, in Place) (*mcp.CallToolResult, any, error) {
	for step := 1; step <= progressSteps; step++ {
		err := req.Session.NotifyProgress(ctx, &mcp.ProgressNotificationParams{
			ProgressToken: req.Params.GetProgressToken(),
			Progress:      float64(step), Total: progressSteps, Message: stepMessage(step),
		})
		if err != nil {
			return nil, nil, fmt.Errorf("notify progress: %w", err)
		}
	}
	return goSDKResult(forecast(in.City)), nil, nil
}

func goSDKResult(text string) *mcp.CallToolResult {
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: text}}}
}
