package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/mcp"
)

// A delivery is how the caller of a durable tool gets the result.
type delivery int

const (
	asTask    delivery = iota // the client declares the extension
	asOldTask                 // the request asks for a task of 2025-11-25
	inRequest                 // neither
)

// taskParam is params.task of 2025-11-25.
type taskParam struct {
	TTL *int64 `json:"ttl"`
}

// deliveryOf chooses by what the request declares.
func deliveryOf(req *mcpengine.Request) (delivery, taskParam, error) {
	// A client of a handshake version may declare the extension too, but no handshake
	// version has its result.
	if req.ProtocolVersion() == mcp.LatestProtocolVersion && req.ClientExtension(ID, nil) {
		return asTask, taskParam{}, nil
	}
	if req.ProtocolVersion() != mcp.TasksProtocolVersion {
		return inRequest, taskParam{}, nil
	}
	var params struct {
		Task *taskParam `json:"task"`
	}
	if err := req.DecodeParams(&params); err != nil {
		return inRequest, taskParam{}, mcp.Errorf(mcp.CodeInvalidParams, "params.task must be an object whose ttl is an integer")
	}
	if params.Task == nil {
		return inRequest, taskParam{}, nil
	}
	return asOldTask, *params.Task, nil
}

// A caller answers the calls of one durable tool of one engine.
type caller struct {
	*durable
	tasks *Tasks
}

// call is the tool's [mcpengine.Execution].
func (c *caller) call(ctx context.Context, call mcpengine.DetachedCall) (mcpengine.Result, error) {
	how, task, err := deliveryOf(mcpengine.RequestFrom(ctx))
	switch {
	case err != nil:
		return mcpengine.Result{}, err
	case how == inRequest && c.required:
		return mcpengine.Result{}, missingExtension(mcpengine.RequestFrom(ctx))
	}
	settings := c.Settings
	if how == asOldTask && task.TTL != nil && *task.TTL > 0 {
		settings.TTL = min(settings.TTL, time.Duration(*task.TTL)*time.Millisecond)
	}
	var entries []Entry
	if c.fromBegin {
		p := c.tasks.prelude(ctx, call)
		if result, ended, err := p.run(); ended {
			return result, err
		}
		entries = p.entries
	}
	switch how {
	case asTask:
		return c.asTask(ctx, call, settings, entries)
	case asOldTask:
		r := newRecord(call, settings, entries)
		if err := c.tasks.create(ctx, r); err != nil {
			return mcpengine.Result{}, err
		}
		return mcpengine.NewResult(map[string]any{"task": oldTask(r)}), nil
	}
	return c.inRequest(ctx, call, settings, entries)
}

// missingExtension refuses a client that has to know tasks and does not.
func missingExtension(req *mcpengine.Request) error {
	if req.ProtocolVersion() != mcp.LatestProtocolVersion {
		return mcp.Errorf(mcp.CodeMethodNotFound, "the tool %s has to be called as a task (params.task)", req.Name())
	}
	return mcp.Errorf(mcp.CodeMissingRequiredClientCapability, "the client must declare the extension %s to use the tool %s", ID, req.Name()).
		WithData(mcp.MissingRequiredClientCapabilityData{RequiredCapabilities: mcp.ClientCapabilities{
			Extensions: map[string]json.RawMessage{ID: json.RawMessage("{}")},
		}})
}

// asTask answers with a task, or with the result if that comes at once.
func (c *caller) asTask(ctx context.Context, call mcpengine.DetachedCall, s Settings, entries []Entry) (mcpengine.Result, error) {
	r := newRecord(call, s, entries)
	if c.grace == 0 {
		if err := c.tasks.create(ctx, r); err != nil {
			return mcpengine.Result{}, err
		}
		return mcpengine.NewResult(createResult(r)), nil
	}
	w := c.tasks.watch(r.ID) // before the task can run: its record need not be read
	defer w.stop()
	if err := c.tasks.create(ctx, r); err != nil {
		return mcpengine.Result{}, err
	}
	waiting, stop := context.WithTimeout(ctx, c.grace)
	defer stop()
	now, err := w.await(waiting, r, func(r *Record) bool { return r.Status != Working })
	switch {
	case err != nil:
		c.tasks.logger.WarnContext(ctx, "a task was created and cannot be read", "task", r.ID, "error", err)
		return mcpengine.NewResult(createResult(r)), nil // it is durable
	case ctx.Err() != nil:
		return mcpengine.Result{}, c.abandon(ctx, r.ID)
	case now.Status.Ended():
		return c.take(ctx, now)
	}
	return mcpengine.NewResult(createResult(now)), nil
}

// abandon cancels the task of a client that is gone.
func (c *caller) abandon(ctx context.Context, id string) error {
	if err := c.tasks.cancel(context.WithoutCancel(ctx), id, false); err != nil {
		c.tasks.logger.WarnContext(ctx, "the task of a client that is gone was not cancelled", "task", id, "error", err)
	}
	return context.Cause(ctx)
}

