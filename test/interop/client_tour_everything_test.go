package interop_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/mcp"
)

// TestClientTourEverything takes our client through the reference server that
// has every feature of the handshake versions.
func TestClientTourEverything(t *testing.T) {
	t.Parallel()
	servers := serversDir(t)
	program := filepath.Join(servers, "node_modules", "@modelcontextprotocol", "server-everything", "dist", "index.js")
	node := filepath.Join(servers, "node")
	everything := &everythingServer{node, program}
	for _, version := range []string{"2025-06-18", "2025-11-25"} {
		for _, p := range []peer{
			{"everything", version, "http", everything.dial("streamableHttp", "/mcp"), nil},
			{"everything", version, "sse", everything.dial("sse", "/sse"), nil},
			{"everything", version, "stdio", commandPeer(client.Process{Path: node, Args: []string{program, "stdio"}}), nil},
		} {
			t.Run(version+"/"+p.transport, func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				g := p.visit(ctx, t, mcp.LoggingLevelDebug)
				for _, stop := range everythingStops() {
					t.Run(stop.name, func(t *testing.T) { stop.visit(ctx, t, g) })
				}
			})
		}
	}
}

// serversDir is where scripts/install-peers installs servers.
func serversDir(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", "..", ".tools", "servers"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "stamp")); err != nil {
		t.Skip("the servers are not installed: run scripts/install-peers")
	}
	return dir
}

type everythingServer struct{ node, program string }

// dial starts the server on a port that was free a moment ago.
func (s *everythingServer) dial(transport, path string) func(context.Context, *testing.T, ...client.Option) (*client.Client, error) {
	return func(ctx context.Context, t *testing.T, opts ...client.Option) (*client.Client, error) {
		t.Helper()
		var config net.ListenConfig
		listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		port := listener.Addr().(*net.TCPAddr).Port
		if err := listener.Close(); err != nil {
			return nil, err
		}
		command := exec.CommandContext(ctx, s.node, s.program, transport)
		command.Env = append(os.Environ(), fmt.Sprintf("PORT=%d", port))
		startServer(ctx, t, command, "on port")
		return client.Connect(ctx, fmt.Sprintf("http://127.0.0.1:%d%s", port, path), opts...)
	}
}

// startServer starts a server and waits until it says on standard error that it
// is ready, and returns that line.
func startServer(ctx context.Context, t *testing.T, command *exec.Cmd, ready string) string {
	t.Helper()
	stderr, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	lines, ended := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(ended)
		for scanner := bufio.NewScanner(stderr); scanner.Scan(); {
			if strings.Contains(scanner.Text(), ready) {
				lines <- scanner.Text()
				ready = "\x00" // once
			}
		}
	}()
	t.Cleanup(func() {
		_ = command.Process.Kill()
		<-ended
		_ = command.Wait() // it was killed
	})
	return receive(ctx, t, lines)
}

func everythingStops() []guestStop {
	return []guestStop{
		{"connect", func(_ context.Context, t *testing.T, g *guest) {
			diff(t, "version, server", []string{g.peer.version, "mcp-servers/everything"}, []string{g.Version(), g.Server().Name})
		}},
		{"call", func(ctx context.Context, t *testing.T, g *guest) {
			g.callsWith(ctx, t, "echo", map[string]any{"message": "hello"}, "Echo: hello")
		}},
		{"typed call", everythingTyped},
		{"call that fails", everythingFails},
		{"progress", everythingProgress},
		{"cancellation", everythingCancels},
		{"logging", everythingLogs},
		{"resources", everythingResources},
		{"prompts", everythingPrompts},
		{"completion", everythingCompletes},
		{"elicitation", func(ctx context.Context, t *testing.T, g *guest) {
			// The server gets the default of a field that the user leaves out.
			g.callsWith(ctx, t, "trigger-elicitation-request", nil, "Favorite Integer: 42")
			g.isAsked(t, "Please provide inputs for the following fields:")
		}},
		{"elicitation by URL", everythingOpensURL},
		{"sampling", func(ctx context.Context, t *testing.T, g *guest) {
			g.callsWith(ctx, t, "trigger-sampling-request", map[string]any{"prompt": "Capital of France?", "maxTokens": 10}, "Paris")
			g.isAsked(t, "1 10")
		}},
		{"roots", func(ctx context.Context, t *testing.T, g *guest) {
			// The server has asked before, shortly after the handshake.
			g.callsWith(ctx, t, "get-roots-list", nil, "file:///home/ada")
		}},
		{"subscription", everythingUpdates},
	}
}

// callsWith calls a tool and wants its text to contain a phrase.
func (g *guest) callsWith(ctx context.Context, t *testing.T, tool string, arguments map[string]any, phrase string, opts ...client.CallOption) {
	t.Helper()
	result, err := g.CallTool(ctx, tool, arguments, opts...)
	if err != nil {
		t.Errorf("call %s: %v", tool, err)
		return
	}
	var text strings.Builder
	for _, content := range result.Content {
		if content, ok := content.(mcp.TextContent); ok {
			text.WriteString(content.Text)
		}
	}
	if result.IsError || !strings.Contains(text.String(), phrase) {
		t.Errorf("call %s = %q, want %q in it", tool, text.String(), phrase)
	}
}

