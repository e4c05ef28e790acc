package tasks_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/ext/tasks"
	"github.com/mcpengine/mcpengine/mcp"
)

// A call that takes long becomes a task, a quick one stays a result.
func TestGrace(t *testing.T) {
	t.Parallel()
	serve(t, func(s *server) {
		s.add("quick", func(context.Context) (string, error) { return "done", nil })
		s.add("slow", func(ctx context.Context) (string, error) { return "done", tasks.Sleep(ctx, time.Hour) })
		s.add("asks", func(ctx context.Context) (string, error) {
			_, err := mcpengine.Elicit[approval](ctx, "Go on?")
			return "done", err
		})
		if got := s.call("quick", "{}", declares); got.Result["resultType"] != "complete" || got.text() != "done" {
			t.Errorf("quick: %+v", got)
		}
		began := time.Now()
		id := s.start("slow", "{}")
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("slow: answered after %v, want the grace period", took)
		}
		if got := s.get(id); got.string("status") != "working" || got.Result["resultType"] != "complete" {
			t.Errorf("slow: %+v", got)
		}
		time.Sleep(time.Hour - 3*time.Second)
		if got := s.await(id, "completed"); textOf(got.Result["result"]) != "done" || time.Since(began) < time.Hour {
			t.Errorf("slow: %+v after %v", got, time.Since(began))
		}
		began = time.Now()
		if got := s.call("asks", "{}", declares); got.string("status") != "working" || got.Result["inputRequests"] != nil {
			t.Errorf("asks: %+v, want the state at the beginning", got)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("asks: answered after %v, want as soon as it asks", took)
		}
	})
}

// The wire form of a task has the members that the specification names.
func TestTaskMembers(t *testing.T) {
	t.Parallel()
	serve(t, func(s *server) {
		s.add("slow", func(ctx context.Context) (string, error) {
			mcpengine.Progress(ctx, 1, 3, "")
			return "done", tasks.Sleep(ctx, time.Hour)
		}, tasks.Grace(0), tasks.TTL(2*time.Hour), tasks.PollInterval(5*time.Second))
		got := s.call("slow", "{}", declares)
		for name, want := range map[string]any{
			"resultType": "task", "status": "working", "ttlMs": 7_200_000.0, "pollIntervalMs": 5000.0,
			"createdAt": "2000-01-01T00:00:00.000Z", "lastUpdatedAt": "2000-01-01T00:00:00.000Z",
			"result": nil, "error": nil, "inputRequests": nil, "requestState": nil,
		} {
			if got.Result[name] != want {
				t.Errorf("%s = %v, want %v", name, got.Result[name], want)
			}
		}
		time.Sleep(time.Second)
		if got := s.get(got.string("taskId")); got.string("statusMessage") != "1 of 3" {
			t.Errorf("after progress: %+v", got)
		}
	})
}

// What a handler returns decides between completed and failed (tasks, "Task
// Execution Errors").
func TestEnds(t *testing.T) {
	t.Parallel()
	serve(t, func(s *server) {
		ends := map[string]func() error{
			"tool error":     func() error { return errors.New("out of pens") },
			"protocol error": func() error { return mcp.Errorf(-31000, "no pens") },
			"panic":          func() error { panic("secret") },
		}
		tool := func(name string) string { return strings.ReplaceAll(name, " ", "_") }
		for name, end := range ends {
			s.add(tool(name), func(context.Context) (string, error) { return "", end() }, tasks.Grace(0))
		}
		got := s.await(s.start("tool_error", "{}"), "completed")
		if result, _ := got.Result["result"].(map[string]any); result["isError"] != true || textOf(result) != "out of pens" || got.Result["error"] != nil {
			t.Errorf("tool error: %+v", got)
		}
		for name, want := range map[string]string{"protocol error": "map[code:-31000 message:no pens]", "panic": "map[code:-32603 message:internal error]"} {
			got := s.await(s.start(tool(name), "{}"), "failed")
			if fmt.Sprint(got.Result["error"]) != want || got.Result["result"] != nil || got.string("statusMessage") == "" {
				t.Errorf("%s: %+v", name, got)
			}
		}
	})
}

