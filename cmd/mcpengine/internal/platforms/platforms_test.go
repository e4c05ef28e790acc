package platforms_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/platforms"
)

// hard has what a file could misread: quotes, line breaks, and a YAML boolean.
var hard = map[string]string{"A": "yes", "B": "line\n\"quoted\" # $(C) <é>", "C": ""}

func files(t *testing.T, to string, s platforms.Server) map[string]string {
	t.Helper()
	target, err := platforms.Find(to)
	if err != nil {
		t.Fatal(err)
	}
	list, err := target.Files(s)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, file := range list {
		found[file.Name] = file.Text
	}
	return found
}

// The embedded chart is the repository's.
func TestChart(t *testing.T) {
	t.Parallel()
	got := files(t, "kubernetes", platforms.Server{Name: "hello", Image: "hello:1"})
	delete(got, "values.yaml")
	want := map[string]string{}
	folder := filepath.FromSlash("../../../../deploy/kubernetes")
	err := fs.WalkDir(os.DirFS(folder), "chart", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(filepath.Join(folder, name))
		want[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("copy deploy/kubernetes/chart here (-repository +copy):\n%s", diff)
	}
}

// Values arrive in the file as they were given.
func TestValues(t *testing.T) {
	t.Parallel()
	text := files(t, "kubernetes", platforms.Server{
		Name: "hello", Image: "hello:1", Env: hard,
		Secrets: map[string]string{"MCPENGINE_KEYS": "ours", "TOKEN": "web:token"},
	})["values.yaml"]
	var got map[string]any
	if err := yaml.Unmarshal([]byte(text), &got); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	want := map[string]any{
		"image": "hello:1", "keysSecret": "ours",
		"env":       map[string]any{"A": hard["A"], "B": hard["B"], "C": ""},
		"secretEnv": map[string]any{"TOKEN": map[string]any{"secret": "web", "key": "token"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
}

func TestCloudRunVariables(t *testing.T) {
	t.Parallel()
	text := files(t, "cloudrun", platforms.Server{
		Name: "hello", Image: "hello:1", Env: hard, Secrets: map[string]string{"KEY": "key:3", "TOKEN": "token"},
	})["service.yaml"]
	var got struct {
		Spec struct {
			Template struct {
				Spec struct {
					Containers []struct{ Env []any }
				}
			}
		}
	}
	if err := yaml.Unmarshal([]byte(text), &got); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	value := func(name, value string) any { return map[string]any{"name": name, "value": value} }
	secret := func(variable, name, key string) any {
		return map[string]any{"name": variable, "valueFrom": map[string]any{"secretKeyRef": map[string]any{"name": name, "key": key}}}
	}
	want := []any{
		value("A", hard["A"]), value("B", hard["B"]), value("C", ""),
		secret("KEY", "key", "3"), secret("TOKEN", "token", "latest"),
		value("GOMEMLIMIT", "460MiB"),
	}
	if diff := cmp.Diff(want, got.Spec.Template.Spec.Containers[0].Env); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
}

// A shell reads a printed command as it is run.
func TestCommandString(t *testing.T) {
	t.Parallel()
	got := platforms.Command{Dir: "my run", Args: []string{"docker", "-t", "", "it's", "$HOME", "linux/arm64"}}.String()
	if want := `(cd 'my run' && docker -t '' 'it'\''s' '$HOME' linux/arm64)`; got != want {
		t.Errorf("String() = %s, want %s", got, want)
	}
}

// Every tool that a command needs can be had from somewhere.
func TestAdvice(t *testing.T) {
	t.Parallel()
	for _, target := range platforms.All() {
		for _, command := range target.Commands(platforms.Server{Name: "hello", Image: "hello:1"}, "dir") {
			if tool := command.Args[0]; tool != "mcpengine" && !strings.Contains(platforms.Advice(tool), "https://") {
				t.Errorf("%s needs %s: %s", target.Name, tool, platforms.Advice(tool))
			}
		}
	}
}
