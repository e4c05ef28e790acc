package mcpengine

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/idp"
	"github.com/mcpengine/mcpengine/bus"
)

func TestChooseTransport(t *testing.T) {
	t.Parallel()
	const person, host = true, false // whether a person has started the program
	type env = map[string]string
	tests := []struct {
		name     string
		env      env
		terminal bool
		want     transport
	}{
		{"a host", env{}, host, transport{}},
		{"a person", env{}, person, transport{address: "localhost:8000", greet: true}},
		{"a platform", env{"PORT": "8080"}, host, transport{address: ":8080"}},
		{"a platform with a terminal", env{"PORT": "8080"}, person, transport{address: ":8080"}},
		{"an address", env{"MCPENGINE_ADDRESS": "127.0.0.1:9000", "PORT": "8080"}, person, transport{address: "127.0.0.1:9000"}},
		{"stdio in spite of an address", env{"MCPENGINE_TRANSPORT": "stdio", "MCPENGINE_ADDRESS": "127.0.0.1:9000"}, host, transport{}},
		{"a function's web adapter", env{"AWS_LAMBDA_HTTP_ENDPOINT": "127.0.0.1:9000"}, host, transport{address: "127.0.0.1:9000"}},
		{"a function with a port", env{"AWS_LAMBDA_HTTP_ENDPOINT": "127.0.0.1:9000", "PORT": "8080"}, host, transport{address: ":8080"}},
		{"a host that wants HTTP", env{"MCPENGINE_TRANSPORT": "http"}, host, transport{address: "localhost:8000"}},
		{"a person who wants HTTP", env{"MCPENGINE_TRANSPORT": "http"}, person, transport{address: "localhost:8000", greet: true}},
		{"HTTP on a port", env{"MCPENGINE_TRANSPORT": "http", "PORT": "8080"}, person, transport{address: ":8080"}},
		{"a person who wants stdio", env{"MCPENGINE_TRANSPORT": "stdio"}, person, transport{}},
		{"stdio in spite of a port", env{"MCPENGINE_TRANSPORT": "stdio", "PORT": "8080"}, host, transport{}},
	}
	for _, test := range tests {
		got, err := chooseTransport(func(name string) string { return test.env[name] }, func() bool { return test.terminal })
		if err != nil || got != test.want {
			t.Errorf("%s: chooseTransport() = %+v, %v, want %+v", test.name, got, err, test.want)
		}
	}
}

func TestChooseTransportUnknown(t *testing.T) {
	t.Parallel()
	for _, choice := range []string{"HTTP", "sse", " stdio"} {
		_, err := chooseTransport(func(name string) string {
			return map[string]string{"MCPENGINE_TRANSPORT": choice, "PORT": "1"}[name]
		}, func() bool { return false })
		if err == nil || !strings.Contains(err.Error(), choice) || !strings.Contains(err.Error(), `"http" or "stdio"`) {
			t.Errorf("chooseTransport with MCPENGINE_TRANSPORT=%q = %v, want an error that says what is possible", choice, err)
		}
	}
}

// A file, a pipe and the null device are not terminals.
func TestIsTerminal(t *testing.T) {
	t.Parallel()
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	defer writer.Close()
	for name, f := range map[string]*os.File{"file": file, "null device": null, "pipe": reader} {
		if isTerminal(f) {
			t.Errorf("isTerminal(%s) = true", name)
		}
	}
}

func TestGreeting(t *testing.T) {
	t.Parallel()
	e := New("weather", WithHTTP(HTTPConfig{Path: "/tools"}))
	got := e.greeting(localAddress)
	for _, want := range []string{"weather", "http://localhost:8000/tools", "Ctrl+C"} {
		if !strings.Contains(got, want) {
			t.Errorf("greeting is %q, want it to contain %q", got, want)
		}
	}
}

