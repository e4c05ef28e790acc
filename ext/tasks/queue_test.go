package tasks_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/ext/tasks"
)

// queueServer is a server whose queue has room for so many tasks, with a tool that
// runs until it is cancelled and one that asks.
func queueServer(t *testing.T, room int, opts ...tasks.Option) *server {
	t.Helper()
	anybody, err := auth.NewResource("https://server.example/mcp", auth.Custom("https://id.example", func(_ context.Context, token string) (*auth.User, error) {
		return &auth.User{Issuer: "https://id.example", Subject: token}, nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	e := mcpengine.New("fixture", mcpengine.WithLogger(quiet()), mcpengine.WithAuth(anybody),
		mcpengine.WithExtension(tasks.Extension(tasks.Memory(), append(opts, tasks.WithLogger(quiet()), tasks.WithMaxQueue(room))...)))
	t.Cleanup(e.Close)
	s := &server{T: t, engine: e, user: "ada"}
	s.add("run", func(ctx context.Context) (string, error) {
		<-ctx.Done()
		return "", context.Cause(ctx)
	}, tasks.Grace(0))
	s.add("ask", func(ctx context.Context) (string, error) {
		_, err := mcpengine.Elicit[approval](ctx, "Go on?")
		return "", err
	}, tasks.Grace(0))
	return s
}

// A full queue refuses a call before there is a task, and says when to try again.
// One caller alone gets half of it; tasks that wait for answers do not count.
func TestFullQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		refused := 0
		s := queueServer(t, 4, tasks.WithObserver(tasks.Observer{Refused: func(tool string) {
			if refused++; tool != "run" {
				t.Errorf("%s was refused", tool)
			}
		}}))
		for range 5 {
			s.await(s.start("ask", `{}`), "input_required")
			time.Sleep(time.Second) // they are counted again
		}
		first := s.start("run", `{}`)
		s.start("run", `{}`)
		got := s.call("run", `{}`, declares)
		if got.Error == nil || got.Error.Code != -32023 || got.Error.Data["retryAfterMs"] != 5000.0 || !strings.Contains(got.Error.Message, "the queue of tasks is full: 2 wait or run, 2 of them are this caller's; try again in 5 s") {
			t.Errorf("the third task of a caller: %+v", got.Error)
		}
		s.user = "bob"
		s.start("run", `{}`)
		if got := s.call("run", `{}`, declares); got.Error == nil || got.Error.Code != -32023 {
			t.Errorf("the second task of another caller: %+v", got)
		}
		s.user = "ada"
		s.cancel(first)
		s.await(first, "cancelled")
		s.user = "eve"
		s.start("run", `{}`)
		if refused != 2 {
			t.Errorf("observers heard of %d refusals, want 2", refused)
		}
	})
}

// A refused call is answered with 429 over HTTP.
func TestFullQueueStatus(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := queueServer(t, 2)
		s.start("run", `{}`)
		if got := s.call("run", `{}`, declares); got.status != 429 || got.header.Get("Retry-After") != "5" {
			t.Errorf("status %d, Retry-After %q: %+v", got.status, got.header.Get("Retry-After"), got)
		}
	})
}

// A tool with a bound runs so many tasks at once, and all in the end.
func TestConcurrency(t *testing.T) {
	t.Parallel()
	serve(t, func(s *server) {
		var running, most atomic.Int32
		s.add("heavy", func(context.Context) (string, error) {
			most.Store(max(most.Load(), running.Add(1)))
			time.Sleep(10 * time.Second)
			running.Add(-1)
			return "done", nil
		}, tasks.Grace(0), tasks.Concurrency(2))
		var ids []string
		for range 5 {
			ids = append(ids, s.start("heavy", `{}`))
		}
		for _, id := range ids {
			s.await(id, "completed")
		}
		if most.Load() != 2 {
			t.Errorf("%d tasks ran at once, want 2", most.Load())
		}
	})
}

// Observers hear of every run and every end, and count what has not ended. One that
// panics ends nothing.
func TestObserver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var heard []string
		hear := func(format string, args ...any) {
			mu.Lock()
			defer mu.Unlock()
			heard = append(heard, fmt.Sprintf(format, args...))
		}
		var count func(context.Context) (tasks.Counts, error)
		type key struct{}
		o := tasks.Observer{
			Start: func(c func(context.Context) (tasks.Counts, error)) func() {
				count = c
				return func() { hear("stop") }
			},
			Run: func(ctx context.Context, run tasks.Run) (context.Context, func(tasks.RunEnd)) {
				hear("run %d of %s after %v", run.Number, run.Call.Tool, run.Waited)
				return context.WithValue(ctx, key{}, "observed"), func(e tasks.RunEnd) {
					hear("%s after %v, %d retries, %t", e.Status, e.Took, e.Retries, e.Interrupted)
				}
			},
			Ended: func(e tasks.End) {
				hear("%s is %s after %v", e.Tool, e.Status, e.Took.Round(time.Second))
			},
		}
		broken := tasks.Observer{
			Run:   func(context.Context, tasks.Run) (context.Context, func(tasks.RunEnd)) { panic("of an observer") },
			Ended: func(tasks.End) { panic("of an observer") },
		}
		e := mcpengine.New("fixture", mcpengine.WithLogger(quiet()),
			mcpengine.WithExtension(tasks.Extension(tasks.Memory(), tasks.WithLogger(quiet()), tasks.WithObserver(broken), tasks.WithObserver(o))))
		s := &server{T: t, engine: e}
		s.add("work", func(ctx context.Context) (string, error) {
			if ctx.Value(key{}) != "observed" {
				t.Error("the handler did not get the context of the observer")
			}
			failed := false
			if _, err := mcpengine.Step(ctx, "try", func(context.Context) (string, error) {
				if failed = !failed; failed {
					return "", errors.New("not yet")
				}
				return "", nil
			}, tasks.Retry(3, time.Second)); err != nil {
				return "", err
			}
			a, err := mcpengine.Elicit[approval](ctx, "Go on?", mcpengine.WithKey("go"))
			return fmt.Sprint(a.Approve), err
		}, tasks.Grace(0))
		id := s.start("work", `{}`)
		s.await(id, "input_required")
		if got, err := count(t.Context()); err != nil || got != (tasks.Counts{InputRequired: 1}) {
			t.Errorf("counts = %+v, %v", got, err)
		}
		s.update(id, `{"go.1":{"action":"accept","content":{"approve":true}}}`)
		s.await(id, "completed")
		e.Close()
		want := []string{
			"run 1 of work after 0s", "input_required after 1s, 1 retries, false",
			"run 2 of work after 0s", "work is completed after 1s", "completed after 0s, 0 retries, false", "stop",
		}
		if strings.Join(heard, "\n") != strings.Join(want, "\n") {
			t.Errorf("heard\n%s\nwant\n%s", strings.Join(heard, "\n"), strings.Join(want, "\n"))
		}
	})
}
