package mcpengine

import (
	"testing"

	"github.com/mcpengine/mcpengine/mcp"
)

// An answer that is too large for the platform is replaced: for a tool by a
// result for the model, in the format of the version; otherwise by an error.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	const meta = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}`
	for _, test := range []struct {
		name, request string
		status        int
		want          string
	}{
		{
			"a call", `{"jsonrpc":"2.0","id":"7","method":"tools/call","params":{"name":"t",` + meta + `}}`, 200,
			`{"jsonrpc":"2.0","id":"7","result":{"content":[{"type":"text","text":"ask for less"}],"isError":true,"resultType":"complete","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"test","version":"1"}}}}`,
		},
		{
			"a call of a handshake version", `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"t"}}`, 200,
			`{"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"text","text":"ask for less"}],"isError":true}}`,
		},
		{
			"a list", `{"jsonrpc":"2.0","id":7,"method":"tools/list"}`, 200,
			`{"jsonrpc":"2.0","id":7,"error":{"code":-32603,"message":"ask for less"}}`,
		},
		{"no request", `x`, 500, `{"jsonrpc":"2.0","error":{"code":-32603,"message":"ask for less"}}`},
		{"a notification", `{"jsonrpc":"2.0","method":"notifications/x"}`, 500, `{"jsonrpc":"2.0","error":{"code":-32603,"message":"ask for less"}}`},
	} {
		e := New("test", WithImplementation(mcp.Implementation{Version: "1"}))
		if status, got := e.tooLarge([]byte(test.request), "ask for less"); status != test.status || string(got) != test.want {
			t.Errorf("%s: %d %s\nwant %d %s", test.name, status, got, test.status, test.want)
		}
	}
}
