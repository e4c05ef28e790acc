package auto_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/internal/locallambda"
	otelmcp "github.com/mcpengine/mcpengine/otel"
	"github.com/mcpengine/mcpengine/otel/auto"
)

// TestMain makes the test binary the bootstrap of a function on the stand-in for AWS
// Lambda.
func TestMain(m *testing.M) {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") == "" {
		m.Run()
		return
	}
	ctx := context.Background()
	if _, err := auto.Start(ctx); err != nil {
		panic(err) // there is no test to fail
	}
	e := mcpengine.New("weather", otelmcp.New().Server())
	mcpengine.AddTool(e, "forecast", "", func(context.Context, struct{}) (string, error) { return "sunny", nil })
	if err := e.Run(ctx); err != nil {
		panic(err)
	}
}

// startFunction starts the function with telemetry for a collector at a URL.
func startFunction(t *testing.T, url string, stream bool) *client.Client {
	t.Helper()
	bootstrap, err := filepath.Abs(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	options := locallambda.Options{Bootstrap: bootstrap, Freeze: true, Stream: stream, Log: t.Output(), Env: []string{
		"OTEL_TRACES_EXPORTER=otlp", "OTEL_METRICS_EXPORTER=otlp", "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
		"OTEL_EXPORTER_OTLP_ENDPOINT=" + url, "OTEL_SERVICE_NAME=forecasts",
	}}
	if stream {
		options.Env = append(options.Env, "MCPENGINE_LAMBDA_MODE=stream")
	}
	p, err := locallambda.New(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	c, err := client.Connect(t.Context(), p.URL()+"/mcp")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// TestFreeze calls a function whose process is frozen after each call: every span and
// the metrics arrive, also those of the last call, after which the process never runs
// again.
func TestFreeze(t *testing.T) {
	for _, stream := range []bool{false, true} {
		t.Run(fmt.Sprintf("stream %t", stream), func(t *testing.T) {
			received := &collector{t: t}
			s := httptest.NewServer(received)
			defer s.Close()
			c := startFunction(t, s.URL, stream)
			const calls = 5
			for range calls {
				if _, err := c.CallTool(t.Context(), "forecast", nil); err != nil {
					t.Fatal(err)
				}
			}
			await(t, "a span of each call", func() bool {
				return received.count("Server tools/call forecast") == calls
			})
			await(t, "metrics", func() bool { return received.has("mcp.server.operation.duration") })
		})
	}
}

// TestFreezeWithoutCollector shows that a collector that does not answer costs no
// call, and 500 ms at most before the next.
func TestFreezeWithoutCollector(t *testing.T) {
	release := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer s.Close()
	defer close(release)
	c := startFunction(t, s.URL, false)
	began := time.Now()
	for range 3 {
		result, err := c.CallTool(t.Context(), "forecast", nil)
		if err != nil || !strings.Contains(result.Text(), "sunny") {
			t.Fatalf("the call is answered with %v, %v", result, err)
		}
	}
	t.Logf("three calls took %v", time.Since(began))
}
