package interop_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
	mcpgoserver "github.com/mark3labs/mcp-go/server"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

type greetInput struct {
	Name string `json:"name" jsonschema:"whom to greet"`
}

type addInput struct {
	A int `json:"a"`
	B int `json:"b"`
}

type addOutput struct {
	Sum int `json:"sum"`
}

// newGoSDKFixture returns the fixture on the official Go SDK.
func newGoSDKFixture() http.Handler {
	server := mcp.NewServer(&mcp.Implementation{Name: "fixture", Version: "1.0.0"}, nil)
	addGoSDKFeatures(server)
	return mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server },
		&mcp.StreamableHTTPOptions{Stateless: true, JSONResponse: true})
}

func addGoSDKFeatures(server *mcp.Server) {
	mcp.AddTool(server, &mcp.Tool{Name: "greet", Description: "Greets."},
		func(_ context.Context, _ *mcp.CallToolRequest, in greetInput) (*mcp.CallToolResult, any, error) {
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: "Hello, " + in.Name + "!"}}}, nil, nil
		})
	mcp.AddTool(server, &mcp.Tool{Name: "add", Description: "Adds."},
		func(_ context.Context, _ *mcp.CallToolRequest, in addInput) (*mcp.CallToolResult, addOutput, error) {
			return nil, addOutput{in.A + in.B}, nil
		})
	server.AddResource(&mcp.Resource{URI: "note://welcome", Name: "welcome"}, goSDKNote)
	server.AddResourceTemplate(&mcp.ResourceTemplate{URITemplate: "note://{id}", Name: "note"}, goSDKNote)
	server.AddPrompt(&mcp.Prompt{Name: "review", Arguments: []*mcp.PromptArgument{{Name: "file", Required: true}}},
		func(_ context.Context, req *mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
			content := &mcp.TextContent{Text: "Review " + req.Params.Arguments["file"] + "."}
			return &mcp.GetPromptResult{Messages: []*mcp.PromptMessage{{Role: "user", Content: content}}}, nil
		})
}

func goSDKNote(_ context.Context, req *mcp.ReadResourceRequest) (*mcp.ReadResourceResult, error) {
	return &mcp.ReadResourceResult{Contents: []*mcp.ResourceContents{{URI: req.Params.URI, Text: note(req.Params.URI)}}}, nil
}

func note(uri string) string {
	if uri == "note://welcome" {
		return "Welcome!"
	}
	return "note " + strings.TrimPrefix(uri, "note://")
}

// newMCPGoFixture returns the fixture on mcp-go.
func newMCPGoFixture() http.Handler {
	server := mcpgoserver.NewMCPServer("fixture", "1.0.0",
		mcpgoserver.WithInputSchemaValidation(), mcpgoserver.WithToolCapabilities(true),
		mcpgoserver.WithResourceCapabilities(true, true), mcpgoserver.WithPromptCapabilities(true))
	addMCPGoFeatures(server)
	return mcpgoserver.NewStreamableHTTPServer(server, mcpgoserver.WithStateLess(true))
}

func addMCPGoFeatures(server *mcpgoserver.MCPServer) {
	server.AddTool(mcpgo.NewTool("greet", mcpgo.WithDescription("Greets."), mcpgo.WithInputSchema[greetInput]()),
		mcpgo.NewTypedToolHandler(func(_ context.Context, _ mcpgo.CallToolRequest, in greetInput) (*mcpgo.CallToolResult, error) {
			return mcpgo.NewToolResultText("Hello, " + in.Name + "!"), nil
		}))
	server.AddTool(mcpgo.NewTool("add", mcpgo.WithDescription("Adds."), mcpgo.WithInputSchema[addInput](), mcpgo.WithOutputSchema[addOutput]()),
		mcpgo.NewStructuredToolHandler(func(_ context.Context, _ mcpgo.CallToolRequest, in addInput) (addOutput, error) {
			return addOutput{in.A + in.B}, nil
		}))
	server.AddResource(mcpgo.NewResource("note://welcome", "welcome"), mcpGoNote)
	server.AddResourceTemplate(mcpgo.NewResourceTemplate("note://{id}", "note"), mcpGoNote)
	server.AddPrompt(mcpgo.NewPrompt("review", mcpgo.WithArgument("file", mcpgo.RequiredArgument())),
		func(_ context.Context, req mcpgo.GetPromptRequest) (*mcpgo.GetPromptResult, error) {
			content := mcpgo.NewTextContent(fmt.Sprintf("Review %s.", req.Params.Arguments["file"]))
			return mcpgo.NewGetPromptResult("", []mcpgo.PromptMessage{mcpgo.NewPromptMessage("user", content)}), nil
		})
}

func mcpGoNote(_ context.Context, req mcpgo.ReadResourceRequest) ([]mcpgo.ResourceContents, error) {
	return []mcpgo.ResourceContents{mcpgo.TextResourceContents{URI: req.Params.URI, Text: note(req.Params.URI)}}, nil
}
