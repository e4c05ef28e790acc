package tasks_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/ext/tasks"
)

// Capabilities of clients.
const (
	declares   = `{"elicitation":{},"extensions":{"io.modelcontextprotocol/tasks":{}}}`
	undeclared = `{"elicitation":{}}`
)

// A server is an engine with tasks, under test in a bubble of package synctest.
type server struct {
	*testing.T
	engine  *mcpengine.Engine
	backend tasks.Backend
	user    string // the caller, for an engine that has some
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func newServer(t *testing.T, b tasks.Backend, opts ...mcpengine.Option) *server {
	t.Helper()
	opts = append([]mcpengine.Option{
		mcpengine.WithLogger(quiet()),
		mcpengine.WithExtension(tasks.Extension(b, tasks.WithLogger(quiet()))),
	}, opts...)
	e := mcpengine.New("fixture", opts...)
	t.Cleanup(e.Close)
	return &server{T: t, engine: e, backend: b}
}

// serve runs a test with a server whose tasks are kept in memory.
func serve(t *testing.T, test func(*server), opts ...mcpengine.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(newServer(t, tasks.Memory(), opts...)) })
}

// A reply is the response to a request.
type reply struct {
	Result map[string]any `json:"result"`
	Error  *struct {
		Code    int            `json:"code"`
		Message string         `json:"message"`
		Data    map[string]any `json:"data"`
	} `json:"error"`

	progress, notices []string // notifications before the response

	status int // of HTTP
	header http.Header
}

// text returns the text of the first content block of a result.
func (r reply) text() string { return textOf(r.Result) }

func textOf(result any) string {
	m, _ := result.(map[string]any)
	content, _ := m["content"].([]any)
	if len(content) == 0 {
		return ""
	}
	block, _ := content[0].(map[string]any)
	return fmt.Sprint(block["text"])
}

func (r reply) string(name string) string {
	s, _ := r.Result[name].(string)
	return s
}

// keys returns the keys of the questions in a result.
func (r reply) keys() (keys []string) {
	questions, _ := r.Result["inputRequests"].(map[string]any)
	for key := range questions {
		keys = append(keys, key)
	}
	return keys
}

// send sends a request of 2026-07-28 and returns the response.
func (s *server) send(method, params, capabilities string) reply {
	s.Helper()
	return s.sendContext(s.Context(), method, params, capabilities)
}

func (s *server) sendContext(ctx context.Context, method, params, capabilities string) reply {
	s.Helper()
	meta := fmt.Sprintf(`"_meta":{"progressToken":1,"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":%s,"io.modelcontextprotocol/clientInfo":{"name":"test","version":"1"}}`, capabilities)
	if params != "" {
		params = "," + params
	}
	r := httptest.NewRequestWithContext(ctx, "POST", "/mcp", strings.NewReader(
		fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":{%s%s}}`, method, meta, params)))
	r.Header.Set("MCP-Protocol-Version", "2026-07-28")
	r.Header.Set("Mcp-Method", method)
	var named struct{ Name, TaskID, URI string }
	if err := json.Unmarshal([]byte("{"+strings.TrimPrefix(params, ",")+"}"), &named); err != nil {
		s.Fatalf("params %s: %v", params, err)
	}
	if name := named.Name + named.TaskID + named.URI; name != "" {
		r.Header.Set("Mcp-Name", name)
	}
	return s.do(r)
}

// do lets the engine answer a request.
func (s *server) do(r *http.Request) reply {
	s.Helper()
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	if s.user != "" {
		r.Header.Set("Authorization", "Bearer "+s.user)
	}
	w := httptest.NewRecorder()
	s.engine.ServeHTTP(w, r)
	return s.read(w.Result())
}

func (s *server) read(response *http.Response) (got reply) {
	s.Helper()
	defer func() { got.status, got.header = response.StatusCode, response.Header }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		s.Fatal(err)
	}
	if !strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream") {
		if err := json.Unmarshal(body, &got); err != nil {
			s.Fatalf("response %d %s: %v", response.StatusCode, body, err)
		}
		return got
	}
	var progress, notices []string
	for lines := bufio.NewScanner(strings.NewReader(string(body))); lines.Scan(); {
		data, ok := strings.CutPrefix(lines.Text(), "data:")
		if !ok {
			continue
		}
		if strings.Contains(data, "notifications/progress") {
			progress = append(progress, strings.TrimSpace(data))
			continue
		}
		if strings.Contains(data, `"method":"notifications/`) {
			notices = append(notices, strings.TrimSpace(data))
			continue
		}
		got = reply{}
		if err := json.Unmarshal([]byte(data), &got); err != nil {
			s.Fatalf("event %s: %v", data, err)
		}
	}
	got.progress, got.notices = progress, notices
	return got
}

// call calls a tool and returns the response.
func (s *server) call(tool, arguments, capabilities string) reply {
	s.Helper()
	return s.send("tools/call", fmt.Sprintf(`"name":%q,"arguments":%s`, tool, arguments), capabilities)
}

// start calls a tool that has to become a task, and returns the id.
func (s *server) start(tool, arguments string) string {
	s.Helper()
	got := s.call(tool, arguments, declares)
	if got.Result["resultType"] != "task" || got.string("taskId") == "" {
		s.Fatalf("%s: response = %+v, want a task", tool, got)
	}
	return got.string("taskId")
}

func (s *server) get(id string) reply {
	s.Helper()
	return s.send("tasks/get", fmt.Sprintf(`"taskId":%q`, id), declares)
}

func (s *server) update(id, responses string) reply {
	s.Helper()
	return s.send("tasks/update", fmt.Sprintf(`"taskId":%q,"inputResponses":%s`, id, responses), declares)
}

func (s *server) cancel(id string) reply {
	s.Helper()
	return s.send("tasks/cancel", fmt.Sprintf(`"taskId":%q`, id), declares)
}

// await waits until the task has the status, or has ended.
func (s *server) await(id, status string) reply {
	s.Helper()
	for range 10_000 {
		got := s.get(id)
		switch is := got.string("status"); {
		case is == status:
			return got
		case got.Error != nil, is == "completed", is == "failed", is == "cancelled":
			s.Fatalf("the task is %+v, want %s", got, status)
		}
		time.Sleep(100 * time.Millisecond)
	}
	s.Fatalf("the task does not become %s", status)
	return reply{}
}

type none struct{}

// add adds a durable tool without arguments.
func (s *server) add(name string, h func(context.Context) (string, error), opts ...tasks.DurableOption) {
	mcpengine.AddTool(s.engine, name, "", func(ctx context.Context, _ none) (string, error) { return h(ctx) }, tasks.Durable(opts...))
}

type approval struct {
	Approve bool `json:"approve"`
}
