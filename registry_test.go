package mcpengine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/mcp"
)

// Features come and go while the engine serves.
func TestFeaturesChange(t *testing.T) {
	t.Parallel()
	e := mcpengine.New("test")
	answers := func(method, params, want string) {
		t.Helper()
		if got := post(t, e, message(method, params)).response(); !strings.Contains(got, want) {
			t.Errorf("%s {%s} = %s, want it to contain %s", method, params, got, want)
		}
	}
	answers("server/discover", "", `"capabilities":{"logging":{}}`)

	give(e, "tool", "first")
	hold(e, "file:///a", "first")
	mcpengine.AddResource(e, "file:///t/{topic}", "", func(_ context.Context, in topic) (string, error) { return in.Topic, nil })
	offer(e, "prompt", "first")
	answers("server/discover", "", `"tools":{"listChanged":true},"resources":{"subscribe":true,"listChanged":true},"prompts":{"listChanged":true}`)
	answers("tools/call", `"name":"tool"`, "first")
	answers("resources/read", `"uri":"file:///a"`, "first")
	answers("resources/read", `"uri":"file:///t/x"`, `"text":"x"`)
	answers("prompts/get", `"name":"prompt"`, "first")

	e.RemoveTools("tool", "unknown")
	e.RemoveResources("file:///a", "unknown")
	answers("resources/read", `"uri":"file:///a"`, "Resource not found")
	answers("resources/templates/list", "", `"file:///t/{topic}"`)
	e.RemoveResources("file:///t/{topic}")
	e.RemovePrompts("prompt", "unknown")
	for _, method := range []string{"tools/list", "resources/list", "prompts/list", "resources/templates/list"} {
		answers(method, "", "Method not found")
	}

	give(e, "tool", "second")
	answers("tools/call", `"name":"tool"`, "second")
}

// A call under way goes on when its tool is removed.
func TestRemoveDuringCall(t *testing.T) {
	t.Parallel()
	e := mcpengine.New("test")
	mcpengine.AddTool(e, "once", "", func(context.Context, none) (string, error) {
		e.RemoveTools("once")
		return "farewell", nil
	})
	for _, want := range []string{"farewell", "Method not found"} {
		if got := post(t, e, call("once")).response(); !strings.Contains(got, want) {
			t.Errorf("response = %s, want it to contain %s", got, want)
		}
	}
}

// Lists, calls and changes at the same time are each answered from one state
// of the features.
func TestFeaturesChangeConcurrently(t *testing.T) {
	t.Parallel()
	const changers, rounds = 4, 50
	e := mcpengine.New("test")
	give(e, "stays", "done")
	hold(e, "file:///stays", "text")
	offer(e, "stays", "text")
	var wait sync.WaitGroup
	for i := range changers {
		name := fmt.Sprintf("comes_%d", i)
		wait.Go(func() {
			for range rounds {
				give(e, name, "done")
				hold(e, "file:///"+name, "text")
				offer(e, name, "text")
				e.ResourceUpdated("file:///" + name)
				e.RemoveTools(name)
				e.RemoveResources("file:///" + name)
				e.RemovePrompts(name)
			}
		})
		wait.Go(func() {
			for range rounds {
				for _, request := range []string{
					call("stays"), message("tools/list", ""), message("prompts/list", ""),
					message("resources/read", `"uri":"file:///stays"`), message("server/discover", ""),
				} {
					if got := post(t, e, request); got.status != 200 || strings.Contains(got.response(), `"error"`) {
						t.Errorf("%s = %s", request, got.response())
					}
				}
				// This one may or may not be there.
				post(t, e, call(name))
			}
		})
	}
	wait.Wait()
	want := `"result":{"tools":[{"name":"stays","inputSchema":{"type":"object","additionalProperties":false}}],`
	if got := post(t, e, message("tools/list", "")).response(); !strings.Contains(got, want) {
		t.Errorf("tools/list = %s, want it to contain %s", got, want)
	}
}

// The same features give the same bytes, however maps are ordered today.
func TestDeterministicBytes(t *testing.T) {
	t.Parallel()
	many := map[string]any{}
	for i := range 20 {
		many[fmt.Sprintf("example.com/%d", i)] = map[string]int{"b": 2, "a": 1, "c": i}
	}
	newEngine := func() *mcpengine.Engine {
		e := mcpengine.New("test", mcpengine.WithImplementation(mcp.Implementation{Version: "1"}))
		give(e, "map", many, mcpengine.WithMeta(many))
		give(e, "result", &mcp.CallToolResult{Meta: many})
		hold(e, "file:///a", []mcp.ResourceContents{{Text: "a", Meta: many}}, mcpengine.WithMeta(many))
		offer(e, "prompt", &mcp.GetPromptResult{Meta: many}, mcpengine.WithMeta(many))
		mcpengine.AddTool(e, "log", "", func(ctx context.Context, _ none) (string, error) {
			mcpengine.Log(ctx, mcp.LoggingLevelError, "", many)
			return "done", nil
		})
		mcpengine.AddTool(e, "error", "", func(context.Context, none) (string, error) {
			return "", mcp.Errorf(7, "").WithData(many)
		})
		return e
	}
	for _, request := range []string{
		message("tools/list", ""), message("resources/list", ""), message("prompts/list", ""),
		call("map"), call("result"), call("error"),
		message("resources/read", `"uri":"file:///a"`), message("prompts/get", `"name":"prompt"`),
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"log","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/logLevel":"debug"}}}`,
	} {
		first := post(t, newEngine(), request).messages[0]
		for range 3 {
			if again := post(t, newEngine(), request).messages[0]; again != first {
				t.Errorf("%s is answered in two ways (-one +another):\n%s", request, cmp.Diff(first, again))
				break
			}
		}
	}
}

// A list that is long is sent as it is kept, and is the same as if it were not:
// over every transport, and after a first page.
func TestLongList(t *testing.T) {
	t.Parallel()
	newEngine := func(opts ...mcpengine.Option) *mcpengine.Engine {
		e := mcpengine.New("test", append(opts, quiet(), mcpengine.WithPageSize(200))...)
		for i := range 150 {
			give(e, fmt.Sprintf("tool_%03d", i), "a result")
		}
		return e
	}
	got := exchanges(t, func() *mcpengine.Engine { return newEngine() }, message("tools/list", ""))
	if got["HTTP"] != got["stdio"] {
		t.Errorf("over HTTP %.200s…, over stdio %.200s…", got["HTTP"], got["stdio"])
	}
	e := newEngine()
	check := func(what, body string) {
		var list struct {
			Result struct {
				Tools []mcp.Tool `json:"tools"`
			} `json:"result"`
		}
		if err := json.Unmarshal([]byte(body), &list); err != nil || len(list.Result.Tools) != 150 {
			t.Errorf("%s: %d tools, want 150: %v", what, len(list.Result.Tools), err)
		}
	}
	check("at first", post(t, e, message("tools/list", "")).response())
	check("again", post(t, e, message("tools/list", "")).response())
	if servesHandshake {
		r := newRequest(t.Context(), "http://mcp.example/mcp", `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`)
		r.Header.Set("Mcp-Protocol-Version", "2025-11-25")
		w := httptest.NewRecorder()
		newEngine(mcpengine.WithHTTP(mcpengine.HTTPConfig{NoSessions: true})).ServeHTTP(w, r)
		check("in a handshake version", w.Body.String())
	}
}
