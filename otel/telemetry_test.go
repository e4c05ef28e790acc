package otelmcp_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	apitrace "go.opentelemetry.io/otel/trace"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/mcp"
	otelmcp "github.com/mcpengine/mcpengine/otel"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// A recorder keeps what telemetry exports.
type recorder struct {
	*otelmcp.Telemetry
	spans   *tracetest.InMemoryExporter
	metrics *metric.ManualReader
	tracers *trace.TracerProvider
}

func newRecorder(t *testing.T, opts ...otelmcp.Option) *recorder {
	r := &recorder{spans: tracetest.NewInMemoryExporter(), metrics: metric.NewManualReader()}
	r.tracers = trace.NewTracerProvider(trace.WithSyncer(r.spans))
	meters := metric.NewMeterProvider(metric.WithReader(r.metrics))
	ctx := context.WithoutCancel(t.Context())
	t.Cleanup(func() {
		_ = r.tracers.Shutdown(ctx)
		_ = meters.Shutdown(ctx)
	})
	r.Telemetry = otelmcp.New(append(opts, otelmcp.WithTracerProvider(r.tracers), otelmcp.WithMeterProvider(meters))...)
	return r
}

type place struct {
	City string `json:"city"`
}

func newServer(t *testing.T, r *recorder) *httptest.Server {
	e := mcpengine.New("weather", r.Server(), mcpengine.WithLogger(slog.New(slog.DiscardHandler)), mcpengine.WithImplementation(mcp.Implementation{Version: "1"}))
	mcpengine.AddTool(e, "forecast", "", func(_ context.Context, in place) (string, error) {
		switch in.City {
		case "Atlantis":
			return "", errors.New("no such city")
		case "Pompeii":
			panic("volcano")
		}
		return "sunny", nil
	})
	mcpengine.AddPrompt(e, "packing", "", func(_ context.Context, in place) (string, error) { return "Pack for " + in.City, nil })
	mcpengine.AddResource(e, "weather://stations", "", func(context.Context, struct{}) (string, error) { return "none", nil })
	s := httptest.NewServer(e)
	t.Cleanup(s.Close)
	return s
}

// use makes one request of each kind, good and bad.
func use(t *testing.T, url string, r *recorder, opts ...client.Option) {
	ctx := t.Context()
	c, err := client.Connect(ctx, url, append(opts, r.Client())...)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, city := range []string{"Oslo", "Atlantis", "Pompeii"} {
		_, _ = c.CallTool(ctx, "forecast", place{city})
	}
	_, _ = c.CallTool(ctx, "made-up-by-the-caller", nil)
	_, _ = c.GetPrompt(ctx, "packing", map[string]string{"city": "Oslo"})
	_, _ = c.ReadResource(ctx, "weather://stations")
	_, _ = c.ReadResource(ctx, "weather://nowhere")
}

// TestNames holds every name, attribute and unit that is exported to the golden
// files: dashboards and alerts depend on them.
func TestNames(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"2025-11-25", "2026-07-28"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			r := newRecorder(t, otelmcp.WithArguments())
			s := newServer(t, r)
			use(t, s.URL, r, client.WithProtocolVersion(version))
			golden(t, "names-"+version+".txt", r.text(t))
		})
	}
}

// text writes down what has been exported, without what differs between runs.
func (r *recorder) text(t *testing.T) string {
	var spans []string // spans that end together do so in any order
	for _, s := range r.spans.GetSpans() {
		text := fmt.Sprintf("span %s %q status=%s %q\n", s.SpanKind, s.Name, s.Status.Code, s.Status.Description)
		for _, a := range sorted(s.Attributes) {
			text += fmt.Sprintf("  %s = %s\n", a.Key, stable(a))
		}
		spans = append(spans, text)
	}
	slices.Sort(spans)
	var b strings.Builder
	b.WriteString(strings.Join(spans, ""))
	var data metricdata.ResourceMetrics
	if err := r.metrics.Collect(t.Context(), &data); err != nil {
		t.Fatal(err)
	}
	for _, scope := range data.ScopeMetrics {
		slices.SortFunc(scope.Metrics, func(a, b metricdata.Metrics) int { return strings.Compare(a.Name, b.Name) })
		for _, m := range scope.Metrics {
			fmt.Fprintf(&b, "metric %s unit=%s\n", m.Name, m.Unit)
			lines := pointsOf(t, m)
			slices.Sort(lines)
			b.WriteString(strings.Join(lines, ""))
		}
	}
	return b.String()
}

