package inspector_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/inspector"
	"github.com/mcpengine/mcpengine/internal/protocol"
)

// everywhere runs a test with a server that is reached through HTTP and over
// streams, in every version.
func everywhere(t *testing.T, test func(t *testing.T, p *page, version string)) {
	t.Helper()
	for _, version := range protocol.Names(nil) {
		for name, target := range map[string]inspector.Target{"http": &httpTarget{handler: newServer()}, "stdio": &pipeTarget{newServer()}} {
			t.Run(name+version, func(t *testing.T) {
				t.Parallel()
				test(t, connected(t, inspector.Options{Target: target, Version: version}), version)
			})
		}
	}
}

// A call tells of its progress and its log messages before its result.
func TestCall(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p *page, _ string) {
		l := p.call("work")
		if line := l.next(); line["type"] != "started" || line["request"] == "" {
			t.Errorf("the first line is %v", line)
		}
		if line := l.until("progress"); line["progress"] != 1.0 || line["total"] != 2.0 {
			t.Errorf("progress = %v", line)
		}
		line := l.until("result")
		if text(line) != "done" || line["bytes"].(float64) < 10 || line["milliseconds"] == nil {
			t.Errorf("result = %v", line)
		}
		if more := l.next(); more != nil {
			t.Errorf("%v follows the result", more)
		}
	})
}

// A log message of the server reaches the call that it belongs to, and the events.
func TestLog(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p *page, _ string) {
		l := p.call("work")
		if line := l.until("log"); line["level"] != "warning" || line["logger"] != "oven" || line["data"] != "hot" {
			t.Errorf("log = %v", line)
		}
		if line := p.events(0).until("log"); line["data"] != "hot" {
			t.Errorf("the event is %v", line)
		}
	})
}

// An error of the server keeps its code and data; one of the inspector has code 0.
func TestCallErrors(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p *page, _ string) {
		if line := p.call("refuse").until("error"); line["code"] != -32050.0 || line["message"] != "closed" || fmt.Sprint(line["data"]) != "[1]" {
			t.Errorf("refuse = %v", line)
		}
		if line := p.send("tools/call", `[]`).until("error"); line["code"] != 0.0 {
			t.Errorf("params that are a list = %v", line)
		}
		if line := p.send("no/method", `{}`).until("error"); line["code"] != -32601.0 {
			t.Errorf("no/method = %v", line)
		}
	})
}

// A question of the server is part of the call, and its answer reaches the server.
func TestQuestions(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p *page, version string) {
		for _, test := range []struct {
			tool, kind, answer, want string
		}{
			{"ask", "form", `"action":"accept","content":{"name":"Ada"}`, "Hello Ada"},
			{"ask", "form", `"action":"decline"`, "declined"},
			{"visit", "url", `"action":"accept"`, "visited"},
			{"sample", "sampling", `"action":"accept","content":{"role":"assistant","model":"m1","content":{"type":"text","text":"!"}}`, "model m1"},
			{"roots", "roots", `"action":"accept","content":{"roots":[{"uri":"file:///a"},{"uri":"file:///b"}]}`, "2 folders"},
		} {
			l := p.call(test.tool)
			line := l.next()
			for line != nil && line["type"] != "question" && line["type"] != "error" && line["type"] != "result" {
				line = l.next()
			}
			if line["type"] == "result" && strings.Contains(text(line), "does not") || line["type"] == "error" {
				// The version has no such question.
				if test.kind == "url" || version == "2024-11-05" || version == "2025-03-26" {
					continue
				}
			}
			if line["type"] != "question" || line["kind"] != test.kind {
				t.Errorf("%s: %v, want a question", test.tool, line)
				continue
			}
			if status, text := p.post("/api/answer", fmt.Sprintf(`{"question":%q,%s}`, line["question"], test.answer)); status != 204 {
				t.Errorf("%s: the answer: HTTP %d %s", test.tool, status, text)
			}
			if got := text(l.until("result")); got != test.want {
				t.Errorf("%s = %q, want %q", test.tool, got, test.want)
			}
			if status, _ := p.post("/api/answer", fmt.Sprintf(`{"question":%q,%s}`, line["question"], test.answer)); status != 404 {
				t.Errorf("%s: a second answer: HTTP %d", test.tool, status)
			}
		}
	})
}

// A page that leaves takes its call and its questions with it.
func TestLeave(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p *page, _ string) {
		l := p.call("wait")
		l.until("progress")
		l.body.Close()
		events := p.events(0)
		for {
			e := events.until("message")
			body, _ := json.Marshal(e["body"])
			if e["direction"] == "sent" && strings.Contains(string(body), "notifications/cancelled") || e["error"] != nil {
				break // the server is told, or the response is closed
			}
		}
		if got := text(p.call("work").until("result")); got != "done" {
			t.Errorf("the next call = %q", got)
		}
	})
}

