package tasks_test

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/ext/tasks"
)

// A client that knows no tasks gets the result, and the progress on the way.
func TestInRequest(t *testing.T) {
	t.Parallel()
	serve(t, func(s *server) {
		s.add("slow", func(ctx context.Context) (string, error) {
			for i := range 3 {
				mcpengine.Progress(ctx, float64(i), 3, fmt.Sprintf("part %d", i))
				if err := tasks.Sleep(ctx, 5*time.Second); err != nil {
					return "", err
				}
			}
			return "done", nil
		})
		got := s.call("slow", "{}", undeclared)
		if got.text() != "done" || got.Result["resultType"] != "complete" {
			t.Errorf("response = %+v", got)
		}
		if progress := strings.Join(got.progress, "\n"); strings.Count(progress, "\n") != 2 || !strings.Contains(progress, `"progress":2,"total":3,"message":"part 2"`) {
			t.Errorf("progress = %s", progress)
		}
		if ids, err := s.backend.Expired(s.Context(), time.Now().Add(1000*time.Hour), 10); err != nil || len(ids) != 0 {
			t.Errorf("a task whose result was delivered is still there: %v, %v", ids, err)
		}
	})
}

// The questions of a task reach a client that knows no tasks as rounds of its
// request, whose state names the task.
func TestInRounds(t *testing.T) {
	t.Parallel()
	serve(t, func(s *server) {
		var ran []string
		s.add("ask", func(ctx context.Context) (string, error) {
			if _, err := step(ctx, &ran, "reserve"); err != nil {
				return "", err
			}
			a, err := mcpengine.Elicit[approval](ctx, "A?", mcpengine.WithKey("a"))
			if err != nil {
				return "", err
			}
			b, err := mcpengine.Elicit[approval](ctx, "B?", mcpengine.WithKey("b"))
			return fmt.Sprint(a.Approve, b.Approve), err
		})
		again := func(state, answers string) reply {
			return s.send("tools/call", fmt.Sprintf(`"name":"ask","arguments":{},"requestState":%q,"inputResponses":%s`, state, answers), undeclared)
		}
		got := s.call("ask", "{}", undeclared)
		if got.Result["resultType"] != "input_required" || fmt.Sprint(got.keys()) != "[a.1]" {
			t.Fatalf("first round: %+v", got)
		}
		state := got.string("requestState")
		if got := again(state, `{"a.1":{"action":"accept","content":{"approve":7}}}`); got.Error == nil || got.Error.Code != -32602 {
			t.Errorf("answer of a wrong form: %+v", got)
		}
		got = again(state, `{"a.1":{"action":"accept","content":{"approve":true}}}`)
		if fmt.Sprint(got.keys()) != "[b.2]" {
			t.Fatalf("second round: %+v", got)
		}
		got = again(got.string("requestState"), `{"b.2":{"action":"accept","content":{"approve":false}}}`)
		if got.text() != "true false" || len(ran) != 1 {
			t.Errorf("end: %+v, steps %v", got, ran)
		}
	})
}

var handleID = regexp.MustCompile(`id is "([A-Z2-7]+)"`)

// handleOf returns the id in a result that is a handle.
func (s *server) handleOf(got reply) string {
	s.Helper()
	match := handleID.FindStringSubmatch(got.text())
	if match == nil {
		s.Fatalf("response = %+v, want a handle", got)
	}
	return match[1]
}

// A call that takes longer than clients wait is answered with a handle, which two
// tools take.
func TestHandle(t *testing.T) {
	t.Parallel()
	serve(t, func(s *server) {
		s.add("slow", func(ctx context.Context) (string, error) {
			if err := tasks.Sleep(ctx, 2*time.Minute); err != nil {
				return "", err
			}
			a, err := mcpengine.Elicit[approval](ctx, "Go on?", mcpengine.WithKey("go"))
			return fmt.Sprintf("done %t", a.Approve), err
		})
		began := time.Now()
		id := s.handleOf(s.call("slow", "{}", undeclared))
		if took := time.Since(began); took != 45*time.Second {
			t.Errorf("answered after %v, want the patience of the tool", took)
		}
		result := func(more string) reply {
			return s.send("tools/call", fmt.Sprintf(`"name":"task_result","arguments":{"id":%q}%s`, id, more), undeclared)
		}
		if again := s.handleOf(result("")); again != id {
			t.Errorf("second handle = %s, want %s", again, id)
		}
		got := result("") // 135 seconds after the beginning at the latest
		if fmt.Sprint(got.keys()) != "[go.1]" {
			t.Fatalf("question: %+v", got)
		}
		time.Sleep(24 * time.Hour) // nobody answers for a day
		got = result("")
		got = result(fmt.Sprintf(`,"requestState":%q,"inputResponses":{"go.1":{"action":"accept","content":{"approve":true}}}`, got.string("requestState")))
		if got.text() != "done true" {
			t.Errorf("result: %+v", got)
		}
		if got := result(""); got.text() != "done true" {
			t.Errorf("result once more: %+v", got)
		}
		id = "UNKNOWN"
		if got := result(""); got.Result["isError"] != true {
			t.Errorf("unknown id: %+v", got)
		}
	})
}

