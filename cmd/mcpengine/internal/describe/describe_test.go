package describe_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/describe"
	"github.com/mcpengine/mcpengine/mcp"
)

// A folder is a module on disk.
type folder struct {
	*testing.T
	path string
}

// module makes a module with a program in cmd/weather.
func module(t *testing.T, path string) folder {
	t.Helper()
	f := folder{t, t.TempDir()}
	f.write("go.mod", "module "+path+"\n\ngo 1.26\n")
	f.write("cmd/weather/main.go", "// Command weather tells the weather of a city:\n//\n//\tweather\npackage main\n\nfunc main() {}\n")
	return f
}

func (f folder) write(name, text string) {
	f.Helper()
	name = filepath.Join(f.path, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		f.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		f.Fatal(err)
	}
}

// git runs git, which reads no configuration of this machine.
func (f folder) git(args ...string) {
	f.Helper()
	cmd := exec.CommandContext(f.Context(), "git", append([]string{"-c", "user.name=a", "-c", "user.email=a@b.example"}, args...)...)
	cmd.Dir = f.path
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		f.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

func (f folder) commit() {
	f.Helper()
	f.git("init", "-q")
	f.git("add", "-A")
	f.git("commit", "-qm", "all")
}

func (f folder) describe(o describe.Options) *describe.Description {
	f.Helper()
	d, err := describe.Program(f.Context(), filepath.Join(f.path, "cmd/weather"), o)
	if err != nil {
		f.Fatal(err)
	}
	return d
}

func says(info *mcp.Implementation) func(context.Context) (*mcp.Implementation, error) {
	return func(context.Context) (*mcp.Implementation, error) { return info, nil }
}

// Without a file everything comes from the module, the tag and the program.
func TestDerived(t *testing.T) {
	f := module(t, "github.com/acme/weather")
	f.commit()
	f.git("tag", "v1.2.0")
	f.git("tag", "v1.10.0")
	f.git("tag", "v1.9")       // not a version of a module
	f.git("tag", "sub/v2.0.0") // of another module
	d := f.describe(describe.Options{Program: says(&mcp.Implementation{
		Name: "weather", Title: "Weather", Description: strings.Repeat("long ", 40), WebsiteURL: "https://acme.example",
	})})
	want := map[string]string{
		"name": "the module path", "repository": "the module path", "version": "the git tag v1.10.0",
		"title": "the program", "websiteUrl": "the program", "description": "the comment of package main",
	}
	if diff := cmp.Diff(want, d.From); diff != "" {
		t.Errorf("From (-want +got):\n%s", diff)
	}
	if d.Name != "io.github.acme/weather" || d.Version != "1.10.0" || d.Title != "Weather" ||
		d.Description != "Command weather tells the weather of a city" || d.Repository.Subfolder != "cmd/weather" {
		t.Errorf("the description is %+v", d.Manifest)
	}
	if len(d.Missing) > 0 {
		t.Errorf("Missing = %v", d.Missing)
	}
}

// What the file says counts, and the program is not asked for what is there.
func TestFile(t *testing.T) {
	f := module(t, "example.com/weather")
	f.write("mcpengine.json", `{"name":"com.example/ww","title":"T","description":"D","version":"3.0.0","websiteUrl":"https://e.example","repository":{"url":"https://gitlab.com/a/b"}}`)
	d := f.describe(describe.Options{Program: func(context.Context) (*mcp.Implementation, error) {
		return nil, errors.New("it was asked")
	}})
	if d.Name != "com.example/ww" || d.Version != "3.0.0" || d.From["version"] != "mcpengine.json" || d.Repository.Source != "gitlab" {
		t.Errorf("the description is %+v, from %v", d.Manifest, d.From)
	}
	if want := filepath.Join(f.path, "mcpengine.json"); filepath.Base(d.File) != filepath.Base(want) || strings.Contains(d.File, "cmd") {
		t.Errorf("File = %q, want the one at the root", d.File)
	}

	// The file beside the program counts before the one at the root.
	f.write("cmd/weather/mcpengine.json", `{"name":"com.example/nearer","title":"T","description":"D","websiteUrl":"https://e.example"}`)
	d = f.describe(describe.Options{Version: "4.0.0"})
	if d.Name != "com.example/nearer" || d.Version != "4.0.0" || d.From["version"] != "--version" {
		t.Errorf("the description is %+v, from %v", d.Manifest, d.From)
	}
}

// What cannot be found out is missing, and says what to do.
func TestMissing(t *testing.T) {
	f := module(t, "weather")
	f.write("cmd/weather/main.go", "package main\n\nfunc main() {}\n")
	d := f.describe(describe.Options{})
	for member, want := range map[string]string{
		"name":        `write "name", such as io.github.OWNER/weather, into mcpengine.json`,
		"version":     "not in a git repository",
		"description": `write "description" into mcpengine.json`,
	} {
		if !strings.Contains(d.Missing[member], want) {
			t.Errorf("Missing[%q] = %q, want %q in it", member, d.Missing[member], want)
		}
	}
}

func TestVersionOfNothing(t *testing.T) {
	f := module(t, "github.com/acme/weather")
	f.commit()
	if d := f.describe(describe.Options{}); !strings.Contains(d.Missing["version"], "no tag such as v1.2.3") {
		t.Errorf("without a tag: %q", d.Missing["version"])
	}
	f.git("tag", "v1.0.0")
	f.write("cmd/weather/main.go", "package main\n\nfunc main() { println() }\n")
	if d := f.describe(describe.Options{}); !strings.Contains(d.Missing["version"], "files differ from the commit") {
		t.Errorf("with a changed file: %q", d.Missing["version"])
	}
}

// A module below the root of its repository has tags of its own.
func TestVersionOfSubmodule(t *testing.T) {
	whole := folder{t, t.TempDir()}
	whole.write("weather/v2/go.mod", "module github.com/acme/mono/weather/v2\n\ngo 1.26\n")
	whole.write("weather/v2/main.go", "package main\n\nfunc main() {}\n")
	whole.commit()
	whole.git("tag", "v9.0.0")
	whole.git("tag", "weather/v2.1.0")
	d, err := describe.Program(t.Context(), filepath.Join(whole.path, "weather/v2"), describe.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if d.Version != "2.1.0" || d.Name != "io.github.acme/weather" {
		t.Errorf("the description is %+v, missing %v", d.Manifest, d.Missing)
	}
}

func TestRefused(t *testing.T) {
	f := module(t, "github.com/acme/weather")
	f.write("lib/lib.go", "package lib\n")
	program := filepath.Join(f.path, "cmd/weather")
	failing := func(context.Context) (*mcp.Implementation, error) { return nil, errors.New("it does not start") }
	for _, test := range []struct {
		name, folder string
		options      describe.Options
		want         string
	}{
		{"no package", filepath.Join(f.path, "nothing"), describe.Options{}, "find package"},
		{"a library", filepath.Join(f.path, "lib"), describe.Options{}, "is not a program"},
		{"a range", program, describe.Options{Version: "^1"}, "--version: version: must be one version"},
		{"a program that fails", program, describe.Options{Program: failing}, "it does not start"},
	} {
		if _, err := describe.Program(t.Context(), test.folder, test.options); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
	f.write("cmd/weather/mcpengine.json", `{"versoin":"1"}`)
	if _, err := describe.Program(t.Context(), program, describe.Options{}); err == nil || !strings.Contains(err.Error(), "mcpengine.json: versoin: unknown property") {
		t.Errorf("a bad file: %v", err)
	}
}
