package mcpengine_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/mcp"
)

// A mistake at registration panics when the program starts, with a message
// that names the feature and says what is wrong.
func TestRegistrationMistakes(t *testing.T) {
	t.Parallel()
	type topicAndMore struct {
		Topic string `json:"topic"`
		More  string `json:"more"`
	}
	complete := func(context.Context, string, map[string]string) ([]string, error) { return nil, nil }
	text := func(context.Context, none) (string, error) { return "", nil }
	about := func(context.Context, topic) (string, error) { return "", nil }
	tests := []struct {
		name     string
		register func(e *mcpengine.Engine)
		want     []string
	}{
		{"tool twice", func(e *mcpengine.Engine) { give(e, "twice", ""); give(e, "twice", "") }, []string{`AddTool("twice")`, "taken"}},
		{"tool without name", func(e *mcpengine.Engine) { give(e, "", "") }, []string{`AddTool("")`, "1 to 128"}},
		{"long name", func(e *mcpengine.Engine) { give(e, strings.Repeat("x", 129), "") }, []string{"AddTool", "1 to 128"}},
		{"space in name", func(e *mcpengine.Engine) { give(e, "a b", "") }, []string{`AddTool("a b")`, "' '"}},
		{"letter that looks like another", func(e *mcpengine.Engine) { give(e, "аdd", "") }, []string{"AddTool", "not allowed"}},
		{"input that is no struct", func(e *mcpengine.Engine) {
			mcpengine.AddTool(e, "tool", "", func(context.Context, string) (string, error) { return "", nil })
		}, []string{`AddTool("tool")`, "input", "string is not a struct"}},
		{"input that cannot be described", func(e *mcpengine.Engine) {
			mcpengine.AddTool(e, "tool", "", func(context.Context, struct{ C chan int }) (string, error) { return "", nil })
		}, []string{`AddTool("tool")`, "input", "C", "chan int"}},
		{"output that cannot be described", func(e *mcpengine.Engine) { give(e, "tool", func() {}) }, []string{`AddTool("tool")`, "output", "func()"}},
		{"input schema that is no JSON", func(e *mcpengine.Engine) { give(e, "tool", "", mcpengine.WithInputSchema("{")) }, []string{`AddTool("tool")`, "input"}},
		{"input schema of something else", func(e *mcpengine.Engine) { give(e, "tool", "", mcpengine.WithInputSchema(`{"type":"array"}`)) }, []string{`AddTool("tool")`, "object"}},
		{"output schema that is no schema", func(e *mcpengine.Engine) { give(e, "tool", "", mcpengine.WithOutputSchema(`{"type":7}`)) }, []string{`AddTool("tool")`, "output"}},
		{"schema on the network", func(e *mcpengine.Engine) {
			give(e, "tool", "", mcpengine.WithInputSchema(`{"type":"object","$ref":"https://server.example/schema"}`))
		}, []string{`AddTool("tool")`, "https://server.example/schema"}},
		{"description tag of another library", func(e *mcpengine.Engine) {
			mcpengine.AddTool(e, "tool", "", func(context.Context, struct {
				A int `jsonschema:"required=true"`
			},
			) (string, error) {
				return "", nil
			})
		}, []string{`AddTool("tool")`, "A", "jsonschema"}},
		{"meta that is no JSON", func(e *mcpengine.Engine) { give(e, "tool", "", mcpengine.WithMeta(mcp.Meta{"a": func() {}})) }, []string{`AddTool("tool")`}},

		{"resource twice", func(e *mcpengine.Engine) { hold(e, "file:///a", ""); hold(e, "file:///a", "") }, []string{`AddResource("file:///a")`, "taken"}},
		{"template twice", func(e *mcpengine.Engine) {
			mcpengine.AddResource(e, "file:///{topic}", "", about)
			mcpengine.AddResource(e, "file:///{topic}", "", about)
		}, []string{`AddResource("file:///{topic}")`, "taken"}},
		{"URI without scheme", func(e *mcpengine.Engine) { hold(e, "/etc/passwd", "") }, []string{`AddResource("/etc/passwd")`, "scheme"}},
		{"invalid template", func(e *mcpengine.Engine) { mcpengine.AddResource(e, "file:///{topic", "", about) }, []string{`AddResource("file:///{topic")`}},
		{"variable without field", func(e *mcpengine.Engine) { mcpengine.AddResource(e, "file:///{topic}/{more}", "", about) }, []string{"AddResource", "{more}", "no field"}},
		{"field without variable", func(e *mcpengine.Engine) {
			mcpengine.AddResource(e, "file:///{topic}", "", func(context.Context, topicAndMore) (string, error) { return "", nil })
		}, []string{"AddResource", `"more"`, "no variable"}},
		{"field of a single resource", func(e *mcpengine.Engine) { mcpengine.AddResource(e, "file:///a", "", about) }, []string{`AddResource("file:///a")`, `"topic"`}},
		{"variable that is a list", func(e *mcpengine.Engine) {
			mcpengine.AddResource(e, "file:///{list}", "", func(context.Context, struct {
				List []string `json:"list"`
			},
			) (string, error) {
				return "", nil
			})
		}, []string{"AddResource", `"list"`, "text"}},
		{"completion of nothing", func(e *mcpengine.Engine) { hold(e, "file:///a", "", mcpengine.WithCompletion("topic", complete)) }, []string{`AddResource("file:///a")`, "WithCompletion", `"topic"`}},

		{"prompt twice", func(e *mcpengine.Engine) { offer(e, "p", ""); offer(e, "p", "") }, []string{`AddPrompt("p")`, "taken"}},
		{"prompt without name", func(e *mcpengine.Engine) { offer(e, "", "") }, []string{`AddPrompt("")`}},
		{"argument that is an object", func(e *mcpengine.Engine) {
			mcpengine.AddPrompt(e, "p", "", func(context.Context, struct{ A topic }) (string, error) { return "", nil })
		}, []string{`AddPrompt("p")`, `"A"`, "text"}},
		{"argument that is anything", func(e *mcpengine.Engine) {
			mcpengine.AddPrompt(e, "p", "", func(context.Context, struct{ A any }) (string, error) { return "", nil })
		}, []string{`AddPrompt("p")`, `"A"`, "text"}},
		{"prompt input that is no struct", func(e *mcpengine.Engine) {
			mcpengine.AddPrompt(e, "p", "", func(context.Context, int) (string, error) { return "", nil })
		}, []string{`AddPrompt("p")`, "int is not a struct"}},
		{"completion of an unknown argument", func(e *mcpengine.Engine) {
			mcpengine.AddPrompt(e, "p", "", text, mcpengine.WithCompletion("a", complete))
		}, []string{`AddPrompt("p")`, "WithCompletion", `"a"`}},

		{"page without room", func(*mcpengine.Engine) { mcpengine.New("s", mcpengine.WithPageSize(0)) }, []string{"WithPageSize(0)"}},
		{"short key", func(*mcpengine.Engine) { mcpengine.New("s", mcpengine.WithKeys([]byte("short"))) }, []string{"WithKeys", "32"}},
		{"short previous key", func(*mcpengine.Engine) { mcpengine.New("s", mcpengine.WithKeys(make([]byte, 32), nil)) }, []string{"WithKeys", "32"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			message := panicOf(func() { test.register(mcpengine.New("test")) })
			for _, want := range append(test.want, "mcpengine: ") {
				if !strings.Contains(message, want) {
					t.Errorf("panic is %q, want it to contain %q", message, want)
				}
			}
		})
	}
}

