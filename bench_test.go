package mcpengine_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/authtest"
	"github.com/mcpengine/mcpengine/auth/idp"
)

type place struct {
	City string `json:"city" jsonschema:"name of the city"`
}

type weather struct {
	City        string  `json:"city"`
	Temperature float64 `json:"temperature"`
	Sunny       bool    `json:"sunny"`
}

func sunny(_ context.Context, in place) (string, error) {
	return "The weather in " + in.City + " is sunny and 72°F.", nil
}

func report(_ context.Context, in place) (weather, error) {
	return weather{City: in.City, Temperature: 72, Sunny: true}, nil
}

// Benchmarks of the whole path behind the socket, from the HTTP request to the
// response. Those over a network and beside other servers are in interop.
func BenchmarkCallTool(b *testing.B) {
	for _, tools := range []int{1, 1000} {
		b.Run(fmt.Sprintf("text/tools=%d", tools), func(b *testing.B) {
			benchmark(b, engineWith(tools, sunny), "tools/call", "tool_0", `"name":"tool_0","arguments":{"city":"Paris"},`)
		})
	}
	b.Run("struct", func(b *testing.B) {
		benchmark(b, engineWith(1, report), "tools/call", "tool_0", `"name":"tool_0","arguments":{"city":"Paris"},`)
	})
}

// A call through middleware that passes everything on.
func BenchmarkMiddleware(b *testing.B) {
	for name, option := range map[string]mcpengine.Option{
		"method": mcpengine.WithMiddleware(func(next mcpengine.MethodHandler) mcpengine.MethodHandler { return next }),
		"tool":   mcpengine.WithToolMiddleware(func(next mcpengine.ToolHandler) mcpengine.ToolHandler { return next }),
	} {
		b.Run(name, func(b *testing.B) {
			e := mcpengine.New("bench", option)
			mcpengine.AddTool(e, "tool_0", "Return the current weather for a city.", sunny)
			benchmark(b, e, "tools/call", "tool_0", `"name":"tool_0","arguments":{"city":"Paris"},`)
		})
	}
}

// An authorized call, of a token that has been seen before, beside the open call
// of BenchmarkCallTool.
func BenchmarkAuthorizedCall(b *testing.B) {
	op := authtest.NewProvider(b)
	resource, err := auth.NewResource("https://rs.example/mcp", idp.OIDC(op.Issuer(), "https://rs.example/mcp"))
	if err != nil {
		b.Fatal(err)
	}
	token := op.AccessToken("https://rs.example/mcp", authtest.Claims{"sub": "alice", "scope": "mcp:read"})
	e := mcpengine.New("bench", mcpengine.WithAuth(resource))
	mcpengine.AddTool(e, "tool_0", "Return the current weather for a city.", sunny, mcpengine.RequireScopes("mcp:read"))
	benchmarkAs(b, e, token, "tools/call", "tool_0", `"name":"tool_0","arguments":{"city":"Paris"},`)
}

func BenchmarkListTools(b *testing.B) {
	for _, tools := range []int{1, 100} {
		b.Run(fmt.Sprintf("tools=%d", tools), func(b *testing.B) {
			benchmark(b, engineWith(tools, sunny), "tools/list", "", "")
		})
	}
}

func BenchmarkAdd100Tools(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		engineWith(100, sunny)
	}
}

func engineWith[Out any](tools int, h mcpengine.Handler[place, Out]) *mcpengine.Engine {
	e := mcpengine.New("bench")
	for i := range tools {
		mcpengine.AddTool(e, fmt.Sprintf("tool_%d", i), "Return the current weather for a city.", h)
	}
	return e
}

func benchmark(b *testing.B, e *mcpengine.Engine, method, name, params string) {
	benchmarkAs(b, e, "", method, name, params)
}

// benchmarkAs sends the requests with an access token, unless it is empty.
func benchmarkAs(b *testing.B, e *mcpengine.Engine, token, method, name, params string) {
	body := fmt.Appendf(nil, `{"jsonrpc":"2.0","id":1,"method":%q,"params":{%s"_meta":{`+
		`"io.modelcontextprotocol/protocolVersion":"2026-07-28",`+
		`"io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1"},`+
		`"io.modelcontextprotocol/clientCapabilities":{}}}}`, method, params)
	r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "http://localhost/mcp", nil)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	r.Header.Set("MCP-Protocol-Version", "2026-07-28")
	r.Header.Set("Mcp-Method", method)
	if name != "" {
		r.Header.Set("Mcp-Name", name)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	r.ContentLength = int64(len(body))
	reader := bytes.NewReader(body)
	r.Body = io.NopCloser(reader)
	w := &discard{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		reader.Reset(body)
		e.ServeHTTP(w, r)
		if w.status != http.StatusOK {
			b.Fatalf("HTTP %d", w.status)
		}
	}
}

// discard is a response writer that keeps the status only.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(status int)      { d.status = status }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }

// A page in the middle of 10,000 tools, and one with a change before it.
func BenchmarkListPage(b *testing.B) {
	e := engineWith(10_000, sunny)
	cursor := ""
	for range 4 {
		_, cursor = benchPage(b, e, cursor)
	}
	b.Run("kept", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			benchPage(b, e, cursor)
		}
	})
	b.Run("after a change", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			mcpengine.AddTool(e, "last", "", sunny)
			benchPage(b, e, cursor)
			e.RemoveTools("last")
		}
	})
}

// benchPage lists the tools behind a cursor and returns the next one.
func benchPage(b *testing.B, e *mcpengine.Engine, cursor string) (size int, next string) {
	r := newRequest(b.Context(), "http://server.example/mcp", message("tools/list", fmt.Sprintf(`"cursor":%q`, cursor)))
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	head := w.Body.Bytes()[:min(w.Body.Len(), 1000)]
	_, after, _ := bytes.Cut(head, []byte(`"nextCursor":"`))
	text, _, _ := bytes.Cut(after, []byte(`"`))
	return w.Body.Len(), string(text)
}
