// Package trace_test follows one trace through a client, a bridge and two replicas.
package trace_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/client"
	otelmcp "github.com/mcpengine/mcpengine/otel"
	"github.com/mcpengine/mcpengine/otel/auto"
)

// replicaVariable has the address of a replica. It makes the test binary one.
const replicaVariable = "MCPENGINE_TEST_REPLICA"

func TestMain(m *testing.M) {
	address := os.Getenv(replicaVariable)
	if address == "" {
		m.Run()
		return
	}
	if err := serve(context.Background(), address); err != nil {
		panic(err) // there is no test to fail
	}
}

// serve is a replica with telemetry, whose HTTP server has telemetry too.
func serve(ctx context.Context, address string) error {
	if _, err := auto.Start(ctx); err != nil {
		return err
	}
	e := mcpengine.New("weather", otelmcp.New().Server())
	mcpengine.AddTool(e, "forecast", "", func(_ context.Context, in struct {
		City string `json:"city"`
	},
	) (string, error) {
		if in.City == "Atlantis" {
			return "", errors.New("no such city")
		}
		return "sunny", nil
	})
	server := &http.Server{Addr: address, Handler: otelhttp.NewHandler(e, "http"), ReadHeaderTimeout: time.Minute}
	return server.ListenAndServe()
}

// startCollector starts the receiver of the OpenTelemetry collector, and returns where
// it listens and what it has received.
func startCollector(t *testing.T) (endpoint string, sink *consumertest.TracesSink) {
	t.Helper()
	address := freeAddress(t)
	factory := otlpreceiver.NewFactory()
	config := factory.CreateDefaultConfig()
	written := map[string]any{"protocols": map[string]any{"http": map[string]any{"endpoint": address}}}
	if err := confmap.NewFromStringMap(written).Unmarshal(config); err != nil {
		t.Fatal(err)
	}
	sink = new(consumertest.TracesSink)
	receiver, err := factory.CreateTraces(t.Context(), receivertest.NewNopSettings(factory.Type()), config, sink)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.WithoutCancel(t.Context())
	if err := receiver.Start(ctx, componenttest.NewNopHost()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = receiver.Shutdown(ctx) })
	return "http://" + address, sink
}

// startReplicas starts two replicas behind a proxy that gives each in turn a request,
// and returns the URL of the proxy.
func startReplicas(t *testing.T, collector string) string {
	t.Helper()
	var replicas []*url.URL
	for n := range 2 {
		address := freeAddress(t)
		start(t, exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0]), append(telemetry(collector, fmt.Sprintf("replica-%d", n+1)),
			replicaVariable+"="+address, "MCPENGINE_KEYS="+strings.Repeat("0123456789abcdef", 4)))
		replicas = append(replicas, &url.URL{Scheme: "http", Host: address})
		await(t, "the replica at "+address, func() bool {
			conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
			if err != nil {
				return false
			}
			conn.Close()
			return true
		})
	}
	var turn atomic.Int64
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(replicas[turn.Add(1)%2])
	}})
	t.Cleanup(proxy.Close)
	return proxy.URL + "/mcp"
}

// telemetry is the environment of a program that exports its spans at once.
func telemetry(collector, service string) []string {
	return append(os.Environ(), "OTEL_TRACES_EXPORTER=otlp", "OTEL_METRICS_EXPORTER=none", "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
		"OTEL_EXPORTER_OTLP_ENDPOINT="+collector, "OTEL_BSP_SCHEDULE_DELAY=10", "OTEL_SERVICE_NAME="+service)
}

func start(t *testing.T, cmd *exec.Cmd, env []string) {
	t.Helper()
	cmd.Env, cmd.Stderr = env, t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}

// A span is one of the collector's, in the form that is compared.
type span struct {
	service    string
	id, parent string
	links      int
	told       map[string]string
}

// spansOf returns the spans of a trace by kind, name and service.
func spansOf(sink *consumertest.TracesSink, trace string) (found []span) {
	for _, traces := range sink.AllTraces() {
		for _, r := range traces.ResourceSpans().All() {
			service, _ := r.Resource().Attributes().Get("service.name")
			for _, scope := range r.ScopeSpans().All() {
				for _, s := range scope.Spans().All() {
					if s.TraceID().String() == trace {
						found = append(found, describe(service.AsString(), s))
					}
				}
			}
		}
	}
	return found
}

func describe(service string, s ptrace.Span) span {
	told := map[string]string{"name": s.Kind().String() + " " + s.Name(), "status": s.Status().Code().String(), "message": s.Status().Message()}
	for key, value := range s.Attributes().All() {
		switch key {
		case "server.port", "client.port": // chosen by the system
		case "jsonrpc.request.id":
			told[key] = "given"
		default:
			told[key] = value.AsString()
		}
	}
	if s.StartTimestamp() > s.EndTimestamp() {
		told["times"] = "it ends before it begins"
	}
	return span{service, s.SpanID().String(), s.ParentSpanID().String(), s.Links().Len(), told}
}

