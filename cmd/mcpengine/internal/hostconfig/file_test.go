package hostconfig_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/hostconfig"
)

// A hundred programs that install at once lose nothing.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	for id, count := range map[string]int{"cursor": 100, "codex": 20} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			e, h := here(t), host(t, id)
			var wg sync.WaitGroup
			for i := range count {
				wg.Go(func() {
					s := hostconfig.Server{Name: fmt.Sprint("s", i), Command: "/usr/bin/mcpengine"}
					if _, err := h.Install(t.Context(), e, s, hostconfig.Options{}); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			status := h.Status(e, nobody)
			if n := len(status[0].Servers); n != count || status[0].Err != nil {
				t.Errorf("%d entries, %v; want %d", n, status[0].Err, count)
			}
			// Neither are temporary files left.
			entries, err := os.ReadDir(filepath.Dir(status[0].File))
			if len(entries) != 2 || err != nil {
				t.Errorf("the folder has %v, %v; want the file and its backup", entries, err)
			}
		})
	}
}

// Symbolic links stay, and the file they lead to keeps its mode.
func TestSymlink(t *testing.T) {
	t.Parallel()
	e, h := here(t), host(t, "cursor")
	file, target := h.Files(e)[0], filepath.Join(e.Home, "dotfiles", "mcp.json")
	write(t, target, `{"mcpServers":{}}`)
	if err := os.Chmod(target, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../dotfiles/mcp.json", file); err != nil {
		t.Skip(err)
	}
	install(t, e, h, bridge)
	if link, err := os.Readlink(file); link != "../dotfiles/mcp.json" || err != nil {
		t.Errorf("the link is %q, %v", link, err)
	}
	if info, err := os.Stat(target); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v; want 0640", info.Mode(), err)
	}
	if got := content(t, target); !strings.Contains(got, "weather") {
		t.Errorf("the target is %s", got)
	}
	if got := content(t, target+".mcpengine.bak"); got != `{"mcpServers":{}}` {
		t.Errorf("the backup is %s", got)
	}
}

// A new file is for its user alone, with the folders that it needs.
func TestNewFile(t *testing.T) {
	t.Parallel()
	e, h := here(t), host(t, "cline")
	install(t, e, h, bridge)
	info, err := os.Stat(h.Files(e)[0])
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
	if _, err := os.Stat(h.Files(e)[0] + ".mcpengine.bak"); err == nil {
		t.Error("there is a backup of nothing")
	}
}

// What cannot be edited is left as it is.
func TestRefused(t *testing.T) {
	t.Parallel()
	const other = `{"mcpServers":{"weather":{"command":"npx","args":["weather"]}}}`
	tests := []struct {
		name, want string
		setUp      func(t *testing.T, file string)
	}{
		{"a folder", "it is not a file", func(t *testing.T, file string) { write(t, filepath.Join(file, "x"), "") }},
		{"a link to nothing", "symbolic link to a file that does not exist", func(t *testing.T, file string) {
			write(t, filepath.Join(filepath.Dir(file), "x"), "")
			if err := os.Symlink("none", file); err != nil {
				t.Skip(err)
			}
		}},
		{"broken", "line 1, column 16", func(t *testing.T, file string) { write(t, file, `{"mcpServers": x}`) }},
		{"entry of the user", `there is an entry "weather" that mcpengine has not made`, func(t *testing.T, file string) { write(t, file, other) }},
		{"large", "more than 16 MiB", func(t *testing.T, file string) { write(t, file, strings.Repeat(" ", 16<<20+1)) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			e, h := here(t), host(t, "cursor")
			file := h.Files(e)[0]
			test.setUp(t, file)
			before, readErr := os.ReadFile(file)
			for _, dryRun := range []bool{true, false} {
				_, err := h.Install(t.Context(), e, bridge, hostconfig.Options{DryRun: dryRun})
				if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), file) {
					t.Errorf("Install = %v, want %q", err, test.want)
				}
			}
			after, err := os.ReadFile(file)
			if string(before) != string(after) || (err == nil) != (readErr == nil) {
				t.Errorf("%q became %q", before, after)
			}
		})
	}
}

