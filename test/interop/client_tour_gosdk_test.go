package interop_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/test/internal/wire"
)

// goSDKPeers returns a server of the official Go SDK in each version and over
// each transport.
func goSDKPeers() []peer {
	const (
		silent = "without a session the server asks nothing"
		mute   = "without a session there is no stream to tell on"
	)
	stateless := &mcp.StreamableHTTPOptions{Stateless: true, PropagateRequestCancellation: true}
	peers := []peer{
		{"go-sdk", wire.Version, "http", serveGoSDKPeer(stateless), nil},
		{"go-sdk", wire.Version, "stdio", fixturePeer("go-sdk"), nil},
		{"go-sdk stateless", "2025-11-25", "http", serveGoSDKPeer(stateless), map[string]string{
			"elicitation":        silent,
			"elicitation by URL": silent,
			"sampling":           silent,
			"roots":              silent,
			"cancellation":       "without a session a cancellation finds no call",
			"subscription":       mute,
			"list changed":       mute,
		}},
	}
	for _, version := range handshakeVersions {
		peers = append(peers,
			peer{"go-sdk", version, "http", serveGoSDKPeer(nil), nil},
			peer{"go-sdk", version, "sse", serveGoSDKSSEPeer, nil},
			peer{"go-sdk", version, "stdio", fixturePeer("go-sdk"), nil})
	}
	return peers
}

// losesSubscriptions reports whether each stop needs a connection of its own.
// go-sdk 1.8.0 keeps one registration for each session and kind of change. When
// a subscriptions/listen has ended, its clean-up may come late and delete the
// registration of the next one on the connection.
func (p peer) losesSubscriptions() bool {
	return p.server == "go-sdk" && p.version == wire.Version && p.transport == "stdio"
}

func serveGoSDKPeer(options *mcp.StreamableHTTPOptions) func(context.Context, *testing.T, ...client.Option) (*client.Client, error) {
	return func(ctx context.Context, t *testing.T, opts ...client.Option) (*client.Client, error) {
		t.Helper()
		server := newGoSDKPeer()
		return dialHandler(ctx, t, mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, options), opts...)
	}
}

func serveGoSDKSSEPeer(ctx context.Context, t *testing.T, opts ...client.Option) (*client.Client, error) {
	t.Helper()
	server := newGoSDKPeer()
	return dialHandler(ctx, t, mcp.NewSSEHandler(func(*http.Request) *mcp.Server { return server }, nil), opts...)
}

// newGoSDKPeer returns a server with a feature for every stop of the tour.
//
//nolint:staticcheck // deprecated is not gone: the features are tested as long as they are there
func newGoSDKPeer() *mcp.Server {
	server := mcp.NewServer(&mcp.Implementation{Name: "fixture", Version: "1.0.0"}, &mcp.ServerOptions{
		PageSize: 5,
		CompletionHandler: func(_ context.Context, req *mcp.CompleteRequest) (*mcp.CompleteResult, error) {
			values := matching(req.Params.Argument.Value)
			return &mcp.CompleteResult{Completion: mcp.CompletionResultDetails{Values: values}}, nil
		},
		SubscribeHandler:   func(context.Context, *mcp.SubscribeRequest) error { return nil },
		UnsubscribeHandler: func(context.Context, *mcp.UnsubscribeRequest) error { return nil },
	})
	addGoSDKFeatures(server)
	goSDKTool(server, "climb", func(ctx context.Context, req *mcp.CallToolRequest) (string, error) {
		for step := 1.0; step <= 3; step++ {
			err := req.Session.NotifyProgress(ctx, &mcp.ProgressNotificationParams{
				ProgressToken: req.Params.GetProgressToken(), Progress: step, Total: 3,
			})
			if err != nil {
				return "", err
			}
		}
		return "summit", nil
	})
	goSDKTool(server, "complain", func(ctx context.Context, req *mcp.CallToolRequest) (string, error) {
		for level, data := range map[mcp.LoggingLevel]string{"debug": "a detail", "warning": "a complaint"} {
			if err := req.Session.Log(ctx, &mcp.LoggingMessageParams{Level: level, Data: data}); err != nil {
				return "", err
			}
		}
		return "complained", nil
	})
	goSDKTool(server, "touch", func(ctx context.Context, _ *mcp.CallToolRequest) (string, error) {
		return "touched", server.ResourceUpdated(ctx, &mcp.ResourceUpdatedNotificationParams{URI: "note://welcome"})
	})
	goSDKTool(server, "learn", func(context.Context, *mcp.CallToolRequest) (string, error) {
		goSDKTool(server, "new_trick", func(context.Context, *mcp.CallToolRequest) (string, error) { return "ta-da", nil })
		return "learned", nil
	})
	addGoSDKCancellation(server)
	addGoSDKQuestions(server)
	return server
}