// panicOf returns what f panics with, as text.
func panicOf(f func()) (message string) {
	defer func() {
		if v := recover(); v != nil {
			message = fmt.Sprint(v)
		}
	}()
	f()
	return "no panic"
}

// What failed to register has left nothing behind.
func TestRegistrationFailsWhole(t *testing.T) {
	t.Parallel()
	e := mcpengine.New("test")
	panicOf(func() { give(e, "tool", "", mcpengine.WithInputSchema("{")) })
	if got := post(t, e, message("tools/list", "")).response(); !strings.Contains(got, "Method not found") {
		t.Errorf("tools/list after a failed registration = %s", got)
	}
	give(e, "tool", "done")
	if got := post(t, e, call("tool")).response(); !strings.Contains(got, "done") {
		t.Errorf("tools/call = %s", got)
	}
}

// The longest and oddest names that are allowed.
func TestNames(t *testing.T) {
	t.Parallel()
	e := mcpengine.New("test")
	for _, name := range []string{"a", "A-Z_a.z/0-9", "...", strings.Repeat("x", 128)} {
		give(e, name, "done")
		offer(e, name, "done")
		for _, method := range []string{"tools/call", "prompts/get"} {
			if got := post(t, e, message(method, fmt.Sprintf(`"name":%q`, name))).response(); !strings.Contains(got, "done") {
				t.Errorf("%s %q = %s", method, name, got)
			}
		}
	}
}

// A definition stays what it was when the tool was registered, whatever the
// program does with what it was made of, and is the same whichever client lists first.
func TestDefinitionsStay(t *testing.T) {
	t.Parallel()
	e := mcpengine.New("test")
	icons, meta, yes := []mcp.Icon{{Src: "data:,before"}}, mcp.Meta{"a": "before"}, true
	give(e, "icons", "", mcpengine.WithIcons(icons...))
	give(e, "meta", "", mcpengine.WithMeta(meta))
	give(e, "hints", "", mcpengine.WithToolAnnotations(mcp.ToolAnnotations{DestructiveHint: &yes, OpenWorldHint: &yes}))
	icons[0].Src, meta["a"], yes = "data:,after", "after", false
	want := `{"tools":[{"name":"icons","inputSchema":{"type":"object","additionalProperties":false},"icons":[{"src":"data:,before"}]},` +
		`{"name":"meta","inputSchema":{"type":"object","additionalProperties":false},"_meta":{"a":"before"}},` +
		`{"name":"hints","inputSchema":{"type":"object","additionalProperties":false},"annotations":{"destructiveHint":true,"openWorldHint":true}}],`
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			if got := post(t, e, message("tools/list", "")).response(); !strings.Contains(got, want) {
				t.Errorf("tools/list = %s, want it to contain %s", got, want)
			}
		})
	}
	wait.Wait()
}
