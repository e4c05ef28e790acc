package main_test

import (
	"path/filepath"
	"testing"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/examples/internal/messages"
	"github.com/mcpengine/mcpengine/examples/internal/servertest"
	"github.com/mcpengine/mcpengine/mcp"
)

// A client that has lost an answer sends the message again with the same key.
func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	server := servertest.Start(t, servertest.Program(t, "board"), "SQLITE_FILE="+filepath.Join(t.TempDir(), "messages.db"))
	c, err := client.Connect(t.Context(), server.URL+"/mcp")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	post := func(key any) (string, error) {
		arguments := map[string]any{"username": "alice", "text": "hello"}
		return client.Call[string](t.Context(), c, "post_message", arguments, client.WithMeta(mcp.Meta{messages.MetaKey: key}))
	}
	for range 2 {
		if got, err := post("k1"); err != nil || got != "Message 1 is posted." {
			t.Errorf("post with k1 = %q, %v", got, err)
		}
	}
	if got, err := post("k2"); err != nil || got == "Message 1 is posted." {
		t.Errorf("post with k2 = %q, %v", got, err)
	}
	if got, err := post(7); err == nil {
		t.Errorf("post with a number as its key = %q", got)
	}
}
