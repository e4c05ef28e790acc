//go:build !mcpengine_no_handshake

package mcpengine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/mcp"
)

type logLine struct {
	N    int    `json:"n"`
	Text string `json:"text"`
}

type logLines struct {
	Host  string    `json:"host"`
	Lines []logLine `json:"lines"`
}

func someLines(n int) (lines []logLine) {
	for i := range n {
		lines = append(lines, logLine{i, strings.Repeat("x", 40)})
	}
	return lines
}

var readOnly = mcpengine.WithToolAnnotations(mcp.ToolAnnotations{ReadOnlyHint: true})

// budgetEngine returns a server whose results are cut, with keys that another replica
// may have too.
func budgetEngine(opts ...mcpengine.Option) *mcpengine.Engine {
	e := mcpengine.New("logs", append([]mcpengine.Option{
		quiet(), mcpengine.WithKeys([]byte(strings.Repeat("k", 32))), mcpengine.WithResultBudget(500),
	}, opts...)...)
	mcpengine.AddTool(e, "object", "", func(context.Context, none) (logLines, error) { return logLines{"web", someLines(100)}, nil }, readOnly)
	mcpengine.AddTool(e, "list", "", func(context.Context, none) ([]logLine, error) { return someLines(100), nil }, readOnly)
	mcpengine.AddTool(e, "json", "", func(context.Context, none) (string, error) {
		text, err := json.Marshal(logLines{"web", someLines(100)})
		return string(text), err
	}, readOnly)
	mcpengine.AddTool(e, "text", "", func(context.Context, none) (string, error) {
		return strings.Repeat("a line of the log, which nobody cuts in two\n", 100), nil
	}, readOnly)
	mcpengine.AddTool(e, "kept", "", func(context.Context, none) ([]logLine, error) { return someLines(100), nil })
	mcpengine.AddTool(e, "short", "", func(context.Context, none) ([]logLine, error) { return someLines(3), nil })
	return e
}