// A task asks, keeps every answer and every key, and goes on when nothing is
// missing any more.
func TestQuestions(t *testing.T) {
	t.Parallel()
	serve(t, func(s *server) {
		runs := 0
		s.add("ask", func(ctx context.Context) (string, error) {
			runs++
			a, err1 := mcpengine.Elicit[approval](ctx, "A?", mcpengine.WithKey("a"))
			b, err2 := mcpengine.Elicit[approval](ctx, "B?", mcpengine.WithKey("b"))
			if err := errors.Join(err1, err2); err != nil {
				return "", err
			}
			c, err := mcpengine.Elicit[approval](ctx, "C?", mcpengine.WithKey("c"))
			return fmt.Sprint(a.Approve, b.Approve, c.Approve), err
		}, tasks.Grace(0))
		id := s.start("ask", "{}")
		if got := s.await(id, "input_required"); len(got.keys()) != 2 {
			t.Fatalf("first round: %+v", got)
		}
		yes := `{"action":"accept","content":{"approve":true}}`
		for _, wrong := range []string{`{"action":"accept","content":{"approve":1}}`, `{}`, `[]`, `{"action":"accept"}`} {
			got := s.update(id, fmt.Sprintf(`{"b.2":%s,"a.1":%s}`, yes, wrong))
			if got.Error == nil || got.Error.Code != -32602 || !strings.Contains(got.Error.Message, "a.1") {
				t.Errorf("answer %s: %+v, want -32602", wrong, got)
			}
		}
		if got := s.get(id); len(got.keys()) != 2 {
			t.Errorf("after refused answers: %+v", got)
		}
		if got := s.update(id, fmt.Sprintf(`{"a.1":%s,"z.9":"ignored"}`, yes)); got.Result["resultType"] != "complete" || got.Result["taskId"] != nil {
			t.Errorf("first answer: %+v", got)
		}
		if got := s.get(id); got.string("status") != "input_required" || fmt.Sprint(got.keys()) != "[b.2]" {
			t.Errorf("after the first answer: %+v", got)
		}
		s.update(id, fmt.Sprintf(`{"a.1":{"action":"decline"},"b.2":%s}`, yes)) // a.1 was answered
		got := s.await(id, "input_required")
		if fmt.Sprint(got.keys()) != "[c.3]" {
			t.Errorf("second round: %+v", got)
		}
		s.update(id, fmt.Sprintf(`{"c.3":%s}`, yes))
		if got := s.await(id, "completed"); textOf(got.Result["result"]) != "true true true" {
			t.Errorf("end: %+v", got)
		}
		if runs != 3 {
			t.Errorf("the handler ran %d times, want 3", runs)
		}
	})
}

// A question that the handler does not ask again is withdrawn, and when it comes
// back it has another key.
func TestWithdrawnQuestion(t *testing.T) {
	t.Parallel()
	serve(t, func(s *server) {
		asks, run := []string{"a", "b", "a"}, 0
		s.add("ask", func(ctx context.Context) (string, error) {
			run++
			_, err := mcpengine.Elicit[approval](ctx, "?", mcpengine.WithKey(asks[run-1]))
			for range run {
				err = errors.Join(err, tasks.Sleep(ctx, time.Minute))
			}
			return "", err
		}, tasks.Grace(0))
		id := s.start("ask", "{}")
		var seen []string
		for range 3 {
			time.Sleep(time.Second)
			seen = append(seen, fmt.Sprint(s.get(id).keys()))
			time.Sleep(time.Minute - time.Second)
		}
		if got := strings.Join(seen, " "); got != "[a.1] [b.2] [a.3]" {
			t.Errorf("keys = %s", got)
		}
	})
}

