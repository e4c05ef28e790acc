package interop_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
	mcpgoserver "github.com/mark3labs/mcp-go/server"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/test/internal/wire"
)

// mcpGoPeers returns a server of mcp-go in each version and over each
// transport. It has 2026-07-28 over HTTP only.
func mcpGoPeers() []peer {
	const (
		late   = "a notification may follow the result of its call, or be lost"
		unsent = "the server asks nothing over HTTP+SSE"
	)
	peers := []peer{
		{"mcp-go", wire.Version, "http", serveMCPGoPeer, map[string]string{
			"progress": late, "logging": late,
			"subscription": "an update needs a session that has subscribed by request",
		}},
	}
	for _, version := range handshakeVersions {
		peers = append(peers,
			peer{"mcp-go", version, "http", serveMCPGoPeer, map[string]string{
				"progress": late, "logging": late,
			}},
			peer{"mcp-go", version, "sse", serveMCPGoSSEPeer, map[string]string{
				"progress": late, "elicitation": unsent, "elicitation by URL": unsent, "sampling": unsent, "roots": unsent,
			}},
			peer{"mcp-go", version, "stdio", fixturePeer("mcp-go"), map[string]string{"progress": late}})
	}
	return peers
}

func serveMCPGoPeer(ctx context.Context, t *testing.T, opts ...client.Option) (*client.Client, error) {
	t.Helper()
	return dialHandler(ctx, t, mcpgoserver.NewStreamableHTTPServer(newMCPGoPeer(), mcpgoserver.WithStateful(true)), opts...)
}

func serveMCPGoSSEPeer(ctx context.Context, t *testing.T, opts ...client.Option) (*client.Client, error) {
	t.Helper()
	server := mcpgoserver.NewSSEServer(newMCPGoPeer(), mcpgoserver.WithUseFullURLForMessageEndpoint(false),
		mcpgoserver.WithSSEEndpoint("/mcp"), mcpgoserver.WithMessageEndpoint("/messages"))
	return dialHandler(ctx, t, server, opts...)
}

// newMCPGoPeer returns a server with a feature for every stop of the tour.
func newMCPGoPeer() *mcpgoserver.MCPServer {
	server := mcpgoserver.NewMCPServer("fixture", "1.0.0",
		mcpgoserver.WithPaginationLimit(5), mcpgoserver.WithInputSchemaValidation(),
		mcpgoserver.WithToolCapabilities(true), mcpgoserver.WithResourceCapabilities(true, true),
		mcpgoserver.WithPromptCapabilities(true), mcpgoserver.WithLogging(), mcpgoserver.WithElicitation(),
		mcpgoserver.WithRoots(), mcpgoserver.WithCompletions(), mcpgoserver.WithPromptCompletionProvider(mcpGoFiles{}))
	server.EnableSampling()
	addMCPGoFeatures(server)
	mcpGoTool(server, "climb", func(ctx context.Context, req mcpgo.CallToolRequest) (string, error) {
		for step := 1; step <= 3; step++ {
			if err := mcpGoProgress(ctx, server, req, step); err != nil {
				return "", err
			}
		}
		return "summit", nil
	})
	mcpGoTool(server, "complain", func(ctx context.Context, _ mcpgo.CallToolRequest) (string, error) {
		return "complained", errors.Join(
			server.SendLogMessageToClient(ctx, mcpgo.NewLoggingMessageNotification(mcpgo.LoggingLevelDebug, "fixture", "a detail")),
			server.SendLogMessageToClient(ctx, mcpgo.NewLoggingMessageNotification(mcpgo.LoggingLevelWarning, "fixture", "a complaint")))
	})
	mcpGoTool(server, "touch", func(context.Context, mcpgo.CallToolRequest) (string, error) {
		server.SendNotificationToAllClients(mcpgo.MethodNotificationResourceUpdated, map[string]any{"uri": "note://welcome"})
		return "touched", nil
	})
	mcpGoTool(server, "learn", func(context.Context, mcpgo.CallToolRequest) (string, error) {
		mcpGoTool(server, "new_trick", func(context.Context, mcpgo.CallToolRequest) (string, error) { return "ta-da", nil })
		return "learned", nil
	})
	addMCPGoCancellation(server)
	addMCPGoQuestions(server)
	return server
}

