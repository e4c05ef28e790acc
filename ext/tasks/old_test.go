package tasks_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/ext/tasks"
)

// An oldClient is a client of protocol version 2025-11-25 that knows its tasks.
type oldClient struct {
	*testing.T
	url, session string
	capabilities map[string]any // of the server

	// answer answers the questions of the server, and heard notes them.
	answer string
	heard  []string
}

func newOldClient(t *testing.T, e *mcpengine.Engine) *oldClient {
	t.Helper()
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	c := &oldClient{T: t, url: server.URL}
	got := c.send("initialize", `"protocolVersion":"2025-11-25","capabilities":{"elicitation":{"form":{}},"tasks":{"requests":{"elicitation":{"create":{}}}}},"clientInfo":{"name":"vscode","version":"1"}`)
	c.capabilities, _ = got.Result["capabilities"].(map[string]any)
	if c.session == "" || c.capabilities == nil {
		t.Fatalf("initialize: %+v", got)
	}
	c.post(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	return c
}

func (c *oldClient) post(body string) *http.Response {
	c.Helper()
	r, err := http.NewRequestWithContext(c.Context(), "POST", c.url, strings.NewReader(body))
	if err != nil {
		c.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	if c.session != "" {
		r.Header.Set("Mcp-Session-Id", c.session)
		r.Header.Set("MCP-Protocol-Version", "2025-11-25")
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		c.Fatal(err)
	}
	c.Cleanup(func() { response.Body.Close() })
	return response
}

// send sends a request, answers what the server asks, and returns the response.
func (c *oldClient) send(method, params string) (got reply) {
	c.Helper()
	response := c.post(fmt.Sprintf(`{"jsonrpc":"2.0","id":7,"method":%q,"params":{%s}}`, method, params))
	if id := response.Header.Get("Mcp-Session-Id"); id != "" {
		c.session = id
	}
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		data := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "data:"))
		if !strings.HasPrefix(data, "{") {
			continue
		}
		var message struct {
			ID     json.RawMessage
			Method string
		}
		if err := json.Unmarshal([]byte(data), &message); err != nil {
			c.Fatalf("%s: %v", data, err)
		}
		switch {
		case message.Method != "" && message.ID != nil:
			c.heard = append(c.heard, message.Method)
			c.post(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":%s}`, message.ID, c.answer))
		case message.Method == "":
			if err := json.Unmarshal([]byte(data), &got); err != nil {
				c.Fatalf("%s: %v", data, err)
			}
			return got
		}
	}
	c.Fatalf("%s: no response: %v", method, lines.Err())
	return got
}

func (c *oldClient) call(tool string) reply {
	c.Helper()
	return c.send("tools/call", fmt.Sprintf(`"name":%q,"arguments":{},"task":{"ttl":60000}`, tool))
}

// start begins a task and returns its id.
func (c *oldClient) start(tool string) string {
	c.Helper()
	got := c.call(tool)
	task, _ := got.Result["task"].(map[string]any)
	id, _ := task["taskId"].(string)
	if id == "" || task["status"] != "working" || task["ttl"] != 60000.0 || task["pollInterval"] != 1000.0 || got.Result["resultType"] != nil {
		c.Fatalf("%s: %+v", tool, got)
	}
	return id
}

func (c *oldClient) task(method, id string) reply {
	c.Helper()
	return c.send(method, fmt.Sprintf(`"taskId":%q`, id))
}

func oldServer(t *testing.T, opts ...mcpengine.Option) *mcpengine.Engine {
	e := mcpengine.New("fixture", append(opts, mcpengine.WithLogger(quiet()), mcpengine.WithExtension(tasks.Extension(tasks.Memory(), tasks.WithLogger(quiet()))))...)
	t.Cleanup(e.Close)
	mcpengine.AddTool(e, "ask", "", func(ctx context.Context, _ none) (bool, error) {
		a, err := mcpengine.Elicit[approval](ctx, "Go on?")
		return a.Approve, err
	}, tasks.Durable())
	mcpengine.AddTool(e, "run", "", func(ctx context.Context, _ none) (string, error) {
		<-ctx.Done()
		return "", context.Cause(ctx)
	}, tasks.Durable(tasks.Patience(10*time.Millisecond)))
	mcpengine.AddTool(e, "must", "", func(context.Context, none) (string, error) { return "done", nil }, tasks.Durable(tasks.Required()))
	mcpengine.AddTool(e, "plain", "", func(context.Context, none) (string, error) { return "done", nil })
	return e
}