// A file is read-only when the system says so. To root it does not.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	e, h := here(t), host(t, "cursor")
	file := h.Files(e)[0]
	write(t, file, "{}")
	if err := os.Chmod(file, 0o444); err != nil {
		t.Fatal(err)
	}
	f, writeErr := os.OpenFile(file, os.O_WRONLY, 0)
	if writeErr == nil {
		f.Close()
	}
	_, err := h.Install(t.Context(), e, bridge, hostconfig.Options{})
	after, readErr := os.ReadFile(file)
	if readErr != nil {
		t.Fatal(readErr)
	}
	switch {
	case writeErr == nil && (err != nil || !strings.Contains(string(after), `"weather"`)):
		t.Errorf("Install of a file that may be written = %v, and it has %s", err, after)
	case writeErr != nil && (err == nil || !strings.Contains(err.Error(), "the file is read-only") || string(after) != "{}"):
		t.Errorf("Install of a read-only file = %v, and it has %s", err, after)
	}
}

// Only what is ours is changed or removed, and force changes any.
func TestOwnership(t *testing.T) {
	t.Parallel()
	own := remote
	own.Own = "https://old.example.com"
	tests := []struct {
		entry string
		s     hostconfig.Server
		ours  bool
	}{
		{`{"command":"/old/mcpengine","args":["bridge","weather"],"disabled":true,"env":{"A":"b"}}`, bridge, true},
		{`{"command":"C:\\bin\\mcpengine.exe","args":["bridge","weather"]}`, bridge, true},
		{`{"command":"mcpengine","args":["bridge","other"]}`, bridge, false},
		{`{"command":"mcpengine","args":["bridge","weather","-v"]}`, bridge, false},
		{`{"command":"notmcpengine","args":["bridge","weather"]}`, bridge, false},
		{`{"command":["mcpengine"],"args":["bridge","weather"]}`, bridge, false},
		{`{"url":"https://old.example.com"}`, own, true},
		{`{"serverUrl":"https://old.example.com"}`, own, true},
		{`{"url":"https://elsewhere.example.com"}`, own, false},
		{`{"url":""}`, bridge, false},
		{`null`, bridge, false},
		{`7`, bridge, false},
	}
	for _, test := range tests {
		e, h := here(t), host(t, "cursor")
		file, data := h.Files(e)[0], `{"mcpServers":{"weather":`+test.entry+`}}`
		for _, do := range []func(context.Context, hostconfig.Environment, hostconfig.Server, hostconfig.Options) ([]hostconfig.Change, error){h.Install, h.Uninstall} {
			write(t, file, data)
			_, err := do(t.Context(), e, test.s, hostconfig.Options{})
			if (err == nil) != test.ours {
				t.Errorf("%s: %v", test.entry, err)
			}
			if changed := content(t, file) != data; changed != test.ours {
				t.Errorf("%s: changed %v", test.entry, changed)
			}
			if _, err := do(t.Context(), e, test.s, hostconfig.Options{Force: true}); err != nil {
				t.Errorf("%s: with force: %v", test.entry, err)
			}
		}
	}
}

// Bringing an entry up to date keeps what the user and the host have added.
func TestUpdateKeeps(t *testing.T) {
	t.Parallel()
	e, h := here(t), host(t, "cline")
	file := h.Files(e)[0]
	write(t, file, `{"mcpServers":{"weather":{"disabled":true,"command":"/old/mcpengine","args":["bridge","weather"],"env":{"A":"b"}}}}`)
	install(t, e, h, bridge)
	const want = `{"mcpServers":{"weather":{"disabled":true,"command":"/usr/bin/mcpengine","args":["bridge","weather"],"env":{"A":"b","MCPENGINE_HOME":"/m"}}}}`
	if got := content(t, file); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	e, h := here(t), host(t, "zed")
	changes, err := h.Install(t.Context(), e, bridge, hostconfig.Options{DryRun: true})
	if err != nil || !changes[0].Changed() || !json.Valid(changes[0].After) {
		t.Errorf("%+v, %v", changes, err)
	}
	if entries, err := os.ReadDir(e.Home); len(entries) > 0 || err != nil {
		t.Errorf("the dry run made %v, %v", entries, err)
	}
}

