package tasks

import (
	"context"
	"encoding/json"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/mcp"
)

// This file serves what protocol version 2025-11-25 has and the extension does
// not.

// relatedTask names the task that a message belongs to (2025-11-25, tasks,
// "Related Task Metadata").
const relatedTask = "io.modelcontextprotocol/related-task"

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
		if err := t.relay(ctx, r); err != nil {
			return nil, err
		}
	}
}

// oldResult is the result of the tool in the form of 2025-11-25.
func (t *Tasks) oldResult(ctx context.Context, r *Record) json.RawMessage {
	result := mcpengine.RequestFrom(ctx).ToolResult(r.Call.Tool, resultOf(r))
	var members map[string]json.RawMessage
	if json.Unmarshal(result, &members) != nil {
		return result
	}
	meta := make(map[string]any)
	if members["_meta"] != nil {
		_ = json.Unmarshal(members["_meta"], &meta)
	}
	meta[relatedTask] = map[string]string{"taskId": r.ID}
	members["_meta"], _ = json.Marshal(meta)
	with, err := json.Marshal(members)
	if err != nil {
		return result
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
