package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"sync"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/mcp"
)

type preludeKey struct{}

// A prelude is the part of a handler that runs within the request, before
// [Begin]. Its memory is the round's, and what it remembers becomes the beginning
// of the task's journal. It implements [mcpengine.Journal].
type prelude struct {
	tasks *Tasks
	ctx   context.Context // of the request, which its questions and steps belong to
	call  mcpengine.DetachedCall

	mu      sync.Mutex
	entries []Entry
	missing []error // of questions that are not answered yet
	begun   bool
}

var _ mcpengine.Journal = (*prelude)(nil)

func (t *Tasks) prelude(ctx context.Context, call mcpengine.DetachedCall) *prelude {
	return &prelude{tasks: t, ctx: ctx, call: call}
}

// run runs the handler. Ended is false when the handler has come to [Begin].
func (p *prelude) run() (result mcpengine.Result, ended bool, err error) {
	result, err = p.tasks.engine.CallDetached(context.WithValue(p.ctx, preludeKey{}, p), p.call, p)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case !errors.Is(err, mcpengine.ErrSuspended):
		return result, true, err
	case len(p.missing) > 0:
		return result, true, errors.Join(p.missing...)
	}
	return result, false, nil
}

var errBegun = errors.New("the call becomes a task: return this error and the handler will run again")

func (p *prelude) begin() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.begun = true
	return errBegun
}

func (p *prelude) Ask(name string, question mcp.InputRequest) (json.RawMessage, error) {
	answer, err := mcpengine.Ask(p.ctx, question, mcpengine.WithKey(name))
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case errors.Is(err, mcpengine.ErrInputRequired):
		p.missing = append(p.missing, err)
	case err == nil:
		p.entries = append(p.entries, Entry{Kind: kindAnswer, Name: name, Done: true, Value: answer})
	}
	return answer, err
}

func (p *prelude) Step(ctx context.Context, step mcpengine.StepInfo, run func(context.Context) (json.RawMessage, error)) (json.RawMessage, error) {
	if step.Value(retryKey{}) != nil || step.Value(onceKey{}) != nil {
		return nil, mcp.Errorf(mcp.CodeInternalError, "the step %q has options for a task, which begins later, with tasks.Begin", step.Name)
	}
	value, err := mcpengine.Step(p.ctx, step.Name, func(context.Context) (json.RawMessage, error) { return run(ctx) })
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.entries = append(p.entries, Entry{Kind: kindStep, Name: step.Name, Done: true, Value: value})
	return value, nil
}

func (p *prelude) Suspended() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.begun || len(p.missing) > 0
}

func (p *prelude) Progress(_ context.Context, progress, total float64, message string) {
	mcpengine.Progress(p.ctx, progress, total, message)
}

func (p *prelude) Log(_ context.Context, level mcp.LoggingLevel, logger string, data any) {
	mcpengine.Log(p.ctx, level, logger, data)
}
