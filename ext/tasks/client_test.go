package tasks_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/ext/tasks"
	"github.com/mcpengine/mcpengine/ext/tasks/tasksclient"
	"github.com/mcpengine/mcpengine/mcptest"
)

// A client begins a task and disconnects, and another one of the same caller answers it
// and gets the result.
func TestDetached(t *testing.T) {
	t.Parallel()
	serve(t, func(s *server) {
		s.add("ask", func(ctx context.Context) (string, error) {
			a, err := mcpengine.Elicit[approval](ctx, "Go on?")
			if err != nil {
				return "", err
			}
			if !a.Approve {
				return "no", nil
			}
			return "yes", tasks.Sleep(ctx, time.Hour)
		}, tasks.Grace(0))
		accept := client.WithHandlers(client.Handlers{ElicitForm: mcptest.Accept(approval{true})})
		begin := func() string {
			_, err := mcptest.New(s.engine, tasksclient.Detach(), accept).CallTool(s.Context(), "ask", nil)
			started, ok := errors.AsType[*tasksclient.StartedError](err)
			if !ok {
				s.Fatalf("CallTool() = %v, want a task", err)
			}
			return started.TaskID
		}
		other := mcptest.New(s.engine, tasksclient.Detach(), accept)
		id := begin()
		time.Sleep(time.Second)
		if task, err := tasksclient.Get(s.Context(), other, id); err != nil || task.Status != tasksclient.InputRequired || len(task.InputRequests) != 1 {
			t.Errorf("Get() = %+v, %v", task, err)
		}
		if err := tasksclient.Answer(s.Context(), other, id); err != nil {
			t.Errorf("Answer() = %v", err)
		}
		if err := tasksclient.Answer(s.Context(), other, id); !errors.Is(err, tasksclient.ErrNoQuestion) {
			t.Errorf("second Answer() = %v, want ErrNoQuestion", err)
		}
		brief, stop := context.WithTimeout(s.Context(), time.Minute)
		defer stop()
		if _, err := tasksclient.Wait(brief, other, id); err == nil {
			t.Error("Wait() returned before the end of the task")
		}
		result, err := tasksclient.Wait(s.Context(), other, id) // the first wait has not cancelled it
		if err != nil || result.Text() != "yes" {
			t.Errorf("Wait() = %v, %v", result, err)
		}
		id = begin()
		if err := tasksclient.Cancel(s.Context(), other, id); err != nil {
			t.Errorf("Cancel() = %v", err)
		}
		time.Sleep(time.Second)
		if task, err := tasksclient.Get(s.Context(), other, id); err != nil || task.Status != tasksclient.Cancelled {
			t.Errorf("Get() = %+v, %v, want a cancelled task", task, err)
		}
	})
}