// pointsOf writes down the points of a metric.
func pointsOf(t *testing.T, m metricdata.Metrics) (lines []string) {
	t.Helper()
	switch data := m.Data.(type) {
	case metricdata.Histogram[float64]:
		for _, p := range data.DataPoints {
			lines = append(lines, fmt.Sprintf("  %d × %s %v\n", p.Count, pairs(p.Attributes), p.Bounds))
		}
	case metricdata.Sum[int64]:
		for _, p := range data.DataPoints {
			lines = append(lines, fmt.Sprintf("  sum %d × %s\n", p.Value, pairs(p.Attributes)))
		}
	case metricdata.Gauge[int64]:
		for _, p := range data.DataPoints {
			lines = append(lines, fmt.Sprintf("  gauge %d × %s\n", p.Value, pairs(p.Attributes)))
		}
	case metricdata.Gauge[float64]:
		for _, p := range data.DataPoints {
			lines = append(lines, fmt.Sprintf("  gauge %g × %s\n", p.Value, pairs(p.Attributes)))
		}
	default:
		t.Fatalf("%s is %T", m.Name, m.Data)
	}
	return lines
}

func pairs(attributes attribute.Set) string {
	var pairs []string
	for _, a := range attributes.ToSlice() {
		pairs = append(pairs, fmt.Sprintf("%s=%s", a.Key, stable(a)))
	}
	return strings.Join(pairs, " ")
}

func sorted(attributes []attribute.KeyValue) []attribute.KeyValue {
	slices.SortFunc(attributes, func(a, b attribute.KeyValue) int { return strings.Compare(string(a.Key), string(b.Key)) })
	return attributes
}

// stable returns the value of an attribute, or a word for one that differs between
// runs.
func stable(a attribute.KeyValue) string {
	switch a.Key {
	case "client.port", "server.port":
		return "PORT"
	case "mcp.session.id":
		return "SESSION"
	case "mcp.task.id":
		return "TASK"
	case "jsonrpc.request.id":
		if _, err := strconv.Atoi(a.Value.AsString()); err != nil {
			return "ID" // of a question
		}
	}
	return a.Value.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// TestSession shows that both sides name the session of a request, and no session
// where there is none, whatever a client sends.
func TestSession(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		version string
		config  mcpengine.HTTPConfig
		want    bool
	}{
		{"2025-11-25", mcpengine.HTTPConfig{}, true},
		{"2025-11-25", mcpengine.HTTPConfig{NoSessions: true}, false},
		{"2026-07-28", mcpengine.HTTPConfig{}, false},
	} {
		r := newRecorder(t)
		e := mcpengine.New("weather", r.Server(), mcpengine.WithHTTP(tt.config), mcpengine.WithLogger(slog.New(slog.DiscardHandler)))
		mcpengine.AddTool(e, "forecast", "", func(context.Context, place) (string, error) { return "sunny", nil })
		s := httptest.NewServer(e)
		t.Cleanup(s.Close)
		opts := []client.Option{client.WithProtocolVersion(tt.version), r.Client()}
		if !tt.want {
			opts = append(opts, client.WithHeader("Mcp-Session-Id", "made up"))
		}
		c, err := client.Connect(t.Context(), s.URL, opts...)
		if err != nil {
			t.Fatal(err)
		}
		r.spans.Reset()
		if _, err := c.CallTool(t.Context(), "forecast", place{"Oslo"}); err != nil {
			t.Fatal(err)
		}
		c.Close()
		ids := map[string]bool{}
		for _, span := range r.spans.GetSpans() {
			id := ""
			for _, a := range span.Attributes {
				if a.Key == "mcp.session.id" {
					id = a.Value.AsString()
				}
			}
			if (id != "") != tt.want {
				t.Errorf("in %s, without sessions: %t, the %s span %s names the session %q, want one: %t", tt.version, tt.config.NoSessions, span.SpanKind, span.Name, id, tt.want)
			}
			ids[id] = true
		}
		if len(ids) != 1 {
			t.Errorf("the sides name the sessions %v, want the same", ids)
		}
	}
}

// TestOneTrace shows that a server's span is the child of the client's, and that
// the client's is the child of the program's.
func TestOneTrace(t *testing.T) {
	t.Parallel()
	r := newRecorder(t)
	s := newServer(t, r)
	c, err := client.Connect(t.Context(), s.URL, r.Client())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r.spans.Reset()
	ctx, root := r.tracers.Tracer("program").Start(t.Context(), "program")
	if _, err := c.GetPrompt(ctx, "packing", map[string]string{"city": "Oslo"}); err != nil {
		t.Fatal(err)
	}
	root.End()
	spans := r.spans.GetSpans()
	if len(spans) != 3 {
		t.Fatalf("%d spans, want 3: %v", len(spans), spans)
	}
	server, sent := spans[0], spans[1]
	if server.SpanKind != apitrace.SpanKindServer || sent.SpanKind != apitrace.SpanKindClient {
		t.Fatalf("kinds are %s and %s", server.SpanKind, sent.SpanKind)
	}
	if server.Parent.SpanID() != sent.SpanContext.SpanID() || sent.Parent.SpanID() != root.SpanContext().SpanID() {
		t.Error("the spans are not each other's parents")
	}
	for _, s := range spans {
		if s.SpanContext.TraceID() != root.SpanContext().TraceID() {
			t.Errorf("%s is in trace %s, want %s", s.Name, s.SpanContext.TraceID(), root.SpanContext().TraceID())
		}
	}
}

