package tasks_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/ext/tasks"
)

// A hasty backend hands over every run after a second.
type hasty struct{ tasks.Backend }

func (h hasty) Serve(ctx context.Context, w tasks.Worker) error {
	run := w.Run
	w.Run = func(ctx context.Context, id string) (time.Time, error) {
		ctx, stop := context.WithTimeoutCause(ctx, time.Second, tasks.ErrHandover)
		defer stop()
		return run(ctx, id)
	}
	return h.Backend.Serve(ctx, w)
}

// work waits, as a step does that obeys its context.
func work(d time.Duration) func(context.Context) (int, error) {
	return func(ctx context.Context) (int, error) {
		select {
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		case <-time.After(d):
			return 1, nil
		}
	}
}

// A task whose runs are handed over goes on from its journal, however often.
func TestHandover(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, hasty{tasks.Memory()})
		runs := 0
		s.add("steps", func(ctx context.Context) (string, error) {
			runs++
			for i := range 10 {
				if _, err := mcpengine.Step(ctx, fmt.Sprint(i), work(600*time.Millisecond)); err != nil {
					return "", err
				}
			}
			return "done", nil
		}, tasks.Grace(0))
		got := s.await(s.start("steps", `{}`), "completed")
		if runs != 10 || textOf(got.Result["result"]) != "done" {
			t.Errorf("%d runs: %v", runs, got)
		}
	})
}

// A step that never ends is not begun again and again.
func TestHandoverWithoutProgress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, hasty{tasks.Memory()})
		s.add("long", func(ctx context.Context) (string, error) {
			if _, err := mcpengine.Step(ctx, "short", work(time.Millisecond)); err != nil {
				return "", err
			}
			_, err := mcpengine.Step(ctx, "long", work(2*time.Second))
			return "", err
		}, tasks.Grace(0))
		s.add("stepless", func(ctx context.Context) (string, error) {
			_, err := work(time.Minute)(ctx)
			return "", err
		}, tasks.Grace(0))
		for tool, want := range map[string]string{
			"long":     `the step "long" has not come to its end in the time that one run has, in 3 runs`,
			"stepless": "the handler has not come to its first step in the time that one run has, in 3 runs",
		} {
			if got := s.await(s.start(tool, `{}`), "failed"); !strings.Contains(got.string("statusMessage"), want) {
				t.Errorf("%s: %v", tool, got)
			}
		}
	})
}

// Runs count as stalled only in a row: a step that was done in between ends the
// count, however its run ended.
func TestHandoverCountsInARow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, hasty{tasks.Memory()})
		attempts := make(map[int]int)
		s.add("patient", func(ctx context.Context) (string, error) {
			for i := range 3 {
				if _, err := mcpengine.Step(ctx, fmt.Sprint(i), func(ctx context.Context) (int, error) {
					if attempts[i]++; attempts[i] < 3 {
						return work(time.Minute)(ctx)
					}
					return 1, nil
				}); err != nil {
					return "", err
				}
				if err := tasks.Sleep(ctx, time.Minute); err != nil {
					return "", err
				}
			}
			return "done", nil
		}, tasks.Grace(0))
		s.await(s.start("patient", `{}`), "completed")
	})
}

// A narrow backend takes records of a bounded size.
type narrow struct{ tasks.Backend }

const width = 3_000

func fits(r *tasks.Record) error {
	if text, err := json.Marshal(r); err != nil || len(text) > width {
		return errors.Join(tasks.ErrTooLarge, err)
	}
	return nil
}

func (n narrow) Create(ctx context.Context, r *tasks.Record) error {
	if err := fits(r); err != nil {
		return err
	}
	return n.Backend.Create(ctx, r)
}

func (n narrow) Update(ctx context.Context, id string, change func(*tasks.Record) error) (*tasks.Record, error) {
	return n.Backend.Update(ctx, id, func(r *tasks.Record) error {
		if err := change(r); err != nil {
			return err
		}
		return fits(r)
	})
}

// What a store does not take is refused before a task is acknowledged, and fails
// a task that is under way with a message that says why.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, narrow{tasks.Memory()})
		large := strings.Repeat("x", width)
		mcpengine.AddTool(s.engine, "take", "", func(context.Context, struct {
			Text string `json:"text"`
		},
		) (string, error) {
			return "taken", nil
		}, tasks.Durable(tasks.Grace(0)))
		s.add("result", func(context.Context) (string, error) { return large, nil }, tasks.Grace(0))
		s.add("step", func(ctx context.Context) (string, error) {
			return mcpengine.Step(ctx, "large", func(context.Context) (string, error) { return large, nil })
		}, tasks.Grace(0))
		s.add("ask", func(ctx context.Context) (string, error) {
			_, err := mcpengine.Elicit[approval](ctx, "Well?", mcpengine.WithKey("well"))
			return "asked", err
		}, tasks.Grace(0))

		got := s.call("take", fmt.Sprintf(`{"text":%q}`, large), declares)
		if got.Error == nil || got.Error.Code != -32602 || !strings.Contains(got.Error.Message, "more than a task can hold") {
			t.Errorf("the call: %+v", got)
		}
		for tool, want := range map[string]string{
			"result": "the result of the task, or what it asks, is larger than the store of tasks takes",
			"step":   `the value of the step "large" is larger than the store of tasks takes`,
		} {
			if got := s.await(s.start(tool, `{}`), "failed"); !strings.Contains(got.string("statusMessage"), want) {
				t.Errorf("%s: %v", tool, got)
			}
		}
		id := s.start("ask", `{}`)
		s.await(id, "input_required")
		got = s.update(id, fmt.Sprintf(`{"well.1":{"action":"accept","content":{"approve":true,"remark":%q}}}`, large))
		if got.Error == nil || got.Error.Code != -32602 {
			t.Errorf("the answer: %+v", got)
		}
		s.await(id, "input_required")
	})
}