// Ids that are unknown, of somebody else, or whose task is gone, are answered
// alike.
func TestUnknownIDs(t *testing.T) {
	t.Parallel()
	serve(t, func(s *server) {
		s.add("quick", func(context.Context) (string, error) { return "done", nil }, tasks.Grace(0), tasks.Retention(time.Minute))
		expired := s.start("quick", "{}")
		s.await(expired, "completed")
		time.Sleep(time.Minute)
		want := s.get("UNKNOWN").Error
		if want == nil || want.Code != -32602 {
			t.Fatalf("unknown id: %+v", want)
		}
		for _, id := range []string{expired, strings.Repeat("x", 65)} {
			for _, got := range []reply{s.get(id), s.update(id, "{}"), s.cancel(id)} {
				if got.Error == nil || got.Error.Code != want.Code || got.Error.Message != want.Message {
					t.Errorf("id %q: %+v, want %+v", id, got, want)
				}
			}
		}
		time.Sleep(time.Minute)
		if ids, err := s.backend.Expired(s.Context(), time.Now(), 10); err != nil || len(ids) != 0 {
			t.Errorf("expired tasks in the store: %v, %v", ids, err)
		}
	})
}

// Clients that do not declare the extension cannot use its methods.
func TestUndeclared(t *testing.T) {
	t.Parallel()
	serve(t, func(s *server) {
		for _, method := range []string{"tasks/get", "tasks/update", "tasks/cancel"} {
			got := s.send(method, `"taskId":"x","inputResponses":{}`, undeclared)
			if got.Error == nil || got.Error.Code != -32021 || !strings.Contains(fmt.Sprint(got.Error.Data), tasks.ID) {
				t.Errorf("%s: %+v, want -32021", method, got)
			}
		}
		for _, method := range []string{"tasks/result", "tasks/list"} {
			if got := s.send(method, `"taskId":"x"`, declares); got.Error == nil || got.Error.Code != -32601 {
				t.Errorf("%s: %+v, want -32601", method, got)
			}
		}
		s.add("must", func(context.Context) (string, error) { return "done", nil }, tasks.Required())
		if got := s.call("must", "{}", undeclared); got.Error == nil || got.Error.Code != -32021 {
			t.Errorf("required: %+v, want -32021", got)
		}
	})
}

// A running task is told to stop, and one that waits ends at once.
func TestCancel(t *testing.T) {
	t.Parallel()
	serve(t, func(s *server) {
		s.add("run", func(ctx context.Context) (string, error) {
			<-ctx.Done()
			return "", context.Cause(ctx)
		}, tasks.Grace(0))
		s.add("wait", func(ctx context.Context) (string, error) { return "", tasks.Sleep(ctx, time.Hour) }, tasks.Grace(0))
		s.add("stubborn", func(context.Context) (string, error) {
			time.Sleep(3 * time.Second)
			return "done", nil
		}, tasks.Grace(0))
		for _, tool := range []string{"run", "wait"} {
			id := s.start(tool, "{}")
			time.Sleep(time.Second)
			if got := s.cancel(id); got.Result["resultType"] != "complete" || got.Result["status"] != nil {
				t.Errorf("%s: cancel = %+v", tool, got)
			}
			began := time.Now()
			s.await(id, "cancelled")
			if took := time.Since(began); took > time.Second {
				t.Errorf("%s: cancelled after %v", tool, took)
			}
			if got := s.cancel(id); got.Error != nil {
				t.Errorf("%s: second cancel = %+v", tool, got)
			}
		}
		ids := make(chan string)
		s.add("late", func(ctx context.Context) (string, error) {
			s.cancel(<-ids) // too late for the context of this run
			_, err := mcpengine.Elicit[approval](ctx, "Go on?")
			return "", err
		}, tasks.Grace(0))
		id := s.start("late", "{}")
		ids <- id
		time.Sleep(time.Second)
		if got := s.get(id); got.string("status") != "cancelled" {
			t.Errorf("late: %+v", got)
		}
		id = s.start("stubborn", "{}")
		time.Sleep(time.Second)
		s.cancel(id)
		if got := s.await(id, "completed"); textOf(got.Result["result"]) != "done" {
			t.Errorf("stubborn: %+v", got)
		}
	})
}

