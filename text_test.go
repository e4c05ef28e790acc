package mcpengine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/mcp"
)

const (
	broken   = "caf\xe9"
	repaired = "caf\uFFFD"
)

// A writer is a type that writes its own JSON.
type writer struct{ text string }

func (w writer) MarshalJSON() ([]byte, error) { return []byte(w.text), nil }

// brokenEngine returns text that is not UTF-8 wherever a handler can put any.
func brokenEngine() *mcpengine.Engine {
	e := mcpengine.New(broken, quiet(), mcpengine.WithInstructions(broken),
		mcpengine.WithImplementation(mcp.Implementation{Title: broken, Version: broken, Icons: []mcp.Icon{{Src: broken}}}))
	give(e, "text", broken, mcpengine.WithTitle(broken), mcpengine.WithMeta(mcp.Meta{broken: broken}),
		mcpengine.WithToolAnnotations(mcp.ToolAnnotations{Title: broken}))
	give(e, "struct", map[string]string{broken: broken})
	give(e, "raw", json.RawMessage(`"`+broken+`"`))
	give(e, "written", writer{`"` + broken + `"`})
	give(e, "block", mcp.TextContent{Text: broken, Meta: mcp.Meta{broken: broken}})
	give(e, "blocks", []mcp.ContentBlock{mcp.ResourceLink{URI: broken, Name: broken}, mcp.EmbeddedResource{Resource: mcp.ResourceContents{URI: broken, Text: broken}}})
	give(e, "result", &mcp.CallToolResult{Content: mcp.ContentBlocks{mcp.TextContent{Text: broken}}, StructuredContent: json.RawMessage(`{"a":"` + broken + `"}`)})
	fail := func(name string, err error) {
		mcpengine.AddTool(e, name, "", func(context.Context, none) (string, error) { return "", err })
	}
	fail("error", errors.New(broken))
	fail("protocol", mcp.Errorf(7, "%s", broken).WithData(broken))
	fail("raw_data", &mcp.Error{Code: 7, Message: broken, Data: json.RawMessage(`"` + broken + `"`)})
	mcpengine.AddTool(e, "notify", "", func(ctx context.Context, _ none) (string, error) {
		mcpengine.Progress(ctx, 1, 2, broken)
		mcpengine.Log(ctx, mcp.LoggingLevelError, broken, map[string]string{broken: broken})
		return broken, nil
	})
	mcpengine.AddTool(e, "ask", "", func(ctx context.Context, _ none) (string, error) {
		_, err := mcpengine.Elicit[login](ctx, broken, mcpengine.WithKey(broken))
		return broken, err
	})
	hold(e, "file:///text", broken, mcpengine.WithName(broken))
	hold(e, "file:///contents", []mcp.ResourceContents{{URI: broken, MIMEType: broken, Text: broken}})
	offer(e, "text", broken)
	offer(e, "messages", []mcp.PromptMessage{{Role: mcp.RoleUser, Content: mcp.TextContent{Text: broken}}})
	mcpengine.AddPrompt(e, "completed", broken, about, mcpengine.WithCompletion("topic", func(context.Context, string, map[string]string) ([]string, error) {
		return []string{broken}, nil
	}))
	return e
}

// Text that is not UTF-8 is repaired at once, whatever it stands in and
// whatever carries it: no answer is lost for it.
func TestBrokenText(t *testing.T) {
	t.Parallel()
	requests := []string{
		message("server/discover", ""), message("tools/list", ""), message("resources/list", ""), message("prompts/list", ""),
		message("resources/read", `"uri":"file:///text"`), message("resources/read", `"uri":"file:///contents"`),
		message("prompts/get", `"name":"text"`), message("prompts/get", `"name":"messages"`),
		message("completion/complete", `"ref":{"type":"ref/prompt","name":"completed"},"argument":{"name":"topic","value":""}`),
	}
	for _, tool := range []string{"text", "struct", "raw", "written", "block", "blocks", "result", "error", "protocol", "raw_data", "notify", "ask"} {
		requests = append(requests, call(tool))
	}
	for _, request := range requests {
		answers := map[string][]string{
			"HTTP":  post(t, brokenEngine(), request).messages,
			"stdio": serveStdio(t, brokenEngine())(request),
		}
		for transport, messages := range answers {
			for _, m := range messages {
				if !utf8.ValidString(m) || jsonrpc.Valid([]byte(m)) != nil || !strings.Contains(strings.ReplaceAll(m, `\ufffd`, "\uFFFD"), repaired) {
					t.Errorf("%s over %s = %q, want the text as %q", request, transport, m, repaired)
				}
			}
		}
	}
}

// A name that no client can send back is refused.
func TestBrokenNames(t *testing.T) {
	t.Parallel()
	for _, f := range []mcpengine.Feature{
		mcpengine.NewTool(broken, "", silent), mcpengine.NewPrompt(broken, "", silent),
		mcpengine.NewResource("file:///"+broken, "", silent), mcpengine.NewResource("file:///"+broken+"/{topic}", "", about),
		mcpengine.NewTool("schema", "", silent, mcpengine.WithInputSchema(`{"type":"object","title":"`+broken+`"}`)),
	} {
		if err := mcpengine.New("test").Add(f); err == nil {
			t.Errorf("%s %q was added", f.Kind(), f.Name())
		}
	}
}

// JSON that a handler's type has written wrongly is an internal error with a
// line in the log, not a silence.
func TestBrokenJSON(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{"a":1,"a":2}`, `"\ud83d"`, `{`, `nul`} {
		var log recorder
		newEngine := func() *mcpengine.Engine {
			e := mcpengine.New("test", mcpengine.WithLogger(log.logger()))
			give(e, "written", writer{text})
			return e
		}
		for transport, got := range exchanges(t, newEngine, call("written")) {
			if !strings.Contains(got, fmt.Sprint(mcp.CodeInternalError)) && !strings.Contains(got, `"isError":true`) {
				t.Errorf("%s over %s = %s, want an error", text, transport, got)
			}
		}
		if log.take() == "" {
			t.Errorf("%s: nothing was logged", text)
		}
	}
}
