package handshake_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/internal/handshake"
	"github.com/mcpengine/mcpengine/mcp"
)

// A message that is wrong, or whose HTTP request is wrong, gets a matching
// error and is not run.
func TestMalformed(t *testing.T) {
	t.Parallel()
	const (
		parseError, invalid, params = mcp.CodeParseError, mcp.CodeInvalidRequest, mcp.CodeInvalidParams
		unknown, notFound, mismatch = mcp.CodeMethodNotFound, -32002, mcp.CodeHeaderMismatch

		ping  = `{"jsonrpc":"2.0","id":1,"method":"ping"}`
		note  = `{"jsonrpc":"2.0","method":"notifications/x"}`
		reply = `{"jsonrpc":"2.0","id":"x","result":{}}`
	)
	request := func(method, params string) string {
		return `{"jsonrpc":"2.0","id":1,"method":"` + method + `","params":` + params + `}`
	}
	hello := func(params string) string { return request("initialize", params) }
	const good = `"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"x","version":"1"}`
	type fields = map[string][]string
	none := []string(nil)
	for _, test := range []struct {
		name, body string
		fields     fields // replace the fields of a good request in a session
		status     int
		code       int
		message    string // a part of it
	}{
		// Messages.
		{"empty", "", nil, 400, parseError, "end of text"},
		{"blank", " \n", nil, 400, parseError, "end of text"},
		{"not JSON", "ping", nil, 400, parseError, "want a value"},
		{"cut", ping[:20], nil, 400, parseError, "end of text"},
		{"two messages", ping + ping, nil, 400, parseError, "goes on"},
		{"string", `"ping"`, nil, 400, invalid, "JSON object"},
		{"number", `1`, nil, 400, invalid, "JSON object"},
		{"null", `null`, nil, 400, invalid, "JSON object"},
		{"batch", `[` + ping + `]`, nil, 400, invalid, "batches are not"},
		{"empty batch", `[]`, nil, 400, invalid, "batches are not"},
		{"duplicate member", `{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}`, nil, 400, parseError, "duplicate"},
		{"other case", `{"jsonrpc":"2.0","id":1,"Method":"ping"}`, nil, 400, invalid, "case"},
		{"no version of JSON-RPC", `{"id":1,"method":"ping"}`, nil, 400, invalid, "jsonrpc"},
		{"other version of JSON-RPC", `{"jsonrpc":"1.0","id":1,"method":"ping"}`, nil, 400, invalid, "jsonrpc"},
		{"id null", `{"jsonrpc":"2.0","id":null,"method":"ping"}`, nil, 400, invalid, "id must"},
		{"id fraction", `{"jsonrpc":"2.0","id":1.5,"method":"ping"}`, nil, 400, invalid, "id must"},
		{"id object", `{"jsonrpc":"2.0","id":{},"method":"ping"}`, nil, 400, invalid, "id must"},
		{"long id", `{"jsonrpc":"2.0","id":"` + strings.Repeat("x", 300) + `","method":"ping"}`, nil, 400, invalid, "id must"},
		{"no method", `{"jsonrpc":"2.0","id":1}`, nil, 400, invalid, "method"},
		{"empty method", `{"jsonrpc":"2.0","id":1,"method":""}`, nil, 400, invalid, "method"},
		{"method number", `{"jsonrpc":"2.0","id":1,"method":1}`, nil, 400, invalid, "method"},
		{"params array", request("ping", `[]`), nil, 400, invalid, "params"},
		{"_meta array", request("ping", `{"_meta":[]}`), nil, 400, params, "_meta"},
		{"invalid UTF-8", request("ping", "{\"x\":\"\xff\"}"), nil, 400, parseError, "UTF-8"},
		{"unpaired surrogate", request("ping", `{"x":"\ud800"}`), nil, 400, parseError, "surrogate"},
		{"too deep", request("ping", `{"x":`+strings.Repeat("[", 200)+strings.Repeat("]", 200)+`}`), nil, 400, parseError, "deep"},
		{"malformed notification", `{"jsonrpc":"2.0","method":"notifications/x","params":1}`, nil, 400, invalid, "params"},

		// Answers.
		{"answer without id", `{"jsonrpc":"2.0","result":{}}`, nil, 400, invalid, "id of the request"},
		{"answer to null", `{"jsonrpc":"2.0","id":null,"result":{}}`, nil, 400, invalid, "id"},
		{"answer with both", `{"jsonrpc":"2.0","id":"x","result":{},"error":{}}`, nil, 400, invalid, "either"},
		{"answer with an error string", `{"jsonrpc":"2.0","id":"x","error":"x"}`, nil, 400, invalid, "object"},
		{"answer of JSON-RPC 1.0", `{"jsonrpc":"1.0","id":"x","result":{}}`, nil, 400, invalid, "jsonrpc"},
		{"answer in no session", reply, fields{"Mcp-Session-Id": none}, 400, invalid, "missing"},

		// initialize.
		{"initialize without params", `{"jsonrpc":"2.0","id":1,"method":"initialize"}`, nil, 400, params, "protocolVersion"},
		{"initialize without version", hello(`{"capabilities":{},"clientInfo":{"name":"x","version":"1"}}`), nil, 400, params, "protocolVersion"},
		{"initialize with version number", hello(strings.Replace("{"+good+"}", `"2025-11-25"`, `2025`, 1)), nil, 400, params, "protocolVersion"},
		{"initialize without capabilities", hello(`{"protocolVersion":"2025-11-25","clientInfo":{"name":"x","version":"1"}}`), nil, 400, params, "capabilities"},
		{"initialize with capabilities array", hello(strings.Replace("{"+good+"}", `{}`, `[]`, 1)), nil, 400, params, "capabilities"},
		{"initialize without clientInfo", hello(`{"protocolVersion":"2025-11-25","capabilities":{}}`), nil, 400, params, "clientInfo"},
		{"initialize with clientInfo string", hello(`{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":"x"}`), nil, 400, params, "clientInfo"},
		{"initialize without name", hello(`{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"version":"1"}}`), nil, 400, params, "clientInfo"},
		{"initialize without client version", hello(`{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"x"}}`), nil, 400, params, "clientInfo"},
		{"initialize with name number", hello(`{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":1,"version":"1"}}`), nil, 400, params, "clientInfo"},
		{"initialize in other case", strings.Replace(hello("{"+good+"}"), "initialize", "Initialize", 1), fields{"Mcp-Session-Id": none}, 400, invalid, "missing"},

		// Session ids.
		{"no session", ping, fields{"Mcp-Session-Id": none}, 400, invalid, "Mcp-Session-Id header is missing: send initialize first"},
		{"no session for a notification", note, fields{"Mcp-Session-Id": none}, 400, invalid, "missing"},
		{"no session for a batch", `[` + ping + `]`, fields{"Mcp-Session-Id": none}, 400, invalid, "missing"},
		{"two sessions", ping, fields{"Mcp-Session-Id": {"x", "y"}}, 400, invalid, "repeated"},
		{"empty session", ping, fields{"Mcp-Session-Id": {""}}, 404, invalid, noSession},
		{"invented session", ping, fields{"Mcp-Session-Id": {"3f2504e0-4f89-11d3-9a0c-0305e82c3301"}}, 404, invalid, noSession},
		{"invented session for a notification", note, fields{"Mcp-Session-Id": {"x"}}, 404, invalid, noSession},
		{"invented session for an answer", reply, fields{"Mcp-Session-Id": {"x"}}, 404, invalid, noSession},
		{"session in Base64", ping, fields{"Mcp-Session-Id": {"AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSYnKCkqKywtLi8w"}}, 404, invalid, noSession},
		{"very long session", ping, fields{"Mcp-Session-Id": {strings.Repeat("A", 100_000)}}, 404, invalid, noSession},

		// Versions.
		{"other handshake version", ping, fields{"Mcp-Protocol-Version": {"2025-06-18"}}, 400, invalid, "must be 2025-11-25"},
		{"2026-07-28 in the header alone", ping, fields{"Mcp-Protocol-Version": {"2026-07-28"}}, 400, mismatch, "Mcp-Method"},
		{"unknown version", ping, fields{"Mcp-Protocol-Version": {"2025-01-01"}}, 400, mcp.CodeUnsupportedProtocolVersion, ""},
		{"version twice", ping, fields{"Mcp-Protocol-Version": {"2025-11-25", "2025-11-25"}}, 400, mismatch, "repeated"},
		{"empty version", ping, fields{"Mcp-Protocol-Version": {""}}, 400, mismatch, ""},
		{
			"2026-07-28 in the body alone", request("ping", `{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}`),
			nil, 400, mismatch, `"2025-11-25" does not match`,
		},

		// HTTP.
		{"no Accept", ping, fields{"Accept": none}, 406, invalid, "Accept"},
		{"Accept without streams", ping, fields{"Accept": {"application/json"}}, 406, invalid, "Accept"},
		{"no Content-Type", ping, fields{"Content-Type": none}, 415, invalid, "Content-Type"},
		{"form", ping, fields{"Content-Type": {"text/plain"}}, 415, invalid, "Content-Type"},
		{"compressed", ping, fields{"Content-Encoding": {"gzip"}}, 415, invalid, "encoded"},
		{"page of another origin", ping, fields{"Origin": {"https://evil.example"}}, 403, invalid, "Origin"},
		{"too large", request("ping", `{"x":"`+strings.Repeat("x", 1<<20)+`"}`), nil, 413, invalid, "larger"},

		// Parameters.
		{"level missing", request("logging/setLevel", `{}`), nil, 200, params, "level"},
		{"level number", request("logging/setLevel", `{"level":3}`), nil, 200, params, "level"},
		{"unknown level", request("logging/setLevel", `{"level":"loud"}`), nil, 200, params, "one of debug"},
		{"level in capitals", request("logging/setLevel", `{"level":"ERROR"}`), nil, 200, params, "one of debug"},
		{"subscription without uri", request("resources/subscribe", `{}`), nil, 200, params, "uri"},
		{"subscription with uri object", request("resources/subscribe", `{"uri":{}}`), nil, 200, params, "uri"},
		{"subscription to nothing", request("resources/subscribe", `{"uri":"x:y"}`), nil, 200, notFound, "not found"},
		{"unsubscription without params", `{"jsonrpc":"2.0","id":1,"method":"resources/unsubscribe"}`, nil, 200, params, "uri"},
		{"method of 2026-07-28", request("server/discover", `{}`), nil, 200, unknown, "server/discover"},
		{"subscription of 2026-07-28", request("subscriptions/listen", `{"notifications":{}}`), nil, 200, unknown, "subscriptions/listen"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h, _ := newEndpoint(newFeed(), handshake.HTTPConfig{})
			r := newMessage(t.Context(), inMemory, "2025-11-25", initialize(t, h, "2025-11-25"), test.body)
			for name, values := range test.fields {
				if r.Header[name] = values; values == nil {
					delete(r.Header, name)
				}
			}
			w := serve(h, r)
			m := parse(t, w.Body.Bytes())
			if w.Code != test.status || m.Error.Code != test.code || !strings.Contains(m.Error.Message, test.message) {
				t.Errorf("HTTP %d %d %q, want %d %d %q", w.Code, m.Error.Code, m.Error.Message, test.status, test.code, test.message)
			}
			if m.ID != nil && string(m.ID) != "1" {
				if !strings.Contains(test.name, "answer") {
					t.Errorf("the id is %s", m.ID)
				}
			}
			if w.Header().Get("Mcp-Session-Id") != "" {
				t.Error("a session begins")
			}
		})
	}
}