// TestOuterSpan shows that a tool call which an instrumentation of generative AI traces
// already gets no second span, but its attributes.
func TestOuterSpan(t *testing.T) {
	t.Parallel()
	r := newRecorder(t)
	s := newServer(t, r)
	c, err := client.Connect(t.Context(), s.URL, r.Client())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.CallTool(t.Context(), "forecast", place{"Oslo"}); err != nil { // the client lists the tools first
		t.Fatal(err)
	}
	for _, tt := range []struct {
		attributes []attribute.KeyValue
		spans      int // of the client, the outer one among them
	}{
		{[]attribute.KeyValue{attribute.String("gen_ai.operation.name", "execute_tool"), attribute.String("gen_ai.tool.name", "forecast")}, 1},
		{[]attribute.KeyValue{attribute.String("gen_ai.operation.name", "execute_tool"), attribute.String("gen_ai.tool.name", "other")}, 2},
		{[]attribute.KeyValue{attribute.String("gen_ai.operation.name", "chat"), attribute.String("gen_ai.tool.name", "forecast")}, 2},
		{nil, 2},
	} {
		r.spans.Reset()
		ctx, outer := r.tracers.Tracer("agent").Start(t.Context(), "execute_tool forecast", apitrace.WithAttributes(tt.attributes...))
		if _, err := c.CallTool(ctx, "forecast", place{"Atlantis"}); err != nil {
			t.Fatal(err)
		}
		outer.End()
		spans := r.spans.GetSpans()
		if len(spans)-1 != tt.spans { // one is the server's
			t.Errorf("with %v there are %d spans of the client, want %d", tt.attributes, len(spans)-1, tt.spans)
		}
		if tt.spans == 2 {
			continue
		}
		server, agent := spans[0], spans[1]
		got := fmt.Sprint(sorted(agent.Attributes))
		for _, want := range []string{`"mcp.method.name"`, `"error.type"`, `"jsonrpc.request.id"`, `"server.address"`} {
			if !strings.Contains(got, want) {
				t.Errorf("the outer span has the attributes %s, want %s among them", got, want)
			}
		}
		if server.Parent.SpanID() != agent.SpanContext.SpanID() || agent.Name != "execute_tool forecast" {
			t.Errorf("the server's span is below %v, want the outer span %q", server.Parent.SpanID(), agent.Name)
		}
	}
}

// TestForeignContext shows what a trace context does that nobody should have sent.
func TestForeignContext(t *testing.T) {
	t.Parallel()
	valid := "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	for _, tt := range []struct {
		name   string
		meta   mcp.Meta
		parent bool
	}{
		{"valid", mcp.Meta{"traceparent": valid}, true},
		{"malformed", mcp.Meta{"traceparent": "00-zz-zz-01"}, false},
		{"a number", mcp.Meta{"traceparent": 7}, false},
		{"10 kB", mcp.Meta{"traceparent": valid + strings.Repeat("0", 10_000)}, false},
		{"10 kB of state", mcp.Meta{"traceparent": valid, "tracestate": strings.Repeat("a=b,", 2_500)}, true},
		{"zero", mcp.Meta{"traceparent": "00-00000000000000000000000000000000-0000000000000000-01"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRecorder(t)
			s := newServer(t, r)
			c, err := client.Connect(t.Context(), s.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			r.spans.Reset()
			if _, err := c.CallTool(t.Context(), "forecast", place{"Oslo"}, client.WithMeta(tt.meta)); err != nil {
				t.Fatal(err)
			}
			for _, span := range r.spans.GetSpans() {
				if span.Name == "tools/call forecast" && span.Parent.IsValid() != tt.parent {
					t.Errorf("the span has the parent %v, want one: %v", span.Parent, tt.parent)
				}
			}
		})
	}
}

// TestLinkToHTTP shows that the span links to the span of the HTTP request.
func TestLinkToHTTP(t *testing.T) {
	t.Parallel()
	r := newRecorder(t)
	e := mcpengine.New("weather", r.Server())
	mcpengine.AddTool(e, "forecast", "", func(context.Context, place) (string, error) { return "sunny", nil })
	var outer apitrace.SpanContext
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		ctx, span := r.tracers.Tracer("http").Start(req.Context(), "POST /mcp")
		defer span.End()
		outer = span.SpanContext()
		e.ServeHTTP(w, req.WithContext(ctx))
	}))
	defer s.Close()
	c, err := client.Connect(t.Context(), s.URL, r.Client())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r.spans.Reset()
	if _, err := c.CallTool(t.Context(), "forecast", place{"Oslo"}); err != nil {
		t.Fatal(err)
	}
	spans := r.spans.GetSpans()
	span := spans[len(spans)-3] // before those of HTTP and of the client
	if len(span.Links) != 1 || span.Links[0].SpanContext.SpanID() != outer.SpanID() {
		t.Errorf("the span of %s links to %v, want the span of the HTTP request", span.Name, span.Links)
	}
}
