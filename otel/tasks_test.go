package otelmcp_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/ext/tasks"
	"github.com/mcpengine/mcpengine/ext/tasks/tasksclient"
	"github.com/mcpengine/mcpengine/mcptest"
)

// newTasks starts a server with two durable tools and a queue for two tasks, of
// which a caller gets one, and a client that begins tasks.
func newTasks(t *testing.T, r *recorder) *client.Client {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	e := mcpengine.New("reports", mcpengine.WithLogger(quiet),
		mcpengine.WithExtension(tasks.Extension(tasks.Memory(), tasks.WithLogger(quiet), tasks.WithMaxQueue(2), r.Tasks())))
	t.Cleanup(e.Close)
	mcpengine.AddTool(e, "publish", "", func(ctx context.Context, _ struct{}) (string, error) {
		failed := false
		return mcpengine.Step(ctx, "draft", func(context.Context) (string, error) {
			if failed = !failed; failed {
				return "", errors.New("not yet")
			}
			return "", nil
		}, tasks.Retry(2, time.Millisecond))
	}, tasks.Durable(tasks.Grace(0)))
	mcpengine.AddTool(e, "wait", "", func(ctx context.Context, _ struct{}) (string, error) {
		<-ctx.Done()
		return "", context.Cause(ctx)
	}, tasks.Durable(tasks.Grace(0)))
	return mcptest.New(e, tasksclient.Detach(), r.Client())
}

// begin calls a tool, which becomes a task, and waits until it has come to rest.
func begin(t *testing.T, c *client.Client, tool string) (id string, err error) {
	t.Helper()
	_, err = c.CallTool(t.Context(), tool, nil)
	if started, ok := errors.AsType[*tasksclient.StartedError](err); ok {
		id, err = started.TaskID, nil
	}
	time.Sleep(time.Second)
	synctest.Wait()
	return id, err
}

// TestTaskNames holds what is exported of tasks to the golden file. A run is a
// trace of its own that links to the call.
func TestTaskNames(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder(t)
		c := newTasks(t, r)
		if _, err := begin(t, c, "publish"); err != nil {
			t.Fatal(err)
		}
		called, run := spanOf(t, r, "tools/call publish"), spanOf(t, r, "task publish")
		if run.Parent.IsValid() || run.SpanContext.TraceID() == called.SpanContext.TraceID() {
			t.Errorf("the run belongs to the trace %v, want a trace of its own", run.SpanContext.TraceID())
		}
		if len(run.Links) != 1 || run.Links[0].SpanContext.SpanID() != called.SpanContext.SpanID() {
			t.Errorf("the run links to %v, want the call %v", run.Links, called.SpanContext)
		}
		r.spans.Reset()
		id, err := begin(t, c, "wait")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := begin(t, c, "publish"); err == nil {
			t.Error("a full queue took a task")
		}
		running := r.text(t)
		if err := tasksclient.Cancel(t.Context(), c, id); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		golden(t, "names-tasks.txt", fmt.Sprintf("while a task runs\n%s\nin the end\n%s", running, r.text(t)))
	})
}

func spanOf(t *testing.T, r *recorder, name string) tracetest.SpanStub {
	t.Helper()
	for _, s := range r.spans.GetSpans() {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("there is no span %q", name)
	return tracetest.SpanStub{}
}
