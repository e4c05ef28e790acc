package tasks_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/ext/tasks"
	"github.com/mcpengine/mcpengine/mcp"
)

// A program is one version of a handler, by name.
type program func(context.Context) (string, error)

// restart ends the server and begins one with another program, on the same tasks.
func (s *server) restart(p program) *server {
	s.Helper()
	s.engine.Close()
	synctest.Wait()
	next := newServer(s.T, s.backend)
	next.add("tool", p, tasks.Grace(0))
	next.get("NONE") // the first request starts the extension
	return next
}

// step takes a step that notes each of its runs.
func step(ctx context.Context, ran *[]string, name string, opts ...mcpengine.StepOption) (string, error) {
	return mcpengine.Step(ctx, name, func(context.Context) (string, error) {
		*ran = append(*ran, name)
		return "value of " + name, nil
	}, opts...)
}

// A finished step is not run again, neither after a question nor after a restart.
func TestStepsRunOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ran []string
		handler := func(ctx context.Context) (string, error) {
			a, err := step(ctx, &ran, "a")
			if err != nil {
				return "", err
			}
			if err := tasks.Sleep(ctx, time.Hour); err != nil {
				return "", err
			}
			b, err := step(ctx, &ran, "b")
			if err != nil {
				return "", err
			}
			answer, err := mcpengine.Elicit[approval](ctx, "Go on?", mcpengine.WithKey("go"))
			if err != nil {
				return "", err
			}
			_, err = step(ctx, &ran, "c")
			return fmt.Sprintf("%s, %s, %t", a, b, answer.Approve), err
		}
		s := newServer(t, tasks.Memory())
		s.add("tool", handler, tasks.Grace(0))
		id := s.start("tool", "{}")
		time.Sleep(time.Minute)
		s = s.restart(handler)
		time.Sleep(time.Hour)
		s = s.restart(handler)
		s.await(id, "input_required")
		s.update(id, `{"go.1":{"action":"accept","content":{"approve":true}}}`)
		got := s.await(id, "completed")
		if want := "value of a, value of b, true"; textOf(got.Result["result"]) != want {
			t.Errorf("result = %+v, want %s", got, want)
		}
		if diff := cmp.Diff([]string{"a", "b", "c"}, ran); diff != "" {
			t.Errorf("steps that ran (-want +got):\n%s", diff)
		}
	})
}

// A server that stops in the middle of a step runs it again, under the same key.
func TestInterruptedStep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var keys []string
		handler := func(ctx context.Context) (string, error) {
			for _, name := range []string{"a", "b"} {
				if _, err := mcpengine.Step(ctx, name, func(ctx context.Context) (string, error) {
					keys = append(keys, tasks.IdempotencyKey(ctx))
					if len(keys) == 2 {
						<-ctx.Done()
						return "", ctx.Err()
					}
					return name, nil
				}); err != nil {
					return "", err
				}
			}
			return "done", nil
		}
		s := newServer(t, tasks.Memory())
		s.add("tool", handler, tasks.Grace(0))
		id := s.start("tool", "{}")
		time.Sleep(time.Second)
		s = s.restart(handler)
		s.await(id, "completed")
		if len(keys) != 3 || keys[0] == keys[1] || keys[1] != keys[2] || keys[1] == "" {
			t.Errorf("idempotency keys = %q, want the second one twice", keys)
		}
		other := s.start("tool", "{}")
		s.await(other, "completed")
		if keys[3] == keys[0] {
			t.Error("two tasks have the same idempotency key")
		}
	})
}

// A step that must not run twice fails the task when nobody knows whether it ran.
func TestNeverTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ran []string
		handler := func(ctx context.Context) (string, error) {
			_, err := mcpengine.Step(ctx, "pay", func(ctx context.Context) (string, error) {
				ran = append(ran, "pay")
				<-ctx.Done()
				return "", ctx.Err()
			}, tasks.NeverTwice())
			return "", err
		}
		s := newServer(t, tasks.Memory())
		s.add("tool", handler, tasks.Grace(0))
		id := s.start("tool", "{}")
		time.Sleep(time.Second)
		s = s.restart(handler)
		got := s.await(id, "failed")
		if !strings.Contains(got.string("statusMessage"), `"pay" must not run twice`) || len(ran) != 1 {
			t.Errorf("%d runs, %+v", len(ran), got)
		}
	})
}

// Steps are tried again at growing intervals, for as often as their policy says,
// across restarts; an error that is final ends that.
func TestRetry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		began := time.Now()
		handler := func(ctx context.Context) (string, error) {
			v, err := mcpengine.Step(ctx, "try", func(context.Context) (string, error) {
				at = append(at, time.Since(began))
				if len(at) < 5 {
					return "", fmt.Errorf("attempt %d", len(at))
				}
				return "value", nil
			}, tasks.Retry(5, 500*time.Millisecond))
			return v, err
		}
		s := newServer(t, tasks.Memory())
		s.add("tool", handler, tasks.Grace(0))
		id := s.start("tool", "{}")
		time.Sleep(2 * time.Second)
		s = s.restart(handler)
		if got := s.await(id, "completed"); textOf(got.Result["result"]) != "value" {
			t.Errorf("%+v", got)
		}
		want := []time.Duration{0, 500 * time.Millisecond, 1500 * time.Millisecond, 3500 * time.Millisecond, 7500 * time.Millisecond}
		if diff := cmp.Diff(want, at); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
	})
}

