package tasks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mcpengine/mcpengine"
)

// A DurableOption adjusts [Durable].
type DurableOption interface{ applyToDurable(*durable) }

type durableOption func(*durable)

func (o durableOption) applyToDurable(d *durable) { o(d) }

// A durable is how one tool is made durable.
type durable struct {
	Settings
	grace, patience time.Duration
	required        bool
	fromBegin       bool
	concurrency     int
}

// Grace sets how long a call is waited for before it is answered with a task. The
// default is 2 seconds: quicker calls stay plain results.
func Grace(d time.Duration) DurableOption { return durableOption(func(c *durable) { c.grace = d }) }

// TTL sets how long a task may take, waiting for people included. The default is
// 7 days. A task that takes longer fails.
func TTL(d time.Duration) DurableOption { return durableOption(func(c *durable) { c.TTL = d }) }

// Retention sets how long a task is kept after its end. The default is a day.
func Retention(d time.Duration) DurableOption {
	return durableOption(func(c *durable) { c.Retention = d })
}

// PollInterval sets how often clients are advised to ask for a task. The default
// is a second.
func PollInterval(d time.Duration) DurableOption {
	return durableOption(func(c *durable) { c.Poll = d })
}

// Patience sets how long the request of a client that knows no tasks is kept
// waiting before it is answered with a handle. The default is 45 seconds, because
// clients give up after 60. Zero waits for as long as the client does.
func Patience(d time.Duration) DurableOption {
	return durableOption(func(c *durable) { c.patience = d })
}

// MaxResult sets how many bytes of a result are sent. The default is 256 KiB. In
// place of a larger result the client gets a link to a resource that holds it.
func MaxResult(bytes int) DurableOption {
	return durableOption(func(c *durable) { c.MaxResult = bytes })
}

// Concurrency sets how many tasks of the tool run at once in this process, for a
// tool that needs much memory, say. The default is no bound but that of
// [WithConcurrency].
func Concurrency(n int) DurableOption {
	return durableOption(func(c *durable) { c.concurrency = n })
}

// Required refuses clients that know no tasks (tasks, "Capability Negotiation").
// Few hosts know tasks: without this option every client can use the tool.
func Required() DurableOption { return durableOption(func(c *durable) { c.required = true }) }

// FromBegin lets the handler decide when its call becomes a task: when it calls
// [Begin]. What it asks before is asked in the request, by multi round-trip
// requests; answers and steps are the task's then. Without this option every call
// is a task from its start, and all questions are the task's.
func FromBegin() DurableOption { return durableOption(func(c *durable) { c.fromBegin = true }) }

// Durable makes a tool durable. The engine needs [Extension].
func Durable(opts ...DurableOption) mcpengine.ToolOption {
	c := &durable{
		Settings: Settings{TTL: 7 * 24 * time.Hour, Retention: 24 * time.Hour, Poll: time.Second, MaxResult: 256 << 10},
		grace:    2 * time.Second, patience: 45 * time.Second,
	}
	for _, opt := range opts {
		opt.applyToDurable(c)
	}
	return mcpengine.WithExecution(c.bind)
}

func (c *durable) check() error {
	switch {
	case c.TTL <= 0, c.Retention <= 0, c.Poll < time.Millisecond:
		return fmt.Errorf("tasks.Durable: TTL %v, Retention %v and PollInterval %v must be positive", c.TTL, c.Retention, c.Poll)
	case c.grace < 0, c.patience < 0, c.MaxResult < 0, c.concurrency < 0:
		return errors.New("tasks.Durable: Grace, Patience, MaxResult and Concurrency must not be negative")
	}
	return nil
}

// Begin makes the call a task, in a tool with [FromBegin]: its error, which the
// handler returns, ends the part of the handler that runs within the request.
// Once the task runs, and in every other tool, Begin returns nil.
func Begin(ctx context.Context) error {
	if p, ok := ctx.Value(preludeKey{}).(*prelude); ok {
		return p.begin()
	}
	return nil
}