// GET and DELETE have rules of their own.
func TestMalformedGet(t *testing.T) {
	t.Parallel()
	type fields = map[string][]string
	for _, test := range []struct {
		name    string
		fields  fields
		status  int
		message string
		only    string // the method it concerns, if not both
	}{
		{"no session", fields{"Mcp-Session-Id": nil}, 400, "missing", ""},
		{"two sessions", fields{"Mcp-Session-Id": {"x", "y"}}, 400, "repeated", ""},
		{"invented session", fields{"Mcp-Session-Id": {"x"}}, 404, noSession, ""},
		{"other version", fields{"Mcp-Protocol-Version": {"2025-06-18"}}, 400, "must be 2025-11-25", ""},
		{"2026-07-28", fields{"Mcp-Protocol-Version": {"2026-07-28"}}, 400, "must be 2025-11-25", ""},
		{"unknown version", fields{"Mcp-Protocol-Version": {"x"}}, 400, "must be 2025-11-25", ""},
		{"version twice", fields{"Mcp-Protocol-Version": {"2025-11-25", "2025-11-25"}}, 400, "repeated", ""},
		{"page of another origin", fields{"Origin": {"https://evil.example"}}, 403, "Origin", ""},
		{"no Accept", fields{"Accept": nil}, 406, "text/event-stream", "GET"},
		{"Accept without streams", fields{"Accept": {"application/json"}}, 406, "text/event-stream", "GET"},
		{"unknown event", fields{"Last-Event-Id": {"x-1"}}, 400, "resumed", "GET"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h, _ := newEndpoint(newFeed(), handshake.HTTPConfig{})
			id := initialize(t, h, "2025-11-25")
			for _, method := range []string{http.MethodGet, http.MethodDelete} {
				if test.only != "" && test.only != method {
					continue
				}
				r := newMessage(t.Context(), inMemory, "2025-11-25", id, "")
				r.Method = method
				for name, values := range test.fields {
					if r.Header[name] = values; values == nil {
						delete(r.Header, name)
					}
				}
				wantRefusal(t, serve(h, r), test.status, test.message)
			}
		})
	}
}