// The error of a step is kept like a value, so that later runs take the same way.
func TestStepError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		attempts := map[string]int{}
		fail := func(ctx context.Context, name string, err error, opts ...mcpengine.StepOption) string {
			_, got := mcpengine.Step(ctx, name, func(context.Context) (string, error) {
				attempts[name]++
				return "", err
			}, opts...)
			public, ok := errors.AsType[*mcp.Error](got)
			return fmt.Sprintf("%v %t %t", got, ok && public.Code == -31000, errors.Is(got, mcpengine.ErrDeclined))
		}
		var seen []string
		handler := func(ctx context.Context) (string, error) {
			seen = append(seen, strings.Join([]string{
				fail(ctx, "plain", errors.New("no pens")),
				fail(ctx, "final", mcp.Errorf(-31000, "closed"), tasks.Retry(3, time.Millisecond)),
				fail(ctx, "declined", mcpengine.ErrDeclined),
				fail(ctx, "tried", errors.New("busy"), tasks.Retry(3, time.Millisecond)),
			}, ", "))
			return "done", tasks.Sleep(ctx, time.Hour)
		}
		s := newServer(t, tasks.Memory())
		s.add("tool", handler, tasks.Grace(0))
		id := s.start("tool", "{}")
		time.Sleep(2 * time.Hour)
		s.await(id, "completed")
		want := "no pens false false, closed (-31000) true false, the user declined false true, busy false false"
		if diff := cmp.Diff([]string{want, want}, seen); diff != "" {
			t.Errorf("errors (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(map[string]int{"plain": 1, "final": 1, "declined": 1, "tried": 3}, attempts); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
	})
}

// A program that does not come to what the task has done fails it, names the step
// and takes no other.
func TestChangedProgram(t *testing.T) {
	t.Parallel()
	in := func(names ...string) func(*[]string) program {
		return func(ran *[]string) program {
			return func(ctx context.Context) (string, error) {
				for _, name := range names {
					if name == "sleep" {
						if err := tasks.Sleep(ctx, time.Hour); err != nil {
							return "", err
						}
						continue
					}
					if _, err := step(ctx, ran, name); err != nil {
						return "", err
					}
				}
				return "done", nil
			}
		}
	}
	tests := []struct {
		name        string
		before, now func(*[]string) program
		want        string // in the error; nothing for success
		ran         string
	}{
		{"the same", in("a", "b", "sleep", "c"), in("a", "b", "sleep", "c"), "", "a b c"},
		{"a step more at the end", in("a", "sleep"), in("a", "sleep", "b"), "", "a b"},
		{"a step renamed", in("a", "b", "sleep", "c"), in("a", "z", "sleep", "c"), `the step "b", and the program comes to the step "z"`, "a b"},
		{"a step gone, another follows", in("a", "b", "sleep", "c"), in("a", "sleep", "c"), `the step "b", and the program comes to the step "c"`, "a b"},
		{"a step gone, nothing follows", in("a", "b", "sleep"), in("a", "sleep"), `the step "b"`, "a b"},
		{"a step more in between", in("a", "sleep"), in("z", "a", "sleep"), `the step "a", and the program comes to the step "z"`, "a"},
		{"a sleep gone", in("a", "sleep", "b"), in("a", "b"), `the sleep "1", and the program comes to the step "b"`, "a"},
	}
	for _, test := range tests {
		synctest.Test(t, func(t *testing.T) {
			var ran []string
			s := newServer(t, tasks.Memory())
			s.add("tool", test.before(&ran), tasks.Grace(0))
			id := s.start("tool", "{}")
			time.Sleep(time.Minute)
			s = s.restart(test.now(&ran))
			time.Sleep(2 * time.Hour)
			got := s.get(id)
			if message := got.string("statusMessage"); test.want == "" && got.string("status") != "completed" || !strings.Contains(message, test.want) {
				t.Errorf("%s: %+v, want the error %s", test.name, got, test.want)
			}
			if got := strings.Join(ran, " "); got != test.ran {
				t.Errorf("%s: steps that ran = %s, want %s", test.name, got, test.ran)
			}
		})
	}
}

// A tool that is gone fails its tasks.
func TestToolGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, tasks.Memory())
		s.add("gone", func(ctx context.Context) (string, error) { return "", tasks.Sleep(ctx, time.Hour) }, tasks.Grace(0))
		id := s.start("gone", "{}")
		time.Sleep(time.Minute)
		s = s.restart(func(context.Context) (string, error) { return "", nil })
		time.Sleep(time.Hour)
		if got := s.get(id); got.string("status") != "failed" || !strings.Contains(got.string("statusMessage"), `Unknown tool: "gone"`) {
			t.Errorf("%+v", got)
		}
	})
}

// Steps within steps, and side by side, would have no order that another run
// could follow.
func TestStepsInOrder(t *testing.T) {
	t.Parallel()
	serve(t, func(s *server) {
		s.add("nested", func(ctx context.Context) (string, error) {
			return mcpengine.Step(ctx, "outer", func(ctx context.Context) (string, error) {
				return mcpengine.Step(ctx, "inner", func(context.Context) (string, error) { return "", nil })
			})
		}, tasks.Grace(0))
		s.add("twice", func(ctx context.Context) (string, error) {
			var ran []string
			_, err := step(ctx, &ran, "a")
			_, again := step(ctx, &ran, "a")
			return "", errors.Join(err, again)
		}, tasks.Grace(0))
		if got := s.await(s.start("nested", "{}"), "failed"); !strings.Contains(got.string("statusMessage"), `"inner" began within the step "outer"`) {
			t.Errorf("nested: %+v", got)
		}
		if got := s.await(s.start("twice", "{}"), "failed"); got.Result["error"] == nil {
			t.Errorf("twice: %+v", got)
		}
	})
}