// The handle can be cancelled, and a client that hangs up cancels its task.
func TestAbandoned(t *testing.T) {
	t.Parallel()
	serve(t, func(s *server) {
		ended := make(chan time.Time, 1)
		s.add("slow", func(ctx context.Context) (string, error) {
			<-ctx.Done()
			ended <- time.Now()
			return "", context.Cause(ctx)
		})
		id := s.handleOf(s.call("slow", "{}", undeclared))
		if got := s.call("task_cancel", fmt.Sprintf(`{"id":%q}`, id), undeclared); got.Result["isError"] != nil {
			t.Errorf("task_cancel: %+v", got)
		}
		if took := time.Since(<-ended); took > time.Second {
			t.Errorf("stopped after %v", took)
		}
		if got := s.call("task_result", fmt.Sprintf(`{"id":%q}`, id), undeclared); got.Result["isError"] != true || !strings.Contains(got.text(), "cancelled") {
			t.Errorf("task_result: %+v", got)
		}
		for _, capabilities := range []string{declares, undeclared} {
			ctx, hangUp := context.WithCancel(s.Context())
			time.AfterFunc(time.Second, hangUp)
			began := time.Now()
			s.sendContext(ctx, "tools/call", `"name":"slow","arguments":{}`, capabilities)
			if took := (<-ended).Sub(began); took > 2*time.Second {
				t.Errorf("the client hung up after a second, the task was stopped after %v", took)
			}
		}
	})
}

// A tool with an output schema cannot return a handle, which the schema does not
// allow.
func TestHandleOfStructuredTool(t *testing.T) {
	t.Parallel()
	serve(t, func(s *server) {
		mcpengine.AddTool(s.engine, "slow", "", func(ctx context.Context, _ none) (approval, error) {
			return approval{true}, tasks.Sleep(ctx, time.Hour)
		}, tasks.Durable())
		got := s.call("slow", "{}", undeclared)
		s.handleOf(got)
		if got.Result["isError"] != true {
			t.Errorf("response = %+v, want an error, because it has no structured content", got)
		}
	})
}

// The tools for handles exist where a durable tool does, and nowhere else.
func TestHandleTools(t *testing.T) {
	t.Parallel()
	serve(t, func(s *server) {
		mcpengine.AddTool(s.engine, "plain", "", func(context.Context, none) (string, error) { return "", nil })
		listed := func() (names []string) {
			for _, tool := range s.send("tools/list", "", undeclared).Result["tools"].([]any) {
				names = append(names, fmt.Sprint(tool.(map[string]any)["name"]))
			}
			return names
		}
		if got := fmt.Sprint(listed()); got != "[plain]" {
			t.Errorf("tools = %s", got)
		}
		s.add("a", func(context.Context) (string, error) { return "", nil })
		s.add("b", func(context.Context) (string, error) { return "", nil })
		if got := fmt.Sprint(listed()); got != "[plain task_result task_cancel a b]" {
			t.Errorf("tools = %s", got)
		}
	})
}

// A handler may ask within the request, and begin a task then. What it has done
// before is the beginning of the task's journal.
func TestBegin(t *testing.T) {
	t.Parallel()
	serve(t, func(s *server) {
		var ran []string
		handler := func(ctx context.Context) (string, error) {
			if _, err := step(ctx, &ran, "before"); err != nil {
				return "", err
			}
			a, err := mcpengine.Elicit[approval](ctx, "Begin?", mcpengine.WithKey("begin"))
			if err != nil {
				return "", err
			}
			if !a.Approve {
				return "not begun", nil
			}
			if err := tasks.Begin(ctx); err != nil {
				return "", err
			}
			if _, err := step(ctx, &ran, "after", tasks.Retry(2, time.Second)); err != nil {
				return "", err
			}
			_, err = mcpengine.Elicit[approval](ctx, "Go on?", mcpengine.WithKey("go"))
			return "done", err
		}
		s.add("late", handler, tasks.FromBegin(), tasks.Grace(0))
		answer := func(approve bool) reply {
			got := s.call("late", "{}", declares)
			if got.Result["resultType"] != "input_required" || fmt.Sprint(got.keys()) != "[begin]" || got.Result["taskId"] != nil {
				t.Fatalf("first round: %+v", got)
			}
			return s.send("tools/call", fmt.Sprintf(`"name":"late","arguments":{},"requestState":%q,"inputResponses":{"begin":{"action":"accept","content":{"approve":%t}}}`,
				got.string("requestState"), approve), declares)
		}
		if got := answer(false); got.text() != "not begun" {
			t.Errorf("not begun: %+v", got)
		}
		ran = nil
		got := answer(true)
		if got.Result["resultType"] != "task" || got.Result["requestState"] != nil {
			t.Fatalf("begun: %+v", got)
		}
		id := got.string("taskId")
		if got := s.await(id, "input_required"); fmt.Sprint(got.keys()) != "[go.1]" {
			t.Errorf("question of the task: %+v", got)
		}
		s.update(id, `{"go.1":{"action":"accept","content":{"approve":true}}}`)
		if got := s.await(id, "completed"); textOf(got.Result["result"]) != "done" || fmt.Sprint(ran) != "[before after]" {
			t.Errorf("end: %+v, steps %v", got, ran)
		}
	})
}

