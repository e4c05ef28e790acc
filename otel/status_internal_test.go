package otelmcp

import (
	"testing"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/mcp"
)

// Which errors make a span of each side fail (semantic conventions for MCP,
// "rpc.response.status_code"): on the client all of them, on the server those that the
// client has not caused.
func TestStatus(t *testing.T) {
	t.Parallel()
	for code, server := range map[int]bool{
		mcp.CodeParseError: false, mcp.CodeInvalidRequest: false, mcp.CodeMethodNotFound: false, mcp.CodeInvalidParams: false,
		mcp.CodeResourceNotFound: false, mcp.CodeInternalError: true, -32000: true, -32001: true, -32099: true,
	} {
		err := &mcp.Error{Code: code, Message: "why"}
		answered := outcomeOf(t.Context(), &mcpengine.Outcome{Error: err})
		asked := clientOutcome(mcp.MethodToolsCall, nil, err)
		if answered.failed != server || server && answered.message != "why" {
			t.Errorf("on the server %d is %+v, want a failure: %t", code, answered, server)
		}
		if !asked.failed || asked.message != "why" {
			t.Errorf("on the client %d is %+v, want a failure", code, asked)
		}
	}
}
