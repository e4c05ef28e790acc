package hostconfig_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/hostconfig"
)

// What the hosts' files say, in one form.
func TestEntries(t *testing.T) {
	t.Parallel()
	const noted = `{"mcpServers": {"s": %s}}`
	tests := []struct {
		host, file string
		want       hostconfig.Entry
	}{
		{"cursor", `{"mcpServers": {"s": {"command": "npx", "args": ["-y", "x"], "env": {"A": "${env:A}", "N": 1}, "cwd": "/w"}}}`, hostconfig.Entry{Program: []string{"npx", "-y", "x"}, Env: map[string]string{"A": "${env:A}", "N": "1"}, Dir: "/w"}},
		{"cursor", `{"mcpServers": {"s": {"url": "https://example.com/mcp", "headers": {"K": "v"}}}}`, hostconfig.Entry{URL: "https://example.com/mcp", Headers: map[string]string{"K": "v"}}},
		{"vscode", `{"servers": {"s": {"type": "stdio", "command": "one"}}}`, hostconfig.Entry{Program: []string{"one"}}},
		{"windsurf", `{"mcpServers": {"s": {"serverUrl": "https://example.com/mcp"}}}`, hostconfig.Entry{URL: "https://example.com/mcp"}},
		{"zed", `{"context_servers": {"s": {"command": {"path": "one", "args": ["a"]}}}}`, hostconfig.Entry{Program: []string{"one", "a"}}},
		{"gemini", `{"mcpServers": {"s": {"httpUrl": "https://example.com/mcp"}}}`, hostconfig.Entry{URL: "https://example.com/mcp"}},
		{"codex", "[mcp_servers.s]\nurl = \"https://example.com/mcp\"\nbearer_token_env_var = \"TOKEN\"\nhttp_headers = { A = \"b\" }\nenv_http_headers = { C = \"D\" }\n", hostconfig.Entry{URL: "https://example.com/mcp", Headers: map[string]string{"Authorization": "Bearer ${env:TOKEN}", "A": "b", "C": "${env:D}"}}},
		{"opencode", `{"mcp": {"servers": {"s": {"type": "local", "command": ["bun", "x"], "environment": {"A": "b"}}}}}`, hostconfig.Entry{Program: []string{"bun", "x"}, Env: map[string]string{"A": "b"}}},
		{"opencode", `{"mcp": {"s": {"type": "local", "command": ["bun", "x"], "enabled": true}}}`, hostconfig.Entry{Program: []string{"bun", "x"}}},
		{"goose", "extensions:\n  s:\n    type: stdio\n    cmd: npx\n    args: [-y, x]\n    envs: {A: b}\n", hostconfig.Entry{Program: []string{"npx", "-y", "x"}, Env: map[string]string{"A": "b"}}},
		{"goose", "extensions:\n  s:\n    type: streamable_http\n    uri: https://example.com/mcp\n", hostconfig.Entry{URL: "https://example.com/mcp"}},
	}
	for _, test := range tests {
		e := here(t)
		h := host(t, test.host)
		write(t, h.Files(e)[0], test.file)
		got, err := h.Entries(e, "s")
		if err != nil || len(got) != 1 {
			t.Errorf("%s: %d entries, %v", test.host, len(got), err)
			continue
		}
		if diff := cmp.Diff(test.want, got[0], cmpopts.EquateEmpty(), cmpopts.IgnoreFields(hostconfig.Entry{}, "Host", "File")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.host, diff)
		}
		if names := h.Names(e); !cmp.Equal(names, []string{"s"}) {
			t.Errorf("%s: Names = %v", test.host, names)
		}
	}
	for file, want := range map[string]string{
		strings.Replace(noted, "%s", `{"command": "/x/mcpengine", "args": ["bridge", "s"]}`, 1): "", // says nothing about the server
		strings.Replace(noted, "%s", `{"disabled": true}`, 1):                                   "neither a command nor a URL",
		`{`:  "read ",
		`{}`: "",
	} {
		e := here(t)
		h := host(t, "cursor")
		write(t, h.Files(e)[0], file)
		got, err := h.Entries(e, "s")
		if len(got) > 0 || (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v; want %q", file, got, err, want)
		}
	}
}

