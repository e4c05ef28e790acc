package plain_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/test/bench/plain"
	"github.com/mcpengine/mcpengine/test/internal/wire"
)

// The comparison must be fair: the plain server refuses the requests that the
// protocol says must be refused.
func TestRefusals(t *testing.T) {
	t.Parallel()
	server := plain.New("test", "1.0.0")
	server.AddTool(plain.Tool{Name: "greet"}, func(context.Context, json.RawMessage, plain.Progress) (plain.CallToolResult, error) {
		return plain.Text("hello"), nil
	})
	greet := wire.CallTool(1, "greet", map[string]any{})
	with := func(r wire.Request, header, value string) wire.Request {
		r.Override = http.Header{header: {value}}
		return r
	}
	future := with(greet, "Mcp-Protocol-Version", "2099-01-01")
	future.Meta = map[string]any{"io.modelcontextprotocol/protocolVersion": "2099-01-01"}
	tests := []struct {
		name    string
		request wire.Request
		status  int
		body    string
	}{
		{"nothing to refuse", greet, 200, `"resultType":"complete"`},
		{"unknown tool", wire.CallTool(1, "absent", nil), 400, `"code":-32602`},
		{"unknown method", wire.Request{ID: 1, Method: "tools/dance"}, 404, `"code":-32601`},
		{"method header", with(greet, "Mcp-Method", "tools/list"), 400, `"code":-32020`},
		{"name header", with(greet, "Mcp-Name", "absent"), 400, `"code":-32020`},
		{"version header", with(greet, "Mcp-Protocol-Version", "2025-11-25"), 400, `"code":-32020`},
		{"unknown version", future, 400, `"supported":["2026-07-28"]`},
		{"content type", with(greet, "Content-Type", "text/plain"), 415, ""},
		{"origin", with(greet, "Origin", "https://evil.example"), 403, ""},
	}
	for _, test := range tests {
		recorder := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/mcp", bytes.NewReader(test.request.Body()))
		r.Header = test.request.Header()
		server.ServeHTTP(recorder, r)
		if recorder.Code != test.status || !strings.Contains(recorder.Body.String(), test.body) {
			t.Errorf("%s: status %d, body %s, want %d and %s", test.name, recorder.Code, recorder.Body, test.status, test.body)
		}
	}
}

func TestHandshakeRefusals(t *testing.T) {
	t.Parallel()
	server := plain.NewHandshake("test", "1.0.0")
	server.AddTool(plain.Tool{Name: "greet"}, func(context.Context, json.RawMessage, plain.Progress) (plain.CallToolResult, error) {
		return plain.Text("hello"), nil
	})
	const version = "2025-11-25"
	greet, absent := wire.CallTool(1, "greet", map[string]any{}), wire.CallTool(1, "absent", nil)
	greet.Handshake, absent.Handshake = version, version
	unversioned, future := greet, greet
	unversioned.Override = http.Header{"Mcp-Protocol-Version": nil}
	future.Override = http.Header{"Mcp-Protocol-Version": {"2099-01-01"}}
	tests := []struct {
		name    string
		request wire.Request
		status  int
		body    string
	}{
		{"initialize", wire.Initialize(version), 200, `"protocolVersion":"2025-11-25"`},
		{"initialized", wire.Initialized(version, ""), 202, ""},
		{"nothing to refuse", greet, 200, `{"content":[{"type":"text","text":"hello"}]}`},
		{"no version", unversioned, 200, `"hello"`},
		{"unknown version", future, 400, `"code":-32600`},
		{"unknown tool", absent, 200, `"code":-32602`},
		{"unknown method", wire.Request{ID: 1, Method: "tools/dance", Handshake: version}, 200, `"code":-32601`},
		{"request without id", wire.Request{Method: "tools/list", Handshake: version}, 400, `"code":-32600`},
	}
	for _, test := range tests {
		recorder := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/mcp", bytes.NewReader(test.request.Body()))
		r.Header = test.request.Header()
		server.ServeHTTP(recorder, r)
		if recorder.Code != test.status || !strings.Contains(recorder.Body.String(), test.body) {
			t.Errorf("%s: status %d, body %s, want %d and %s", test.name, recorder.Code, recorder.Body, test.status, test.body)
		}
	}
}
