package inspector_test

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/internal/buildtest"
	"github.com/mcpengine/mcpengine/test/inspector/fixture"
)

var update = flag.Bool("update", false, "rewrite the pictures of the documentation")

// tools is where scripts/install-apps installs the browser's driver and the checkers
// of accessibility and types.
const tools = "../../.tools/apps"

// page is the folder with the page.
const page = "../../cmd/mcpengine/internal/inspector/page"

// server is the name that the test program has as the server of a page.
const server = "harbour"

// patience is how long the page may take on a busy machine.
const patience = 8 * time.Minute

// The test program is the server of the page as well.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == server {
		if err := fixture.New().Run(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		return
	}
	m.Run()
}

// browser returns the path of Chromium, and skips the test where it or its driver is
// missing.
func browser(t *testing.T) string {
	t.Helper()
	if _, err := os.Stat(filepath.Join(tools, "stamp")); err != nil {
		t.Skip("the driver of the browser is not installed: run scripts/install-apps")
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if file, err := exec.LookPath(name); err == nil {
			return file
		}
	}
	t.Skip("Chromium is not installed: run scripts/install-apps")
	return ""
}

// A report is the outcome of one scenario.
type report struct {
	Scenario string
	Problem  string

	Milliseconds int
}

// The scenarios of node/ pass, all in one browser.
func TestPage(t *testing.T) {
	t.Parallel()
	chromium := browser(t)
	dir := serverFolder(t)
	program := buildtest.Program(t, filepath.Join("..", "..", "cmd", "mcpengine"), ".")
	remote, foe := httptest.NewServer(fixture.New()), httptest.NewServer(hostile())
	t.Cleanup(remote.Close)
	t.Cleanup(foe.Close)
	pictures := t.TempDir()
	if *update {
		pictures = "../../docs"
	}
	input, err := json.Marshal(map[string]string{
		"browser": chromium, "pictures": pictures,
		"local":   inspect(t, program, dir, "--", "./"+server),
		"alone":   inspect(t, program, dir, "--", "./"+server),
		"remote":  inspect(t, program, dir, remote.URL+"/mcp"),
		"hostile": inspect(t, program, dir, foe.URL+"/mcp"),
	})
	if err != nil {
		t.Fatal(err)
	}
	scripts, err := filepath.Glob("node/*.mjs")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("scripts %q, %v", scripts, err)
	}
	for _, script := range scripts { // go test runs again when one changes
		if _, err := os.Stat(script); err != nil {
			t.Fatal(err)
		}
	}
	play(t, string(input))
}

// play runs the scenarios and reports each as a test of its own.
func play(t *testing.T, input string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, filepath.Join(tools, "node"), "node/main.mjs", tools, input)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	count := 0
	for lines := bufio.NewScanner(stdout); lines.Scan(); count++ {
		var r report
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatalf("the scenarios wrote %q: %v", lines.Text(), err)
		}
		t.Run(r.Scenario, func(t *testing.T) {
			t.Logf("took %d ms", r.Milliseconds)
			if r.Problem != "" {
				t.Error(r.Problem)
			}
		})
	}
	if err := cmd.Wait(); err != nil || count == 0 {
		t.Errorf("%d scenarios, %v", count, err)
	}
}

// serverFolder returns a folder in which the test program has the name of the server.
func serverFolder(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(self, filepath.Join(dir, server)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// inspect starts the inspector of a server, in a folder, and returns the address of its
// page.
func inspect(t *testing.T, program, dir string, target ...string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, program, append([]string{"inspect", "--open", "--no-browser"}, target...)...)
	cmd.Dir = dir
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "XDG_CONFIG_HOME="+t.TempDir())
	var complaints strings.Builder
	cmd.Stderr = &complaints
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = cmd.Wait() }) // it has been interrupted
	address, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		cancel()
		_ = cmd.Wait()
		t.Fatalf("mcpengine inspect --open: %v\n%s", err, complaints.String())
	}
	return strings.TrimSpace(address)
}

// The modules of the page are correctly typed.
func TestTypes(t *testing.T) {
	t.Parallel()
	browser(t)
	files, err := filepath.Glob(filepath.Join(page, "*.js"))
	if err != nil || len(files) == 0 {
		t.Fatalf("modules %q, %v", files, err)
	}
	for _, file := range append(files, filepath.Join(page, "types.d.ts")) {
		if _, err := os.Stat(file); err != nil { // go test runs again when one changes
			t.Fatal(err)
		}
	}
	args := append([]string{
		"--noEmit", "--strict", "--allowJs", "--checkJs", "--noUnusedLocals", "--noUnusedParameters", "--noFallthroughCasesInSwitch",
		"--target", "es2024", "--module", "esnext", "--moduleResolution", "bundler", "--lib", "es2024,dom,dom.iterable,dom.asynciterable", "--types", "",
	}, files...)
	if out, err := exec.CommandContext(t.Context(), filepath.Join(tools, "node_modules", ".bin", "tsc"), args...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
