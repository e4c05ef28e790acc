package otelmcp

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"go.opentelemetry.io/otel/sdk/metric"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/client"
)

// Names that callers make up take no memory: what is kept of requests is kept by the
// names of the server, and no more than maxKinds of that.
func TestKindsAreBounded(t *testing.T) {
	t.Parallel()
	telemetry := New(WithMeterProvider(metric.NewMeterProvider(metric.WithReader(metric.NewManualReader()))))
	e := mcpengine.New("weather", telemetry.Server())
	mcpengine.AddTool(e, "forecast", "", func(context.Context, struct{}) (string, error) { return "sunny", nil })
	c, err := client.Connect(t.Context(), "http://server.example", client.WithHTTPClient(&http.Client{Transport: client.InMemory(e)}))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for i := range 50 {
		if _, err := c.CallTool(t.Context(), fmt.Sprint("made up ", i), nil); err == nil {
			t.Fatal("there is a tool that was made up")
		}
	}
	if n := len(*telemetry.kinds.known.Load()); n > 5 {
		t.Errorf("%d kinds of requests are kept, want one of tools/call and a few of the connection", n)
	}
	for i := range maxKinds + 10 {
		if k := telemetry.kinds.find(kindKey{method: "tools/call", feature: fmt.Sprint(i)}); k.spanName != fmt.Sprint("tools/call ", i) {
			t.Fatalf("kind %d is called %q", i, k.spanName)
		}
	}
	if n := len(*telemetry.kinds.known.Load()); n != maxKinds {
		t.Errorf("%d kinds of requests are kept, want %d", n, maxKinds)
	}
}