// Claude Code edits its file itself.
func TestClaudeCode(t *testing.T) {
	t.Parallel()
	e, h := here(t), host(t, "claude-code")
	file := h.Files(e)[0]
	write(t, file, `{"numStartups":1,"mcpServers":{}}`)
	var ran []string
	e.Run = func(_ context.Context, command string, args ...string) error {
		ran = append(ran, command+" "+strings.Join(args, " "))
		return nil
	}
	changes, err := h.Install(t.Context(), e, bridge, hostconfig.Options{})
	if err != nil || len(changes[0].Commands) != 1 {
		t.Errorf("%+v, %v", changes, err)
	}
	write(t, file, `{"mcpServers":{"weather":{"command":"/old/mcpengine","args":["bridge","weather"]}}}`)
	if _, err := h.Install(t.Context(), e, bridge, hostconfig.Options{}); err != nil {
		t.Error(err)
	}
	if _, err := h.Uninstall(t.Context(), e, bridge, hostconfig.Options{}); err != nil {
		t.Error(err)
	}
	want := []string{
		`claude mcp add-json --scope user weather {"command":"/usr/bin/mcpengine","args":["bridge","weather"],"env":{"MCPENGINE_HOME":"/m"}}`,
		`claude mcp remove --scope user weather`,
		`claude mcp add-json --scope user weather {"command":"/usr/bin/mcpengine","args":["bridge","weather"],"env":{"MCPENGINE_HOME":"/m"}}`,
		`claude mcp remove --scope user weather`,
	}
	if diff := cmp.Diff(want, ran); diff != "" {
		t.Errorf("commands (-want +got):\n%s", diff)
	}
	e.Run = func(context.Context, string, ...string) error { return exec.ErrNotFound }
	_, err = h.Uninstall(t.Context(), e, bridge, hostconfig.Options{})
	if err == nil || hostconfig.Hint(err) != "run: claude mcp remove --scope user weather" {
		t.Errorf("without claude: %v, hint %q", err, hostconfig.Hint(err))
	}
	if got := content(t, file); !strings.Contains(got, "/old/mcpengine") {
		t.Errorf("the file was edited: %s", got)
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	e, h := here(t), host(t, "cursor")
	write(t, h.Files(e)[0], `{"mcpServers":{
		"b":{"command":"mcpengine","args":["bridge","b"]}, "a":{"url":"https://a"}, "c":{"url":"https://c"}, "d":{"command":"npx"}}}`)
	status := h.Status(e, func(name string) (hostconfig.Server, bool) {
		return hostconfig.Server{Own: map[string]string{"a": "https://a"}[name]}, name == "a"
	})
	if diff := cmp.Diff([]string{"a", "b"}, status[0].Servers); diff != "" || status[0].Err != nil {
		t.Errorf("Servers (-want +got):\n%s%v", diff, status[0].Err)
	}
	write(t, h.Files(e)[0], `{`)
	if status := h.Status(e, nobody); status[0].Err == nil {
		t.Error("a broken file has no error")
	}
}

// nobody knows no server.
func nobody(string) (hostconfig.Server, bool) { return hostconfig.Server{}, false }

// In a project no link leads out, neither of the file nor of its folder, and what
// was there before is not kept where it would be committed.
func TestProjectLinks(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("links need a privilege")
	}
	const before = `{"mcpServers":{}}`
	for name, plant := range map[string]func(project, outside string) error{
		"a link of the file": func(project, outside string) error {
			return errors.Join(os.Mkdir(project+"/.cursor", 0o700), os.Symlink(outside+"/mcp.json", project+"/.cursor/mcp.json"))
		},
		"a link of the folder": func(project, outside string) error { return os.Symlink(outside, project+"/.cursor") },
		"a link of the folder, no file": func(project, outside string) error {
			return errors.Join(os.Remove(outside+"/mcp.json"), os.Symlink(outside, project+"/.cursor"))
		},
		"a link that leads up and away": func(project, _ string) error { return os.Symlink("../outside", project+"/.cursor") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			e := here(t)
			e.Project = filepath.Join(dir, "project")
			outside := filepath.Join(dir, "outside")
			if err := errors.Join(os.Mkdir(e.Project, 0o700), os.Mkdir(outside, 0o700), os.WriteFile(outside+"/mcp.json", []byte(before), 0o600), plant(e.Project, outside)); err != nil {
				t.Fatal(err)
			}
			_, err := host(t, "cursor").Install(t.Context(), e, bridgeOf("weather"), hostconfig.Options{})
			if err == nil || !strings.Contains(err.Error(), "a link leads out of the project, to ") || hostconfig.Hint(err) == "" {
				t.Errorf("Install: %v, hint %q", err, hostconfig.Hint(err))
			}
			if data, err := os.ReadFile(outside + "/mcp.json"); err == nil && string(data) != before {
				t.Errorf("the file outside is %s", data)
			}
		})
	}
	t.Run("a link inside", func(t *testing.T) {
		t.Parallel()
		e := here(t)
		e.Project = t.TempDir()
		if err := errors.Join(os.Mkdir(e.Project+"/.cursor", 0o700), os.WriteFile(e.Project+"/shared.json", []byte(before), 0o644), os.Symlink("../shared.json", e.Project+"/.cursor/mcp.json")); err != nil {
			t.Fatal(err)
		}
		changes, err := host(t, "cursor").Install(t.Context(), e, bridgeOf("weather"), hostconfig.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := content(t, e.Project+"/shared.json"); !strings.Contains(got, "weather") {
			t.Errorf("the file is %s", got)
		}
		if got := content(t, changes[0].Backup); got != before || !strings.HasPrefix(changes[0].Backup, e.State) {
			t.Errorf("the backup %s is %s", changes[0].Backup, got)
		}
		if names, err := filepath.Glob(e.Project + "/*bak"); len(names) > 0 || err != nil {
			t.Errorf("%q, %v", names, err)
		}
	})
}

