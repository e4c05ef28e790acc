package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/bridge"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/mcp"
)

// A receiver is an OTLP receiver that keeps what it gets.
type receiver struct {
	status int

	mu     sync.Mutex
	bodies [][]byte
	header http.Header
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	if req.URL.Path == "/v1/traces" {
		r.bodies, r.header = append(r.bodies, body), req.Header
	}
	if r.status != 0 {
		http.Error(w, "no", r.status)
	}
}

// start starts telemetry with an environment, and returns what it logs.
func start(t *testing.T, env map[string]string) (*Telemetry, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	return Start(t.Context(), func(name string) string { return env[name] }, logger), &log
}

// relay tells telemetry of a call, as a bridge does.
func relay(t *testing.T, telemetry *Telemetry, answer error) {
	t.Helper()
	var req jsonrpc.Request
	text := `{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"forecast","_meta":{"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","tracestate":"a=b"}}}`
	if err := req.Parse([]byte(text)); err != nil {
		t.Fatal(err)
	}
	var config bridge.Config
	telemetry.Observe(&config)
	ctx, received := config.Observer(t.Context(), bridge.Received{Request: &req, Version: mcp.LatestProtocolVersion})
	sent := &peer.Sent{Method: "tools/call", Params: []byte(`{"name":"forecast"}`), Version: mcp.LatestProtocolVersion, Server: "https://far.example/mcp", ID: "7"}
	_, ended := config.Peer.Observer(ctx, sent)
	if !strings.HasPrefix(sent.Meta["traceparent"], "00-0af7651916cd43dd8448eb211c80319c-") || strings.Contains(sent.Meta["traceparent"], "b7ad6b7169203331") {
		t.Errorf("the server is sent the context %v, want the trace of the host and the span of the bridge", sent.Meta)
	}
	ended([]byte(`{"isError":true}`), answer)
	received([]byte(`{"content":[],"isError":true}`), nil)
}

// TestSpans shows both spans of a call, in the encoding of OTLP.
func TestSpans(t *testing.T) {
	var got receiver
	s := httptest.NewServer(&got)
	defer s.Close()
	telemetry, log := start(t, map[string]string{
		"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT": s.URL + "/", "OTEL_EXPORTER_OTLP_HEADERS": "x-key=a%20b, x-other=c",
	})
	relay(t, telemetry, nil)
	telemetry.Stop()
	if log.Len() > 0 || len(got.bodies) != 1 {
		t.Fatalf("%d requests, and the log is %q", len(got.bodies), log)
	}
	if got.header.Get("Content-Type") != "application/json" || got.header.Get("X-Key") != "a b" || got.header.Get("X-Other") != "c" {
		t.Errorf("the header is %v", got.header)
	}
	spans, resource := decode(t, got.bodies[0])
	if resource["service.name"] != "mcpengine" {
		t.Errorf("service.name is %v", resource["service.name"])
	}
	client, server := spans[0], spans[1]
	if client.Parent != server.Span || server.Parent != "b7ad6b7169203331" || client.Trace != server.Trace || server.Trace != "0af7651916cd43dd8448eb211c80319c" {
		t.Errorf("the spans are not each other's parents: %+v, %+v", client, server)
	}
	if client.State != "a=b" || client.Start == "" || client.Start > client.End || client.Kind != 3 || server.Kind != 2 {
		t.Errorf("the span of the client is %+v", client)
	}
	both := map[string]any{
		"mcp.method.name": "tools/call", "mcp.protocol.version": "2026-07-28", "gen_ai.tool.name": "forecast",
		"gen_ai.operation.name": "execute_tool", "error.type": "tool_error",
	}
	for name, own := range map[string]struct {
		receivedSpan
		attributes map[string]any
	}{
		"client": {client, map[string]any{
			"network.transport": "tcp", "network.protocol.name": "http", "server.address": "far.example", "server.port": "443", "jsonrpc.request.id": "7",
		}},
		"server": {server, map[string]any{"network.transport": "pipe", "jsonrpc.request.id": "a"}},
	} {
		want := map[string]any{}
		for _, part := range []map[string]any{both, own.attributes} {
			maps.Copy(want, part)
		}
		if diff := cmp.Diff(want, own.attributesOf()); diff != "" || own.Name != "tools/call forecast" || own.Status.Code != 2 {
			t.Errorf("the span %q of the %s has the status %d and the attributes (-want +got):\n%s", own.Name, name, own.Status.Code, diff)
		}
	}
}

