package handshake_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"testing"

	"github.com/mcpengine/mcpengine/internal/handshake"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/streamable"
)

// The cost of a call apart from the handler: in 2026-07-28, and in a handshake
// version with a session and without one.
func BenchmarkCall(b *testing.B) {
	const params = `"name":"echo","arguments":{"city":"Paris"}`
	statelessCall := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{` + params + `,"_meta":{` +
		`"io.modelcontextprotocol/protocolVersion":"2026-07-28",` +
		`"io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1"},` +
		`"io.modelcontextprotocol/clientCapabilities":{}}}}`
	call := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{` + params + `}}`
	b.Run("2026-07-28", func(b *testing.B) {
		benchmark(b, handshake.HTTPConfig{}, statelessCall, "2026-07-28", false)
	})
	b.Run("session", func(b *testing.B) {
		benchmark(b, handshake.HTTPConfig{}, call, "2025-11-25", true)
	})
	b.Run("no session", func(b *testing.B) {
		benchmark(b, handshake.HTTPConfig{NoSessions: true}, call, "2025-11-25", false)
	})
}

func benchmark(b *testing.B, config handshake.HTTPConfig, message, version string, session bool) {
	h := handlerFunc(func(_ context.Context, req *jsonrpc.Request, _ func(jsonrpc.Notification)) *jsonrpc.Response {
		return result(req, `{}`)
	})
	server := streamable.New(h, streamable.Config{MaxBody: 1 << 20, KeepAlive: patience, IOTimeout: patience, Handshake: handshake.NewHTTP(h, config)})
	r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "http://server.example/mcp", nil)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	r.Header.Set("MCP-Protocol-Version", version)
	r.Header.Set("Mcp-Method", "tools/call")
	r.Header.Set("Mcp-Name", "echo")
	if session {
		r.Header.Set("Mcp-Session-Id", initialize(b, server, "2025-11-25"))
	}
	body := []byte(message)
	r.ContentLength = int64(len(body))
	reader := bytes.NewReader(body)
	r.Body = io.NopCloser(reader)
	w := &discard{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		reader.Reset(body)
		server.ServeHTTP(w, r)
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
