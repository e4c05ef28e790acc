// Package tasksclient follows the tasks of servers that have the extension
// io.modelcontextprotocol/tasks: a call of a tool may become a task, which goes on
// when the client does not.
package tasksclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/mcp"
)

// The extension, and the type of a result that is a task (tasks, "Capability
// Negotiation", "Creating Tasks").
const (
	extensionID = "io.modelcontextprotocol/tasks"
	resultType  = "task"
)

// Bounds of the interval that a server suggests for asking about a task, and its
// default.
const (
	minPoll     = 50 * time.Millisecond
	defaultPoll = time.Second
	maxPoll     = 30 * time.Second
)

// Bounds of what a task asks its client, and of the time that a call waits for it.
const (
	maxInputs     = 512
	maxInputName  = 1 << 10
	followTimeout = 24 * time.Hour
	cancelTimeout = 5 * time.Second
)

// errCancelled is the error of a call whose task was cancelled elsewhere.
var errCancelled = errors.New("the task was cancelled")

// Follow makes a client declare the extension and wait for the tasks that its tool
// calls become: it asks the server until there is a result, answers the questions
// of the task with the client's handlers, and cancels the task when the context of
// the call ends. A call waits at most as long as limit, and ends with
// [client.ErrIdle] then. Zero stands for 24 hours, and a negative limit for no
// limit.
//
//	c, err := client.Connect(ctx, url, tasksclient.Follow(0))
func Follow(limit time.Duration) client.Option {
	if limit == 0 {
		limit = followTimeout
	}
	follow := func(ctx context.Context, f client.Followed) (json.RawMessage, error) {
		if limit > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeoutCause(ctx, limit, client.ErrIdle)
			defer cancel()
		}
		return newFollowed(f).result(ctx)
	}
	return client.WithOptions(
		client.WithExtension(extensionID, nil),
		client.WithResultType(resultType, follow),
	)
}

// A followedTask is the state of a task as the server tells it.
type followedTask struct {
	TaskID         string          `json:"taskId"`
	Status         Status          `json:"status"`
	PollIntervalMs json.Number     `json:"pollIntervalMs"`
	InputRequests  json.RawMessage `json:"inputRequests"`
	Result         json.RawMessage `json:"result"`
	Error          *mcp.Error      `json:"error"`
}

// A followed is a task that a call waits for.
type followed struct {
	client.Followed
	id       string
	answered map[string]bool // inputs are asked for until their answers have arrived
	keep     bool            // the task outlives the context
}

func newFollowed(f client.Followed) *followed {
	return &followed{Followed: f, answered: make(map[string]bool)}
}

func malformed(format string, args ...any) error {
	return &client.ProtocolError{Err: fmt.Errorf(format, args...)}
}

// result waits for the result of the task.
func (f *followed) result(ctx context.Context) (json.RawMessage, error) {
	raw := f.Result
	for {
		var task followedTask
		if err := json.Unmarshal(raw, &task); err != nil {
			return nil, malformed("read a task: %w", err)
		}
		if f.id == "" {
			if f.id = task.TaskID; f.id == "" {
				return nil, malformed("a task has no taskId")
			}
		}
		result, done, err := f.act(ctx, &task)
		if err != nil && !done && ctx.Err() != nil {
			f.cancel(ctx) // nobody answers the questions of the task
		}
		if done || err != nil {
			return result, err
		}
		if err := pause(ctx, task.interval()); err != nil {
			f.cancel(ctx)
			return nil, err
		}
		if raw, err = f.ask(ctx, "tasks/get", map[string]any{"taskId": f.id}); err != nil {
			if ctx.Err() != nil {
				f.cancel(ctx)
			}
			return nil, err
		}
	}
}

// act acts on the status of the task. Done says that this is the end.
func (f *followed) act(ctx context.Context, task *followedTask) (result json.RawMessage, done bool, err error) {
	switch task.Status {
	case Working:
		return nil, false, nil
	case InputRequired:
		return nil, false, f.answer(ctx, task.InputRequests)
	case Completed:
		if task.Result == nil {
			return nil, true, malformed("a completed task has no result")
		}
		return task.Result, true, nil
	case Failed:
		if task.Error == nil {
			return nil, true, malformed("a failed task has no error")
		}
		return nil, true, task.Error
	case Cancelled:
		return nil, true, errCancelled
	}
	return nil, true, malformed("a task has the status %.64q", task.Status)
}

// answer answers the input requests that have not been answered yet.
func (f *followed) answer(ctx context.Context, requests json.RawMessage) error {
	var asked map[string]json.RawMessage
	if err := json.Unmarshal(requests, &asked); err != nil {
		return malformed("read inputRequests: %w", err)
	}
	for name := range asked {
		switch {
		case f.answered[name]:
			delete(asked, name)
		case len(name) > maxInputName:
			return malformed("a task asks for an input whose name has more than %d bytes", maxInputName)
		case len(f.answered) == maxInputs:
			return malformed("a task asks for more than %d inputs", maxInputs)
		default:
			f.answered[name] = true
		}
	}
	if len(asked) == 0 {
		return nil
	}
	encoded, err := json.Marshal(asked)
	if err != nil {
		return fmt.Errorf("encode the inputs of a task: %w", err)
	}
	answers, err := f.Client.Answer(ctx, encoded)
	if err != nil {
		return err
	}
	_, err = f.ask(ctx, "tasks/update", map[string]any{"taskId": f.id, "inputResponses": answers})
	return err
}

// ask sends a request about the task.
func (f *followed) ask(ctx context.Context, method string, params map[string]any) (json.RawMessage, error) {
	opts := append([]client.CallOption{client.WithMirror(f.id), client.Idempotent()}, f.Options...)
	return client.Do[json.RawMessage](ctx, f.Client, method, params, opts...)
}

// cancel asks the server to stop, which it may do or not.
func (f *followed) cancel(ctx context.Context) {
	if f.keep {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cancelTimeout)
	defer cancel()
	_, _ = f.ask(ctx, "tasks/cancel", map[string]any{"taskId": f.id})
}

// interval returns how long to wait before the server is asked again.
func (t *followedTask) interval() time.Duration {
	ms, err := t.PollIntervalMs.Int64()
	if err != nil || ms <= 0 {
		return defaultPoll
	}
	if ms > maxPoll.Milliseconds() {
		return maxPoll
	}
	return max(time.Duration(ms)*time.Millisecond, minPoll)
}

// pause waits, and returns the cause of ctx when that ends first.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
