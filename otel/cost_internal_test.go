package otelmcp

import (
	"context"
	"net/http"
	"testing"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/client"
)

// TestNothingWithoutSDK shows what a request costs as long as a program has set no
// provider: nothing.
func TestNothingWithoutSDK(t *testing.T) {
	telemetry := New()
	var allocations float64
	e := mcpengine.New("weather", mcpengine.WithObserver(func(ctx context.Context, req *mcpengine.Request) (context.Context, func(mcpengine.Outcome)) {
		allocations = testing.AllocsPerRun(100, func() {
			if _, end := telemetry.observe(ctx, req); end != nil {
				t.Error("telemetry wants to know the outcome")
			}
		})
		return ctx, nil
	}))
	hc := &http.Client{Transport: client.InMemory(http.HandlerFunc(e.ServeHTTP))}
	c, err := client.Connect(t.Context(), "http://server.example", client.WithHTTPClient(hc))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if allocations != 0 {
		t.Errorf("observing a request allocates %v times, want 0", allocations)
	}
}
