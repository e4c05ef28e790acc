package auto_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/client"
	otelmcp "github.com/mcpengine/mcpengine/otel"
	"github.com/mcpengine/mcpengine/otel/auto"
)

// A collector is an OTLP receiver over HTTP, with the encoding of the OpenTelemetry
// collector.
type collector struct {
	t       *testing.T
	mu      sync.Mutex
	spans   []string
	metrics []string
	service string
}

// count returns how many spans of that name have arrived.
func (c *collector) count(span string) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.spans {
		if s == span {
			n++
		}
	}
	return n
}

// has reports whether a metric has arrived.
func (c *collector) has(metric string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Contains(c.metrics, metric)
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		zipped, err := gzip.NewReader(r.Body)
		if err != nil {
			c.t.Error(err)
			return
		}
		body = zipped
	}
	text, err := io.ReadAll(body)
	if err != nil {
		c.t.Error(err)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch r.URL.Path {
	case "/v1/traces":
		c.addSpans(text)
	case "/v1/metrics":
		c.addMetrics(text)
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

func (c *collector) addSpans(text []byte) {
	request := ptraceotlp.NewExportRequest()
	if err := request.UnmarshalProto(text); err != nil {
		c.t.Error(err)
		return
	}
	for _, resource := range request.Traces().ResourceSpans().All() {
		if name, ok := resource.Resource().Attributes().Get("service.name"); ok {
			c.service = name.AsString()
		}
		for _, scope := range resource.ScopeSpans().All() {
			for _, span := range scope.Spans().All() {
				c.spans = append(c.spans, span.Kind().String()+" "+span.Name())
			}
		}
	}
}

func (c *collector) addMetrics(text []byte) {
	request := pmetricotlp.NewExportRequest()
	if err := request.UnmarshalProto(text); err != nil {
		c.t.Error(err)
		return
	}
	for _, resource := range request.Metrics().ResourceMetrics().All() {
		for _, scope := range resource.ScopeMetrics().All() {
			for _, m := range scope.Metrics().All() {
				c.metrics = append(c.metrics, m.Name())
			}
		}
	}
}

// The environment is one for the process, and so are the global providers.
func TestStart(t *testing.T) {
	received := &collector{t: t}
	s := httptest.NewServer(received)
	defer s.Close()
	t.Setenv("OTEL_TRACES_EXPORTER", "otlp")
	t.Setenv("OTEL_METRICS_EXPORTER", "otlp")
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", s.URL)
	t.Setenv("OTEL_SERVICE_NAME", "forecasts")
	telemetry := otelmcp.New() // before the providers are set, as package variables are
	stop, err := auto.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	use(t, telemetry)
	if err := stop(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Server tools/call forecast", "Client tools/call forecast"} {
		if !slices.Contains(received.spans, want) {
			t.Errorf("the collector got the spans %q, want %q among them", received.spans, want)
		}
	}
	for _, want := range []string{"mcp.server.operation.duration", "mcp.client.operation.duration"} {
		if !slices.Contains(received.metrics, want) {
			t.Errorf("the collector got the metrics %q, want %q among them", received.metrics, want)
		}
	}
	if received.service != "forecasts" {
		t.Errorf("service.name = %q, want forecasts", received.service)
	}
}

// use makes a call and answers it.
func use(t *testing.T, telemetry *otelmcp.Telemetry) {
	e := mcpengine.New("weather", telemetry.Server())
	mcpengine.AddTool(e, "forecast", "", func(context.Context, struct{}) (string, error) { return "sunny", nil })
	c, err := client.Connect(t.Context(), "http://server.example",
		client.WithHTTPClient(&http.Client{Transport: client.InMemory(e)}), telemetry.Client())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.CallTool(t.Context(), "forecast", nil); err != nil {
		t.Fatal(err)
	}
}

func TestStartRefuses(t *testing.T) {
	for _, variable := range []string{"OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER"} {
		t.Run(variable, func(t *testing.T) {
			t.Setenv(variable, "carrier-pigeon")
			if _, err := auto.Start(t.Context()); err == nil {
				t.Error("Start accepts an exporter that does not exist")
			}
		})
	}
}

func TestStartWithoutEnvironment(t *testing.T) {
	for _, variable := range []string{"OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER"} {
		t.Setenv(variable, "")
	}
	stop, err := auto.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := stop(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestLostTelemetry shows that a collector which is away, refuses everything or does
// not answer delays no call, and costs one line of the log.
func TestLostTelemetry(t *testing.T) {
	away := httptest.NewServer(http.NotFoundHandler())
	away.Close()
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) }))
	defer refuses.Close()
	release := make(chan struct{})
	hangs := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer hangs.Close()
	defer close(release)
	for name, url := range map[string]string{"away": away.URL, "refuses": refuses.URL, "hangs": hangs.URL} {
		t.Run(name, func(t *testing.T) {
			timeout := "100"
			if name == "hangs" {
				timeout = "3600000" // longer than the test may take, if a call waited
			}
			var log bytes.Buffer
			before := slog.Default()
			slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
			defer slog.SetDefault(before)
			t.Setenv("OTEL_TRACES_EXPORTER", "otlp")
			t.Setenv("OTEL_METRICS_EXPORTER", "otlp")
			t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
			t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "1") // exports all the time
			t.Setenv("OTEL_BSP_EXPORT_TIMEOUT", timeout)
			t.Setenv("OTEL_EXPORTER_OTLP_TIMEOUT", timeout)
			t.Setenv("OTEL_METRIC_EXPORT_INTERVAL", "10")
			t.Setenv("OTEL_METRIC_EXPORT_TIMEOUT", timeout)
			stop, err := auto.Start(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			telemetry := otelmcp.New()
			for range 20 {
				use(t, telemetry)
			}
			ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Second)
			defer cancel()
			if err := stop(ctx); err == nil {
				t.Error("nothing was lost")
			}
			if n := strings.Count(log.String(), "telemetry was lost"); n != 1 || strings.Count(log.String(), "\n") != n {
				t.Errorf("the log has %d lines, want one:\n%s", n, log.String())
			}
		})
	}
}
