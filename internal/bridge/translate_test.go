package bridge

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
)

func TestInitializeResult(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ server, want string }{
		"of a handshake": {
			`{"x":1,"protocolVersion":"2025-11-25","capabilities":{"a":{}}}`,
			`{"x":1,"protocolVersion":"2025-06-18","capabilities":{"a":{}}}`,
		},
		"of a discovery": {
			`{"supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"n","version":"v"}}}`,
			`{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"n","version":"v"}}`,
		},
		"of one who says nothing": {
			`{}`,
			`{"protocolVersion":"2025-06-18","capabilities":{},"serverInfo":{"name":"far","version":"0"}}`,
		},
	} {
		if got := string(initializeResult([]byte(row.server), protocol.Find("2025-06-18"), "far")); got != row.want {
			t.Errorf("%s: %s, want %s", name, got, row.want)
		}
	}
}

func TestHandshakeQuestion(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`{"method":"roots/list"}`: `roots/list `,
		`{"method":"elicitation/create","params":{"mode":"form","message":"Who?"}}`: `elicitation/create {"mode":"form","message":"Who?"}`,
		`{"method":"sampling/createMessage","params":{"maxTokens":1}}`:              `sampling/createMessage {"maxTokens":1}`,
	} {
		method, params, err := handshakeQuestion([]byte(raw))
		if got := method + " " + string(params); err != nil || got != want {
			t.Errorf("handshakeQuestion(%s) = %s, %v, want %s", raw, got, err, want)
		}
	}
	for _, raw := range []string{`{}`, `[]`, `{"method":"tools/call"}`, `{"method":"roots/list","params":1}`} {
		if _, _, err := handshakeQuestion([]byte(raw)); err == nil {
			t.Errorf("handshakeQuestion(%s) is no error", raw)
		}
	}
}

func TestFilterOfASubscription(t *testing.T) {
	t.Parallel()
	f := parseFilter([]byte(`{"toolsListChanged":true,"promptsListChanged":false,"resourcesListChanged":"yes","resourceSubscriptions":["file:///a",1]}`))
	if got, want := string(f.json()), `{"toolsListChanged":true,"resourceSubscriptions":["file:///a"]}`; got != want {
		t.Errorf("the filter is %s, want %s", got, want)
	}
	for capabilities, want := range map[string]string{
		`{"tools":{"listChanged":true}}`:   `{"toolsListChanged":true}`,
		`{"resources":{"subscribe":true}}`: `{"resourceSubscriptions":["file:///a"]}`,
		`{"tools":{},"resources":{}}`:      `{}`,
		``:                                 `{}`,
	} {
		if got := string(f.honoured([]byte(capabilities)).json()); got != want {
			t.Errorf("with %s the filter is %s, want %s", capabilities, got, want)
		}
	}
	for uri, want := range map[string]bool{"file:///a": true, "file:///a/part": true, "file:///b": false} {
		n := jsonrpc.Notification{Method: "notifications/resources/updated", Params: jsonrpc.NewObject("uri", jsonrpc.AppendString(nil, uri))}
		if got := f.wants(n); got != want {
			t.Errorf("wants(%s) = %v", uri, got)
		}
	}
}

// The translation of a server's description and of its results is JSON,
// whatever the server sends.
func FuzzTranslate(f *testing.F) {
	f.Add([]byte(`{"resultType":"input_required","inputRequests":{"a":{"method":"roots/list"}},"requestState":"s"}`))
	f.Add([]byte(`{"supportedVersions":[],"capabilities":{"tools":{"listChanged":true}},"_meta":{"io.modelcontextprotocol/serverInfo":{}}}`))
	f.Add([]byte(`{"tools":[{"name":"a","inputSchema":{"properties":{"x":{"x-mcp-header":"X"}}},"annotations":{"readOnlyHint":true}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if jsonrpc.Valid(data) != nil || len(data) == 0 || data[0] != '{' {
			return
		}
		x := &exchange{bridge: &bridge{config: Config{}.withDefaults(), server: newServer(nil)}}
		x.config.Tools.ReadOnly = true
		for name, made := range map[string][]byte{
			"initialize": initializeResult(bytes.Clone(data), protocol.Find("2025-11-25"), "far"),
			"discover":   discoverResult(bytes.Clone(data)),
			"filter":     x.tools.filter(x, bytes.Clone(data)),
			"round":      nextRound(bytes.Clone(data), []byte(`{}`), []byte(`"s"`)),
		} {
			if !json.Valid(made) {
				t.Errorf("%s makes %s", name, made)
			}
		}
		_, _, _ = handshakeQuestion(data)
		_ = parseFilter(data).json()
		_ = inputRequired(data)
	})
}
