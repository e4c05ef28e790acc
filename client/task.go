package client

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/peer"
)

// Bounds of the interval that the server suggests for polling a task, and its
// default.
const (
	minPoll     = 50 * time.Millisecond
	defaultPoll = time.Second
	maxPoll     = 30 * time.Second
)

// maxInputName bounds the name of an input that a task asks for.
const maxInputName = 1 << 10

// errTaskCancelled is the error of a call whose task was cancelled elsewhere.
var errTaskCancelled = errors.New("the task was cancelled")

// finish waits for the result of a task (the extension
// io.modelcontextprotocol/tasks, "Polling"). When ctx ends first, the server is
// told that the task is cancelled.
func (c *Client) finish(ctx context.Context, task jsonrpc.Object) ([]byte, error) {
	id := task.Get("taskId")
	if len(id) <= 2 || id[0] != '"' {
		return nil, protocolErrorf("a task has no taskId")
	}
	if limit := c.config.limits.TaskTimeout; limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, ErrIdle)
		defer cancel()
	}
	name := append(append([]byte(`{"taskId":`), id...), '}')
	answered := make(map[string]bool) // inputs are asked for until they have arrived
	for {
		result, done, err := c.taskResult(ctx, task, name, answered)
		if done || err != nil {
			return result, err
		}
		if err := peer.Sleep(ctx, pollInterval(task)); err != nil {
			c.cancelTask(context.WithoutCancel(ctx), name)
			return nil, err
		}
		raw, err := c.conn.Call(ctx, peer.Call{Method: "tasks/get", Params: name, Replay: true})
		if err != nil {
			if ctx.Err() != nil {
				c.cancelTask(context.WithoutCancel(ctx), name)
			}
			return nil, public(err)
		}
		if task, err = jsonrpc.ParseObject(raw); err != nil {
			return nil, protocolErrorf("read a task: %w", err)
		}
	}
}

// taskResult acts on the status of a task. Done says that this is the end.
func (c *Client) taskResult(ctx context.Context, task jsonrpc.Object, name []byte, answered map[string]bool) (result []byte, done bool, err error) {
	status := task.Get("status")
	switch string(status) {
	case `"working"`:
		return nil, false, nil
	case `"input_required"`:
		return nil, false, c.updateTask(ctx, task.Get("inputRequests"), name, answered)
	case `"completed"`:
		if result = task.Get("result"); result == nil {
			return nil, true, protocolErrorf("a completed task has no result")
		}
		return result, true, nil
	case `"failed"`:
		rpcErr, err := jsonrpc.ParseError(task.Get("error"))
		if err != nil {
			return nil, true, protocolErrorf("read the error of a task: %w", err)
		}
		return nil, true, public(rpcErr)
	case `"cancelled"`:
		return nil, true, errTaskCancelled
	}
	return nil, true, protocolErrorf("a task has the status %.64s", status)
}

// updateTask answers the input requests that have not been answered yet.
func (c *Client) updateTask(ctx context.Context, requests, name []byte, answered map[string]bool) error {
	members, err := jsonrpc.ParseObject(requests)
	if err != nil {
		return protocolErrorf("read inputRequests: %w", err)
	}
	asked, limit := []byte("{}"), maxInputs*c.config.limits.MaxRounds
	for _, m := range members {
		switch {
		case answered[string(m.Name)]:
			continue
		case len(m.Name) > maxInputName:
			return protocolErrorf("a task asks for an input whose name has more than %d bytes", maxInputName)
		case len(answered) == limit:
			return protocolErrorf("a task asks for more than %d inputs", limit)
		}
		asked = setMember(asked, string(m.Name), m.Value)
		answered[string(m.Name)] = true
	}
	if string(asked) == "{}" {
		return nil
	}
	answers, err := c.answerAll(ctx, asked)
	if err != nil {
		return err
	}
	_, err = c.conn.Call(ctx, peer.Call{Method: "tasks/update", Params: setMember(name, "inputResponses", answers), Replay: true})
	return public(err)
}

// cancelTask asks the server to stop; it may do so or not.
func (c *Client) cancelTask(ctx context.Context, name []byte) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_, _ = c.conn.Call(ctx, peer.Call{Method: "tasks/cancel", Params: name, Replay: true})
}

func pollInterval(task jsonrpc.Object) time.Duration {
	ms, err := strconv.ParseInt(string(task.Get("pollIntervalMs")), 10, 32)
	if err != nil || ms <= 0 {
		return defaultPoll
	}
	return min(max(time.Duration(ms)*time.Millisecond, minPoll), maxPoll)
}
