package mcpengine_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/mcp"
)

func silent(context.Context, none) (string, error) { return "", nil }

func about(_ context.Context, in topic) (string, error) { return in.Topic, nil }

// registered are the features of an engine, as their kinds and names.
func registered(e *mcpengine.Engine) (names []string) {
	for _, entry := range e.Explain()[1:] {
		names = append(names, entry.Kind+" "+entry.Name)
	}
	return names
}

func TestFeatures(t *testing.T) {
	t.Parallel()
	features := []mcpengine.Feature{
		mcpengine.NewTool("tool", "", silent),
		mcpengine.NewResource("file:///a", "", silent),
		mcpengine.NewResource("file:///by/{topic}", "", about),
		mcpengine.NewPrompt("prompt", "", about),
	}
	want := []string{"tool tool", "resource file:///a", "template file:///by/{topic}", "prompt prompt"}
	var described []string
	for _, f := range features {
		described = append(described, f.Kind()+" "+f.Name())
	}
	if !slices.Equal(described, want) {
		t.Errorf("the features are %q, want %q", described, want)
	}
	// A feature can be added to several engines, and again after its removal.
	for range 2 {
		e := mcpengine.New("test")
		for range 2 {
			if err := e.Add(features...); err != nil {
				t.Fatalf("Add() = %v", err)
			}
			if got := registered(e); !slices.Equal(got, want) {
				t.Errorf("registered are %q, want %q", got, want)
			}
			if got := post(t, e, call("tool")).response(); !strings.Contains(got, `"text":""`) {
				t.Errorf("the tool answers %s", got)
			}
			e.Remove(features...)
			if got := registered(e); len(got) > 0 {
				t.Errorf("registered after Remove are %q", got)
			}
		}
	}
}

// Add names the feature that it refuses, adds nothing and does not panic,
// whatever strangers have named.
func TestAddRefuses(t *testing.T) {
	t.Parallel()
	tool := mcpengine.NewTool("tool", "", silent)
	tests := []struct {
		name    string
		feature mcpengine.Feature
		want    []string
	}{
		{"a name that is taken", mcpengine.NewTool("old", "", silent), []string{`add tool "old"`, "taken"}},
		{"a name given twice", tool, []string{`add tool "tool"`, "taken"}},
		{"a bad name", mcpengine.NewTool("a b", "", silent), []string{`add tool "a b"`, "not allowed"}},
		{"a bad input schema", mcpengine.NewTool("x", "", silent, mcpengine.WithInputSchema(`{"type":7}`)), []string{`add tool "x"`, "input"}},
		{"a bad output schema", mcpengine.NewTool("x", "", silent, mcpengine.WithOutputSchema(`{`)), []string{`add tool "x"`, "output"}},
		{"meta without JSON", mcpengine.NewTool("x", "", silent, mcpengine.WithMeta(mcp.Meta{"f": func() {}})), []string{`add tool "x"`}},
		{"a policy without authorization", mcpengine.NewTool("x", "", silent, mcpengine.Hidden()), []string{`add tool "x"`, "WithAuth"}},
		{"a type without schema", mcpengine.NewTool("x", "", func(context.Context, struct{ C chan int }) (string, error) { return "", nil }), []string{`add tool "x"`, "chan int"}},
		{"a nil handler", mcpengine.NewTool[none, string]("x", "", nil), []string{`add tool "x"`, "handler"}},
		{"a bad template", mcpengine.NewResource("file:///{topic", "", about), []string{`add template "file:///{topic"`}},
		{"a URI without scheme", mcpengine.NewResource("/etc/passwd", "", silent), []string{`add resource "/etc/passwd"`, "scheme"}},
		{"a nil handler of a resource", mcpengine.NewResource[none, string]("file:///x", "", nil), []string{`add resource "file:///x"`, "handler"}},
		{"a prompt with a list", mcpengine.NewPrompt("p", "", func(context.Context, struct{ A []string }) (string, error) { return "", nil }), []string{`add prompt "p"`, "text"}},
		{"a nil handler of a prompt", mcpengine.NewPrompt[none, string]("p", "", nil), []string{`add prompt "p"`, "handler"}},
		{"a nil completion", mcpengine.NewPrompt("p", "", about, mcpengine.WithCompletion("topic", nil)), []string{`add prompt "p"`, "WithCompletion"}},
		{"no feature", mcpengine.Feature{}, []string{"zero Feature"}},
		{"a name of any length", mcpengine.NewTool(strings.Repeat("x", 1<<20), "", silent), []string{"add tool", "1 to 128"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			e := mcpengine.New("test")
			mcpengine.AddTool(e, "old", "", silent)
			err := e.Add(mcpengine.NewResource("file:///first", "", silent), tool, test.feature)
			if err == nil {
				t.Fatal("Add() = nil")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("Add() = %v, want it to contain %q", err, want)
				}
			}
			if len(err.Error()) > 1000 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
			if got, want := registered(e), []string{"tool old"}; !slices.Equal(got, want) {
				t.Errorf("registered are %q, want %q", got, want)
			}
			if got := post(t, e, call("old")).response(); strings.Contains(got, `"error"`) {
				t.Errorf("the tool that was there answers %s", got)
			}
		})
	}
}

// What the caller changes after NewTool changes no feature.
func TestFeatureIsImmutable(t *testing.T) {
	t.Parallel()
	meta, icons := mcp.Meta{"a": 1}, []mcp.Icon{{Src: "https://a.example/icon.png"}}
	f := mcpengine.NewTool("tool", "", silent, mcpengine.WithMeta(meta), mcpengine.WithIcons(icons...))
	meta["a"], icons[0].Src = 2, "https://b.example/icon.png"
	e := mcpengine.New("test")
	if err := e.Add(f); err != nil {
		t.Fatal(err)
	}
	if got := post(t, e, message("tools/list", "")).response(); !strings.Contains(got, `"a":1`) || !strings.Contains(got, "a.example") {
		t.Errorf("the list is %s", got)
	}
}

// FuzzAdd checks that no name, URI or schema of a stranger makes Add panic, and
// that what was refused leaves nothing behind.
func FuzzAdd(f *testing.F) {
	f.Add("search", "file:///{a}", `{"type":"object"}`)
	f.Add("a b", "board://messages/{id", `{"type":7}`)
	f.Add("\xff", "x:%zz/{a,b}", `{"type":"object","properties":{"a":{"pattern":"("}},"$ref":"#/x"}`)
	f.Add("", "{}:", `{"type":"object","allOf":[{"$dynamicRef":"#a"}],"default":`)
	f.Fuzz(func(t *testing.T, name, uri, schema string) {
		e := mcpengine.New("test", quiet())
		raw := func(context.Context, map[string]any) (json.RawMessage, error) { return json.RawMessage("{}"), nil }
		for _, feature := range []mcpengine.Feature{
			mcpengine.NewTool(name, name, raw, mcpengine.WithInputSchema(schema), mcpengine.WithOutputSchema(schema)),
			mcpengine.NewResource(uri, name, silent), mcpengine.NewPrompt(name, name, silent),
		} {
			before := len(e.Explain())
			if err := e.Add(feature); (err == nil) != (len(e.Explain()) == before+1) {
				t.Errorf("Add(%s %q) = %v, but there are %d entries after %d", feature.Kind(), feature.Name(), err, len(e.Explain()), before)
			}
		}
		for _, method := range []string{"tools/list", "resources/list", "resources/templates/list", "prompts/list"} {
			post(t, e, message(method, ""))
		}
	})
}