// Clients of 2025-11-25 find its tasks where they look for them.
func TestOldCapabilities(t *testing.T) {
	t.Parallel()
	c := newOldClient(t, oldServer(t))
	if got := fmt.Sprint(c.capabilities["tasks"]); got != "map[cancel:map[] requests:map[tools:map[call:map[]]]]" {
		t.Errorf("capabilities.tasks = %s", got)
	}
	if c.capabilities["extensions"] != nil {
		t.Errorf("capabilities.extensions = %v, want none", c.capabilities["extensions"])
	}
	support := map[string]any{}
	for _, tool := range c.send("tools/list", "").Result["tools"].([]any) {
		tool := tool.(map[string]any)
		support[fmt.Sprint(tool["name"])] = tool["execution"]
	}
	want := "map[ask:map[taskSupport:optional] must:map[taskSupport:required] plain:<nil> run:map[taskSupport:optional] task_cancel:<nil> task_result:<nil>]"
	if got := fmt.Sprint(support); got != want {
		t.Errorf("execution = %s, want %s", got, want)
	}
}

// A task asks through tasks/result, and its result has the form of the version.
func TestOldTask(t *testing.T) {
	t.Parallel()
	c := newOldClient(t, oldServer(t))
	c.answer = `{"action":"accept","content":{"approve":true}}`
	id := c.start("ask")
	got := c.task("tasks/result", id)
	if fmt.Sprint(got.Result["structuredContent"]) != "map[result:true]" || got.text() != "true" || got.Result["resultType"] != nil {
		t.Errorf("tasks/result: %+v", got)
	}
	if meta := fmt.Sprint(got.Result["_meta"]); meta != fmt.Sprintf("map[io.modelcontextprotocol/related-task:map[taskId:%s]]", id) {
		t.Errorf("_meta = %s", meta)
	}
	if fmt.Sprint(c.heard) != "[elicitation/create]" {
		t.Errorf("questions = %v", c.heard)
	}
	if got := c.task("tasks/get", id); got.string("status") != "completed" || got.Result["result"] != nil {
		t.Errorf("tasks/get: %+v", got)
	}
	if got := c.task("tasks/cancel", id); got.Error == nil || got.Error.Code != -32602 {
		t.Errorf("tasks/cancel of a task that has ended: %+v", got)
	}
	if got := c.task("tasks/result", "UNKNOWN"); got.Error == nil || got.Error.Code != -32602 {
		t.Errorf("tasks/result of an unknown task: %+v", got)
	}
	if got := c.task("tasks/update", id); got.Error == nil || got.Error.Code != -32601 {
		t.Errorf("tasks/update: %+v, want -32601", got)
	}
}

func TestOldCancel(t *testing.T) {
	t.Parallel()
	c := newOldClient(t, oldServer(t))
	id := c.start("run")
	if got := c.task("tasks/cancel", id); got.string("taskId") != id {
		t.Errorf("tasks/cancel: %+v", got)
	}
	if got := c.task("tasks/result", id); got.Error == nil || !strings.Contains(got.Error.Message, "cancelled") {
		t.Errorf("tasks/result: %+v", got)
	}
	if got := c.task("tasks/get", id); got.string("status") != "cancelled" {
		t.Errorf("tasks/get: %+v", got)
	}
}

// Calls without a task, and a task of a tool that has none.
func TestOldPlainCall(t *testing.T) {
	t.Parallel()
	c := newOldClient(t, oldServer(t))
	c.answer = `{"action":"accept","content":{"approve":true}}`
	if got := c.send("tools/call", `"name":"ask","arguments":{}`); got.text() != "true" {
		t.Errorf("ask: %+v", got)
	}
	if got := c.send("tools/call", `"name":"run","arguments":{}`); !handleID.MatchString(got.text()) {
		t.Errorf("run: %+v", got)
	}
	if got := c.send("tools/call", `"name":"must","arguments":{}`); got.Error == nil || got.Error.Code != -32601 {
		t.Errorf("must: %+v, want -32601", got)
	}
	if got := c.call("plain"); got.text() != "done" {
		t.Errorf("plain: %+v", got)
	}
	for _, bad := range []string{`7`, `"x"`, `{"ttl":"x"}`} {
		if got := c.send("tools/call", `"name":"ask","arguments":{},"task":`+bad); got.Error == nil || got.Error.Code != -32602 {
			t.Errorf("task %s: %+v, want -32602", bad, got)
		}
	}
}

// Without a session a call of a durable tool waits like any other.
func TestOldSessionless(t *testing.T) {
	t.Parallel()
	e := oldServer(t, mcpengine.WithHTTP(mcpengine.HTTPConfig{NoSessions: true}))
	r := httptest.NewRequestWithContext(t.Context(), "POST", "/mcp", strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"run","arguments":{}}}`))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	r.Header.Set("MCP-Protocol-Version", "2025-11-25")
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	if !strings.Contains(w.Body.String(), "task_result") {
		t.Errorf("response = %s", w.Body)
	}
}