func everythingTyped(ctx context.Context, t *testing.T, g *guest) {
	type weather struct {
		Temperature float64 `json:"temperature"`
		Conditions  string  `json:"conditions"`
		Humidity    float64 `json:"humidity"`
	}
	got, err := client.Call[weather](ctx, g.Client, "get-structured-content", map[string]any{"location": "New York"})
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "weather", weather{33, "Cloudy", 82}, got)
}

func everythingFails(ctx context.Context, t *testing.T, g *guest) {
	_, err := client.Call[string](ctx, g.Client, "get-sum", map[string]any{"a": "two", "b": 3})
	if _, ok := errors.AsType[*client.ToolError](err); !ok {
		t.Errorf("call with invalid arguments: %v, want an error of the tool", err)
	}
}

func everythingProgress(ctx context.Context, t *testing.T, g *guest) {
	var steps []float64
	g.callsWith(ctx, t, "trigger-long-running-operation", map[string]any{"duration": 0.03, "steps": 3}, "completed",
		client.WithProgress(func(p mcp.ProgressNotificationParams) { steps = append(steps, p.Progress) }))
	diff(t, "steps", []float64{1, 2, 3}, steps)
}

// The server goes on with a cancelled call. The client does not wait for it.
func everythingCancels(ctx context.Context, t *testing.T, g *guest) {
	cancellable, cancel := context.WithCancel(ctx)
	defer cancel()
	_, err := g.CallTool(cancellable, "trigger-long-running-operation", map[string]any{"duration": 1, "steps": 100},
		client.WithProgress(func(mcp.ProgressNotificationParams) { cancel() }))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled call: %v", err)
	}
}

// The server logs at random levels.
func everythingLogs(ctx context.Context, t *testing.T, g *guest) {
	g.callsWith(ctx, t, "toggle-simulated-logging", nil, "Started simulated")
	log := receive(ctx, t, g.logs)
	if len(log.Data) == 0 || log.Level == "" {
		t.Errorf("log %+v", log)
	}
	g.callsWith(ctx, t, "toggle-simulated-logging", nil, "Stopped simulated")
}

func everythingResources(ctx context.Context, t *testing.T, g *guest) {
	resources, err := client.Collect(g.Resources(ctx))
	if err != nil || len(resources) == 0 {
		t.Errorf("resources = %d, %v", len(resources), err)
	}
	templates, err := client.Collect(g.ResourceTemplates(ctx))
	if err != nil || len(templates) != 2 {
		t.Errorf("templates = %+v, %v", templates, err)
	}
	text, err := g.ReadResource(ctx, "demo://resource/dynamic/text/7")
	if err != nil || len(text.Contents) != 1 || !strings.Contains(text.Contents[0].Text, "Resource 7") {
		t.Errorf("text = %+v, %v", text, err)
	}
	blob, err := g.ReadResource(ctx, "demo://resource/dynamic/blob/7")
	if err != nil || len(blob.Contents) != 1 || !strings.Contains(string(blob.Contents[0].Blob), "Resource 7") {
		t.Errorf("blob = %+v, %v", blob, err)
	}
}

func everythingPrompts(ctx context.Context, t *testing.T, g *guest) {
	var names []string
	for prompt, err := range g.Prompts(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, prompt.Name)
	}
	if !slices.Contains(names, "args-prompt") {
		t.Errorf("prompts %q", names)
	}
	got, err := g.GetPrompt(ctx, "args-prompt", map[string]string{"city": "Tokyo"})
	if err != nil {
		t.Fatal(err)
	}
	content, err := json.Marshal(got.Messages)
	if err != nil || !strings.Contains(string(content), "What's weather in Tokyo?") {
		t.Errorf("messages %s, %v", content, err)
	}
}

func everythingCompletes(ctx context.Context, t *testing.T, g *guest) {
	got, err := g.Complete(ctx, mcp.PromptReference{Name: "completable-prompt"}, "name", "A", map[string]string{"department": "Engineering"})
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "completion", []string{"Alice"}, []string(got.Values))
}

func everythingOpensURL(ctx context.Context, t *testing.T, g *guest) {
	if g.peer.version < "2025-11-25" {
		t.Log("left out: elicitation by URL came with 2025-11-25")
		return
	}
	g.callsWith(ctx, t, "trigger-url-elicitation", map[string]any{"url": "https://login.example/start", "message": "Please sign in."}, "completed the URL")
	g.isAsked(t, "Please sign in. https://login.example/start")
}

func everythingUpdates(ctx context.Context, t *testing.T, g *guest) {
	const uri = "demo://resource/dynamic/text/1"
	change := g.changeAfterCall(ctx, t, mcp.SubscriptionFilter{ResourceSubscriptions: []string{uri}}, func() {
		g.callsWith(ctx, t, "toggle-subscriber-updates", nil, "Started simulated")
	})
	diff(t, "change", client.Change{Method: mcp.MethodNotificationsResourcesUpdated, URI: uri}, change)
}
