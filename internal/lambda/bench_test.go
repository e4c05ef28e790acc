package lambda_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/mcpengine/mcpengine/internal/lambda"
)

const benchBody = `{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\",\"params\":{\"name\":\"get_weather\",\"arguments\":{\"city\":\"Tokyo\"},\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientInfo\":{\"name\":\"bench\",\"version\":\"1.0.0\"},\"io.modelcontextprotocol/clientCapabilities\":{}}}}`

func benchEvent(b *testing.B) []byte {
	return []byte(functionURL(b, `"body": "`+benchBody+`", "headers": {
		"accept": "application/json, text/event-stream", "content-type": "application/json", "content-length": "300",
		"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "get_weather",
		"authorization": "Bearer eyJhbGciOiJSUzI1NiJ9.e30.c2ln", "user-agent": "bench/1.0",
		"x-amzn-tls-version": "TLSv1.3", "x-amzn-tls-cipher-suite": "TLS_AES_128_GCM_SHA256",
		"x-amzn-trace-id": "Root=1-6720a1b2-3f1c2d4e5a6b7c8d9e0f1a2b",
		"x-forwarded-for": "192.0.2.7", "x-forwarded-port": "443", "x-forwarded-proto": "https",
		"host": "abc.lambda-url.eu-west-1.on.aws"}`))
}

// BenchmarkEcho measures the cost of the adapter.
func BenchmarkEcho(b *testing.B) {
	adapter := lambda.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			b.Error(err)
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		w.Write(body)
	}), lambda.Config{})
	event := benchEvent(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := adapter.Invoke(b.Context(), event); err != nil {
			b.Fatal(err)
		}
	}
}
