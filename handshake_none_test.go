//go:build mcpengine_no_handshake

package mcpengine_test

import (
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine"
)

// In a build without the handshake versions, a client of a handshake version is
// told which versions are served: it may show the message (versioning,
// "Backward Compatibility").
func TestInitialize(t *testing.T) {
	t.Parallel()
	bare := func() *mcpengine.Engine { return mcpengine.New("test", quiet()) }
	const message = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}`
	for transport, got := range exchanges(t, bare, message) {
		if !strings.Contains(got, `"code":-32022`) || !strings.Contains(got, `"data":{"supported":["2026-07-28"],"requested":"2025-06-18"}`) {
			t.Errorf("initialize over %s = %s, want -32022 and the versions", transport, got)
		}
	}
}

const servesHandshake = false

// inThisBuild turns an answer of a build with all versions into the answer of a
// build with 2026-07-28 only.
var inThisBuild = strings.NewReplacer(
	`,"2025-11-25","2025-06-18","2025-03-26","2024-11-05"`, "",
	", 2025-11-25, 2025-06-18, 2025-03-26, 2024-11-05", "",
)
