package scaffold_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

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
				{"go", "mod", "tidy"},
				{"go", "vet", "./..."},
				{"go", "test", "./..."},
				{"gofmt", "-l", "."},
			} {
				cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
				cmd.Dir = dir
				// Offline: the module cache has what the examples need.
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

// The versions of other modules are the ones that the examples are tested with.
func TestVersions(t *testing.T) {
	t.Parallel()
	examples, err := os.ReadFile("../../../../examples/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := scaffold.Write(scaffold.Config{Dir: dir, Name: "shop", Template: "board", Version: "v1.2.3"}); err != nil {
		t.Fatal(err)
	}
	made, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for _, module := range []string{"github.com/jackc/pgx/v5", "modernc.org/sqlite"} {
		for line := range strings.Lines(string(made)) {
			if strings.Contains(line, module) && !strings.Contains(string(examples), strings.TrimSpace(line)) {
				t.Errorf("the examples have another version than %s", line)
			}
		}
	}
	if !strings.Contains(string(made), "github.com/mcpengine/mcpengine v1.2.3") || strings.Contains(string(made), "replace") {
		t.Errorf("go.mod is\n%s", made)
	}
}

// The checksums are the ones of the examples, which need what the templates need.
func TestSums(t *testing.T) {
	t.Parallel()
	want, err := os.ReadFile("../../../../examples/go.sum")
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("templates/sums.txt")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Error("templates/sums.txt is not examples/go.sum: copy it")
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
