package interop_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/client"
)

// benchEngine serves one typed tool to both clients.
func benchEngine() *mcpengine.Engine {
	e := mcpengine.New("bench")
	mcpengine.AddTool(e, "weather", "", func(_ context.Context, in struct {
		City string `json:"city"`
	},
	) (string, error) {
		return "sunny in " + in.City, nil
	})
	return e
}

// An inMemory sends requests to a handler without a network, so that the
// benchmark measures little more than the client's own work.
type inMemory struct{ http.Handler }

func (m inMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	m.ServeHTTP(w, r)
	return w.Result(), nil
}

// A call of one tool by each client: over the loopback interface with the server
// in the same process, and in memory.
func BenchmarkClient(b *testing.B) {
	for _, version := range []string{"2026-07-28", "2025-11-25"} {
		e := benchEngine()
		s := httptest.NewServer(e)
		b.Run("loopback/ours/"+version, func(b *testing.B) { benchOurs(b, s.URL, version, nil) })
		b.Run("loopback/go-sdk/"+version, func(b *testing.B) { benchSDK(b, s.URL, version, nil) })
		e.Close()
		s.Close()
	}
	memory := &http.Client{Transport: inMemory{benchEngine()}}
	b.Run("memory/ours", func(b *testing.B) { benchOurs(b, "http://localhost/mcp", "2026-07-28", memory) })
	b.Run("memory/go-sdk", func(b *testing.B) { benchSDK(b, "http://localhost/mcp", "2026-07-28", memory) })
}

func benchOurs(b *testing.B, url, version string, hc *http.Client) {
	options := []client.Option{client.WithProtocolVersion(version)}
	if hc != nil {
		options = append(options, client.WithHTTPClient(hc))
	}
	c, err := client.Connect(b.Context(), url, options...)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.CallTool(b.Context(), "weather", map[string]any{"city": "Tokyo"}); err != nil {
			b.Fatal(err)
		}
	}
}

func benchSDK(b *testing.B, url, version string, hc *http.Client) {
	options := &mcp.ClientSessionOptions{ProtocolVersion: version}
	transport := &mcp.StreamableClientTransport{Endpoint: url, HTTPClient: hc}
	session, err := mcp.NewClient(&mcp.Implementation{Name: "bench", Version: "1"}, nil).Connect(b.Context(), transport, options)
	if err != nil {
		b.Fatal(err)
	}
	defer session.Close()
	params := &mcp.CallToolParams{Name: "weather", Arguments: map[string]any{"city": "Tokyo"}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := session.CallTool(b.Context(), params); err != nil {
			b.Fatal(err)
		}
	}
}