// References to variables are replaced as the hosts do it; what only a host knows is
// an error, which holds no value.
func TestExpand(t *testing.T) {
	t.Parallel()
	getenv := func(name string) string { return map[string]string{"A": "1", "B": "hunter2"}[name] }
	gemini := hostconfig.Entry{Host: host(t, "gemini"), Program: []string{"$A-${B} $"}}
	if got, err := gemini.Expand(getenv); err != nil || got.Program[0] != "1-hunter2 $" {
		t.Errorf("Expand for Gemini CLI = %q, %v", got.Program, err)
	}
	for text, want := range map[string]string{
		"a": "a", "${A}": "1", "x${env:A}y{env:A}": "x1y1", "${C:-2}": "2", "${A:-2}": "1", "$A {A}": "$A {A}",
		"${C}": "error: the entry of Cursor: the variable C is not set here", "${B}${input:key}": "error: the entry of Cursor: only the host can fill in ${input:key}",
	} {
		e := hostconfig.Entry{
			Host: host(t, "cursor"), Program: []string{"p", text},
			Env: map[string]string{"E": text}, Headers: map[string]string{"H": text}, URL: text, Dir: text,
		}
		got, err := e.Expand(getenv)
		if message, ok := strings.CutPrefix(want, "error: "); ok {
			if err == nil || err.Error() != message {
				t.Errorf("Expand(%q): %v, want %s", text, err, message)
			}
			continue
		}
		for _, value := range []string{got.Program[1], got.Env["E"], got.Headers["H"], got.URL, got.Dir} {
			if value != want || err != nil {
				t.Errorf("Expand(%q) = %q, %v; want %q", text, value, err, want)
			}
		}
		if e.Program[1] != text || e.Env["E"] != text {
			t.Errorf("Expand(%q) changed the entry itself", text)
		}
	}
}

// The entry of a local server is ours when it has the command line that was noted.
func TestInstallProgram(t *testing.T) {
	t.Parallel()
	first := hostconfig.Server{Name: "s", Program: []string{"/bin/s", "--a"}, Env: map[string]string{"K": "v"}}
	second := hostconfig.Server{Name: "s", Program: []string{"/bin/s", "--b"}, Own: first.Mark()}
	for _, h := range hostconfig.Hosts() {
		e := here(t)
		if h.ID == "claude-code" {
			e.Project = e.Home
		}
		file := h.Files(e)[0]
		install(t, e, h, first)
		if got := content(t, file); !strings.Contains(got, "/bin/s") || strings.Contains(got, "bridge") {
			t.Errorf("%s: %s", h.ID, got)
		}
		stranger := second
		stranger.Own = ""
		if _, err := h.Install(t.Context(), e, stranger, hostconfig.Options{}); err == nil || !strings.Contains(err.Error(), "mcpengine has not made") {
			t.Errorf("%s: an entry of somebody else was replaced: %v", h.ID, err)
		}
		if _, err := h.Install(t.Context(), e, second, hostconfig.Options{}); err != nil {
			t.Errorf("%s: %v", h.ID, err)
		}
		if got := content(t, file); !strings.Contains(got, "--b") || strings.Contains(got, "--a") {
			t.Errorf("%s: after the second installation: %s", h.ID, got)
		}
		gone := hostconfig.Server{Name: "s", Own: second.Mark()}
		if _, err := h.Uninstall(t.Context(), e, gone, hostconfig.Options{}); err != nil {
			t.Errorf("%s: %v", h.ID, err)
		}
		if got := content(t, file); strings.Contains(got, "/bin/s") {
			t.Errorf("%s: after its removal: %s", h.ID, got)
		}
	}
}

// What an entry gets when it is made belongs to the user from then on.
func TestUsersMembersStay(t *testing.T) {
	t.Parallel()
	for id, edit := range map[string][2]string{
		"copilot": {"\"*\"", "\"read\""}, "goose": {"enabled: true", "enabled: false"},
	} {
		e := here(t)
		h := host(t, id)
		file := h.Files(e)[0]
		install(t, e, h, bridge)
		write(t, file, strings.Replace(content(t, file), edit[0], edit[1], 1))
		moved := bridge
		moved.Command = "/opt/mcpengine"
		if _, err := h.Install(t.Context(), e, moved, hostconfig.Options{}); err != nil {
			t.Errorf("%s: %v", id, err)
		}
		if got := content(t, file); !strings.Contains(got, edit[1]) || !strings.Contains(got, "/opt/mcpengine") {
			t.Errorf("%s: %s", id, got)
		}
	}
}

// A file of the first version of opencode stays one.
func TestOpenCodeVersions(t *testing.T) {
	t.Parallel()
	for before, want := range map[string]string{
		`{"mcp":{"one":{"type":"local","command":["one"]}}}`: `{"mcp":{"one":{"type":"local","command":["one"]},"weather":{"type":"local","command":["/usr/bin/mcpengine","bridge","weather"],"environment":{"MCPENGINE_HOME":"/m"}}}}`,
		`{"mcp":{"timeout":{"startup":1}}}`:                  `{"mcp":{"timeout":{"startup":1},"servers":{"weather":{"type":"local","command":["/usr/bin/mcpengine","bridge","weather"],"environment":{"MCPENGINE_HOME":"/m"}}}}}`,
		`{"theme":"x"}`:                                      `{"theme":"x","mcp":{"servers":{"weather":{"type":"local","command":["/usr/bin/mcpengine","bridge","weather"],"environment":{"MCPENGINE_HOME":"/m"}}}}}`,
	} {
		e := here(t)
		h := host(t, "opencode")
		write(t, h.Files(e)[0], before)
		install(t, e, h, bridge)
		if got := content(t, h.Files(e)[0]); got != want {
			t.Errorf("%s\n got %s\nwant %s", before, got, want)
		}
	}
}
