package mcpengine_test

import (
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/mcp"
)

// A message without content is the server's mistake: the schema has no null
// content ("PromptMessage").
func TestPromptMessageWithoutContent(t *testing.T) {
	t.Parallel()
	var log recorder
	e := mcpengine.New("test", mcpengine.WithLogger(log.logger()))
	offer(e, "empty", []mcp.PromptMessage{{Role: mcp.RoleUser}})
	if got := post(t, e, message("prompts/get", `"name":"empty"`)).response(); !strings.Contains(got, `"code":-32603`) {
		t.Errorf("response = %s, want -32603", got)
	}
	if got := log.take(); !strings.Contains(got, "level=ERROR") {
		t.Errorf("logged %q, want an error", got)
	}
}
