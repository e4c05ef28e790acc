package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/mcpengine/mcpengine/internal/buildtest"
)

// A program in which a method is looked up by a name that is not a constant, as
// text/template does, keeps every exported method of every type: of the AWS SDK
// alone 14 MiB, a third of which a running bridge would hold in memory.
func TestLinkerDropsUnusedMethods(t *testing.T) {
	t.Parallel()
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-dumpdep", "-o", filepath.Join(t.TempDir(), "mcpengine"), ".")
	build.Env = append(os.Environ(), buildtest.Environment()...)
	output, err := build.CombinedOutput()
	if err != nil {
		t.Fatalf("build: %v\n%.2000s", err, output)
	}
	dependency := regexp.MustCompile(`(?m)^(\S+)(?: <\w+>)* -> `)
	if !dependency.Match(output) {
		t.Fatalf("the linker names no dependencies: %.2000s", output)
	}
	seen := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^(\S+) .*<ReflectMethod>.* -> `).FindAllSubmatch(output, -1) {
		if by := string(m[1]); !seen[by] {
			seen[by] = true
			t.Errorf("%s looks methods up", by)
		}
	}
}