// take returns the outcome of a task whose id the client does not know, and
// removes the task. A large result stays, behind the link to it.
func (c *caller) take(ctx context.Context, r *Record) (mcpengine.Result, error) {
	if len(r.Result) <= c.MaxResult {
		if err := c.tasks.backend.Delete(context.WithoutCancel(ctx), r.ID); err != nil {
			c.tasks.logger.WarnContext(ctx, "a task whose result was delivered was not removed", "task", r.ID, "error", err)
		}
	}
	return outcomeOf(r)
}

// outcomeOf returns the result of a task that has ended as the result of the call.
func outcomeOf(r *Record) (mcpengine.Result, error) {
	switch r.Status {
	case Completed:
		return mcpengine.NewResult(resultOf(r)), nil
	case Failed:
		return mcpengine.Result{}, r.Error
	}
	return mcpengine.Result{}, errCancelled
}

// tether is how long a task outlives a request that waits for it, so that the
// client can come back with answers (multi round-trip requests).
const tether = 20 * time.Minute

// inRequest waits for the task within the request. It asks the questions of the
// task itself: either they end a round, and the state of the round names the task,
// or they go over the connection.
func (c *caller) inRequest(ctx context.Context, call mcpengine.DetachedCall, s Settings, entries []Entry) (mcpengine.Result, error) {
	id, err := mcpengine.Step(ctx, ID, func(ctx context.Context) (string, error) {
		brief := s
		if c.patience > 0 {
			brief.TTL = min(s.TTL, c.patience+tether)
		}
		r := newRecord(call, brief, entries)
		return r.ID, c.tasks.create(ctx, r)
	})
	if err != nil {
		return mcpengine.Result{}, err
	}
	waiting, stop := ctx, context.CancelFunc(func() {})
	if c.patience > 0 {
		waiting, stop = context.WithTimeout(ctx, c.patience)
	}
	defer stop()
	for {
		r, err := c.tasks.follow(waiting, id)
		switch {
		case err != nil:
			return mcpengine.Result{}, c.tasks.storeError(ctx, "get", err)
		case r.Status.Ended():
			return c.take(ctx, r)
		case ctx.Err() != nil:
			return mcpengine.Result{}, c.abandon(ctx, id)
		case len(r.Questions) == 0:
			return c.handle(ctx, id, s)
		}
		if err := c.tasks.relay(ctx, r, false); err != nil {
			if !comesBack(ctx, err) {
				err = errors.Join(err, c.abandon(ctx, id))
			}
			return mcpengine.Result{}, err
		}
	}
}

// comesBack reports whether the client of a request that ends with err can come
// back to its task: with answers, or with better ones.
func comesBack(ctx context.Context, err error) bool {
	if errors.Is(err, mcpengine.ErrInputRequired) {
		return true
	}
	return isPublic(err) && mcpengine.RequestFrom(ctx).ProtocolVersion() == mcp.LatestProtocolVersion
}

// follow waits until a task has ended or asks something, and passes on its
// progress.
func (t *Tasks) follow(ctx context.Context, id string) (*Record, error) {
	return t.await(ctx, id, func(r *Record) bool {
		if p := r.Progress; p != nil {
			mcpengine.Progress(ctx, p.Progress, p.Total, p.Message)
		}
		return r.Status != Working
	})
}

// relay asks the client the questions of a task, within the client's request, and
// gives the answers to the task. A client that knows the task is told that the
// questions are the task's.
func (t *Tasks) relay(ctx context.Context, r *Record, known bool) error {
	answers := make(map[string]json.RawMessage)
	var missing []error
	for _, q := range r.Questions {
		if known {
			q.Request.Params = withRelatedTask(q.Request.Params, r.ID)
		}
		answer, err := mcpengine.Ask(ctx, q.Request, mcpengine.WithKey(q.Key))
		if err != nil {
			missing = append(missing, err)
			continue
		}
		answers[q.Key] = answer
	}
	if err := errors.Join(missing...); err != nil {
		return err
	}
	return t.answer(ctx, r.ID, answers)
}

// handle answers a call that takes longer than its client waits. From now on the
// client knows the task, which therefore gets all of its time.
func (c *caller) handle(ctx context.Context, id string, s Settings) (mcpengine.Result, error) {
	r, err := c.tasks.update(ctx, id, func(r *Record) error {
		if r.Status.Ended() {
			return ErrUnchanged
		}
		r.Settings, r.Expires = s, r.Created.Add(s.TTL)
		return nil
	})
	switch {
	case err != nil:
		return mcpengine.Result{}, c.tasks.storeError(ctx, "update", err)
	case r.Status.Ended():
		return c.take(ctx, r)
	}
	result := handleResult(r)
	// A result without structured content would break the promise of the tool,
	// unless it is an error.
	result.IsError = mcpengine.RequestFrom(ctx).OutputSchema() != nil
	return mcpengine.NewResult(result), nil
}

// handleResult tells the model how it gets the result.
func handleResult(r *Record) *mcp.CallToolResult {
	text := fmt.Sprintf("The work has not ended yet; it goes on by itself. Its id is %q. Call the tool %s with this id to wait for the result, or %s to stop the work. Do not start it again.", r.ID, resultTool, cancelTool)
	if r.Message != "" {
		text += " State: " + r.Message
	}
	return &mcp.CallToolResult{Content: mcp.ContentBlocks{mcp.TextContent{Text: text}}}
}
