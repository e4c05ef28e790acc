package mcpengine_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/mcp"
	"github.com/mcpengine/mcpengine/mcptest"
)

// The options of one tool add up, also when they were joined before, and do not
// reach the next tool.
func TestToolOptions(t *testing.T) {
	t.Parallel()
	members := mcp.Meta{"com.example/a": "1"}
	both := mcpengine.ToolOptions(mcpengine.WithMeta(members), mcpengine.WithTitle("Both"),
		mcpengine.WithToolAnnotations(mcp.ToolAnnotations{ReadOnlyHint: true}))
	members["com.example/a"] = "changed later"
	e := mcpengine.New("test", quiet())
	give(e, "plain", "text", mcpengine.WithMeta(nil))
	give(e, "before", "text", mcpengine.WithMeta(mcp.Meta{"com.example/a": "0", "com.example/b": "2"}), both)
	give(e, "after", "text", both, mcpengine.WithMeta(mcp.Meta{"com.example/b": "2"}))
	give(e, "alone", "text", both)
	tools, err := client.Collect(mcptest.New(e).Tools(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]mcp.Meta{}
	for _, tool := range tools {
		got[tool.Name] = tool.Meta
		if tool.Name != "plain" && (tool.Title != "Both" || tool.Annotations == nil || !tool.Annotations.ReadOnlyHint) {
			t.Errorf("%s = %+v, want every option", tool.Name, tool)
		}
	}
	two := mcp.Meta{"com.example/a": "1", "com.example/b": "2"}
	want := map[string]mcp.Meta{"plain": nil, "before": two, "after": two, "alone": {"com.example/a": "1"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("_meta (-want +got):\n%s", diff)
	}
}

// ToolOptions gives a package an option of its own.
func ExampleToolOptions() {
	readOnly := mcpengine.ToolOptions(
		mcpengine.WithToolAnnotations(mcp.ToolAnnotations{ReadOnlyHint: true}),
		mcpengine.WithMeta(mcp.Meta{"com.example/audited": false}),
	)
	e := mcpengine.New("weather")
	give(e, "get_weather", "sunny", readOnly)
}

// A tool whose result links to a resource cannot be added without it.
func ExampleNeedsResource() {
	e := mcpengine.New("weather")
	err := e.Add(mcpengine.NewTool("get_map", "", func(context.Context, none) (mcp.ResourceLink, error) {
		return mcp.ResourceLink{URI: "weather://map", Name: "map"}, nil
	}, mcpengine.NeedsResource("weather://map")))
	fmt.Println(err)
	// Output: add tool "get_map": it needs the resource "weather://map": add that first
}
