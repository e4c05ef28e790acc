package interop_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

func visitToolList(ctx context.Context, t *testing.T, v *visitor) {
	var got []string
	for tool, err := range v.Tools(ctx, nil) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, tool.Name)
	}
	want := []string{
		"greet", "add", "climb", "complain", "touch", "learn",
		"sign_up", "sign_in", "ask_model", "list_roots", "wait", "wait_cancelled",
	}
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
	var want any
	if v.version >= "2025-06-18" { // the versions before it have no structured content
		want = map[string]any{"sum": 5.0}
	}
	if diff := cmp.Diff(want, result.StructuredContent); diff != "" {
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

func visitResources(ctx context.Context, t *testing.T, v *visitor) {
	resources, err := v.ListResources(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	var uris []string
	for _, r := range resources.Resources {
		uris = append(uris, r.URI)
	}
	if !slices.Contains(uris, "note://welcome") {
		t.Errorf("resources %q, want note://welcome among them", uris)
	}
	templates, err := v.ListResourceTemplates(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	uris = nil
	for _, r := range templates.ResourceTemplates {
		uris = append(uris, r.URITemplate)
	}
	if !slices.Contains(uris, "note://{id}") {
		t.Errorf("templates %q, want note://{id} among them", uris)
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
