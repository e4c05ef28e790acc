package main_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/examples/internal/servertest"
	"github.com/mcpengine/mcpengine/ext/apps"
	"github.com/mcpengine/mcpengine/mcp"
)

var update = flag.Bool("update", false, "rewrite view/tools.d.ts")

func startWithFile(t *testing.T) *client.Client {
	t.Helper()
	server := servertest.Start(t, servertest.Program(t, "board"), "SQLITE_FILE="+filepath.Join(t.TempDir(), "messages.db"))
	return servertest.Client(t, server.URL, "")
}

// The scripts of the view are checked against the types that the tools have now:
// `go test ./board -update` writes them.
func TestViewTypes(t *testing.T) {
	t.Parallel()
	tools, err := client.Collect(startWithFile(t).Tools(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	got, err := apps.Declarations(tools)
	if err != nil {
		t.Fatal(err)
	}
	const file = "view/tools.d.ts"
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil { //nolint:gosec // a source file
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// The view is where the tool says, and depends on nothing that is not in it.
func TestView(t *testing.T) {
	t.Parallel()
	c := startWithFile(t)
	tools, err := client.Collect(c.Tools(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	uri := ""
	for _, tool := range tools {
		if tool.Name == "get_messages" {
			uri, _ = tool.Meta["ui/resourceUri"].(string)
		}
	}
	result, err := c.ReadResource(t.Context(), uri)
	if err != nil {
		t.Fatal(err)
	}
	contents := result.Contents[0]
	if contents.MIMEType != apps.MIMEType || !strings.Contains(contents.Text, "ui/initialize") || strings.Contains(contents.Text, " src=") {
		t.Errorf("the view is %s %.200s", contents.MIMEType, contents.Text)
	}
	if diff := cmp.Diff(mcp.Meta{"ui": map[string]any{"prefersBorder": true}}, contents.Meta); diff != "" {
		t.Errorf("_meta (-want +got):\n%s", diff)
	}
}

// A page asks for what it lacks.
func TestNewerMessages(t *testing.T) {
	t.Parallel()
	c := startWithFile(t)
	for _, text := range []string{"one", "two", "three"} {
		if _, err := servertest.Call(t.Context(), c, "post_message", map[string]any{"username": "ann", "text": text}); err != nil {
			t.Fatal(err)
		}
	}
	for after, want := range map[int][]string{0: {"three", "two", "one"}, 2: {"three"}, 3: nil, 9: nil} {
		result, err := c.CallTool(t.Context(), "newer_messages", map[string]any{"after": after})
		if err != nil {
			t.Fatal(err)
		}
		var content struct{ Messages []struct{ Text string } }
		if err := json.Unmarshal(result.StructuredContent, &content); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range content.Messages {
			got = append(got, m.Text)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("after %d (-want +got):\n%s", after, diff)
		}
	}
}