// A task is told of while it goes on, and asks its questions within the call, as an
// extension and in the form of 2025-11-25.
func TestTask(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p *page, version string) {
		_, state := p.get("/api/state")
		if !strings.Contains(state, `"tasks":true`) {
			if version >= "2025-11-25" {
				t.Errorf("%s has tasks, which the state does not say", version)
			}
			return
		}
		params := `{"name":"task","arguments":{}}`
		if strings.Contains(state, `"tasks":{`) {
			params = `{"name":"task","arguments":{},"task":{"ttl":60000}}`
		}
		l := p.send("tools/call", params)
		task, _ := l.until("task")["task"].(map[string]any)
		if task["taskId"] == "" || task["status"] == "" {
			t.Errorf("task = %v", task)
		}
		q := l.until("question")
		if status, text := p.post("/api/answer", fmt.Sprintf(`{"question":%q,"action":"accept","content":{"name":"Ada"}}`, q["question"])); status != 204 {
			t.Errorf("the answer: HTTP %d %s", status, text)
		}
		line := l.next()
		for line != nil && line["type"] != "result" && line["type"] != "error" {
			line = l.next()
		}
		if text(line) != "task of Ada" {
			t.Errorf("result = %v", line)
		}
	})
}

// A page that leaves cancels the task of its call.
func TestTaskLeave(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p *page, version string) {
		_, state := p.get("/api/state")
		if !strings.Contains(state, `"tasks":true`) {
			if version >= "2025-11-25" {
				t.Errorf("%s has tasks, which the state does not say", version)
			}
			return
		}
		params := `{"name":"task","arguments":{}}`
		if strings.Contains(state, `"tasks":{`) {
			params = `{"name":"task","arguments":{},"task":{}}`
		}
		l := p.send("tools/call", params)
		l.until("question")
		l.body.Close()
		events := p.events(0)
		for {
			if e := events.until("message"); e["direction"] == "sent" && e["method"] == "tasks/cancel" {
				return
			}
		}
	})
}

// All pages of all lists are read, with what each tool costs and who may use it.
func TestFeatures(t *testing.T) {
	t.Parallel()
	policy := mcpengine.Policy{{Kind: "tool", Name: "work", Who: "ann", Why: "Allow"}, {Kind: "prompt", Name: "pack", Who: "bob"}}
	p := connected(t, inspector.Options{Target: &httpTarget{handler: newServer(), policy: policy}})
	status, body := p.get("/api/features")
	type entry struct {
		Definition map[string]any
		Tokens     int
		Policy     *mcpengine.PolicyEntry
	}
	var got struct {
		Tools, Resources, Templates, Prompts []entry
		TotalTokens                          int
		PolicySource                         string
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil || status != 200 {
		t.Fatalf("HTTP %d %s: %v", status, body, err)
	}
	// The extension of tasks has two tools and a template of its own.
	if len(got.Tools) != 12 || len(got.Resources) != 1 || len(got.Templates) != 2 || len(got.Prompts) != 1 {
		t.Errorf("%d tools, %d resources, %d templates, %d prompts", len(got.Tools), len(got.Resources), len(got.Templates), len(got.Prompts))
	}
	total := 0
	for _, tool := range got.Tools {
		total += tool.Tokens
		if tool.Tokens == 0 || (tool.Policy != nil) != (tool.Definition["name"] == "work") {
			t.Errorf("tool %v has %d tokens and the policy %v", tool.Definition["name"], tool.Tokens, tool.Policy)
		}
	}
	if got.TotalTokens != total || got.PolicySource != "of the test" || got.Prompts[0].Policy.Who != "bob" {
		t.Errorf("total %d, want %d; source %q", got.TotalTokens, total, got.PolicySource)
	}
}

// A list that changes, and a resource that is updated, are told with their names.
func TestChanges(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p *page, _ string) {
		if status, text := p.get("/api/features"); status != 200 {
			t.Fatalf("HTTP %d %s", status, text)
		}
		for range 2 { // the second time it is subscribed to already
			if status, text := p.post("/api/subscribe", `{"uri":"weather://today"}`); status != 204 {
				t.Fatalf("subscribe: HTTP %d %s", status, text)
			}
		}
		if _, state := p.get("/api/state"); !strings.Contains(state, `"subscribed":["weather://today"]`) {
			t.Errorf("state = %s", state)
		}
		changed, updated := p.events(0), p.events(0)
		// A server may not report changes before it has accepted the subscription.
		p.acknowledged(changed)
		p.call("rename").until("result")
		var added, removed []any // in one event or in two
		for len(added)+len(removed) < 2 {
			e := changed.until("changed")
			added, removed = append(added, e["added"].([]any)...), append(removed, e["removed"].([]any)...)
			if e["kind"] != "tools" || len(e["changed"].([]any)) > 0 {
				t.Errorf("changed = %v", e)
			}
		}
		if fmt.Sprint(added, removed) != "[new_tool] [wait]" {
			t.Errorf("added %v, removed %v", added, removed)
		}
		if e := updated.until("updated"); e["uri"] != "weather://today" {
			t.Errorf("updated = %v", e)
		}
		if status, text := p.post("/api/unsubscribe", `{"uri":"weather://today"}`); status != 204 {
			t.Errorf("unsubscribe: HTTP %d %s", status, text)
		}
		if _, state := p.get("/api/state"); !strings.Contains(state, `"subscribed":[]`) {
			t.Errorf("state = %s", state)
		}
		if status, text := p.post("/api/subscribe", `{"uri":"weather://none"}`); status != 502 && status != 204 {
			t.Errorf("subscribe to what does not exist: HTTP %d %s", status, text)
		}
	})
}

