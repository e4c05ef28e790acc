package gobuild_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/gobuild"
)

const program = "package main\n\nfunc main() { println(\"hello\") }\n"

// A program of another module is built at its version, from a proxy of modules.
func TestVersion(t *testing.T) {
	proxy := t.TempDir()
	t.Setenv("GOPROXY", "file://"+filepath.ToSlash(proxy))
	t.Setenv("GOMODCACHE", t.TempDir())
	t.Setenv("GOFLAGS", "-modcacherw")
	t.Setenv("GONOSUMDB", "*")
	t.Setenv("GOWORK", "off")
	const module, version = "example.com/hello/v2", "v2.0.1"
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	for name, text := range map[string]string{"go.mod": "module " + module + "\n", "main.go": program} {
		w, err := z.Create(module + "@" + version + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"list": version + "\n", version + ".info": `{"Version":"` + version + `"}`, version + ".mod": "module " + module + "\n", version + ".zip": archive.String(),
	} {
		write(t, filepath.Join(proxy, filepath.FromSlash(module), "@v", name), text)
	}

	s, err := gobuild.Find(t.Context(), module+"@latest")
	if err != nil {
		t.Fatal(err)
	}
	if s.Name() != "hello" {
		t.Errorf("Name = %q", s.Name())
	}
	file := filepath.Join(t.TempDir(), "servers", gobuild.FileName("greeter"))
	if err := s.Build(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), file).CombinedOutput(); string(out) != "hello\n" || err != nil {
		t.Errorf("the program says %q, %v", out, err)
	}
	if entries, err := os.ReadDir(filepath.Dir(file)); len(entries) != 1 || err != nil {
		t.Errorf("beside the program are %v, %v", entries, err)
	}
	if s, err = gobuild.Find(t.Context(), module+"@v2.9.9"); err == nil {
		err = s.Build(t.Context(), file)
	}
	if err == nil || !strings.Contains(err.Error(), "v2.9.9") {
		t.Errorf("a version that does not exist: %v", err)
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Without Go the error says what else is possible.
func TestNoGo(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	dir := t.TempDir()
	write(t, filepath.Join(dir, "main.go"), program)
	_, err := gobuild.Find(t.Context(), dir)
	failed, ok := errors.AsType[*gobuild.Error](err)
	if !ok || !strings.Contains(failed.Hint(), "install Go") {
		t.Errorf("Find without Go: %v", err)
	}
}

// What is not one program is refused.
func TestFindRefuses(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"./...": "no such file", "example.com/...": "is not one package", "-x": "is not one package", "./nowhere": "no such file", "gobuild.go": "is a file", ".": "is not a program",
	} {
		if _, err := gobuild.Find(t.Context(), name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Find(%q): %v, want %q", name, err, want)
		}
	}
}
