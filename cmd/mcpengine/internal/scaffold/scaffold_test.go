package scaffold_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/scaffold"
)

// Every template makes a module that builds, whose test passes, and that is
// formatted.
func TestTemplates(t *testing.T) {
	t.Parallel()
	source, err := filepath.Abs("../../../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, template := range scaffold.Templates() {
		t.Run(template.Name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "shop")
			err := scaffold.Write(scaffold.Config{Dir: dir, Name: "shop", Module: "example.com/shop", Template: template.Name, Source: source})
			if err != nil {
				t.Fatal(err)
			}
			for _, command := range [][]string{
				{"go", "vet", "./..."},
				{"go", "test", "./..."},
				{"gofmt", "-l", "."},
			} {
				cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
				cmd.Dir = dir
				// Offline: the module cache has what a build needs.
				cmd.Env = append(os.Environ(), "GOWORK=off", "GOPROXY=off")
				out, err := cmd.CombinedOutput()
				if err != nil || command[0] == "gofmt" && len(out) > 0 {
					t.Fatalf("%s: %v\n%s", strings.Join(command, " "), err, out)
				}
			}
			err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
				if err != nil || d.IsDir() {
					return err
				}
				text, err := os.ReadFile(path)
				if strings.Contains(string(text), "@NAME@") || strings.Contains(string(text), "@LIBRARY@") || template.About == "" {
					t.Errorf("%s has a placeholder, or the template says nothing of itself:\n%s", path, text)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// A released library stands in go.mod with its version.
func TestRelease(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := scaffold.Write(scaffold.Config{Dir: dir, Name: "shop", Template: "approval", Version: "v1.2.3"}); err != nil {
		t.Fatal(err)
	}
	made, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"github.com/mcpengine/mcpengine v1.2.3\n", "github.com/mcpengine/mcpengine/ext/tasks/river v1.2.3\n"} {
		if !strings.Contains(string(made), line) || strings.Contains(string(made), "replace") {
			t.Errorf("go.mod lacks %s or replaces something:\n%s", line, made)
		}
	}
}

// The versions and checksums are the ones of the examples, which need what the
// templates need.
func TestVersions(t *testing.T) {
	t.Parallel()
	read := func(file string) string {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if read("templates/sums.txt") != read("../../../../examples/go.sum") {
		t.Error("templates/sums.txt is not examples/go.sum: copy it")
	}
	var want []string
	for line := range strings.Lines(read("../../../../examples/go.mod")) {
		path, version, ok := strings.Cut(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(line), "// indirect")), " ")
		if ok && strings.HasPrefix(line, "\t") && !strings.HasPrefix(path, "github.com/mcpengine/") {
			want = append(want, path+" "+version)
		}
	}
	slices.Sort(want)
	if diff := cmp.Diff(strings.Join(want, "\n")+"\n", read("templates/versions.txt")); diff != "" {
		t.Errorf("templates/versions.txt is not what examples/go.mod requires (-want +got):\n%s", diff)
	}
}

// Mistakes leave nothing behind, and nothing is replaced.
func TestRefusals(t *testing.T) {
	t.Parallel()
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "main.go"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(t.TempDir(), "new")
	for _, c := range []scaffold.Config{
		{Dir: full, Name: "shop", Template: "weather"},
		{Dir: empty, Name: "Shop", Template: "weather"},
		{Dir: empty, Name: "../shop", Template: "weather"},
		{Dir: empty, Name: "shop", Template: "none"},
		{Dir: empty, Name: "shop", Template: "../../scaffold"},
	} {
		if err := scaffold.Write(c); err == nil {
			t.Errorf("%+v is not refused", c)
		}
	}
	if err := scaffold.Write(scaffold.Config{Dir: full, Name: "shop", Template: "weather"}); !errors.Is(err, scaffold.ErrExists) {
		t.Errorf("the error of a folder with files is %v", err)
	}
	if text, err := os.ReadFile(filepath.Join(full, "main.go")); err != nil || string(text) != "mine" {
		t.Errorf("the file is %s, %v", text, err)
	}
	if _, err := os.Stat(empty); !os.IsNotExist(err) {
		t.Error("a mistake leaves a folder behind")
	}
}
