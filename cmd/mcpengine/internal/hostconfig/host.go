// Package hostconfig puts MCP servers into the configuration files of hosts:
// Claude Desktop, editors and agents. A file is edited as bytes, so that
// comments, order and the host's own way of writing stay as they are, and only
// entries that this program has made are changed or removed.
package hostconfig

import (
	"context"
	"slices"
	"strings"
)

// An Environment is the machine that the hosts are on. All of it is given, so
// that the files of any system can be named on any other.
type Environment struct {
	// OS is the operating system as Go names it: linux, darwin or windows.
	OS string
	// Home is the user's home directory.
	Home string
	// Getenv reads an environment variable.
	Getenv func(string) string
	// Exists reports whether there is a file or folder.
	Exists func(name string) bool
	// Glob lists the files that match a pattern of path/filepath.
	Glob func(pattern string) ([]string, error)
	// State is the folder for locks, which is not the hosts' business.
	State string
	// Project is the folder of a project whose files to use instead of the
	// user's, or "".
	Project string
	// Run runs a host's own command, and fails with exec.ErrNotFound without
	// one. With no arguments it only looks for the command.
	Run func(ctx context.Context, command string, args ...string) error
}

// A Host is a program that starts MCP servers.
type Host struct {
	// ID is its name on the command line.
	ID string
	// Name is its name for people.
	Name string
	// Next is what the user does so that it sees the new entry.
	Next string

	key     string // the object that holds the servers
	toml    bool
	kind    string                         // the type of an entry that is a command, if it has one
	command string                         // the host's own program that edits its file
	folder  int                            // how far above the file the folder is that shows the host is there
	project string                         // the file in a project
	files   func(Environment) []string     // the user's
	remote  func(Server) ([]member, error) // the host's own entry for a remote server
}

// Hosts returns the hosts that are known, in the order they are listed in.
func Hosts() []*Host { return slices.Clone(hosts) }

const (
	restart   = "Restart %s to use it"
	noRestart = "%s uses it from now on; if not, restart it"
)

// hosts is what was read in each host's documentation; docs/hosts.md says when.
var hosts = []*Host{
	{ID: "claude", Name: "Claude Desktop", Next: restart, key: "mcpServers", folder: 1, files: claudeDesktop},
	{
		ID: "claude-code", Name: "Claude Code", Next: "Start a new session of %s to use it", key: "mcpServers",
		command: "claude", project: ".mcp.json", files: claudeCode, remote: claudeCodeEntry,
	},
	{
		ID: "cursor", Name: "Cursor", Next: noRestart, key: "mcpServers", folder: 1,
		project: ".cursor/mcp.json", files: inHome(".cursor/mcp.json"), remote: cursorEntry,
	},
	{
		ID: "vscode", Name: "VS Code", Next: "Start the server in %s: command MCP: List Servers", key: "servers", kind: "stdio", folder: 1,
		project: ".vscode/mcp.json", files: vsCode("mcp.json"), remote: vsCodeEntry,
	},
	{
		ID: "windsurf", Name: "Windsurf", Next: restart, key: "mcpServers", folder: 1,
		files: inHome(".codeium/windsurf/mcp_config.json"), remote: windsurfEntry,
	},
	{ID: "zed", Name: "Zed", Next: noRestart, key: "context_servers", folder: 1, files: zed, remote: urlEntry},
	{ID: "codex", Name: "Codex", Next: "Start a new session of %s to use it", key: "mcp_servers", toml: true, folder: 1, files: codex, remote: urlEntry},
	{ID: "gemini", Name: "Gemini CLI", Next: restart, key: "mcpServers", folder: 1, files: inHome(".gemini/settings.json"), remote: geminiEntry},
	{
		ID: "cline", Name: "Cline", Next: noRestart, key: "mcpServers", folder: 1,
		files: vsCode("globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json"), remote: clineEntry,
	},
	{ID: "lmstudio", Name: "LM Studio", Next: noRestart, key: "mcpServers", folder: 1, files: lmStudio, remote: urlEntry},
	{ID: "junie", Name: "Junie", Next: restart, key: "mcpServers", folder: 2, files: inHome(".junie/mcp/mcp.json")},
}

// HasProject reports whether the host reads a file in a project.
func (h *Host) HasProject() bool { return h.project != "" }

