//go:build mcpengine_no_handshake

package mcpengine_test

import (
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine"
)

// Without the versions that have a handshake, a client of one of them is told
// which versions there are: it may show the message (versioning, "Backward
// Compatibility").
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

// inThisBuild turns an answer of a build with all versions into that of a build
// with the latest alone.
var inThisBuild = strings.NewReplacer(
	`,"2025-11-25","2025-06-18","2025-03-26","2024-11-05"`, "",
	", 2025-11-25, 2025-06-18, 2025-03-26, 2024-11-05", "",
)
