package main

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strconv"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/audit"
	otelmcp "github.com/mcpengine/mcpengine/otel"
)

// operatedRow is a call of a server that is operated: with telemetry, audit and
// limits.
const operatedRow = "call-operated"

func operatedRivals() []rival {
	return []rival{
		{name: oursName, serve: serveOperated},
		{name: openName, serve: serveOurs},
		{name: plainName, serve: servePlain},
	}
}

// serveOperated returns our server with metrics, with spans for one request of ten,
// which are encoded by nobody, with records of all requests in a file, and with
// limits that no caller reaches.
func serveOperated(setup) http.Handler {
	tracers := trace.NewTracerProvider(trace.WithSampler(trace.ParentBased(trace.TraceIDRatioBased(0.1))), trace.WithBatcher(discard{}))
	meters := metric.NewMeterProvider(metric.WithReader(metric.NewManualReader()))
	path := filepath.Join(os.TempDir(), "bench-audit-"+strconv.Itoa(os.Getpid()))
	records, err := audit.File(path)
	if err != nil {
		panic(err)
	}
	_ = os.Remove(path) // it ends with the process; Windows keeps it
	engine := mcpengine.New("weather",
		otelmcp.New(otelmcp.WithTracerProvider(tracers), otelmcp.WithMeterProvider(meters)).Server(),
		audit.New(records),
		mcpengine.CallsPerMinute(1_000_000_000), mcpengine.CallsAtOnce(1000))
	mcpengine.AddTool(engine, toolName(0), toolDescription, oursText)
	return engine
}

// discard exports spans to nowhere.
type discard struct{}

func (discard) ExportSpans(context.Context, []trace.ReadOnlySpan) error { return nil }
func (discard) Shutdown(context.Context) error                          { return nil }