// A received span is what OTLP has of a span.
type receivedSpan struct {
	Trace      string `json:"traceId"`
	Span       string `json:"spanId"`
	Parent     string `json:"parentSpanId"`
	State      string `json:"traceState"`
	Name       string `json:"name"`
	Kind       int    `json:"kind"`
	Start      string `json:"startTimeUnixNano"`
	End        string `json:"endTimeUnixNano"`
	Attributes []pair `json:"attributes"`
	Status     struct {
		Code int `json:"code"`
	} `json:"status"`
}

type pair struct {
	Key   string         `json:"key"`
	Value map[string]any `json:"value"`
}

func (s *receivedSpan) attributesOf() map[string]any { return plain(s.Attributes) }

func plain(pairs []pair) map[string]any {
	all := map[string]any{}
	for _, p := range pairs {
		for _, value := range p.Value {
			all[p.Key] = value
		}
	}
	return all
}

func decode(t *testing.T, body []byte) (spans []receivedSpan, resource map[string]any) {
	t.Helper()
	var request struct {
		ResourceSpans []struct {
			Resource   struct{ Attributes []pair }
			ScopeSpans []struct{ Spans []receivedSpan }
		}
	}
	if err := json.Unmarshal(body, &request); err != nil {
		t.Fatal(err)
	}
	of := request.ResourceSpans[0]
	return of.ScopeSpans[0].Spans, plain(of.Resource.Attributes)
}

// A receiver that is away or refuses everything costs one line of the log, however
// much is lost, and no call.
func TestLostSpans(t *testing.T) {
	away := httptest.NewServer(http.NotFoundHandler())
	away.Close()
	refusing := httptest.NewServer(&receiver{status: http.StatusForbidden})
	defer refusing.Close()
	for name, url := range map[string]string{"away": away.URL, "refuses": refusing.URL} {
		t.Run(name, func(t *testing.T) {
			telemetry, log := start(t, map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT": url})
			for range 3 * maxExport {
				relay(t, telemetry, errors.New("unplugged"))
			}
			telemetry.Stop()
			if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), "spans were lost") {
				t.Errorf("%d lines in the log, want one:\n%s", n, log)
			}
		})
	}
}