// A task that nobody brings to its end fails when its time is over.
func TestTTL(t *testing.T) {
	t.Parallel()
	serve(t, func(s *server) {
		s.add("ask", func(ctx context.Context) (string, error) {
			_, err := mcpengine.Elicit[approval](ctx, "?")
			return "", err
		}, tasks.TTL(time.Hour))
		s.add("hang", func(ctx context.Context) (string, error) { <-ctx.Done(); return "", ctx.Err() }, tasks.TTL(time.Hour))
		for _, tool := range []string{"ask", "hang"} {
			id := s.start(tool, "{}")
			time.Sleep(time.Hour + time.Minute)
			if got := s.get(id); got.string("status") != "failed" || !strings.Contains(fmt.Sprint(got.Result["error"]), "1h0m0s") {
				t.Errorf("%s: %+v", tool, got)
			}
		}
	})
}

// A result over the bound is a link to a resource that holds it.
func TestLargeResult(t *testing.T) {
	t.Parallel()
	serve(t, func(s *server) {
		large := strings.Repeat("x", 2000)
		s.add("large", func(context.Context) (string, error) { return large, nil }, tasks.MaxResult(1000))
		s.add("task", func(context.Context) (string, error) { return large, nil }, tasks.MaxResult(1000), tasks.Grace(0))
		for _, result := range []any{
			s.call("large", "{}", declares).Result,
			s.call("large", "{}", undeclared).Result,
			s.await(s.start("task", "{}"), "completed").Result["result"],
		} {
			content := result.(map[string]any)["content"].([]any)
			link := content[1].(map[string]any)
			if link["type"] != "resource_link" || !strings.HasPrefix(fmt.Sprint(link["uri"]), "task://") {
				t.Fatalf("result = %v", result)
			}
			got := s.send("resources/read", fmt.Sprintf(`"uri":%q`, link["uri"]), undeclared)
			if !strings.Contains(fmt.Sprint(got.Result), large) {
				t.Errorf("%s: %+v", link["uri"], got)
			}
		}
		if got := s.send("resources/read", `"uri":"task://NONE/result"`, undeclared); got.Error == nil || got.Error.Code != -32602 {
			t.Errorf("unknown result: %+v", got)
		}
	})
}

// A subscription hears of each state of the tasks that are the caller's, in the
// form of tasks/get, and of nothing else.
func TestListen(t *testing.T) {
	t.Parallel()
	serve(t, func(s *server) {
		s.add("ask", func(ctx context.Context) (string, error) {
			mcpengine.Progress(ctx, 1, 2, "half")
			_, err := mcpengine.Elicit[approval](ctx, "Go on?", mcpengine.WithKey("go"))
			return "done", err
		})
		if got := s.send("subscriptions/listen", `"notifications":{"taskIds":["X"]}`, undeclared); got.Error == nil || got.Error.Code != -32021 {
			t.Errorf("without the extension: %+v, want -32021", got)
		}
		id := s.start("ask", "{}")
		heard := make(chan reply)
		go func() {
			heard <- s.send("subscriptions/listen", fmt.Sprintf(`"notifications":{"taskIds":[%q,"UNKNOWN"]}`, id), declares)
		}()
		time.Sleep(time.Second)
		s.update(id, `{"go.1":{"action":"accept","content":{"approve":true}}}`)
		s.await(id, "completed")
		time.Sleep(time.Second)
		s.engine.Close()
		notices := (<-heard).notices
		if len(notices) < 2 || !strings.Contains(notices[0], fmt.Sprintf(`"notifications":{"taskIds":[%q]}`, id)) {
			t.Fatalf("acknowledged: %q", notices)
		}
		last := notices[len(notices)-1]
		for _, want := range []string{`"method":"notifications/tasks"`, fmt.Sprintf(`"taskId":%q`, id), `"status":"completed"`, `"text":"done"`} {
			if !strings.Contains(last, want) {
				t.Errorf("last notification = %s, want %s", last, want)
			}
		}
		if all := strings.Join(notices, ""); strings.Contains(all, "notifications/message") || strings.Contains(all, "requestState") {
			t.Errorf("notifications = %s", all)
		}
	})
}