// below returns the span of a service below another span.
func below(t *testing.T, spans []span, parent, service, kind string) span {
	t.Helper()
	for _, s := range spans {
		if s.parent == parent && strings.HasPrefix(s.service, service) && strings.HasPrefix(s.told["name"], kind) {
			return s
		}
	}
	t.Fatalf("the span %s has no span of kind %s of %s below it: %+v", parent, kind, service, spans)
	return span{}
}

// TestOneTrace calls tools of two replicas through a bridge: one trace has the spans of
// all programs, each below the one before it, with the attributes of the conventions.
func TestOneTrace(t *testing.T) {
	collector, sink := startCollector(t)
	server := startReplicas(t, collector)
	program := filepath.Join(t.TempDir(), "mcpengine")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	build.Dir = "../../cmd/mcpengine"
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build mcpengine: %v\n%s", err, out)
	}
	for _, variable := range telemetry(collector, "client") {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
	stop, err := auto.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{"2026-07-28", "2025-11-25"} {
		t.Run(version, func(t *testing.T) {
			c, err := client.Command(t.Context(), client.Process{
				Path: program, Args: []string{"bridge", server}, Stderr: t.Output(),
				Env: append(telemetry(collector, "bridge"), "MCPENGINE_HOME="+t.TempDir()),
			}, client.WithProtocolVersion(version), otelmcp.New().Client())
			if err != nil {
				t.Fatal(err)
			}
			ctx, root := otel.Tracer("agent").Start(t.Context(), "agent")
			for _, city := range []string{"Oslo", "Atlantis"} {
				if _, err := c.CallTool(ctx, "forecast", map[string]string{"city": city}); err != nil {
					t.Fatal(err)
				}
			}
			root.End()
			c.Close() // the bridge exports what is left
			check(t, sink, root.SpanContext().TraceID().String(), version)
		})
	}
	if err := stop(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
}

// check compares each span of the two calls with what it has to say.
func check(t *testing.T, sink *consumertest.TracesSink, trace, version string) {
	t.Helper()
	var spans []span
	calls := func() (n int) {
		spans = spansOf(sink, trace)
		for _, s := range spans {
			if strings.HasSuffix(s.told["name"], " tools/call forecast") {
				n++
			}
		}
		return n
	}
	await(t, "four spans of each call, and the root", func() bool { return calls() >= 8 && strings.Contains(fmt.Sprint(spans), "agent") })
	if n := calls(); n != 8 {
		t.Errorf("there are %d spans of two calls, want 8: nothing is recorded twice", n)
	}
	var root span
	for _, s := range spans {
		if s.parent == "" {
			root = s
		}
	}
	replicas := map[string]bool{}
	for _, s := range spans {
		if s.parent != root.id || !strings.HasSuffix(s.told["name"], " tools/call forecast") {
			continue
		}
		host := below(t, spans, s.id, "bridge", "Server")
		sent := below(t, spans, host.id, "bridge", "Client tools/call")
		answered := below(t, spans, sent.id, "replica", "Server")
		replicas[answered.service] = true
		if answered.links != 1 || s.links+host.links+sent.links > 0 {
			t.Errorf("the spans have %d, %d, %d and %d links, want one of the replica's to its HTTP request", s.links, host.links, sent.links, answered.links)
		}
		for name, got := range map[string]struct {
			span
			kind string
			own  map[string]string
		}{
			"client":             {s, "Client", map[string]string{"network.transport": "pipe"}},
			"bridge as a server": {host, "Server", map[string]string{"network.transport": "pipe"}},
			"bridge as a client": {sent, "Client", map[string]string{"network.transport": "tcp", "network.protocol.name": "http", "server.address": "127.0.0.1", "mcp.protocol.version": "2026-07-28"}},
			"replica": {answered, "Server", map[string]string{
				"network.transport": "tcp", "network.protocol.name": "http", "network.protocol.version": "1.1", "client.address": "127.0.0.1", "mcp.protocol.version": "2026-07-28",
			}},
		} {
			if diff := cmp.Diff(expected(got.kind, version, s.told["error.type"], got.own), got.told); diff != "" {
				t.Errorf("the span of the %s (-want +got):\n%s", name, diff)
			}
		}
	}
	if len(replicas) != 2 {
		t.Errorf("the trace has spans of %v, want those of both replicas", replicas)
	}
}

// expected returns what a span of a call says.
func expected(kind, version, failure string, own map[string]string) map[string]string {
	all := map[string]string{
		"name": kind + " tools/call forecast", "status": "Unset", "message": "", "jsonrpc.request.id": "given",
		"mcp.method.name": "tools/call", "mcp.protocol.version": version, "gen_ai.tool.name": "forecast", "gen_ai.operation.name": "execute_tool",
	}
	if failure != "" {
		all["status"], all["error.type"] = "Error", "tool_error"
	}
	maps.Copy(all, own)
	return all
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// await waits until a condition holds, which is asked again and again.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	for !holds() {
		select {
		case <-deadline:
			t.Fatalf("waited in vain for %s", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
