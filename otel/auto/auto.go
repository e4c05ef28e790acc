// Package auto sets the OpenTelemetry SDK up by its environment variables, for
// programs that do not do so themselves:
//
//	stop, err := auto.Start(ctx)
//	defer stop(context.Background())
//	e := mcpengine.New("weather", otelmcp.New().Server())
//
// OTEL_TRACES_EXPORTER and OTEL_METRICS_EXPORTER choose the exporters: "otlp",
// "console", "none" and, for metrics, "prometheus", which serves them at
// OTEL_EXPORTER_PROMETHEUS_HOST and OTEL_EXPORTER_PROMETHEUS_PORT, by default at
// localhost:9464/metrics. Unlike elsewhere the default of both is "none", so that
// a program which nobody has configured sends nothing. The other variables, such as
// OTEL_SERVICE_NAME, OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_TRACES_SAMPLER, work as
// the specification of OpenTelemetry says.
package auto

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"

	"go.opentelemetry.io/contrib/exporters/autoexport"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
)

// Start sets the global providers as the environment says. The function it returns
// sends what is left and ends them; it returns when its context ends at the
// latest. An exporter that the environment configures wrongly is an error. One
// whose collector is away or refuses everything is not: requests do not wait for it.
// Start sets the handler of the SDK's errors, which logs the first one as a warning and
// the others at the level debug; [otel.SetErrorHandler] sets another one afterwards.
func Start(ctx context.Context) (stop func(context.Context) error, err error) {
	if os.Getenv("OTEL_SDK_DISABLED") == "true" {
		return func(context.Context) error { return nil }, nil
	}
	about, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithHost(), resource.WithProcessPID(), resource.WithFromEnv())
	if err != nil && about == nil {
		return nil, fmt.Errorf("describe the program for OpenTelemetry: %w", err)
	}
	var told atomic.Bool
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		level := slog.LevelWarn
		if told.Swap(true) {
			level = slog.LevelDebug
		}
		slog.Log(context.Background(), level, "telemetry was lost", "error", err)
	}))
	var ends []func(context.Context) error
	stop = func(ctx context.Context) error {
		var errs []error
		for _, end := range ends {
			errs = append(errs, end(ctx))
		}
		return errors.Join(errs...)
	}
	if chosen("OTEL_TRACES_EXPORTER") {
		exporter, err := autoexport.NewSpanExporter(ctx)
		if err != nil {
			return nil, fmt.Errorf("export spans: %w", err)
		}
		p := trace.NewTracerProvider(trace.WithBatcher(exporter), trace.WithResource(about))
		ends = append(ends, p.Shutdown)
		otel.SetTracerProvider(p)
	}
	if chosen("OTEL_METRICS_EXPORTER") {
		reader, err := autoexport.NewMetricReader(ctx)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("export metrics: %w", err), stop(ctx))
		}
		p := metric.NewMeterProvider(metric.WithReader(reader), metric.WithResource(about))
		ends = append(ends, p.Shutdown)
		otel.SetMeterProvider(p)
	}
	return stop, nil
}

// chosen reports whether the environment chooses an exporter.
func chosen(variable string) bool {
	value := os.Getenv(variable)
	return value != "" && value != "none"
}