// An eventful backend runs tasks by events alone.
type eventful struct {
	tasks.Backend
	worker  atomic.Pointer[tasks.Worker]
	watches atomic.Int32
}

func (e *eventful) Serve(ctx context.Context, w tasks.Worker) error {
	e.worker.Store(&w)
	<-ctx.Done()
	return nil
}

func (e *eventful) LambdaEvent(ctx context.Context, event json.RawMessage) (any, error) {
	var id string
	if err := json.Unmarshal(event, &id); err != nil {
		return nil, errors.ErrUnsupported
	}
	_, err := e.worker.Load().Run(ctx, id)
	return nil, err
}

func (e *eventful) Watch(ctx context.Context, id string) {
	e.watches.Add(1)
	defer e.watches.Add(-1)
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			e.worker.Load().Changed(id)
		}
	}
}

// A backend of events runs a task when it is told to, ends one whose time is over,
// and watches a task for as long as somebody waits for it.
func TestEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &eventful{Backend: tasks.Memory()}
		x := tasks.Extension(b, tasks.WithLogger(quiet()))
		s := &server{T: t, engine: mcpengine.New("fixture", mcpengine.WithLogger(quiet()), mcpengine.WithExtension(x)), backend: b}
		t.Cleanup(s.engine.Close)
		s.add("quick", func(context.Context) (string, error) { return "done", nil }, tasks.Grace(time.Minute))
		s.add("slow", func(context.Context) (string, error) { return "done", nil }, tasks.Grace(0), tasks.TTL(time.Hour))

		begun := time.Now()
		go func() {
			time.Sleep(time.Second)
			records, err := b.List(t.Context(), "", "", 10)
			if err != nil || len(records) != 1 || b.watches.Load() != 1 {
				t.Errorf("%d records, %v, %d watches", len(records), err, b.watches.Load())
				return
			}
			event, _ := json.Marshal(records[0].ID)
			if _, err := x.LambdaEvent(t.Context(), event); err != nil {
				t.Error(err)
			}
		}()
		got := s.call("quick", `{}`, declares)
		if took := time.Since(begun); got.text() != "done" || took > 1100*time.Millisecond || b.watches.Load() != 0 {
			t.Errorf("after %v: %+v, %d watches", took, got, b.watches.Load())
		}
		if _, err := x.LambdaEvent(t.Context(), json.RawMessage(`{}`)); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("another event: %v", err)
		}

		id := s.start("slow", `{}`)
		time.Sleep(2 * time.Hour)
		s.await(id, "working") // nobody has looked for it
		event, _ := json.Marshal(id)
		if _, err := x.LambdaEvent(t.Context(), event); err != nil {
			t.Error(err)
		}
		if got := s.await(id, "failed"); !strings.Contains(got.string("statusMessage"), "its time of 1h0m0s") {
			t.Errorf("after its time: %v", got)
		}
	})
}

// A sharing backend has transactions that take no more than one entry each, and
// reject what a step writes as often as it is told to.
type sharing struct {
	tasks.Backend
	rejects atomic.Int32
}

func (b *sharing) Begin(context.Context) (tasks.Transaction, error) { return &shared{b: b}, nil }

type shared struct {
	b      *sharing
	change func(*tasks.Record) error
	id     string
}

func (s *shared) Handle() any { return s }

func (s *shared) Update(ctx context.Context, id string, change func(*tasks.Record) error) (*tasks.Record, error) {
	r, err := s.b.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	s.id, s.change = id, change
	return r, change(r)
}

func (s *shared) Commit(ctx context.Context) error {
	if s.b.rejects.Add(-1) >= 0 {
		return fmt.Errorf("no room: %w", tasks.ErrRejected)
	}
	_, err := s.b.Backend.Update(ctx, s.id, s.change)
	return err
}

func (s *shared) Rollback(context.Context) error { return nil }

// A transaction that is rejected is an error of the step: it is retried by the
// step's policy, and the task goes on.
func TestRejectedTransaction(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &sharing{Backend: tasks.Memory()}
		s := newServer(t, b)
		handler := func(opts ...mcpengine.StepOption) func(context.Context) (string, error) {
			return func(ctx context.Context) (string, error) {
				return mcpengine.Step(ctx, "write", func(ctx context.Context) (string, error) {
					_, err := tasks.Tx[*shared](ctx)
					return "written", err
				}, opts...)
			}
		}
		s.add("once", handler(), tasks.Grace(0))
		s.add("retried", handler(tasks.Retry(3, time.Millisecond)), tasks.Grace(0))
		b.rejects.Store(1)
		got := s.await(s.start("once", `{}`), "completed")
		if text := textOf(got.Result["result"]); text != "commit the step: no room: the transaction was rejected" {
			t.Errorf("without a policy: %s", text)
		}
		b.rejects.Store(2)
		got = s.await(s.start("retried", `{}`), "completed")
		if text := textOf(got.Result["result"]); text != "written" {
			t.Errorf("with a policy: %s", text)
		}
	})
}
