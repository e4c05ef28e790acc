package interop_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/mcp"
)

func guestConnects(_ context.Context, t *testing.T, g *guest) {
	diff(t, "version, server", []string{g.peer.version, "fixture"}, []string{g.Version(), g.Server().Name})
}

// A page has five entries in every fixture with pagination.
func guestListsTools(ctx context.Context, t *testing.T, g *guest) {
	tools, err := client.Collect(g.Tools(ctx))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, tool := range tools {
		names = append(names, tool.Name)
	}
	slices.Sort(names)
	diff(t, "tools", allTools, names)
}

func guestCalls(ctx context.Context, t *testing.T, g *guest) {
	got, err := client.Call[string](ctx, g.Client, "greet", map[string]any{"name": "Ada"})
	if err != nil || got != "Hello, Ada!" {
		t.Errorf("call = %q, %v", got, err)
	}
}

func guestCallsTyped(ctx context.Context, t *testing.T, g *guest) {
	got, err := client.Call[addOutput](ctx, g.Client, "add", addInput{2, 3})
	if err != nil || got.Sum != 5 {
		t.Errorf("call = %+v, %v, want the sum 5", got, err)
	}
}

// A call with wrong arguments fails, with an error of the tool or of the
// request.
func guestCallFails(ctx context.Context, t *testing.T, g *guest) {
	_, err := client.Call[addOutput](ctx, g.Client, "add", map[string]any{"a": "two", "b": 3})
	_, isTool := errors.AsType[*client.ToolError](err)
	rpcErr, isRequest := errors.AsType[*mcp.Error](err)
	if !isTool && (!isRequest || rpcErr.Code != mcp.CodeInvalidParams) {
		t.Errorf("call with invalid arguments: %v", err)
	}
}

func guestHearsProgress(ctx context.Context, t *testing.T, g *guest) {
	var steps []float64
	report := client.WithProgress(func(p mcp.ProgressNotificationParams) { steps = append(steps, p.Progress) })
	g.calls(ctx, t, "climb", "summit", report)
	diff(t, "steps", []float64{1, 2, 3}, steps)
}

func guestHearsLogs(ctx context.Context, t *testing.T, g *guest) {
	g.calls(ctx, t, "complain", "complained")
	log := receive(ctx, t, g.logs)
	diff(t, "log", []string{"warning", `"a complaint"`}, []string{string(log.Level), string(log.Data)})
}

func guestReadsResources(ctx context.Context, t *testing.T, g *guest) {
	var uris []string
	for resource, err := range g.Resources(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		uris = append(uris, resource.URI)
	}
	for template, err := range g.ResourceTemplates(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		uris = append(uris, template.URITemplate)
	}
	for _, uri := range []string{"note://welcome", "note://7"} {
		result, err := g.ReadResource(ctx, uri)
		if err != nil {
			t.Fatalf("read %s: %v", uri, err)
		}
		for _, contents := range result.Contents {
			uris = append(uris, contents.URI, contents.Text)
		}
	}
	diff(t, "resources", []string{"note://welcome", "note://{id}", "note://welcome", "Welcome!", "note://7", "note 7"}, uris)
}

func guestGetsPrompts(ctx context.Context, t *testing.T, g *guest) {
	prompts, err := client.Collect(g.Prompts(ctx))
	if err != nil || len(prompts) != 1 || prompts[0].Name != "review" {
		t.Fatalf("prompts = %+v, %v", prompts, err)
	}
	result, err := g.GetPrompt(ctx, "review", map[string]string{"file": "main.go"})
	if err != nil || len(result.Messages) != 1 {
		t.Fatalf("get prompt = %+v, %v", result, err)
	}
	content, err := json.Marshal(result.Messages[0].Content)
	if err != nil || !strings.Contains(string(content), "Review main.go.") {
		t.Errorf("content %s, %v", content, err)
	}
}

func guestCompletes(ctx context.Context, t *testing.T, g *guest) {
	got, err := g.Complete(ctx, mcp.PromptReference{Name: "review"}, "file", "main", nil)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "completion", []string{"main.go", "main_test.go"}, []string(got.Values))
}

func guestFillsForm(ctx context.Context, t *testing.T, g *guest) {
	g.calls(ctx, t, "sign_up", "signed up ada")
	g.isAsked(t, "Your GitHub user name?")
}

func guestOpensURL(ctx context.Context, t *testing.T, g *guest) {
	g.calls(ctx, t, "sign_in", "signed in")
	g.isAsked(t, "Please sign in. https://login.example/start")
}

func guestSamples(ctx context.Context, t *testing.T, g *guest) {
	g.calls(ctx, t, "ask_model", "oracle says Paris")
	g.isAsked(t, "1 10")
}

func guestListsRoots(ctx context.Context, t *testing.T, g *guest) {
	g.calls(ctx, t, "list_roots", "file:///home/ada")
	g.isAsked(t, "roots")
}

// The call is cancelled once it is known to be under way.
func guestCancels(ctx context.Context, t *testing.T, g *guest) {
	cancellable, cancel := context.WithCancel(ctx)
	defer cancel()
	_, err := client.Call[string](cancellable, g.Client, "wait", struct{}{},
		client.WithProgress(func(mcp.ProgressNotificationParams) { cancel() }))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled call: %v", err)
	}
	g.calls(ctx, t, "wait_cancelled", "cancelled")
}

func guestSubscribes(ctx context.Context, t *testing.T, g *guest) {
	change := g.changeAfter(ctx, t, mcp.SubscriptionFilter{ResourceSubscriptions: []string{"note://welcome"}}, "touch", "touched")
	diff(t, "change", client.Change{Method: mcp.MethodNotificationsResourcesUpdated, URI: "note://welcome"}, change)
}

func guestHearsOfTools(ctx context.Context, t *testing.T, g *guest) {
	change := g.changeAfter(ctx, t, mcp.SubscriptionFilter{ToolsListChanged: true}, "learn", "learned")
	diff(t, "change", client.Change{Method: mcp.MethodNotificationsToolsListChanged}, change)
	g.calls(ctx, t, "new_trick", "ta-da")
}

// changeAfter subscribes, calls a tool that changes something, and returns what
// the server says has changed.
func (g *guest) changeAfter(ctx context.Context, t *testing.T, filter mcp.SubscriptionFilter, tool, answer string) client.Change {
	t.Helper()
	return g.changeAfterCall(ctx, t, filter, func() { g.calls(ctx, t, tool, answer) })
}

func (g *guest) changeAfterCall(ctx context.Context, t *testing.T, filter mcp.SubscriptionFilter, call func()) client.Change {
	t.Helper()
	listening, cancel := context.WithCancel(ctx)
	changes, ended := make(chan client.Change, 16), make(chan error, 1)
	go func() {
		for change, err := range g.Listen(listening, filter) {
			if err != nil {
				ended <- err
				return
			}
			changes <- change
		}
		ended <- nil
	}()
	defer func() {
		cancel()
		if err := receive(ctx, t, ended); !errors.Is(err, context.Canceled) {
			t.Errorf("listen ended with %v", err)
		}
	}()
	if got := receive(ctx, t, changes).Honoured; len(got.ResourceSubscriptions) != len(filter.ResourceSubscriptions) || got.ToolsListChanged != filter.ToolsListChanged {
		t.Fatalf("honoured %+v of %+v", got, filter)
	}
	call()
	return receive(ctx, t, changes)
}
