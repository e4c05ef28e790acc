package mcpengine

import (
	"testing"

	"github.com/mcpengine/mcpengine/mcp"
)

// A handler that limits its callers by itself refuses them over HTTP as the engine
// does, if it says when to come back.
func TestHandlerRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		err   *mcp.Error
		after string // Retry-After; empty for no refusal
	}{
		{"with a time", mcp.Errorf(mcp.CodeRateLimited, "full").WithData(mcp.RateLimitedData{RetryAfterMs: 1500}), "2"},
		{"without a time", mcp.Errorf(mcp.CodeRateLimited, "full"), ""},
		{"with other data", mcp.Errorf(mcp.CodeRateLimited, "full").WithData("soon"), ""},
		{"another code", mcp.Errorf(mcp.CodeInternalError, "full").WithData(mcp.RateLimitedData{RetryAfterMs: 1500}), ""},
	} {
		wire := wireError(test.err)
		switch {
		case test.after == "" && wire.Refusal != nil:
			t.Errorf("%s: refused with %d", test.name, wire.Refusal.Status)
		case test.after != "" && (wire.Refusal == nil || wire.Refusal.Status != 429 || wire.Refusal.Header.Get("Retry-After") != test.after):
			t.Errorf("%s: refusal %+v, want 429 after %s s", test.name, wire.Refusal, test.after)
		}
	}
}
