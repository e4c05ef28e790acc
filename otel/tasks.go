package otelmcp

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/mcpengine/mcpengine/ext/tasks"
)

// The attributes of tasks, for which there are no conventions yet.
const (
	taskStatus = attribute.Key("mcp.task.status")
	taskState  = attribute.Key("mcp.task.state") // of a task that has not ended
	taskID     = attribute.Key("mcp.task.id")
	taskRun    = attribute.Key("mcp.task.run") // the number of a run
)

// longBuckets are the boundaries of durations that may take days, in seconds.
var longBuckets = []float64{0.1, 1, 10, 60, 600, 3600, 6 * 3600, 24 * 3600, 7 * 24 * 3600}

// A taskMeter records what observers of tasks hear.
type taskMeter struct {
	t *Telemetry

	duration, run, wait    metric.Float64Histogram
	retries, interruptions metric.Int64Counter
	refusals               metric.Int64Counter
	count                  metric.Int64ObservableGauge
	age                    metric.Float64ObservableGauge
	meter                  metric.Meter
}

// Tasks returns the option of ext/tasks that records tasks: a span for each run, a
// trace of its own that links to the call, and metrics of the queue.
func (t *Telemetry) Tasks() tasks.Option {
	m := &taskMeter{t: t, meter: t.config.meters.Meter(scope)}
	m.duration = longHistogram(m.meter, "mcp.server.task.duration", "The duration of a task, from the call to its end.")
	m.run = histogram(m.meter, "mcp.server.task.run.duration", "The duration of a run of a task.")
	m.wait = histogram(m.meter, "mcp.server.task.wait.duration", "How long a task that was due waited for a worker.")
	m.retries = counter(m.meter, "mcp.server.task.retries", "{attempt}", "Attempts of steps that failed and were repeated.")
	m.interruptions = counter(m.meter, "mcp.server.task.interruptions", "{run}", "Runs that were interrupted and are repeated.")
	m.refusals = counter(m.meter, "mcp.server.task.refusals", "{call}", "Calls that were refused because the queue was full.")
	var err, err2 error
	m.count, err = m.meter.Int64ObservableGauge("mcp.server.task.count", metric.WithUnit("{task}"), metric.WithDescription("Tasks that have not ended, of all replicas."))
	m.age, err2 = m.meter.Float64ObservableGauge("mcp.server.task.queue.age", metric.WithUnit("s"), metric.WithDescription("How long the first task of the queue has waited for a worker."))
	if err := errors.Join(err, err2); err != nil {
		otel.Handle(err)
	}
	return tasks.WithObserver(tasks.Observer{Start: m.start, Run: m.observeRun, Ended: m.ended, Refused: m.refused})
}

func longHistogram(m metric.Meter, name, description string) metric.Float64Histogram {
	h, err := m.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(description), metric.WithExplicitBucketBoundaries(longBuckets...))
	if err != nil {
		otel.Handle(err)
	}
	return h
}

func counter(m metric.Meter, name, unit, description string) metric.Int64Counter {
	c, err := m.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(description))
	if err != nil {
		otel.Handle(err)
	}
	return c
}

// start counts tasks whenever metrics are collected.
func (m *taskMeter) start(count func(context.Context) (tasks.Counts, error)) (stop func()) {
	registration, err := m.meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		c, err := count(ctx)
		if errors.Is(err, errors.ErrUnsupported) {
			return nil
		} else if err != nil {
			return err
		}
		for state, n := range map[string]int{"waiting": c.Waiting, "running": c.Running, "sleeping": c.Sleeping, "input_required": c.InputRequired} {
			o.ObserveInt64(m.count, int64(n), metric.WithAttributes(taskState.String(state)))
		}
		o.ObserveFloat64(m.age, c.Oldest.Seconds())
		return nil
	}, m.count, m.age)
	if err != nil {
		otel.Handle(err)
		return nil
	}
	return func() {
		if err := registration.Unregister(); err != nil {
			otel.Handle(err)
		}
	}
}

// observeRun makes a span for a run. A run may come days after the call, and a task
// has many: it is no child of the call, which it links to.
func (m *taskMeter) observeRun(ctx context.Context, run tasks.Run) (context.Context, func(tasks.RunEnd)) {
	tool := toolName.String(bounded(run.Call.Tool, maxValue))
	var span trace.Span
	if tracer, on := m.t.tracer(); on {
		called, _ := extract(context.Background(), func(key string) []byte { return run.Call.Meta[key] })
		ctx, span = tracer.Start(ctx, "task "+run.Call.Tool, trace.WithNewRoot(), trace.WithSpanKind(trace.SpanKindConsumer),
			trace.WithLinks(trace.LinkFromContext(called)), trace.WithAttributes(tool, taskID.String(run.ID), taskRun.Int64(run.Number)))
	}
	m.wait.Record(ctx, run.Waited.Seconds(), metric.WithAttributes(tool))
	return ctx, func(e tasks.RunEnd) {
		status := taskStatus.String(string(e.Status))
		m.run.Record(ctx, e.Took.Seconds(), metric.WithAttributes(tool, status))
		if e.Retries > 0 {
			m.retries.Add(ctx, int64(e.Retries), metric.WithAttributes(tool))
		}
		if e.Interrupted {
			m.interruptions.Add(ctx, 1, metric.WithAttributes(tool))
		}
		if span == nil {
			return
		}
		span.SetAttributes(status)
		if e.Status == tasks.Failed {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}

func (m *taskMeter) ended(e tasks.End) {
	m.duration.Record(context.Background(), e.Took.Seconds(), metric.WithAttributes(
		toolName.String(bounded(e.Tool, maxValue)), taskStatus.String(string(e.Status))))
}

func (m *taskMeter) refused(tool string) {
	m.refusals.Add(context.Background(), 1, metric.WithAttributes(toolName.String(bounded(tool, maxValue))))
}