// Stop does not wait for a receiver that does not answer.
func TestSlowReceiver(t *testing.T) {
	release := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer slow.Close()
	defer close(release)
	telemetry, log := start(t, map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT": slow.URL})
	relay(t, telemetry, nil)
	telemetry.Stop()
	if !strings.Contains(log.String(), context.Canceled.Error()) {
		t.Errorf("the log is %q, want that the time was over", log)
	}
}

// What the environment asks for.
func TestEnvironment(t *testing.T) {
	for _, tt := range []struct {
		env  string
		on   bool
		log  string // has
		hide string // has not
	}{
		{"", false, "", ""},
		{"OTEL_TRACES_EXPORTER=none", false, "", ""},
		{"OTEL_TRACES_EXPORTER=otlp", true, "", ""},
		{"OTEL_TRACES_EXPORTER=otlp OTEL_SDK_DISABLED=true", false, "", ""},
		{"OTEL_TRACES_EXPORTER=otlp OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", true, "", ""},
		{"OTEL_TRACES_EXPORTER=otlp OTEL_EXPORTER_OTLP_PROTOCOL=grpc", false, "use http/json", ""},
		{"OTEL_TRACES_EXPORTER=otlp OTEL_EXPORTER_OTLP_PROTOCOL=grpc OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/json", true, "", ""},
		{"OTEL_TRACES_EXPORTER=otlp OTEL_TRACES_SAMPLER=sometimes", false, "use always_on", ""},
		{"OTEL_TRACES_EXPORTER=otlp OTEL_TRACES_SAMPLER=traceidratio OTEL_TRACES_SAMPLER_ARG=2", false, "from 0 to 1", ""},
		{"OTEL_TRACES_EXPORTER=console", false, "use otlp or none", ""},
		{"OTEL_TRACES_EXPORTER=otlp OTEL_EXPORTER_OTLP_ENDPOINT=collector:4318", false, "use an http:// or https:// URL", ""},
		{"OTEL_TRACES_EXPORTER=otlp OTEL_EXPORTER_OTLP_TIMEOUT=soon", false, "use milliseconds", ""},
		{"OTEL_TRACES_EXPORTER=otlp OTEL_EXPORTER_OTLP_HEADERS=x-key=sec%ret", false, "x-key", "sec%ret"},
	} {
		env := map[string]string{}
		for pair := range strings.FieldsSeq(tt.env) {
			name, value, _ := strings.Cut(pair, "=")
			env[name] = value
		}
		telemetry, log := start(t, env)
		telemetry.Stop()
		if (telemetry != nil) != tt.on || !strings.Contains(log.String(), tt.log) || tt.log == "" && log.Len() > 0 || tt.hide != "" && strings.Contains(log.String(), tt.hide) {
			t.Errorf("with %q telemetry is on: %t, and the log is %q", tt.env, telemetry != nil, log)
		}
	}
	var config bridge.Config
	(*Telemetry)(nil).Observe(&config)
	if config.Observer != nil || config.Peer.Observer != nil {
		t.Error("a relay without telemetry is observed")
	}
}

// Errors of a connection have the types that telemetry tells apart.
func TestErrors(t *testing.T) {
	var got receiver
	s := httptest.NewServer(&got)
	defer s.Close()
	env := map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": s.URL + "/v1/traces"}
	for want, err := range map[string]error{
		"unauthorized":   &peer.AuthError{Status: 401},
		"session_lost":   &peer.SessionError{},
		"502":            &peer.StatusError{Status: 502},
		"protocol_error": &peer.ProtocolError{Err: errors.New("nonsense")},
		"unreachable":    &peer.UnreachableError{Err: errors.New("refused")},
		"timeout":        peer.ErrIdle,
		"-32601":         jsonrpc.Errorf(mcp.CodeMethodNotFound, "Method not found"),
		"_OTHER":         errors.New("unplugged"),
	} {
		telemetry, _ := start(t, env)
		relay(t, telemetry, err)
		telemetry.Stop()
		spans, _ := decode(t, got.bodies[len(got.bodies)-1])
		if got := spans[0].attributesOf()["error.type"]; got != want {
			t.Errorf("for %v error.type is %v, want %s", err, got, want)
		}
	}
}

// A request over HTTP, as serve receives it, names its client and its session, and what
// is not a method of the protocol has no name of its own.
func TestOverHTTP(t *testing.T) {
	var got receiver
	s := httptest.NewServer(&got)
	defer s.Close()
	telemetry, _ := start(t, map[string]string{
		"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT": s.URL,
		"OTEL_SERVICE_NAME": "tools", "OTEL_RESOURCE_ATTRIBUTES": "service.name=other,team=a%20b,,=c",
	})
	for _, text := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"file:///a"}}`,
		`{"jsonrpc":"2.0","id":2,"method":"made/up"}`,
	} {
		var req jsonrpc.Request
		if err := req.Parse([]byte(text)); err != nil {
			t.Fatal(err)
		}
		req.HTTP = httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/mcp", http.NoBody)
		req.Session = "abc"
		_, end := telemetry.received(t.Context(), bridge.Received{Request: &req, Version: "2025-11-25"})
		end(nil, jsonrpc.Errorf(mcp.CodeResourceNotFound, "Resource not found"))
	}
	telemetry.Stop()
	spans, resource := decode(t, got.bodies[0])
	if resource["service.name"] != "tools" || resource["team"] != "a b" {
		t.Errorf("the resource is %v", resource)
	}
	read, unknown := spans[0], spans[1]
	want := map[string]any{
		"mcp.method.name": "resources/read", "mcp.protocol.version": "2025-11-25", "mcp.resource.uri": "file:///a", "mcp.session.id": "abc",
		"jsonrpc.request.id": "1", "network.transport": "tcp", "network.protocol.name": "http", "network.protocol.version": "1.1",
		"client.address": "192.0.2.1", "client.port": "1234", "rpc.response.status_code": "-32002",
	}
	if diff := cmp.Diff(want, read.attributesOf()); diff != "" || read.Name != "resources/read" || read.Status.Code != 0 {
		t.Errorf("the span %q has the status %d and the attributes (-want +got):\n%s", read.Name, read.Status.Code, diff)
	}
	if unknown.Name != "_OTHER" || unknown.attributesOf()["mcp.method.name"] != "_OTHER" {
		t.Errorf("a method that is made up is called %q", unknown.Name)
	}
}
