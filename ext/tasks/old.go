package tasks

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/mcp"
)

// This file serves what protocol version 2025-11-25 has and the extension does
// not.

// relatedTask names the task that a message belongs to (2025-11-25, tasks,
// "Related Task Metadata").
const relatedTask = "io.modelcontextprotocol/related-task"

// maxTold bounds the tasks that an asker remembers.
const maxTold = 10_000

// An asker decides in which requests of clients of 2025-11-25 the questions of a
// task are asked.
type asker struct {
	mu     sync.Mutex
	told   map[string]bool // tasks whose client knows that they wait for answers
	asking map[string]int  // requests that ask, by task
}

// claim reports whether tasks/get is to ask, and counts it if so. The first time
// the client learns the status: most clients call tasks/result then (2025-11-25,
// tasks, "Input Required Status"). VS Code calls tasks/get and waits for it
// (microsoft/vscode, mcpTask.ts): it would wait until the task expires.
func (a *asker) claim(id string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.asking[id] > 0:
		return false
	case a.told[id]:
		a.asking[id]++
		return true
	case len(a.told) >= maxTold:
		clear(a.told) // their clients are told once more
	}
	a.told[id] = true
	return false
}

func (a *asker) begin(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asking[id]++
}

func (a *asker) end(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.asking[id]--; a.asking[id] == 0 {
		delete(a.asking, id)
	}
}

// forget forgets a task that does not wait for answers.
func (a *asker) forget(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.told, id)
}

// oldGet answers tasks/get.
func (t *Tasks) oldGet(ctx context.Context, r *Record) (any, error) {
	switch {
	case r.Status != InputRequired:
		t.asker.forget(r.ID)
	case t.asker.claim(r.ID):
		defer t.asker.end(r.ID)
		if err := t.relay(ctx, r, true); err != nil {
			t.logger.DebugContext(ctx, "the questions of a task were not answered", "task", r.ID, "error", err)
		}
		var err error
		if r, err = t.record(context.WithoutCancel(ctx), r.ID); err != nil {
			return nil, err
		}
	}
	return oldTask(r), nil
}

// resultMethod answers tasks/result: it waits for the end of the task. The
// questions of the task are asked here (2025-11-25, tasks, "Input Required
// Status").
func (t *Tasks) resultMethod(ctx context.Context, in taskIn) (json.RawMessage, error) {
	for {
		if _, err := t.record(ctx, in.TaskID); err != nil {
			return nil, err
		}
		r, err := t.follow(ctx, in.TaskID)
		switch {
		case err != nil:
			return nil, t.storeError(ctx, "get", err)
		case r.Status == Completed:
			return t.oldResult(ctx, r), nil
		case r.Status == Failed:
			return nil, r.Error
		case r.Status == Cancelled:
			return nil, mcp.Errorf(mcp.CodeInternalError, "the task was cancelled")
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		}
		t.asker.begin(r.ID)
		err = t.relay(ctx, r, true)
		t.asker.end(r.ID)
		if err != nil {
			return nil, err
		}
	}
}

// oldResult is the result of the tool in the form of 2025-11-25.
func (t *Tasks) oldResult(ctx context.Context, r *Record) json.RawMessage {
	return withRelatedTask(mcpengine.RequestFrom(ctx).ToolResult(r.Call.Tool, resultOf(r)), r.ID)
}

// withRelatedTask returns the object with the id of its task in "_meta". What is
// not an object stays as it is.
func withRelatedTask(object json.RawMessage, id string) json.RawMessage {
	members := make(map[string]json.RawMessage)
	if object != nil && json.Unmarshal(object, &members) != nil {
		return object
	}
	meta := make(map[string]any)
	if members["_meta"] != nil {
		_ = json.Unmarshal(members["_meta"], &meta)
	}
	meta[relatedTask] = map[string]string{"taskId": id}
	var err error
	if members["_meta"], err = json.Marshal(meta); err != nil {
		return object
	}
	with, err := json.Marshal(members)
	if err != nil {
		return object
	}
	return with
}

type listIn struct {
	Cursor string `json:"cursor,omitempty"`
}

type listOut struct {
	Tasks      []wireOldTask `json:"tasks"`
	NextCursor string        `json:"nextCursor,omitzero"`
}

// pageSize is how many tasks a page of tasks/list has.
const pageSize = 100

// listMethod answers tasks/list with the tasks of the caller. Callers that are not
// verified all look alike: they get an empty list (2025-11-25, tasks, "Task
// Isolation and Access Control").
func (t *Tasks) listMethod(ctx context.Context, in listIn) (listOut, error) {
	out := listOut{Tasks: []wireOldTask{}}
	owner := callerOf(ctx)
	if owner == "" {
		return out, nil
	}
	records, err := t.backend.List(ctx, owner, in.Cursor, pageSize+1)
	if err != nil {
		return out, t.storeError(ctx, "list", err)
	}
	if len(records) > pageSize {
		records = records[:pageSize]
		out.NextCursor = records[pageSize-1].ID
	}
	for _, r := range records {
		if visible(r, owner) == nil {
			out.Tasks = append(out.Tasks, oldTask(r))
		}
	}
	return out, nil
}
