package interop_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/mcpengine/mcpengine/test/internal/wire"
)

// patience bounds a tour; nothing in it waits for time to pass.
const patience = 3 * time.Minute

// handshakeVersions are the versions in which a connection begins with
// initialize.
var handshakeVersions = []string{"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"}

// A visitor is the go-sdk's client on a tour of our server.
//
//nolint:staticcheck // deprecated is not gone: the features are tested as long as they are there
type visitor struct {
	*mcp.ClientSession
	version  string
	progress chan *mcp.ProgressNotificationParams
	logs     chan *mcp.LoggingMessageParams
	updated  chan string
	changed  chan struct{}
	asked    chan *mcp.ElicitParams
}

// TestTour takes the official Go SDK's client through our server, in every
// version and over every transport. Only the handshake versions have HTTP+SSE.
func TestTour(t *testing.T) {
	t.Parallel()
	transports := map[string]func(*testing.T) mcp.Transport{
		"http":  httpTransport,
		"sse":   sseTransport,
		"stdio": stdioTransport,
	}
	stops := []struct {
		name  string
		visit func(context.Context, *testing.T, *visitor)
	}{
		{"connect", visitConnect},
		{"ping", visitPing},
		{"list tools", visitToolList},
		{"call", visitCall},
		{"call with invalid arguments", visitInvalidCall},
		{"progress", visitProgress},
		{"logging", visitLogging},
		{"resources", visitResources},
		{"prompts", visitPrompts},
		{"completion", visitCompletion},
		{"elicitation", visitElicitation},
		{"elicitation by URL", visitElicitationByURL},
		{"sampling", visitSampling},
		{"roots", visitRoots},
		{"cancellation", visitCancellation},
		{"subscription", visitSubscription},
		{"list changed", visitListChanged},
	}
	for name, transport := range transports {
		for _, version := range append([]string{wire.Version}, handshakeVersions...) {
			if name == "sse" && version == wire.Version {
				continue
			}
			t.Run(version+"/"+name, func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				v := connect(ctx, t, transport(t), version)
				for _, stop := range stops {
					t.Run(stop.name, func(t *testing.T) { stop.visit(ctx, t, v) })
				}
			})
		}
	}
}

// serveFixture serves the fixture over both HTTP transports.
func serveFixture(t *testing.T) *httptest.Server {
	t.Helper()
	engine := newFixture()
	sse := engine.SSEHandler("")
	mux := http.NewServeMux()
	mux.Handle("/mcp", engine)
	mux.Handle("/sse", sse)
	mux.Handle("/messages", sse)
	server := httptest.NewServer(mux)
	t.Cleanup(func() {
		engine.Close()
		server.Close()
	})
	return server
}

func httpTransport(t *testing.T) mcp.Transport {
	t.Helper()
	server := serveFixture(t)
	return &mcp.StreamableClientTransport{Endpoint: server.URL + "/mcp", HTTPClient: server.Client()}
}

func sseTransport(t *testing.T) mcp.Transport {
	t.Helper()
	server := serveFixture(t)
	return &mcp.SSEClientTransport{Endpoint: server.URL + "/sse", HTTPClient: server.Client()}
}

func stdioTransport(t *testing.T) mcp.Transport {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	transport := commandTransport(t, self)
	transport.Command.Env = append(os.Environ(), fixtureVariable+"=stdio")
	return transport
}

// commandTransport runs a server that has to end of itself once the session is
// closed, which is after the test's context is cancelled.
func commandTransport(t *testing.T, file string) *mcp.CommandTransport {
	t.Helper()
	command := exec.CommandContext(context.WithoutCancel(t.Context()), file)
	command.Stderr = os.Stderr
	return &mcp.CommandTransport{Command: command}
}

