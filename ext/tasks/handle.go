package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/mcp"
)

// Names of the tools for clients that know no tasks.
const (
	resultTool = "task_result"
	cancelTool = "task_cancel"
)

// handlePatience is how long task_result waits.
const handlePatience = 45 * time.Second

type handleIn struct {
	ID string `json:"id" jsonschema:"the id of the work"`
}

// addHandleTools adds the tools by which clients without tasks get at results,
// once for an engine, and the resource for large results.
func (t *Tasks) addHandleTools(e *mcpengine.Engine) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.added {
		return nil
	}
	options := func(hints mcp.ToolAnnotations) []mcpengine.ToolOption {
		opts := []mcpengine.ToolOption{mcpengine.WithToolAnnotations(hints)}
		if t.public {
			opts = append(opts, mcpengine.Public())
		}
		return opts
	}
	var read []mcpengine.ResourceOption
	if t.public {
		read = append(read, mcpengine.Public())
	}
	err := e.Add(
		mcpengine.NewTool(resultTool, "Waits for the result of work that another tool has begun, for up to 45 seconds. Call it again while the work goes on.",
			t.callResult, options(mcp.ToolAnnotations{Title: "Get the result of a task", ReadOnlyHint: true, OpenWorldHint: new(false)})...),
		mcpengine.NewTool(cancelTool, "Stops work that another tool has begun.",
			t.callCancel, options(mcp.ToolAnnotations{Title: "Cancel a task", DestructiveHint: new(true), IdempotentHint: true, OpenWorldHint: new(false)})...),
		mcpengine.NewResource(resultURI("{id}"), "Result of a task", t.readResult, append(read, mcpengine.WithMIMEType("application/json"))...),
	)
	t.added = err == nil
	return err
}

// errNoTask tells a model that there is no such task.
var errNoTask = errors.New("there is no work with this id: it may have ended long ago, or belong to somebody else. Begin it again if it is needed")

// callResult is the tool task_result.
func (t *Tasks) callResult(ctx context.Context, in handleIn) (*mcp.CallToolResult, error) {
	waiting, stop := context.WithTimeout(ctx, handlePatience)
	defer stop()
	for {
		if _, err := t.record(ctx, in.ID); err != nil {
			return nil, forModel(err)
		}
		r, err := t.follow(waiting, in.ID)
		switch {
		case err != nil:
			return nil, forModel(t.storeError(ctx, "get", err))
		case r.Status.Ended():
			return t.resultFor(r)
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case len(r.Questions) == 0:
			return handleResult(r), nil
		}
		if err := t.relay(ctx, r, false); err != nil {
			return nil, err
		}
	}
}

func forModel(err error) error {
	if errors.Is(err, errUnknown) {
		return errNoTask
	}
	return err
}

// resultFor returns the outcome of a task that has ended.
func (t *Tasks) resultFor(r *Record) (*mcp.CallToolResult, error) {
	switch r.Status {
	case Failed:
		return nil, errors.New(r.Error.Message)
	case Cancelled:
		return nil, errors.New("the work was cancelled")
	}
	result := new(mcp.CallToolResult)
	if err := json.Unmarshal(resultOf(r), result); err != nil {
		return nil, err
	}
	return result, nil
}

// callCancel is the tool task_cancel.
func (t *Tasks) callCancel(ctx context.Context, in handleIn) (string, error) {
	if _, err := t.record(ctx, in.ID); err != nil {
		return "", forModel(err)
	}
	if err := t.cancel(ctx, in.ID, false); err != nil {
		return "", forModel(err)
	}
	return "The work was told to stop.", nil
}

// readResult is the resource that holds a result.
func (t *Tasks) readResult(ctx context.Context, in handleIn) (string, error) {
	r, err := t.record(ctx, in.ID)
	switch {
	case errors.Is(err, errUnknown), err == nil && r.Status != Completed:
		return "", mcpengine.ResourceNotFound(resultURI(in.ID))
	case err != nil:
		return "", err
	}
	return string(r.Result), nil
}
