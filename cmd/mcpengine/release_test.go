package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// What scripts/release tags can be installed as the README says, from a module
// proxy that has only files: the go command makes one of the tags, and the rest
// is in the cache.
func TestReleaseInstalls(t *testing.T) {
	if testing.Short() || runtime.GOOS == "windows" {
		t.Skip("a release builds the program from nothing, with a script for bash")
	}
	const (
		version = "v0.0.1-test"
		module  = "github.com/mcpengine/mcpengine"
	)
	repository, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(repository, ".git")); err != nil {
		t.Skip("this is no checkout of the repository")
	}
	dir := t.TempDir()
	clone, bin := filepath.Join(dir, "clone"), filepath.Join(dir, "bin")
	run := func(folder string, environment []string, command ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
		cmd.Dir = folder
		cmd.Env = append(os.Environ(), append(environment, "GOWORK=off", "GOFLAGS=-modcacherw")...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", strings.Join(command, " "), err, out)
		}
		return strings.TrimSpace(string(out))
	}
	cache := func(name string) string { return filepath.Join(dir, name, "cache", "download") }

	run(dir, nil, "git", "clone", "-q", "--shared", "--no-tags", repository, clone)
	run(clone, nil, filepath.Join(repository, "scripts", "release"), version)
	run(dir, []string{
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=url.file://" + clone + ".insteadOf", "GIT_CONFIG_VALUE_0=https://" + module,
		"GOPROXY=direct", "GOPRIVATE=" + module, "GOMODCACHE=" + filepath.Join(dir, "made"),
	}, "go", "mod", "download", module+"@"+version, module+"/cmd/mcpengine@"+version)
	run(dir, []string{
		"GOPROXY=file://" + cache("made") + ",file://" + filepath.Join(run(dir, nil, "go", "env", "GOMODCACHE"), "cache", "download"),
		"GOMODCACHE=" + filepath.Join(dir, "fresh"), "GOSUMDB=off", "GOBIN=" + bin,
		"CGO_ENABLED=0", // as other tests build it: its dependencies are compiled already
	}, "go", "install", "-trimpath", module+"/cmd/mcpengine@"+version)
	if got, want := run(dir, nil, filepath.Join(bin, "mcpengine"), "version"), "mcpengine "+version+" "; !strings.HasPrefix(got, want) {
		t.Errorf("mcpengine version prints %q, want %q first", got, want)
	}
}