func bridgeOf(name string) hostconfig.Server {
	return hostconfig.Server{Name: name, Command: "/bin/mcpengine"}
}

// What Install takes Status and Uninstall take too: comments at the end without
// a line end, files of nothing but comments, other names that are there twice,
// and an entry of a program under another name.
func TestSameFiles(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]struct{ host, text string }{
		"a comment ends the file":               {"vscode", "{\n\t\"servers\": {\n\t\t\"a\": { \"command\": \"x\" },\n\t},\n}\n// end"},
		"a comment ends a line of Windows":      {"vscode", "{\r\n}\r\n// end"},
		"a block comment ends the file":         {"zed", "{} /* end */"},
		"a comment is all there is":             {"zed", "// Zed settings"},
		"a block comment is all there is":       {"zed", "/* Zed\n settings */\n"},
		"a byte order mark and a comment":       {"vscode", "\xef\xbb\xbf// end"},
		"the file is empty":                     {"cursor", ""},
		"another name is there twice":           {"cursor", `{"mcpServers":{"a":{"command":"x"},"a":{"command":"y"}}}`},
		"trailing commas":                       {"cursor", `{"mcpServers":{"a":{"command":"x",},},}`},
		"a program under another name":          {"cursor", `{"mcpServers":{"weather":{"command":"/opt/mcpe-2","args":["bridge","weather"]}}}`},
		"TOML that ends in a comment":           {"codex", "[mcp_servers.a]\ncommand = \"x\" # end"},
		"TOML whose last table has a comment":   {"codex", "a = 1\n[mcp_servers] # end"},
		"TOML of nothing but a comment":         {"codex", "# Codex"},
		"TOML with lines of Windows":            {"codex", "[a]\r\nb = 1\r\n# end"},
		"TOML with a byte order mark":           {"codex", "\xef\xbb\xbf# end"},
		"a comment with the start of another":   {"vscode", "{ /* /* // */ }\n// end"},
		"a value that looks like a comment end": {"vscode", "{\"a\": \"// x\"}// end"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, h := here(t), host(t, file.host)
			s := bridgeOf("weather")
			s.Known = true
			write(t, h.Files(e)[0], file.text)
			if _, err := h.Install(t.Context(), e, s, hostconfig.Options{}); err != nil {
				t.Fatal(err)
			}
			installed := content(t, h.Files(e)[0])
			if strings.Contains(file.text, "end") && !strings.Contains(installed, "end") {
				t.Errorf("a comment is gone: %s", installed)
			}
			status := h.Status(e, func(string) (hostconfig.Server, bool) { return hostconfig.Server{}, true })[0]
			if status.Err != nil || !slices.Contains(status.Servers, "weather") {
				t.Errorf("Status = %q, %v", status.Servers, status.Err)
			}
			if _, err := h.Uninstall(t.Context(), e, s, hostconfig.Options{}); err != nil {
				t.Fatal(err)
			}
			if left := content(t, h.Files(e)[0]); strings.Contains(left, "weather") {
				t.Errorf("after Uninstall: %s", left)
			}
		})
	}
}

// Whether a file holds an entry is unknown when the file does not parse or the
// name is there twice.
func TestDoubtful(t *testing.T) {
	t.Parallel()
	e, h := here(t), host(t, "cursor")
	write(t, h.Files(e)[0], `{"mcpServers":{"a":{},"b":{},"a":{}}}`)
	if s := h.Status(e, nobody)[0]; s.Err != nil || !slices.Equal(s.Doubtful, []string{"a"}) {
		t.Errorf("Status = %+v", s)
	}
	write(t, h.Files(e)[0], `{"mcpServers":{"a":{}`)
	if s := h.Status(e, nobody)[0]; s.Err == nil || !s.Mentions("a") || s.Mentions("weather") {
		t.Errorf("Status = %+v", s)
	}
}