func goSDKTool(server *mcp.Server, name string, f func(context.Context, *mcp.CallToolRequest) (string, error)) {
	mcp.AddTool(server, &mcp.Tool{Name: name},
		func(ctx context.Context, req *mcp.CallToolRequest, _ nothing) (*mcp.CallToolResult, any, error) {
			text, err := f(ctx, req)
			if err != nil {
				return nil, nil, err
			}
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: text}}}, nil, nil
		})
}

func addGoSDKCancellation(server *mcp.Server) {
	cancelled := make(chan struct{}, 1)
	goSDKTool(server, "wait", func(ctx context.Context, req *mcp.CallToolRequest) (string, error) {
		err := req.Session.NotifyProgress(ctx, &mcp.ProgressNotificationParams{ProgressToken: req.Params.GetProgressToken(), Progress: 1})
		if err != nil {
			return "", err
		}
		<-ctx.Done()
		cancelled <- struct{}{}
		return "", ctx.Err()
	})
	goSDKTool(server, "wait_cancelled", func(ctx context.Context, _ *mcp.CallToolRequest) (string, error) {
		return awaitCancelled(ctx, cancelled)
	})
}

//nolint:staticcheck // deprecated is not gone: the features are tested as long as they are there
func addGoSDKQuestions(server *mcp.Server) {
	form := map[string]any{"type": "object", "properties": map[string]any{"user": map[string]any{"type": "string"}}}
	goSDKQuestion(server, "sign_up", &mcp.ElicitParams{Message: "Your GitHub user name?", RequestedSchema: form},
		func(a *mcp.ElicitResult) string { return fmt.Sprint("signed up ", a.Content["user"]) })
	goSDKQuestion(server, "sign_in", &mcp.ElicitParams{
		Mode: "url", Message: "Please sign in.", URL: "https://login.example/start", ElicitationID: "1",
	}, func(*mcp.ElicitResult) string { return "signed in" })
	question := &mcp.SamplingMessage{Role: "user", Content: &mcp.TextContent{Text: "Capital of France?"}}
	goSDKQuestion(server, "ask_model", &mcp.CreateMessageParams{MaxTokens: 10, Messages: []*mcp.SamplingMessage{question}},
		func(a *mcp.CreateMessageWithToolsResult) string {
			return a.Model + " says " + a.Content[0].(*mcp.TextContent).Text
		})
	goSDKQuestion(server, "list_roots", &mcp.ListRootsParams{}, func(a *mcp.ListRootsResult) string { return a.Roots[0].URI })
}

// goSDKQuestion adds a tool that asks the client something. In a handshake
// version the SDK sends the question as a request.
func goSDKQuestion[Answer mcp.InputResponse](server *mcp.Server, name string, question mcp.InputRequest, tell func(Answer) string) {
	mcp.AddTool(server, &mcp.Tool{Name: name},
		func(_ context.Context, req *mcp.CallToolRequest, _ nothing) (*mcp.CallToolResult, any, error) {
			answer, ok := req.Params.InputResponses["question"]
			if !ok {
				return &mcp.CallToolResult{InputRequests: mcp.InputRequestMap{"question": question}}, nil, nil
			}
			typed, ok := answer.(Answer)
			if !ok {
				return nil, nil, fmt.Errorf("the answer is a %T", answer)
			}
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: tell(typed)}}}, nil, nil
		})
}

// matching completes the name of a file.
func matching(value string) (files []string) {
	for _, file := range []string{"main.go", "main_test.go", "doc.go"} {
		if strings.HasPrefix(file, value) {
			files = append(files, file)
		}
	}
	return files
}

func awaitCancelled(ctx context.Context, cancelled <-chan struct{}) (string, error) {
	select {
	case <-cancelled:
		return "cancelled", nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