func budgetClient(t *testing.T, e *mcpengine.Engine, opts ...client.Option) *client.Client {
	t.Helper()
	c, err := client.Connect(t.Context(), "https://logs.example/mcp", append(opts, client.WithHTTPClient(&http.Client{Transport: client.InMemory(e)}))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// restOf returns the URI of the rest.
func restOf(t *testing.T, result *mcp.CallToolResult) string {
	t.Helper()
	for _, b := range result.Content {
		if link, ok := b.(mcp.ResourceLink); ok {
			return link.URI
		}
	}
	t.Fatalf("the result has no link: %s", result.Text())
	return ""
}

// readAll reads the rest, part by part.
func readAll(t *testing.T, c *client.Client, uri string) (parts []string) {
	t.Helper()
	for uri != "" {
		result, err := c.ReadResource(t.Context(), uri)
		if err != nil {
			t.Fatalf("read %.60s: %v", uri, err)
		}
		parts = append(parts, result.Contents[0].Text)
		if uri = ""; len(result.Contents) > 1 {
			uri = result.Contents[1].URI
		}
	}
	return parts
}

// A list is cut behind a whole item, says so, and its parts are the list again, in
// every version and on every replica.
func TestResultBudgetOfLists(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"2024-11-05", "2025-06-18", "2025-11-25", "2026-07-28"} {
		for _, tool := range []string{"object", "list", "json", "kept"} {
			t.Run(tool+" "+version, func(t *testing.T) {
				t.Parallel()
				e := budgetEngine()
				c, other := budgetClient(t, e, client.WithProtocolVersion(version)), budgetClient(t, budgetEngine(), client.WithProtocolVersion(version))
				if tool == "kept" {
					other = c // no other replica has it
				}
				result, err := c.CallTool(t.Context(), tool, nil)
				if err != nil {
					t.Fatal(err)
				}
				if result.IsError || len(result.Text()) > 4*500+600 || len(result.StructuredContent) > 4*500 {
					t.Fatalf("the result has %d and %d bytes: %s", len(result.Text()), len(result.StructuredContent), result.Text())
				}
				first, _, _ := strings.Cut(result.Text(), "\n")
				shown := listOf(t, []byte(first))
				if !strings.Contains(result.Text(), fmt.Sprintf("up to item %d of 100", len(shown))) {
					t.Errorf("the result does not say that %d items are shown: %s", len(shown), result.Text())
				}
				uri := strings.TrimSuffix(strings.Fields(result.Text()[strings.Index(result.Text(), "mcpengine-rest:"):])[0], ".")
				if version >= "2025-06-18" && restOf(t, result) != uri {
					t.Errorf("the link is %s and the text says %s", restOf(t, result), uri)
				}
				for _, part := range readAll(t, other, uri) {
					if len(part) > 4*500 {
						t.Errorf("a part has %d bytes", len(part))
					}
					shown = append(shown, listOf(t, []byte(part))...)
				}
				if diff := cmp.Diff(someLines(100), shown); diff != "" {
					t.Errorf("all parts together (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// listOf returns the lines in JSON: a list or an object with one.
func listOf(t *testing.T, text []byte) (lines []logLine) {
	t.Helper()
	if json.Unmarshal(text, &lines) == nil {
		return lines
	}
	var object logLines
	if err := json.Unmarshal(text, &object); err != nil || object.Host != "web" {
		t.Fatalf("%v: %s", err, text)
	}
	return object.Lines
}

func TestResultBudgetOfText(t *testing.T) {
	t.Parallel()
	c := budgetClient(t, budgetEngine())
	result, err := c.CallTool(t.Context(), "text", nil)
	if err != nil {
		t.Fatal(err)
	}
	first, ok := result.Content[0].(mcp.TextContent)
	if !ok || !strings.HasSuffix(first.Text, "two\n") || len(first.Text) > 4*500 {
		t.Errorf("the text ends within a line, or is too long: %q", first.Text)
	}
	whole := first.Text + strings.Join(readAll(t, c, restOf(t, result)), "")
	if want := strings.Repeat("a line of the log, which nobody cuts in two\n", 100); whole != want {
		t.Errorf("all parts together have %d bytes, want %d", len(whole), len(want))
	}
}

// What fits stays as it is.
func TestResultBudgetLeavesShortResults(t *testing.T) {
	t.Parallel()
	result, err := budgetClient(t, budgetEngine()).CallTool(t.Context(), "short", nil)
	if err != nil || len(result.Content) != 1 || len(listOf(t, result.StructuredContent)) != 3 {
		t.Errorf("%v, %v", result, err)
	}
}

// A result whose schema demands more than fits, or that has no list, becomes an
// error of the tool, and the whole of it can be read.
func TestResultBudgetKeepsTheSchema(t *testing.T) {
	t.Parallel()
	e := budgetEngine()
	mcpengine.AddTool(e, "all", "", func(context.Context, none) ([]logLine, error) { return someLines(100), nil }, readOnly,
		mcpengine.WithOutputSchema(`{"type":"array","minItems":100}`))
	mcpengine.AddTool(e, "blob", "", func(context.Context, none) (logLine, error) { return logLine{1, strings.Repeat("é", 4000)}, nil }, readOnly)
	c := budgetClient(t, e)
	for tool, want := range map[string]int{"all": 100, "blob": 0} {
		result, err := c.CallTool(t.Context(), tool, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !result.IsError || !strings.Contains(result.Text(), "too long to be shown") {
			t.Errorf("%s: %s", tool, result.Text())
		}
		var lines []logLine
		text := ""
		for _, part := range readAll(t, c, restOf(t, result)) {
			if want > 0 {
				lines = append(lines, listOf(t, []byte(part))...)
			}
			text += part
		}
		if len(lines) != want || want == 0 && text != `{"n":1,"text":"`+strings.Repeat("é", 4000)+`"}` {
			t.Errorf("%s: %d items, %d bytes", tool, len(lines), len(text))
		}
	}
}

// Only the caller of the tool reads the rest, while it may use the tool, and for a
// quarter of an hour.
func TestRestBelongsToTheCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		resource, err := auth.NewResource("https://logs.example/mcp", auth.StaticTokens(map[string]auth.User{
			auth.HashToken("ann"): {Subject: "ann"}, auth.HashToken("ben"): {Subject: "ben"},
		}))
		if err != nil {
			t.Fatal(err)
		}
		allowed := true
		e := budgetEngine(mcpengine.WithAuth(resource), mcpengine.CallsAtOnce(1))
		rule := auth.RuleFunc("be allowed", func(context.Context, *auth.User) error {
			if !allowed {
				return errors.New("no longer")
			}
			return nil
		})
		mcpengine.AddTool(e, "guarded", "", func(context.Context, none) ([]logLine, error) { return someLines(100), nil }, readOnly, mcpengine.Allow(rule))
		mcpengine.AddTool(e, "guarded-kept", "", func(context.Context, none) ([]logLine, error) { return someLines(100), nil }, mcpengine.Allow(rule))
		as := func(token string) *client.Client {
			return budgetClient(t, e, client.WithHeader("Authorization", "Bearer "+token))
		}
		ann, ben := as("ann"), as("ben")
		for _, tool := range []string{"guarded", "kept"} {
			result, err := ann.CallTool(t.Context(), tool, nil)
			if err != nil {
				t.Fatal(err)
			}
			uri := restOf(t, result)
			if _, err := ben.ReadResource(t.Context(), uri); err == nil {
				t.Errorf("%s: another caller reads the rest", tool)
			}
			readAll(t, ann, uri)
			if tool == "guarded" {
				allowed = false
				if _, err := ann.ReadResource(t.Context(), uri); err == nil {
					t.Errorf("%s: a caller without the right reads the rest", tool)
				}
			}
			<-time.After(15 * time.Minute)
			if _, err := ann.ReadResource(t.Context(), uri); err == nil {
				t.Errorf("%s: the rest is read after its time", tool)
			}
		}
	})
}

func TestResultBudgetMistakes(t *testing.T) {
	t.Parallel()
	for name, mistake := range map[string]func(){
		"zero": func() { mcpengine.WithResultBudget(0) },
		"no budget of the engine": func() {
			give(mcpengine.New("test", quiet()), "work", "done", mcpengine.WithResultBudget(100))
		},
	} {
		func() {
			defer func() {
				if v := recover(); v == nil || !strings.Contains(fmt.Sprint(v), "WithResultBudget") {
					t.Errorf("%s: panic %v, want one that names the option", name, v)
				}
			}()
			mistake()
		}()
	}
}
