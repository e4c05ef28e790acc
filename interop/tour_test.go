package interop_test

import (
	"context"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/mcpengine/mcpengine/interop/internal/wire"
)

// patience bounds a tour; nothing in it waits for time to pass.
const patience = 30 * time.Second

// A visitor is the go-sdk's client on its way through our server.
type visitor struct {
	*mcp.ClientSession
	progress chan *mcp.ProgressNotificationParams
	changed  chan struct{}
	asked    chan *mcp.ElicitParams
}

// TestTour takes the official Go SDK's client through our server, over both
// transports.
func TestTour(t *testing.T) {
	t.Parallel()
	transports := map[string]func(*testing.T) mcp.Transport{
		"http":  httpTransport,
		"stdio": stdioTransport,
	}
	stops := []struct {
		name  string
		visit func(context.Context, *testing.T, *visitor)
	}{
		{"connect", visitConnect},
		{"list tools", visitToolList},
		{"call", visitCall},
		{"call with invalid arguments", visitInvalidCall},
		{"progress", visitProgress},
		{"resources", visitResources},
		{"prompts", visitPrompts},
		{"completion", visitCompletion},
		{"elicitation", visitElicitation},
		{"cancellation", visitCancellation},
		{"list changed", visitListChanged},
	}
	for name, transport := range transports {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			v := connect(ctx, t, transport(t))
			for _, stop := range stops {
				t.Run(stop.name, func(t *testing.T) { stop.visit(ctx, t, v) })
			}
		})
	}
}

func httpTransport(t *testing.T) mcp.Transport {
	t.Helper()
	engine := newFixture()
	endpoint := httptest.NewServer(engine)
	t.Cleanup(func() {
		engine.Close()
		endpoint.Close()
	})
	return &mcp.StreamableClientTransport{Endpoint: endpoint.URL + "/mcp", HTTPClient: endpoint.Client()}
}

func stdioTransport(t *testing.T) mcp.Transport {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	transport := commandTransport(t, self)
	transport.Command.Env = append(os.Environ(), stdioFixture+"=1")
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

func connect(ctx context.Context, t *testing.T, transport mcp.Transport) *visitor {
	t.Helper()
	v := &visitor{
		progress: make(chan *mcp.ProgressNotificationParams, 16),
		changed:  make(chan struct{}, 16),
		asked:    make(chan *mcp.ElicitParams, 16),
	}
	client := mcp.NewClient(&mcp.Implementation{Name: "visitor", Version: "1.0.0"}, &mcp.ClientOptions{
		ElicitationHandler: func(_ context.Context, req *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
			v.asked <- req.Params
			return &mcp.ElicitResult{Action: "accept", Content: map[string]any{"user": "ada"}}, nil
		},
		ProgressNotificationHandler: func(_ context.Context, req *mcp.ProgressNotificationClientRequest) {
			v.progress <- req.Params
		},
		ToolListChangedHandler: func(context.Context, *mcp.ToolListChangedRequest) { v.changed <- struct{}{} },
	})
	session, err := client.Connect(ctx, transport, nil)
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

func visitConnect(_ context.Context, t *testing.T, v *visitor) {
	got := v.InitializeResult()
	if got.ProtocolVersion != wire.Version {
		t.Errorf("protocol version %q, want %q", got.ProtocolVersion, wire.Version)
	}
	if got.ServerInfo == nil || got.ServerInfo.Name != "fixture" {
		t.Errorf("server info %+v, want the name fixture", got.ServerInfo)
	}
	if got.Instructions != "For tests." {
		t.Errorf("instructions %q", got.Instructions)
	}
}

func visitToolList(ctx context.Context, t *testing.T, v *visitor) {
	var got []string
	for tool, err := range v.Tools(ctx, nil) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, tool.Name)
	}
	want := []string{"greet", "add", "climb", "sign_up", "learn", "wait", "wait_cancelled"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tools (-want +got):\n%s", diff)
	}
}

func visitCall(ctx context.Context, t *testing.T, v *visitor) {
	if got := v.text(ctx, t, "greet", greetInput{"Ada"}); got != "Hello, Ada!" {
		t.Errorf("greet = %q", got)
	}
	result, err := v.CallTool(ctx, &mcp.CallToolParams{Name: "add", Arguments: addInput{2, 3}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"sum": 5.0}, result.StructuredContent); diff != "" {
		t.Errorf("structured content (-want +got):\n%s", diff)
	}
}

