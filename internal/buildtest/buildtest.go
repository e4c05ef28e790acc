// Package buildtest builds programs for tests.
//
// Every test that needs a program builds it here, with the flags that the command
// line uses for AWS Lambda. The go command keeps the compiled packages of each set
// of flags apart, so that a second set would compile everything a second time.
package buildtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// Program builds a main package, with further flags of go build if there are any,
// and returns the path of the program. The package is relative to dir, a folder of
// its module.
func Program(t testing.TB, dir, pkg string, flags ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "program")
	if runtime.GOOS == "windows" {
		file += ".exe"
	}
	args := append([]string{"build", "-trimpath", "-o", file}, flags...)
	cmd := exec.CommandContext(t.Context(), "go", append(args, pkg)...) //nolint:gosec // a test's own arguments
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), Environment()...)
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", pkg, err, output)
	}
	return file
}

// Environment returns the variables with which the go command builds programs for
// tests.
func Environment() []string { return []string{"CGO_ENABLED=0", "GOWORK=off"} }
