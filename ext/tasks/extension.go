package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/mcp"
)

// Extension returns the extension, with the backend that keeps and runs its
// tasks. It serves protocol version 2026-07-28, and the tasks that 2025-11-25 had
// itself. A backend serves one engine.
func Extension(b Backend, opts ...Option) mcpengine.Extension {
	t := newTasks(b, opts)
	named := mcpengine.MirrorParam("taskId") // tasks, "Routing Headers"
	oldVersion := mcpengine.InVersions(mcp.TasksProtocolVersion)
	bothVersions := mcpengine.InVersions(mcp.LatestProtocolVersion, mcp.TasksProtocolVersion)
	extension := mcpengine.Extension{
		ID:       ID,
		Settings: settings,
		Features: []mcpengine.Feature{
			mcpengine.NewMethod("tasks/get", t.getMethod, t.methodOptions(named, bothVersions)...),
			mcpengine.NewMethod("tasks/update", t.updateMethod, t.methodOptions(named, mcpengine.InVersions(mcp.LatestProtocolVersion))...),
			mcpengine.NewMethod("tasks/cancel", t.cancelMethod, t.methodOptions(named, bothVersions)...),
			mcpengine.NewMethod("tasks/result", t.resultMethod, t.methodOptions(oldVersion)...),
			mcpengine.NewMethod("tasks/list", t.listMethod, t.methodOptions(oldVersion)...),
		},
		ResultTypes:   []string{string(ResultTypeTask)},
		Notifications: []string{notification},
		Listen:        []mcpengine.ListenField{mcpengine.NewListenField(listenField, mcpengine.ListenHandler[[]string]{Accept: t.accept, Notify: t.notify})},
		Start:         t.start,
		Stop:          t.shutdown,
		Value:         t,
	}
	if events, ok := b.(EventRunner); ok {
		extension.LambdaEvent = events.LambdaEvent
	}
	return extension
}

func settings(version string) any {
	if version != mcp.LatestProtocolVersion {
		return nil
	}
	return struct{}{}
}

func (t *Tasks) methodOptions(opts ...mcpengine.MethodOption) []mcpengine.MethodOption {
	if t.public {
		opts = append(opts, mcpengine.Public())
	}
	return opts
}

// bind makes the execution of a durable tool, and adds the tools by which clients
// without tasks get at results.
func (c *durable) bind(e *mcpengine.Engine, tool string) (mcpengine.Execution, error) {
	t, ok := e.ExtensionValue(ID).(*Tasks)
	switch {
	case !ok:
		return mcpengine.Execution{}, fmt.Errorf("a durable tool needs the extension %s: mcpengine.WithExtension(tasks.Extension(tasks.Memory()))", ID)
	case tool == resultTool || tool == cancelTool:
		return mcpengine.Execution{}, errors.New("a durable tool cannot have the name of a tool of tasks")
	}
	if err := c.check(); err != nil {
		return mcpengine.Execution{}, err
	}
	if err := t.addHandleTools(e); err != nil {
		return mcpengine.Execution{}, err
	}
	t.setSlots(tool, c.concurrency)
	support := "optional"
	if c.required {
		support = "required"
	}
	return mcpengine.Execution{Call: (&caller{c, t}).call, TaskSupport: support}, nil
}

// maxID bounds the ids that are looked up.
const maxID = 64

type taskIn struct {
	TaskID string `json:"taskId"`
}

// record returns the caller's task with the id.
func (t *Tasks) record(ctx context.Context, id string) (*Record, error) {
	if len(id) > maxID {
		return nil, errUnknown
	}
	return t.get(ctx, id)
}

func (t *Tasks) getMethod(ctx context.Context, in taskIn) (any, error) {
	r, err := t.record(ctx, in.TaskID)
	switch {
	case err != nil:
		return nil, err
	case isOld(ctx):
		return t.oldGet(ctx, r)
	}
	return detailed(r), nil
}

type updateIn struct {
	TaskID         string                     `json:"taskId"`
	InputResponses map[string]json.RawMessage `json:"inputResponses"`
}

type empty struct{}

func (t *Tasks) updateMethod(ctx context.Context, in updateIn) (empty, error) {
	if len(in.TaskID) > maxID {
		return empty{}, errUnknown
	}
	return empty{}, t.answer(ctx, in.TaskID, in.InputResponses)
}

func (t *Tasks) cancelMethod(ctx context.Context, in taskIn) (any, error) {
	r, err := t.record(ctx, in.TaskID)
	switch {
	case err != nil:
		return nil, err
	case isOld(ctx) && r.Status.Ended():
		return nil, mcp.Errorf(mcp.CodeInvalidParams, "the task has ended: its status is %s", r.Status)
	}
	// In 2025-11-25 the task is cancelled before the response is sent (tasks,
	// "Task Cancellation").
	if err := t.cancel(ctx, in.TaskID, isOld(ctx)); err != nil || !isOld(ctx) {
		return empty{}, err
	}
	if r, err = t.record(ctx, in.TaskID); err != nil {
		return nil, err
	}
	return oldTask(r), nil
}

func isOld(ctx context.Context) bool {
	return mcpengine.RequestFrom(ctx).ProtocolVersion() == mcp.TasksProtocolVersion
}

// Names of what subscriptions have of tasks.
const (
	listenField  = "taskIds"
	notification = "notifications/tasks"
)

// accept returns the ids of the caller's own tasks.
func (t *Tasks) accept(ctx context.Context, ids []string) (honoured, keys []string, err error) {
	for _, id := range ids {
		switch _, err := t.record(ctx, id); {
		case err == nil:
			honoured = append(honoured, id)
		case !errors.Is(err, errUnknown):
			return nil, nil, err
		}
	}
	return honoured, honoured, nil
}

// notify returns the notification for a task that has changed.
func (t *Tasks) notify(ctx context.Context, id string) (method string, params any, ok bool) {
	r, err := t.record(ctx, id)
	if err != nil {
		return "", nil, false
	}
	return notification, detailed(r), true
}