//nolint:staticcheck // deprecated is not gone: the features are tested as long as they are there
func connect(ctx context.Context, t *testing.T, transport mcp.Transport, version string) *visitor {
	t.Helper()
	v := &visitor{
		version:  version,
		progress: make(chan *mcp.ProgressNotificationParams, 16),
		logs:     make(chan *mcp.LoggingMessageParams, 16),
		updated:  make(chan string, 16),
		changed:  make(chan struct{}, 16),
		asked:    make(chan *mcp.ElicitParams, 16),
	}
	client := mcp.NewClient(&mcp.Implementation{Name: "visitor", Version: "1.0.0"}, v.options())
	client.AddRoots(&mcp.Root{URI: "file:///home/ada"})
	session, err := client.Connect(ctx, transport, &mcp.ClientSessionOptions{ProtocolVersion: version})
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	t.Cleanup(func() {
		if err := session.Close(); err != nil {
			t.Errorf("close session: %v", err)
		}
	})
	v.ClientSession = session
	return v
}

// options make the client answer the questions that its version has, and keep
// its notifications.
//
//nolint:staticcheck // deprecated is not gone: the features are tested as long as they are there
func (v *visitor) options() *mcp.ClientOptions {
	options := &mcp.ClientOptions{
		Capabilities: &mcp.ClientCapabilities{RootsV2: &mcp.RootCapabilities{}},
		CreateMessageHandler: func(context.Context, *mcp.CreateMessageRequest) (*mcp.CreateMessageResult, error) {
			return &mcp.CreateMessageResult{Role: "assistant", Model: "oracle", Content: &mcp.TextContent{Text: "Paris"}}, nil
		},
		ProgressNotificationHandler: func(_ context.Context, req *mcp.ProgressNotificationClientRequest) {
			v.progress <- req.Params
		},
		LoggingMessageHandler:  func(_ context.Context, req *mcp.LoggingMessageRequest) { v.logs <- req.Params },
		ResourceUpdatedHandler: func(_ context.Context, req *mcp.ResourceUpdatedNotificationRequest) { v.updated <- req.Params.URI },
		ToolListChangedHandler: func(context.Context, *mcp.ToolListChangedRequest) { v.changed <- struct{}{} },
	}
	if v.version >= "2025-06-18" {
		options.ElicitationHandler = v.answer
	}
	if v.version >= "2025-11-25" {
		options.Capabilities.Elicitation = &mcp.ElicitationCapabilities{
			Form: &mcp.FormElicitationCapabilities{}, URL: &mcp.URLElicitationCapabilities{},
		}
	}
	return options
}

func (v *visitor) answer(_ context.Context, req *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
	v.asked <- req.Params
	if req.Params.Mode == "url" {
		return &mcp.ElicitResult{Action: "accept"}, nil
	}
	return &mcp.ElicitResult{Action: "accept", Content: map[string]any{"user": "ada"}}, nil
}

func visitConnect(_ context.Context, t *testing.T, v *visitor) {
	got := v.InitializeResult()
	if got.ProtocolVersion != v.version {
		t.Errorf("protocol version %q, want %q", got.ProtocolVersion, v.version)
	}
	if got.ServerInfo == nil || got.ServerInfo.Name != "fixture" {
		t.Errorf("server info %+v, want the name fixture", got.ServerInfo)
	}
	if got.Instructions != "For tests." {
		t.Errorf("instructions %q", got.Instructions)
	}
}

// text calls a tool and returns the text it answers.
func (v *visitor) text(ctx context.Context, t *testing.T, tool string, arguments any) string {
	t.Helper()
	result, err := v.CallTool(ctx, &mcp.CallToolParams{Name: tool, Arguments: arguments})
	if err != nil {
		t.Fatalf("call %s: %v", tool, err)
	}
	if len(result.Content) != 1 {
		t.Fatalf("call %s: content %+v, want one text", tool, result.Content)
	}
	text, ok := result.Content[0].(*mcp.TextContent)
	if !ok || result.IsError {
		t.Fatalf("call %s: %+v, want one text", tool, result)
	}
	return text.Text
}

func receive[T any](ctx context.Context, t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-ctx.Done():
		t.Fatalf("nothing received: %v", ctx.Err())
		panic("unreachable")
	}
}