// Run serves the metadata of the protected resource to every client.
func TestMuxServesMetadata(t *testing.T) {
	t.Parallel()
	resource, err := auth.NewResource("https://rs.example/mcp", idp.OIDC("https://id.example", "https://rs.example/mcp"))
	if err != nil {
		t.Fatal(err)
	}
	e := New("guarded", WithAuth(resource), WithHTTP(HTTPConfig{SSE: true}))
	mcp, sse := http.StatusUnauthorized, http.StatusUnauthorized
	if !servesHandshake { // only the handshake versions have GET
		mcp, sse = http.StatusMethodNotAllowed, http.StatusNotFound
	}
	for path, want := range map[string]int{
		"/.well-known/oauth-protected-resource":     http.StatusOK,
		"/.well-known/oauth-protected-resource/mcp": http.StatusOK,
		"/healthz": http.StatusOK,
		"/mcp":     mcp,
		"/sse":     sse,
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		r.Header.Set("Accept", "text/event-stream")
		e.mux().ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("GET %s: %d, want %d", path, w.Code, want)
		}
	}
	if got := e.greeting("localhost:8000"); !strings.Contains(got, "https://rs.example/mcp") || strings.Contains(got, "localhost") {
		t.Errorf("the greeting names another URL: %s", got)
	}
}

func TestConfigure(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		value string
		want  bool
		err   string
	}{
		{"", false, ""},
		{"true", true, ""},
		{"1", true, ""},
		{"false", false, ""},
		{"AgentCore", false, `MCPENGINE_PLATFORM_SESSIONS is "AgentCore": use true or false`},
	} {
		e := New("test")
		err := e.configure(func(name string) string {
			return map[string]string{"MCPENGINE_PLATFORM_SESSIONS": test.value}[name]
		})
		if got := fmt.Sprint(err); test.err != "" && got != test.err || test.err == "" && err != nil {
			t.Errorf("%q: configure() = %v, want %q", test.value, err, test.err)
		}
		if e.httpConfig.PlatformSessions != test.want {
			t.Errorf("%q: PlatformSessions is %t", test.value, e.httpConfig.PlatformSessions)
		}
	}
}

// The platform that runs the replicas knows how long its load balancer needs.
func TestDrainDelayVariable(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		value string
		want  time.Duration
		err   string
	}{
		{"", time.Second, ""}, // as the program has it
		{"5s", 5 * time.Second, ""},
		{"0s", 0, ""},
		{"5", time.Second, `MCPENGINE_DRAIN_DELAY is "5": use a duration such as 5s`},
		{"-5s", time.Second, `MCPENGINE_DRAIN_DELAY is "-5s": use a duration such as 5s`},
	} {
		e := New("test", WithHTTP(HTTPConfig{DrainDelay: time.Second}))
		err := e.configure(func(name string) string {
			return map[string]string{"MCPENGINE_DRAIN_DELAY": test.value}[name]
		})
		if got := fmt.Sprint(err); test.err != "" && got != test.err || test.err == "" && err != nil {
			t.Errorf("%q: configure() = %v, want %q", test.value, err, test.err)
		}
		if e.httpConfig.DrainDelay != test.want {
			t.Errorf("%q: DrainDelay is %v, want %v", test.value, e.httpConfig.DrainDelay, test.want)
		}
	}
}

// On AWS Lambda there is no bus.
func TestLambdaLeavesBus(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	e := New("test", WithBus(bus.Memory()), WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	e.goServerless()
	e.ResourceUpdated("file:///a")
	if _, ok := e.BusState(); ok || !strings.Contains(log.String(), "bus is not used") {
		t.Errorf("the engine has a bus: %t, and the log is %q", ok, log.String())
	}
}

// /readyz says how the bus is, and does not fail without it.
func TestReadySaysHowTheBusIs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := New("test", WithBus(bus.Memory()), WithKeys(make([]byte, 32)))
		defer e.Close()
		s := &server{engine: e}
		ready := func() string {
			synctest.Wait()
			w := httptest.NewRecorder()
			s.ready(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
			return fmt.Sprint(w.Code, " ", w.Body)
		}
		if got, want := ready(), "200 ok\nbus: not connected yet\n"; got != want {
			t.Errorf("readyz = %q, want %q", got, want)
		}
		if err := e.startBus(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, want := ready(), "200 ok\nbus: connected since 2000-01-01T00:00:00Z\n"; got != want {
			t.Errorf("readyz = %q, want %q", got, want)
		}
		e.Close()
		synctest.Wait()
	})
}
