package apps_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The scripts of the board match the types that apps.Declarations writes, and
// TypeScript reads every declaration.
func TestTypes(t *testing.T) {
	t.Parallel()
	browser(t)
	board := filepath.Join("..", "..", "examples", "board", "view")
	for _, files := range [][]string{
		{filepath.Join(board, "host.js"), filepath.Join(board, "board.js")},
		{filepath.Join("..", "..", "ext", "apps", "testdata", "tools.d.ts"), filepath.Join("testdata", "use.ts")},
	} {
		for _, file := range files {
			if _, err := os.Stat(file); err != nil { // go test runs it again when the file changes
				t.Fatal(err)
			}
		}
		args := append([]string{
			"--noEmit", "--strict", "--allowJs", "--checkJs", "--noUnusedLocals",
			"--target", "es2023", "--lib", "es2023,dom,dom.iterable", "--types", "",
		}, files...)
		if out, err := exec.CommandContext(t.Context(), filepath.Join(tools, "node_modules", ".bin", "tsc"), args...).CombinedOutput(); err != nil {
			t.Errorf("%v: %v\n%s", files, err, out)
		}
	}
}
