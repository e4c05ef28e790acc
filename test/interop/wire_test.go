package interop_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/test/internal/wire"
)

// An exchange is a request of protocol version 2026-07-28 and what every server
// has to answer to it.
type exchange struct {
	name    string
	request wire.Request
	status  int
	result  string // what the result has to have
	code    int    // or the code of the error
}

// exchanges are requests to a server with the fixture's features: the tools
// greet and add, the resource note://welcome, the template note://{id}, and the
// prompt review.
func exchanges() []exchange {
	return []exchange{
		{
			name: "discover", request: wire.Request{Method: "server/discover"}, status: 200,
			result: `{"resultType": "complete", "capabilities": {"tools": {}, "resources": {}, "prompts": {}}}`,
		},
		{
			name: "call a tool", request: wire.CallTool(1, "greet", map[string]any{"name": "Ada"}), status: 200,
			result: `{"resultType": "complete", "content": [{"type": "text", "text": "Hello, Ada!"}]}`,
		},
		{
			name: "call a tool with structured output", request: wire.CallTool(1, "add", map[string]any{"a": 2, "b": 3}), status: 200,
			result: `{"resultType": "complete", "structuredContent": {"sum": 5}}`,
		},
		{
			name: "invalid arguments are a tool error", request: wire.CallTool(1, "add", map[string]any{"a": "two", "b": 3}), status: 200,
			result: `{"resultType": "complete", "isError": true}`,
		},
		{
			name: "list resources", request: wire.Request{Method: "resources/list"}, status: 200,
			result: `{"resources": [{"uri": "note://welcome", "name": "welcome"}]}`,
		},
		{
			name: "list resource templates", request: wire.Request{Method: "resources/templates/list"}, status: 200,
			result: `{"resourceTemplates": [{"uriTemplate": "note://{id}", "name": "note"}]}`,
		},
		{
			name: "read a resource", request: read("note://welcome"), status: 200,
			result: `{"resultType": "complete", "contents": [{"uri": "note://welcome", "text": "Welcome!"}]}`,
		},
		{
			name: "read by template", request: read("note://7"), status: 200,
			result: `{"contents": [{"uri": "note://7", "text": "note 7"}]}`,
		},
		{
			name: "list prompts", request: wire.Request{Method: "prompts/list"}, status: 200,
			result: `{"prompts": [{"name": "review", "arguments": [{"name": "file", "required": true}]}]}`,
		},
		{
			name: "get a prompt",
			request: wire.Request{
				Method: "prompts/get", Name: "review",
				Params: map[string]any{"name": "review", "arguments": map[string]any{"file": "main.go"}},
			},
			status: 200,
			result: `{"messages": [{"role": "user", "content": {"type": "text", "text": "Review main.go."}}]}`,
		},
		{
			name: "unknown method", request: wire.Request{Method: "tools/dance"}, status: 404, code: -32601,
		},
		{
			name: "method header contradicts the body", status: 400, code: -32020,
			request: override(wire.CallTool(1, "greet", map[string]any{"name": "Ada"}), "Mcp-Method", "tools/list"),
		},
		{
			name: "name header contradicts the body", status: 400, code: -32020,
			request: override(wire.CallTool(1, "greet", map[string]any{"name": "Ada"}), "Mcp-Name", "add"),
		},
		{
			name: "version header contradicts the body", status: 400, code: -32020,
			request: override(wire.Request{Method: "tools/list"}, "Mcp-Protocol-Version", "2025-11-25"),
		},
		{
			name: "unsupported version", status: 400, code: -32022,
			request: wire.Request{
				Method: "tools/list", Override: http.Header{"Mcp-Protocol-Version": {"2099-01-01"}},
				Meta: map[string]any{"io.modelcontextprotocol/protocolVersion": "2099-01-01"},
			},
		},
	}
}

func read(uri string) wire.Request {
	return wire.Request{Method: "resources/read", Name: uri, Params: map[string]any{"uri": uri}}
}

func override(r wire.Request, header, value string) wire.Request {
	r.Override = http.Header{header: {value}}
	return r
}

// TestWire sends the same requests to our server and to the peers' servers. If
// all of them agree, our tests follow the protocol and not only our reading of
// it.
func TestWire(t *testing.T) {
	t.Parallel()
	ours := newFixture()
	for _, f := range ours.Explain() { // the peers have no extensions
		if kind := f.Kind; (kind == "resource" || kind == "template") && !strings.HasPrefix(f.Name, "note://") {
			ours.RemoveResources(f.Name)
		}
	}
	servers := []struct {
		name    string
		handler http.Handler
	}{
		{"ours", ours},
		{"go-sdk", newGoSDKFixture()},
		{"mcp-go", newMCPGoFixture()},
	}
	for _, server := range servers {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			endpoint := httptest.NewServer(server.handler)
			defer endpoint.Close()
			for _, e := range exchanges() {
				e.run(t, endpoint)
			}
		})
	}
}

func (e exchange) run(t *testing.T, endpoint *httptest.Server) {
	t.Helper()
	e.request.ID = 1
	status, contentType, body := post(t, endpoint, e.request)
	if status != e.status {
		t.Errorf("%s: status %d, want %d, body %s", e.name, status, e.status, body)
		return
	}
	messages, err := wire.Messages(contentType, body)
	if err != nil || len(messages) != 1 {
		t.Errorf("%s: %d messages (%v) in %s, want 1", e.name, len(messages), err, body)
		return
	}
	got := messages[0]
	switch {
	case e.code != 0 && (got.Error == nil || got.Error.Code != e.code):
		t.Errorf("%s: want error code %d, got %s", e.name, e.code, body)
	case e.code == 0 && got.Error != nil:
		t.Errorf("%s: error %+v", e.name, got.Error)
	case e.code == 0:
		checkSubset(t, e.name, got.Result, e.result)
	}
}

func post(t *testing.T, endpoint *httptest.Server, r wire.Request) (status int, contentType string, body []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint.URL+"/mcp", bytes.NewReader(r.Body()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header = r.Header()
	response, err := endpoint.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err = io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header.Get("Content-Type"), body
}