type mcpGoFiles struct {
	mcpgoserver.DefaultPromptCompletionProvider
}

func (mcpGoFiles) CompletePromptArgument(_ context.Context, _ string, a mcpgo.CompleteArgument, _ mcpgo.CompleteContext) (*mcpgo.Completion, error) {
	return &mcpgo.Completion{Values: matching(a.Value)}, nil
}

func mcpGoTool(server *mcpgoserver.MCPServer, name string, f func(context.Context, mcpgo.CallToolRequest) (string, error)) {
	server.AddTool(mcpgo.NewTool(name), func(ctx context.Context, req mcpgo.CallToolRequest) (*mcpgo.CallToolResult, error) {
		text, err := f(ctx, req)
		if err != nil {
			return nil, err
		}
		return mcpgo.NewToolResultText(text), nil
	})
}

func mcpGoProgress(ctx context.Context, server *mcpgoserver.MCPServer, req mcpgo.CallToolRequest, step int) error {
	return server.SendNotificationToClient(ctx, "notifications/progress", map[string]any{
		"progressToken": req.Params.Meta.ProgressToken, "progress": step, "total": 3,
	})
}

func addMCPGoCancellation(server *mcpgoserver.MCPServer) {
	cancelled := make(chan struct{}, 1)
	mcpGoTool(server, "wait", func(ctx context.Context, req mcpgo.CallToolRequest) (string, error) {
		if err := mcpGoProgress(ctx, server, req, 1); err != nil {
			return "", err
		}
		<-ctx.Done()
		cancelled <- struct{}{}
		return "", ctx.Err()
	})
	mcpGoTool(server, "wait_cancelled", func(ctx context.Context, _ mcpgo.CallToolRequest) (string, error) {
		return awaitCancelled(ctx, cancelled)
	})
}

// addMCPGoQuestions adds tools that ask the client something. In a handshake
// version mcp-go sends the question as a request.
func addMCPGoQuestions(server *mcpgoserver.MCPServer) {
	ask := func(name string, question *mcpgoserver.InputRequestBuilder, tell func(mcpgo.InputResponses) string) {
		server.AddTool(mcpgo.NewTool(name), func(_ context.Context, req mcpgo.CallToolRequest) (*mcpgo.CallToolResult, error) {
			if len(req.Params.InputResponses) == 0 {
				return question.ToolResult(), nil
			}
			return mcpgo.NewToolResultText(tell(req.Params.InputResponses)), nil
		})
	}
	form := map[string]any{"type": "object", "properties": map[string]any{"user": map[string]any{"type": "string"}}}
	ask("sign_up", mcpgoserver.NewInputRequestBuilder("").Elicit("question", mcpgo.ElicitationParams{Message: "Your GitHub user name?", RequestedSchema: form}),
		func(answers mcpgo.InputResponses) string {
			content, _ := mcpgoserver.ElicitationResponse(answers, "question").Content.(map[string]any)
			return fmt.Sprint("signed up ", content["user"])
		})
	ask("sign_in", mcpgoserver.NewInputRequestBuilder("").Elicit("question", mcpgo.ElicitationParams{
		Mode: "url", Message: "Please sign in.", URL: "https://login.example/start", ElicitationID: "1",
	}), func(mcpgo.InputResponses) string { return "signed in" })
	ask("ask_model", mcpgoserver.NewInputRequestBuilder("").Sample("question", mcpgo.CreateMessageParams{
		MaxTokens: 10, Messages: []mcpgo.SamplingMessage{{Role: "user", Content: mcpgo.NewTextContent("Capital of France?")}},
	}), func(answers mcpgo.InputResponses) string {
		answer := mcpgoserver.SamplingResponse(answers, "question")
		return answer.Model + " says " + mcpgo.GetTextFromContent(answer.Content)
	})
	ask("list_roots", mcpgoserver.NewInputRequestBuilder("").Roots("question"), func(answers mcpgo.InputResponses) string {
		return mcpgoserver.RootsResponse(answers, "question").Roots[0].URI
	})
}

// dialHandler serves the handler and connects to it.
func dialHandler(ctx context.Context, t *testing.T, handler http.Handler, opts ...client.Option) (*client.Client, error) {
	t.Helper()
	server := newHTTPServer(t, handler)
	return client.Connect(ctx, server+"/mcp", opts...)
}