// HasNative reports whether the host can reach a remote server by itself.
func (h *Host) HasNative() bool { return h.remote != nil }

// Files returns the host's configuration files in this environment, whether they
// exist or not. It returns nil if Project is set and the host has no file in a
// project.
func (h *Host) Files(e Environment) []string {
	if e.Project == "" {
		return h.files(e)
	}
	if h.project == "" {
		return nil
	}
	return []string{e.join(e.Project, h.project)}
}

// Found reports whether the host seems to be installed.
func (h *Host) Found(e Environment) bool {
	if h.command != "" && e.Project == "" {
		return e.Run(context.Background(), h.command) == nil
	}
	for _, file := range h.Files(e) {
		folder := file
		for range h.folder {
			folder = e.dir(folder)
		}
		if e.Exists(folder) {
			return true
		}
	}
	return false
}

// join names a file below a folder. The rest is written with slashes.
func (e Environment) join(folder, rest string) string {
	if e.OS == "windows" {
		return strings.TrimRight(folder, `\/`) + `\` + strings.ReplaceAll(rest, "/", `\`)
	}
	return strings.TrimRight(folder, "/") + "/" + rest
}

func (e Environment) dir(name string) string {
	return name[:max(0, strings.LastIndexAny(name, e.separators()))]
}

func (e Environment) separators() string {
	if e.OS == "windows" {
		return `\/`
	}
	return "/"
}

// inHome returns a file that is at the same place of the home directory everywhere.
func inHome(rest string) func(Environment) []string {
	return func(e Environment) []string { return []string{e.join(e.Home, rest)} }
}

// config returns the folder in which programs keep their settings.
func (e Environment) config(macOS string) string {
	switch e.OS {
	case "darwin":
		return e.join(e.Home, macOS)
	case "windows":
		return e.or("APPDATA", "AppData/Roaming")
	}
	if folder := e.Getenv("XDG_CONFIG_HOME"); strings.HasPrefix(folder, "/") {
		return folder // a relative one does not count (XDG Base Directory Specification)
	}
	return e.join(e.Home, ".config")
}

// or returns the folder that a variable names, or else one in the home directory.
func (e Environment) or(variable, rest string) string {
	if folder := e.Getenv(variable); folder != "" {
		return folder
	}
	return e.join(e.Home, rest)
}

const applicationSupport = "Library/Application Support"

// The Claude Desktop of the Microsoft Store does not see %APPDATA%: Windows
// gives it a folder of its own.
func claudeDesktop(e Environment) []string {
	const name = "claude_desktop_config.json"
	var files []string
	if e.OS == "windows" {
		packages := e.join(e.or("LOCALAPPDATA", "AppData/Local"), "Packages/Claude_*")
		found, err := e.Glob(packages)
		if err != nil {
			found = nil // a home directory that is no pattern has no packages
		}
		for _, folder := range found {
			files = append(files, e.join(folder, "LocalCache/Roaming/Claude/"+name))
		}
	}
	return append(files, e.join(e.config(applicationSupport), "Claude/"+name))
}

func claudeCode(e Environment) []string {
	if folder := e.Getenv("CLAUDE_CONFIG_DIR"); folder != "" {
		return []string{e.join(folder, ".claude.json")}
	}
	return []string{e.join(e.Home, ".claude.json")}
}

func vsCode(rest string) func(Environment) []string {
	return func(e Environment) []string {
		return []string{e.join(e.config(applicationSupport), "Code/User/"+rest)}
	}
}

func zed(e Environment) []string {
	if e.OS == "windows" {
		return []string{e.join(e.config(""), "Zed/settings.json")}
	}
	file := e.join(e.config(".config"), "zed/settings.json")
	if old := e.join(e.Home, applicationSupport+"/Zed/settings.json"); e.OS == "darwin" && !e.Exists(file) && e.Exists(old) {
		return []string{old}
	}
	return []string{file}
}

func codex(e Environment) []string {
	return []string{e.join(e.or("CODEX_HOME", ".codex"), "config.toml")}
}

func lmStudio(e Environment) []string {
	folder, old := e.join(e.Home, ".lmstudio"), e.join(e.Home, ".cache/lm-studio")
	if !e.Exists(folder) && e.Exists(old) {
		folder = old
	}
	return []string{e.join(folder, "mcp.json")}
}
