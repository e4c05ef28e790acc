package hostconfig_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/hostconfig"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// machine is an environment without a machine.
func machine(system, home string, env map[string]string, existing ...string) hostconfig.Environment {
	return hostconfig.Environment{
		OS: system, Home: home,
		Getenv: func(name string) string { return env[name] },
		Exists: func(name string) bool {
			return slices.Contains(existing, name)
		},
		Glob: func(pattern string) (found []string, err error) {
			for _, e := range existing {
				if ok, err := filepath.Match(strings.ReplaceAll(pattern, `\`, "/"), strings.ReplaceAll(e, `\`, "/")); err != nil {
					return nil, err
				} else if ok {
					found = append(found, e)
				}
			}
			return found, nil
		},
		Run: func(context.Context, string, ...string) error { return exec.ErrNotFound },
	}
}

// Where the files are, for each host on each system.
func TestFiles(t *testing.T) {
	t.Parallel()
	machines := []struct {
		name string
		e    hostconfig.Environment
	}{
		{"linux", machine("linux", "/home/ann", nil)},
		{"linux, XDG and others set", machine("linux", "/home/ann", map[string]string{
			"XDG_CONFIG_HOME": "/cfg", "CODEX_HOME": "/codex", "CLAUDE_CONFIG_DIR": "/claude/",
		}, "/home/ann/.cache/lm-studio")},
		{"darwin", machine("darwin", "/Users/ann", nil)},
		{"darwin, old Zed", machine("darwin", "/Users/ann", nil, "/Users/ann/Library/Application Support/Zed/settings.json")},
		{"windows", machine("windows", `C:\Users\ann`, nil)},
		{"windows, Microsoft Store", machine("windows", `C:\Users\ann`, map[string]string{
			"APPDATA": `D:\Roaming`, "LOCALAPPDATA": `D:\Local`,
		}, `D:\Local\Packages\Claude_a1`, `D:\Local\Packages\Claude_b2`, `D:\Local\Packages\Other_c3`)},
	}
	var out bytes.Buffer
	for _, m := range machines {
		fmt.Fprintf(&out, "# %s\n", m.name)
		for _, host := range hostconfig.Hosts() {
			for _, file := range host.Files(m.e) {
				fmt.Fprintf(&out, "%-15s %s\n", host.ID, file)
			}
		}
	}
	fmt.Fprintln(&out, "# a project")
	e := machine("linux", "/home/ann", nil)
	e.Project = "/src/app"
	for _, host := range hostconfig.Hosts() {
		for _, file := range host.Files(e) {
			fmt.Fprintf(&out, "%-15s %s\n", host.ID, file)
		}
	}
	golden(t, "testdata/files.txt", out.Bytes())
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// here is an environment in a new folder of this machine.
func here(t *testing.T) hostconfig.Environment {
	t.Helper()
	home := t.TempDir()
	return hostconfig.Environment{
		OS: "linux", Home: home, State: filepath.Join(home, "state"),
		Getenv: func(string) string { return "" },
		Exists: func(name string) bool { _, err := os.Stat(name); return err == nil },
		Glob:   filepath.Glob,
		Run:    func(context.Context, string, ...string) error { return exec.ErrNotFound },
	}
}

func host(t *testing.T, id string) *hostconfig.Host {
	t.Helper()
	for _, h := range hostconfig.Hosts() {
		if h.ID == id {
			return h
		}
	}
	t.Fatalf("there is no host %q", id)
	return nil
}

var (
	bridge = hostconfig.Server{Name: "weather", Command: "/usr/bin/mcpengine", Env: map[string]string{"MCPENGINE_HOME": "/m"}}
	remote = hostconfig.Server{Name: "weather", Native: true, URL: "https://example.com/mcp?a=1&b=2", Mode: "http"}
)

// Each host's file, as it may be, then with a bridge, then with the host's own
// kind of entry in its place, and without. -update writes all but the first.
func TestInstall(t *testing.T) {
	t.Parallel()
	for _, h := range hostconfig.Hosts() {
		t.Run(h.ID, func(t *testing.T) {
			t.Parallel()
			name := filepath.Join("testdata", h.ID+".txtar")
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			e := here(t)
			if h.ID == "claude-code" {
				e.Project = e.Home
			}
			file := h.Files(e)[0]
			write(t, file, string(archive.Files[0].Data))
			archive.Files = archive.Files[:1]
			add := func(state string) {
				archive.Files = append(archive.Files, txtar.File{Name: state, Data: []byte(content(t, file))})
			}
			install(t, e, h, bridge)
			add("bridge")
			own := bridge
			if h.HasNative() {
				install(t, e, h, remote)
				add("native")
				own.Own = remote.URL
			}
			if _, err := h.Uninstall(t.Context(), e, own, hostconfig.Options{}); err != nil {
				t.Fatal(err)
			}
			add("removed")
			golden(t, name, txtar.Format(archive))
		})
	}
}

func install(t *testing.T, e hostconfig.Environment, h *hostconfig.Host, s hostconfig.Server) {
	t.Helper()
	changes, err := h.Install(t.Context(), e, s, hostconfig.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !changes[0].Changed() {
		t.Error("nothing was changed")
	}
	changes, err = h.Install(t.Context(), e, s, hostconfig.Options{})
	if err != nil || changes[0].Changed() {
		t.Errorf("installing again: %v, changed %v", err, changes)
	}
}

func write(t *testing.T, name, data string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
}

func content(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// The members of OAuth that the hosts' own entries have. No entry has a secret:
// there is no way to give one.
func TestNativeOAuth(t *testing.T) {
	t.Parallel()
	s := remote
	s.ClientID, s.Scopes, s.Mode = "id", []string{"a", "b"}, "sse"
	for id, want := range map[string]string{
		"claude-code": `{"type":"sse","url":"https://example.com/mcp?a=1&b=2","oauth":{"clientId":"id","scopes":"a b"}}`,
		"cursor":      `{"url":"https://example.com/mcp?a=1&b=2","auth":{"CLIENT_ID":"id","scopes":["a","b"]}}`,
		"gemini":      `{"url":"https://example.com/mcp?a=1&b=2","type":"sse","oauth":{"enabled":true,"clientId":"id","scopes":["a","b"]}}`,
		"claude":      "Claude Desktop has no entry for remote servers",
		"junie":       "Junie has no entry for remote servers",
		"vscode":      "no place for a client id or scopes",
		"zed":         "no place for a client id or scopes",
		"codex":       "does not speak HTTP+SSE",
		"copilot":     "no place for a client id or scopes",
		"devin":       "no place for a client id or scopes",
		"antigravity": "no place for a client id or scopes",
		"opencode":    "no place for a client id or scopes",
		"goose":       "does not speak HTTP+SSE",
		"kiro":        "no place for a client id or scopes",
		"windsurf":    "no place for a client id or scopes",
		"cline":       "no place for a client id or scopes",
		"lmstudio":    "no place for a client id or scopes",
	} {
		got, err := host(t, id).Entry(s)
		if err != nil && hostconfig.Hint(err) != "" {
			got = []byte(err.Error())
		}
		if !strings.Contains(string(got), want) {
			t.Errorf("%s: %s, %v; want %s", id, got, err, want)
		}
	}
	s.Mode = "http"
	if got, err := host(t, "codex").Entry(s); string(got) != `{"url":"https://example.com/mcp?a=1&b=2","scopes":["a","b"],"oauth":{"client_id":"id"}}` || err != nil {
		t.Errorf("codex: %s, %v", got, err)
	}
	s.Scopes, s.Mode = nil, "sse"
	if got, err := host(t, "vscode").Entry(s); string(got) != `{"type":"sse","url":"https://example.com/mcp?a=1&b=2","oauth":{"clientId":"id"}}` || err != nil {
		t.Errorf("vscode: %s, %v", got, err)
	}
}

func TestFound(t *testing.T) {
	t.Parallel()
	e := machine("linux", "/h", nil, "/h/.cursor", "/h/.junie")
	e.Run = func(_ context.Context, command string, _ ...string) error {
		if command != "claude" {
			return errors.New("not this one")
		}
		return nil
	}
	var found []string
	for _, h := range hostconfig.Hosts() {
		if h.Found(e) {
			found = append(found, h.ID)
		}
	}
	if diff := cmp.Diff([]string{"claude-code", "cursor", "junie"}, found); diff != "" {
		t.Errorf("Found (-want +got):\n%s", diff)
	}
}
