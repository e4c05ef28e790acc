package mcpengine_test

import (
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine"
)

// exchanges sends messages over HTTP and over stdio and returns the responses.
func exchanges(t *testing.T, newEngine func() *mcpengine.Engine, message string) map[string]string {
	t.Helper()
	overStdio := serveStdio(t, newEngine())(message)
	return map[string]string{
		"HTTP":  post(t, newEngine(), message).response(),
		"stdio": overStdio[len(overStdio)-1],
	}
}

// A request that names no version is refused, with words that depend on what
// the transport could have done about it (basic, "_meta").
func TestNoVersion(t *testing.T) {
	t.Parallel()
	bare := func() *mcpengine.Engine { return mcpengine.New("test", quiet()) }
	for _, message := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"server/discover"}`,
		`{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{}}`,
		`{"jsonrpc":"2.0","id":1,"method":"no/method","params":{}}`,
		`{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{"_meta":{}}}`,
		`{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{"_meta":{"io.modelcontextprotocol/clientCapabilities":{}}}}`,
	} {
		for transport, got := range exchanges(t, bare, message) {
			if !strings.HasPrefix(got, `{"jsonrpc":"2.0","id":1,"error":{"code":-32602,`) || !strings.Contains(got, "ersion") {
				t.Errorf("%s over %s = %s, want -32602 and what is missing", message, transport, got)
			}
		}
	}
}

// A request in a version that is not served is told so, whatever else is wrong
// with it: the rules of another version say nothing of it.
func TestUnsupportedVersionFirst(t *testing.T) {
	t.Parallel()
	bare := func() *mcpengine.Engine { return mcpengine.New("test", quiet()) }
	for _, message := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":7,"_meta":{"io.modelcontextprotocol/protocolVersion":"2099-01-01"}}}`,
		`{"jsonrpc":"2.0","id":1,"method":"no/such","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2099-01-01","io.modelcontextprotocol/clientInfo":{},"io.modelcontextprotocol/clientCapabilities":[],"progressToken":{}}}}`,
	} {
		for transport, got := range exchanges(t, bare, message) {
			if !strings.HasPrefix(got, `{"jsonrpc":"2.0","id":1,"error":{"code":-32022,`) || !strings.Contains(got, `"supported":["2026-07-28"`) || !strings.Contains(got, `"requested":"2099-01-01"`) {
				t.Errorf("%s over %s = %s, want -32022 and the versions", message, transport, got)
			}
		}
	}
}
