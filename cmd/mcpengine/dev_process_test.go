package main

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/client"
)

// A devProcess is mcpengine dev as a person runs it, in a folder of its own.
type devProcess struct {
	*testing.T
	dir, home string
	cmd       *exec.Cmd
	lines     chan string
}

// startDev starts mcpengine dev and waits until its server answers.
func startDev(t *testing.T, dir, home string, args ...string) *devProcess {
	t.Helper()
	d := &devProcess{T: t, dir: dir, home: home, lines: make(chan string, 1000)}
	d.cmd = exec.CommandContext(t.Context(), "mcpengine", append([]string{"dev", "--no-open"}, args...)...)
	d.cmd.Dir = dir
	d.cmd.Env = append(os.Environ(), "HOME="+home, "MCPENGINE_HOME="+filepath.Join(home, "mcpengine"), "XDG_CONFIG_HOME=", "GORACE=atexit_sleep_ms=0")
	stderr, err := d.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(d.lines)
		for scanner := bufio.NewScanner(stderr); scanner.Scan(); {
			d.lines <- scanner.Text()
		}
	}()
	d.await("ready in")
	return d
}

// await waits for a line with the text, and returns it.
func (d *devProcess) await(text string) string {
	d.Helper()
	var before []string
	for {
		select {
		case line, ok := <-d.lines:
			if !ok {
				d.Fatalf("mcpengine dev ended without the line %q, after:\n%s", text, strings.Join(before, "\n"))
			}
			if strings.Contains(line, text) {
				return line
			}
			before = append(before, line)
		case <-time.After(patience):
			d.Fatalf("no line with %q, after:\n%s", text, strings.Join(before, "\n"))
		}
	}
}

// end interrupts the program, and waits for it.
func (d *devProcess) end() {
	d.Helper()
	if err := d.cmd.Process.Signal(os.Interrupt); err != nil {
		d.Fatal(err)
	}
	for line := range d.lines {
		d.Log(line)
	}
	if err := d.cmd.Wait(); err != nil {
		d.Errorf("mcpengine dev ends with %v", err)
	}
}

func (d *devProcess) url() string {
	d.Helper()
	data, err := os.ReadFile(filepath.Join(d.dir, ".mcpengine", "dev.json"))
	if err != nil {
		d.Fatal(err)
	}
	var address struct{ URL string }
	if err := json.Unmarshal(data, &address); err != nil {
		d.Fatal(err)
	}
	return address.URL
}

// cursorEntry is what the host's file says of the server, or "".
func (d *devProcess) cursorEntry() string {
	d.Helper()
	data, err := os.ReadFile(filepath.Join(d.home, ".cursor", "mcp.json"))
	if err != nil {
		d.Fatal(err)
	}
	var file struct {
		MCPServers map[string]struct{ Args []string } `json:"mcpServers"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		d.Fatal(err)
	}
	return strings.Join(file.MCPServers["shop"].Args, " ")
}

func shopFolder(t *testing.T) (dir, home string) {
	t.Helper()
	dir, home = filepath.Join(t.TempDir(), "shop"), t.TempDir()
	for _, folder := range []string{dir, filepath.Join(home, ".cursor")} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return dir, home
}

// The entry of a host comes and goes with the program. One that a killed program
// has left is replaced, and goes then.
func TestDevHost(t *testing.T) {
	t.Parallel()
	dir, home := shopFolder(t)
	d := startDev(t, dir, home, "--host", "cursor", "--", "fixture")
	want := "dev --attach " + dir
	if got := d.cursorEntry(); got != want {
		t.Errorf("the entry runs %q, want %q", got, want)
	}
	if err := d.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = d.cmd.Wait()
	if got := d.cursorEntry(); got != want {
		t.Errorf("after a kill the entry runs %q, want %q", got, want)
	}
	d = startDev(t, dir, home, "--host", "cursor", "--", "fixture")
	second := exec.CommandContext(t.Context(), "mcpengine", "dev", "--", "fixture")
	second.Dir, second.Env = dir, d.cmd.Env
	if out, err := second.CombinedOutput(); err == nil || !strings.Contains(string(out), "runs in this folder already at http://127.0.0.1:") {
		t.Errorf("a second mcpengine dev ends with %v and says %s", err, out)
	}
	d.end()
	if got := d.cursorEntry(); got != "" {
		t.Errorf("in the end the entry runs %q, want none", got)
	}
}

// What a killed program has left can be seen and removed like every entry of this
// program.
func TestDevLeft(t *testing.T) {
	t.Parallel()
	dir, home := shopFolder(t)
	d := startDev(t, dir, home, "--host", "cursor", "--", "fixture")
	if err := d.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = d.cmd.Wait()
	for _, args := range [][]string{{"hosts", "--json=false"}, {"uninstall", "shop"}} {
		cmd := exec.CommandContext(t.Context(), "mcpengine", args...)
		cmd.Env = d.cmd.Env
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "shop") {
			t.Errorf("mcpengine %s: %v: %s", args[0], err, out)
		}
	}
	if got := d.cursorEntry(); got != "" {
		t.Errorf("after uninstall the entry runs %q, want none", got)
	}
}

// A save restarts a command, whether it speaks over its standard streams or over
// HTTP. A session of a client lives on, also when the program itself ends and
// starts again.
func TestDevCommand(t *testing.T) {
	t.Parallel()
	for name, flags := range map[string][]string{"stdio": nil, "HTTP": {"--http"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, home := shopFolder(t)
			d := startDev(t, dir, home, append(flags, "--", "fixture")...)
			url := d.url()
			c, err := client.Connect(t.Context(), url, client.WithProtocolVersion("2025-06-18"))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			echoed := func(when string) {
				t.Helper()
				if _, err := c.CallTool(t.Context(), "echo", map[string]string{"text": when}); err != nil {
					t.Errorf("a call %s: %v", when, err)
				}
			}
			echoed("before a save")
			if err := os.WriteFile(filepath.Join(dir, "server.py"), []byte("1"), 0o600); err != nil {
				t.Fatal(err)
			}
			d.await("rebuilt in")
			echoed("after a save")
			d.end()
			d = startDev(t, dir, home, append(flags, "--", "fixture")...)
			if d.url() != url {
				t.Logf("the port was taken: %s, then %s", url, d.url())
			} else {
				echoed("after a new start")
			}
			d.end()
		})
	}
}

// The developer is warned of a server that does not use the identities.
func TestDevIdentityIgnored(t *testing.T) {
	t.Parallel()
	dir, home := shopFolder(t)
	d := startDev(t, dir, home, "--auth-as", "alice:read", "--http", "--", "fixture")
	d.await("warning: the server answers callers without a token")
	token := exec.CommandContext(t.Context(), "mcpengine", "dev", "--token", "alice")
	token.Dir, token.Env = dir, d.cmd.Env
	if out, err := token.Output(); err != nil || strings.Count(string(out), ".") != 2 {
		t.Errorf("mcpengine dev --token alice: %v, %d bytes", err, len(out))
	}
	d.end()
}
