package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/mcpengine/mcpengine/client"
)

// The Python server of each page about migration runs, and its tool answers as the Go
// server beside it says.
func TestPythonServers(t *testing.T) {
	t.Parallel()
	root, err := repository()
	if err != nil {
		t.Fatal(err)
	}
	for page, peer := range map[string]string{"fastmcp": "sdk2", "python-mcpengine": "mcpengine"} {
		t.Run(page, func(t *testing.T) {
			t.Parallel()
			python := filepath.Join(root, ".tools", "python-peers", peer, "bin", "python")
			if _, err := os.Stat(python); err != nil {
				if os.Getenv("CI") != "" {
					t.Fatalf("%s is not installed: run scripts/install-python-peers", peer)
				}
				t.Skipf("%s is not installed: run scripts/install-python-peers", peer)
			}
			text, err := os.ReadFile(filepath.Join(root, "docs", "site", "content", "migrate", page+".md"))
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			for _, b := range blocks(string(text)) {
				if b.language == "python" {
					if err := writeFile(filepath.Join(dir, b.attribute("file")), b.code); err != nil {
						t.Fatal(err)
					}
				}
			}
			c, err := client.Command(t.Context(), client.Process{
				Path: python, Args: []string{filepath.Join(dir, "server.py")}, Env: append(os.Environ(), "FASTMCP_CHECK_FOR_UPDATES=off"),
			})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			result, err := c.CallTool(t.Context(), "get_weather", map[string]any{"city": "Tokyo"})
			if want := "The weather in Tokyo is sunny and 72°F."; err != nil || result.Text() != want {
				t.Errorf("get_weather: %v, %v, want %q", result, err, want)
			}
		})
	}
}