// acknowledged waits until the subscription to lists is accepted. Handshake versions
// need none.
func (p *page) acknowledged(events *lines) {
	_, state := p.get("/api/state")
	if !strings.Contains(state, `"version":"`+protocol.Latest(false, nil, nil).Name+`"`) {
		return
	}
	for {
		body, _ := json.Marshal(events.until("message")["body"])
		if strings.Contains(string(body), "subscriptions/acknowledged") && strings.Contains(string(body), `"toolsListChanged":true`) {
			return
		}
	}
}

func TestComplete(t *testing.T) {
	t.Parallel()
	p := connected(t, inspector.Options{Target: &httpTarget{handler: newServer()}})
	status, body := p.post("/api/complete", `{"ref":{"type":"ref/resource","uri":"weather://{city}/now"},"argument":{"name":"city","value":"Li"}}`)
	if status != 200 || !strings.Contains(body, `"values":["Lima"]`) {
		t.Errorf("HTTP %d %s", status, body)
	}
	if status, body = p.post("/api/complete", `{"ref":{"type":"ref/none"},"argument":{"name":"city","value":""}}`); status != 502 || !strings.Contains(body, "error") {
		t.Errorf("HTTP %d %s", status, body)
	}
}

// The page speaks as a host of any version, and as any identity.
func TestSwitch(t *testing.T) {
	t.Parallel()
	target := &httpTarget{handler: newServer(), header: map[string]string{"ann": "Bearer secret-of-ann"}}
	p := connected(t, inspector.Options{Target: target, Identities: []inspector.Identity{{Name: "ann", Scopes: []string{"read"}}}})
	for _, version := range protocol.Names(nil) {
		if status, body := p.post("/api/version", fmt.Sprintf(`{"version":%q}`, version)); status != 200 || !strings.Contains(body, fmt.Sprintf(`"version":%q`, version)) {
			t.Errorf("HTTP %d %s", status, body)
		}
	}
	status, body := p.post("/api/identity", `{"name":"ann"}`)
	if status != 200 || !strings.Contains(body, `"identity":"ann","identities":[{"name":"ann","scopes":["read"]}]`) || !strings.Contains(body, `"connected":true`) {
		t.Errorf("HTTP %d %s", status, body)
	}
	events := p.events(0)
	for {
		m := events.until("message")
		headers, _ := m["headers"].(map[string]any)
		if m["direction"] == "sent" && headers["Authorization"] != nil {
			if headers["Authorization"] != "Bearer …" || headers["X-Api-Key"] != "…" {
				t.Errorf("the headers are %v", headers)
			}
			break
		}
	}
}

// A server that is not there is said in the state, and so is what to do.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	target := &httpTarget{handler: nil, url: "nonsense://"}
	p := start(t, inspector.Options{Target: target})
	e := p.events(0).until("state")
	state, _ := e["state"].(map[string]any)
	if state["connected"] != false || state["error"] == "" {
		t.Errorf("state = %v", state)
	}
	for _, path := range []string{"/api/request", "/api/complete", "/api/subscribe"} {
		if status, body := p.post(path, `{"method":"tools/list","params":{}}`); status == 200 || !strings.Contains(body, "error") {
			t.Errorf("POST %s: HTTP %d %s", path, status, body)
		}
	}
	if status, body := p.get("/api/features"); status != 503 || !strings.Contains(body, "reconnect") {
		t.Errorf("GET /api/features: HTTP %d %s", status, body)
	}
}

// What a build says is in the state.
func TestBuild(t *testing.T) {
	t.Parallel()
	i := inspector.New(inspector.Options{Name: "test", Target: &httpTarget{handler: newServer()}})
	if err := i.Listen(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	i.SetBuild(inspector.Build{State: "failed", Output: "main.go:1:1: expected 'package'"})
	p := serve(t, i)
	if _, body := p.get("/api/state"); !strings.Contains(body, `"build":{"state":"failed","output":"main.go:1:1: expected 'package'"}`) {
		t.Errorf("state = %s", body)
	}
}