// A task belongs to its caller, the person and the client, and to nobody else. The
// handler sees who called.
func TestOwner(t *testing.T) {
	t.Parallel()
	users := map[string]*auth.User{
		"ann":       {Issuer: "https://id.example", Subject: "ann", ClientID: "one"},
		"ann-again": {Issuer: "https://id.example", Subject: "ann", ClientID: "one", Scopes: []string{"more"}},
		"ann-else":  {Issuer: "https://id.example", Subject: "ann", ClientID: "two"},
		"bob":       {Issuer: "https://id.example", Subject: "bob", ClientID: "one"},
	}
	synctest.Test(t, func(t *testing.T) {
		resource, err := auth.NewResource("https://server.example/mcp", auth.Custom("https://id.example", func(_ context.Context, token string) (*auth.User, error) {
			if u := users[token]; u != nil {
				return u, nil
			}
			return nil, auth.ErrInvalidToken
		}))
		if err != nil {
			t.Fatal(err)
		}
		s := newServer(t, tasks.Memory(), mcpengine.WithAuth(resource))
		s.add("whoami", func(ctx context.Context) (string, error) {
			_, err := mcpengine.Elicit[approval](ctx, "?", mcpengine.WithKey("q"))
			return auth.UserFrom(ctx).Subject, err
		})
		s.user = "ann"
		id := s.start("whoami", "{}")
		for _, user := range []string{"bob", "ann-else"} {
			s.user = user
			for _, got := range []reply{s.get(id), s.cancel(id), s.update(id, `{"q.1":{"action":"decline"}}`)} {
				if got.Error == nil || got.Error.Code != -32602 || got.Error.Message != "Task not found" {
					t.Errorf("%s: %+v, want Task not found", user, got)
				}
			}
			if got := s.call("task_result", fmt.Sprintf(`{"id":%q}`, id), undeclared); got.Result["isError"] != true {
				t.Errorf("%s: task_result = %+v", user, got)
			}
		}
		s.user = "ann-again"
		s.update(id, `{"q.1":{"action":"accept","content":{"approve":true}}}`)
		if got := s.await(id, "completed"); textOf(got.Result["result"]) != "ann" {
			t.Errorf("%+v", got)
		}
		s.user = ""
		if got := s.get(id); got.Error == nil || got.Error.Code != -32600 {
			t.Errorf("without a token: %+v", got)
		}
	})
}

// A task keeps who called, without the token, and forgets it at its end.
func TestNoToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const token = "eyJ-the-secret"
		resource, err := auth.NewResource("https://server.example/mcp", auth.Custom("https://id.example", func(context.Context, string) (*auth.User, error) {
			return &auth.User{Issuer: "https://id.example", Subject: "ann"}, nil
		}))
		if err != nil {
			t.Fatal(err)
		}
		s := newServer(t, tasks.Memory(), mcpengine.WithAuth(resource))
		s.add("ask", func(ctx context.Context) (string, error) {
			_, err := mcpengine.Elicit[approval](ctx, "?", mcpengine.WithKey("q"))
			return "done", err
		}, tasks.Grace(0))
		s.user = token
		id := s.start("ask", "{}")
		s.await(id, "input_required")
		kept := func() string {
			r, err := s.backend.Get(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
		if got := kept(); strings.Contains(got, token) || !strings.Contains(got, `"ann"`) {
			t.Errorf("the record of a task that waits: %s", got)
		}
		s.update(id, `{"q.1":{"action":"accept","content":{"approve":true}}}`)
		s.await(id, "completed")
		if got := kept(); strings.Contains(got, token) || strings.Contains(got, `"ann"`) {
			t.Errorf("the record of a task that has ended: %s", got)
		}
	})
}
