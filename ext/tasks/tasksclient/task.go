package tasksclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/mcp"
)

// A Status is the state of a task.
type Status string

// The states of a task. It never leaves the last three.
const (
	Working       Status = "working"
	InputRequired Status = "input_required"
	Completed     Status = "completed"
	Failed        Status = "failed"
	Cancelled     Status = "cancelled"
)

// A Task is a task as its server tells it to a client.
type Task struct {
	TaskID        string            `json:"taskId"`
	Status        Status            `json:"status"`
	StatusMessage string            `json:"statusMessage,omitzero"`
	CreatedAt     string            `json:"createdAt"`
	LastUpdatedAt string            `json:"lastUpdatedAt"`
	TTLMs         *int64            `json:"ttlMs"` // nil for no limit
	InputRequests mcp.InputRequests `json:"inputRequests,omitzero"`
	Result        json.RawMessage   `json:"result,omitzero"`
	Error         *mcp.Error        `json:"error,omitzero"`
}

// A StartedError is the error of a call that has become a task, for a client with
// [Detach]: the task goes on.
type StartedError struct{ TaskID string }

func (e *StartedError) Error() string { return "the call has become the task " + e.TaskID }

// Detach makes a client declare the extension and not wait for the tasks that its
// tool calls become: such a call ends with a [*StartedError], whose id is for
// [Get], [Wait], [Answer] and [Cancel], now or later, by any client of the same
// caller.
func Detach() client.Option {
	started := func(_ context.Context, f client.Followed) (json.RawMessage, error) {
		var task followedTask
		if err := json.Unmarshal(f.Result, &task); err != nil || task.TaskID == "" {
			return nil, malformed("a task has no taskId")
		}
		return nil, &StartedError{task.TaskID}
	}
	return client.WithOptions(client.WithExtension(extensionID, nil), client.WithResultType(resultType, started))
}

// Get returns a task. The client needs [Follow] or [Detach].
func Get(ctx context.Context, c *client.Client, id string) (*Task, error) {
	raw, err := known(c, id).ask(ctx, "tasks/get", map[string]any{"taskId": id})
	if err != nil {
		return nil, err
	}
	task := new(Task)
	if err := json.Unmarshal(raw, task); err != nil {
		return nil, malformed("read a task: %w", err)
	}
	return task, nil
}

// Wait waits for the end of a task and returns its result, as the call would have.
// The client's handlers answer the questions of the task. When ctx ends first, the
// task goes on.
func Wait(ctx context.Context, c *client.Client, id string) (*mcp.CallToolResult, error) {
	f := known(c, id)
	f.keep = true
	raw, err := f.ask(ctx, "tasks/get", map[string]any{"taskId": id})
	if err != nil {
		return nil, err
	}
	f.Result = raw
	if raw, err = f.result(ctx); err != nil {
		return nil, err
	}
	result := new(mcp.CallToolResult)
	if err := json.Unmarshal(raw, result); err != nil {
		return nil, malformed("read the result of a task: %w", err)
	}
	return result, nil
}

// ErrNoQuestion reports that a task waits for no answer.
var ErrNoQuestion = errors.New("the task asks nothing")

// Answer answers the questions of a task, with the client's handlers, and does not
// wait for what comes then.
func Answer(ctx context.Context, c *client.Client, id string) error {
	task, err := Get(ctx, c, id)
	switch {
	case err != nil:
		return err
	case task.Status != InputRequired:
		return ErrNoQuestion
	}
	asked, err := json.Marshal(task.InputRequests)
	if err != nil {
		return fmt.Errorf("encode the questions of a task: %w", err)
	}
	return known(c, id).answer(ctx, asked)
}

// Cancel asks the server to end a task, which it may do or not.
func Cancel(ctx context.Context, c *client.Client, id string) error {
	_, err := known(c, id).ask(ctx, "tasks/cancel", map[string]any{"taskId": id})
	return err
}

// known is a task whose id is known.
func known(c *client.Client, id string) *followed {
	f := newFollowed(client.Followed{Client: c})
	f.id = id
	return f
}
