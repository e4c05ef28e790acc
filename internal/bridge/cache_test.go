package bridge

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/internal/peer"
)

func TestFileCache(t *testing.T) {
	t.Parallel()
	now := time.Now()
	dir := filepath.Join(t.TempDir(), "servers")
	c := NewFileCache(dir, func() time.Time { return now })
	if _, ok := c.Load("https://a"); ok {
		t.Error("something is known of a server nobody has asked")
	}
	want := peer.Known{Version: "2026-07-28", Transport: "http", Result: json.RawMessage(`{"a":1}`)}
	c.Store("https://a", peer.Known{Version: "2024-11-05", Result: json.RawMessage(`{}`)})
	c.Store("https://a", want)
	got, ok := c.Load("https://a")
	if !ok || got.Version != want.Version || string(got.Result) != string(want.Result) {
		t.Errorf("Load = %+v, %v", got, ok)
	}
	if _, ok := c.Load("https://b"); ok {
		t.Error("servers are confused")
	}
	now = now.Add(cacheAge + time.Hour)
	if _, ok := c.Load("https://a"); ok {
		t.Error("what is old is believed")
	}
	now = time.Now()
	if err := os.WriteFile(filepath.Join(dir, c.file("https://a")), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, ok := c.Load("https://a"); ok {
		t.Error("what cannot be read is believed")
	}
	if files, _ := filepath.Glob(filepath.Join(dir, ".new-*")); len(files) > 0 {
		t.Errorf("%v stay behind", files)
	}
}

// The key of a server has no part of its URL that may be a secret.
func TestServerKey(t *testing.T) {
	t.Parallel()
	if got, want := serverKey("https://user:pw@far.example/mcp?key=1#x"), "https://far.example/mcp"; got != want {
		t.Errorf("serverKey = %q, want %q", got, want)
	}
}
