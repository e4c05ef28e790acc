package dev

import (
	"os"
	"path/filepath"
	"testing"
)

func TestIsIgnored(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"main.go": false, "view.html": false, "go.mod": false, "data.json": false, "Makefile": false, "targets": false,
		".git": true, ".main.go.swp": true, "main.go~": true, "4913": true, "#main.go#": true, ".#main.go": true,
		"board.db": true, "board.db-wal": true, "server.log": true, "node_modules": true, "__pycache__": true, ".mcpengine": true,
	} {
		if got := isIgnored(name); got != want {
			t.Errorf("isIgnored(%q) = %v, want %v", name, got, want)
		}
	}
}

// Saves are noticed in folders that did not exist at the start, and whether the file
// was written or put in place.
func TestWatch(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w, err := watch(t.Context(), []string{dir})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "new", "deep", "main.go")
	steps := []struct {
		name string
		save func() error
	}{
		{"a folder", func() error { return os.MkdirAll(filepath.Dir(file), 0o700) }},
		{"a file", func() error { return os.WriteFile(file, []byte("1"), 0o600) }},
		{"a change", func() error { return os.WriteFile(file, []byte("2"), 0o600) }},
		{"a file that takes its place", func() error {
			temp := filepath.Join(dir, ".temp")
			if err := os.WriteFile(temp, []byte("3"), 0o600); err != nil {
				return err
			}
			return os.Rename(temp, file)
		}},
		{"a removal", func() error { return os.Remove(file) }},
	}
	for _, step := range steps {
		if err := step.save(); err != nil {
			t.Fatal(err)
		}
		<-w.saved // a save that is not noticed blocks
	}
}

func TestFirstError(t *testing.T) {
	t.Parallel()
	for output, want := range map[string]string{
		"# shop\n./server.go:40:1: syntax error": "server.go:40:1: syntax error",
		"go: updates to go.mod needed":           "go: updates to go.mod needed",
		"exit status 1\npanic: x":                "exit status 1",
		"":                                       "",
	} {
		if got := firstError(output); got != want {
			t.Errorf("firstError(%q) = %q, want %q", output, got, want)
		}
	}
}
