package otelmcp

import (
	"context"
	"reflect"
	"sync"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// scope is the name of the instrumentation scope.
const scope = "github.com/mcpengine/mcpengine/otel"

// buckets are the boundaries of the histograms, in seconds.
var buckets = []float64{0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300}

// A Telemetry makes the spans and metrics of servers and clients. Create one with
// [New].
type Telemetry struct {
	config config
	tracer func() (trace.Tracer, bool)
	kinds  kinds
	server metric.Float64Histogram
	client metric.Float64Histogram

	serverSession, clientSession metric.Float64Histogram
}

type config struct {
	tracers   trace.TracerProvider
	meters    metric.MeterProvider
	arguments bool
	results   bool
	uris      bool
}

// An Option adjusts a [Telemetry].
type Option func(*config)

// WithTracerProvider makes spans with p. The default is the global provider.
func WithTracerProvider(p trace.TracerProvider) Option {
	return func(c *config) { c.tracers = p }
}

// WithMeterProvider makes metrics with p. The default is the global provider.
func WithMeterProvider(p metric.MeterProvider) Option {
	return func(c *config) { c.meters = p }
}

// WithArguments adds the arguments of tools and prompts to spans. They may hold
// secrets, so by default they are left out.
func WithArguments() Option {
	return func(c *config) { c.arguments = true }
}

// WithResults adds the results of tools to the spans of clients. They may hold
// secrets, so by default they are left out.
func WithResults() Option {
	return func(c *config) { c.results = true }
}

// WithResourceURIs ends the names of spans about a resource with its URI, and adds
// the URI to metrics. There are then as many names and time series as URIs that
// callers ask for, so by default both are left out.
func WithResourceURIs() Option {
	return func(c *config) { c.uris = true }
}

// New returns telemetry that records with the global providers, which may be set
// later.
func New(opts ...Option) *Telemetry {
	t := &Telemetry{}
	for _, o := range opts {
		o(&t.config)
	}
	t.tracer = newTracer(t.config.tracers)
	meters := t.config.meters
	if meters == nil {
		meters = otel.GetMeterProvider()
	}
	meter := meters.Meter(scope)
	t.server = histogram(meter, "mcp.server.operation.duration", "The duration of an MCP request as observed on the receiver, until its answer is sent.")
	t.client = histogram(meter, "mcp.client.operation.duration", "The duration of an MCP request as observed on the sender, until its answer is received.")
	t.serverSession = histogram(meter, "mcp.server.session.duration", "The duration of an MCP session as observed on the server.")
	t.clientSession = histogram(meter, "mcp.client.session.duration", "The duration of an MCP session as observed on the client.")
	return t
}

// histogram returns a histogram of durations. The API returns an instrument that
// works, or records nothing, beside any error.
func histogram(m metric.Meter, name, description string) metric.Float64Histogram {
	h, err := m.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(description), metric.WithExplicitBucketBoundaries(buckets...))
	if err != nil {
		otel.Handle(err)
	}
	return h
}

// newTracer returns a function that returns the tracer, and whether it makes spans
// at all. The global provider records nothing until a program replaces it.
func newTracer(given trace.TracerProvider) func() (trace.Tracer, bool) {
	if given != nil {
		tracer, on := given.Tracer(scope), records(given)
		return func() (trace.Tracer, bool) { return tracer, on }
	}
	type current struct {
		provider trace.TracerProvider
		tracer   trace.Tracer
		on       bool
	}
	var (
		mu   sync.RWMutex
		last current
	)
	return func() (trace.Tracer, bool) {
		p := otel.GetTracerProvider()
		mu.RLock()
		c := last
		mu.RUnlock()
		if c.provider == p {
			return c.tracer, c.on
		}
		c = current{p, p.Tracer(scope), records(p)}
		mu.Lock()
		last = c
		mu.Unlock()
		return c.tracer, c.on
	}
}

// A flusher is a provider that buffers what it records, as those of the SDK do.
type flusher interface {
	ForceFlush(ctx context.Context) error
}

// flushSpans exports the spans that wait.
func (t *Telemetry) flushSpans(ctx context.Context) error {
	provider := t.config.tracers
	if provider == nil {
		provider = otel.GetTracerProvider()
	}
	if f, ok := provider.(flusher); ok {
		return f.ForceFlush(ctx)
	}
	return nil
}

// flushMetrics exports the metrics as they are. A reader that is scraped has nothing
// to export.
func (t *Telemetry) flushMetrics(ctx context.Context) error {
	provider := t.config.meters
	if provider == nil {
		provider = otel.GetMeterProvider()
	}
	if f, ok := provider.(flusher); ok {
		return f.ForceFlush(ctx)
	}
	return nil
}

// records reports whether a provider may record spans: it is neither the global
// placeholder nor one that does nothing.
func records(p trace.TracerProvider) bool {
	if _, ok := p.(noop.TracerProvider); ok {
		return false
	}
	t := reflect.TypeOf(p)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.PkgPath() != "go.opentelemetry.io/otel/internal/global"
}
