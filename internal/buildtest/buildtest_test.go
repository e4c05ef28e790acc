package buildtest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/mcpengine/mcpengine/internal/buildtest"
)

func TestProgram(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":          "module example.com/hello\n\ngo 1.26.0\n",
		"greet/main.go":   "package main\n\nvar greeting = \"hello\"\n\nfunc main() { println(greeting) }\n",
		"greet/tagged.go": "//go:build loud\n\npackage main\n\nfunc init() { greeting = \"HELLO\" }\n",
	} {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for want, flags := range map[string][]string{"hello\n": nil, "HELLO\n": {"-tags", "loud"}} {
		got, err := exec.CommandContext(t.Context(), buildtest.Program(t, dir, "./greet", flags...)).CombinedOutput()
		if err != nil || string(got) != want {
			t.Errorf("the program built with %q prints %q, %v, want %q", flags, got, err, want)
		}
	}
}