func visitInvalidCall(ctx context.Context, t *testing.T, v *visitor) {
	result, err := v.CallTool(ctx, &mcp.CallToolParams{Name: "add", Arguments: map[string]any{"a": "two", "b": 3}})
	if err != nil {
		t.Fatal(err)
	}
	if !result.IsError {
		t.Errorf("add(two, 3) = %+v, want an error for the model", result)
	}
	if _, err := v.CallTool(ctx, &mcp.CallToolParams{Name: "absent"}); err == nil {
		t.Error("calling a tool that does not exist succeeds")
	}
}

func visitProgress(ctx context.Context, t *testing.T, v *visitor) {
	params := &mcp.CallToolParams{Name: "climb", Meta: mcp.Meta{"progressToken": "ascent"}}
	if _, err := v.CallTool(ctx, params); err != nil {
		t.Fatal(err)
	}
	for step := 1; step <= 3; step++ {
		got := receive(ctx, t, v.progress)
		if got.ProgressToken != "ascent" || got.Progress != float64(step) || got.Total != 3 {
			t.Errorf("notification %d: %+v", step, got)
		}
	}
}

func visitResources(ctx context.Context, t *testing.T, v *visitor) {
	resources, err := v.ListResources(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(resources.Resources) != 1 || resources.Resources[0].URI != "note://welcome" {
		t.Errorf("resources %+v, want note://welcome", resources.Resources)
	}
	templates, err := v.ListResourceTemplates(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(templates.ResourceTemplates) != 1 || templates.ResourceTemplates[0].URITemplate != "note://{id}" {
		t.Errorf("templates %+v, want note://{id}", templates.ResourceTemplates)
	}
	for _, uri := range []string{"note://welcome", "note://7"} {
		got, err := v.ReadResource(ctx, &mcp.ReadResourceParams{URI: uri})
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Contents) != 1 || got.Contents[0].URI != uri || got.Contents[0].Text != note(uri) {
			t.Errorf("ReadResource(%q) = %+v, want %q", uri, got.Contents, note(uri))
		}
	}
	if _, err := v.ReadResource(ctx, &mcp.ReadResourceParams{URI: "note:absent"}); err == nil {
		t.Error("reading a resource that does not exist succeeds")
	}
}

func visitPrompts(ctx context.Context, t *testing.T, v *visitor) {
	list, err := v.ListPrompts(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Prompts) != 1 || list.Prompts[0].Name != "review" || len(list.Prompts[0].Arguments) != 1 {
		t.Errorf("prompts %+v, want review with an argument", list.Prompts)
	}
	got, err := v.GetPrompt(ctx, &mcp.GetPromptParams{Name: "review", Arguments: map[string]string{"file": "main.go"}})
	if err != nil {
		t.Fatal(err)
	}
	want := []*mcp.PromptMessage{{Role: "user", Content: &mcp.TextContent{Text: "Review main.go."}}}
	if diff := cmp.Diff(want, got.Messages); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

func visitCompletion(ctx context.Context, t *testing.T, v *visitor) {
	got, err := v.Complete(ctx, &mcp.CompleteParams{
		Ref:      &mcp.CompleteReference{Type: "ref/prompt", Name: "review"},
		Argument: mcp.CompleteParamsArgument{Name: "file", Value: "main"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"main.go", "main_test.go"}, got.Completion.Values); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
}

// visitElicitation lets the client answer an input_required result and send
// the call again (mrtr).
func visitElicitation(ctx context.Context, t *testing.T, v *visitor) {
	if got := v.text(ctx, t, "sign_up", nil); got != "signed up ada" {
		t.Errorf("sign_up = %q", got)
	}
	if got := receive(ctx, t, v.asked); got.Message != "Your GitHub user name?" || got.RequestedSchema == nil {
		t.Errorf("the user was asked %+v", got)
	}
}

// visitCancellation cancels a call once its handler runs, and asks the server
// whether the handler's context heard of it.
func visitCancellation(ctx context.Context, t *testing.T, v *visitor) {
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		_, err := v.CallTool(waiting, &mcp.CallToolParams{Name: "wait", Meta: mcp.Meta{"progressToken": "wait"}})
		ended <- err
	}()
	receive(ctx, t, v.progress)
	cancel()
	if err := receive(ctx, t, ended); err == nil {
		t.Error("the cancelled call succeeds")
	}
	if got := v.text(ctx, t, "wait_cancelled", nil); got != "cancelled" {
		t.Errorf("wait_cancelled = %q", got)
	}
}

func visitListChanged(ctx context.Context, t *testing.T, v *visitor) {
	if got := v.text(ctx, t, "learn", nil); got != "learned" {
		t.Fatalf("learn = %q", got)
	}
	receive(ctx, t, v.changed)
	if got := v.text(ctx, t, "new_trick", nil); got != "ta-da" {
		t.Errorf("new_trick = %q", got)
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
