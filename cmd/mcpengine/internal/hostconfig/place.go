package hostconfig

import "strings"

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

// inConfig returns a file in the folder in which programs keep their settings.
func inConfig(rest string) func(Environment) []string {
	return func(e Environment) []string { return []string{e.join(e.config(applicationSupport), rest)} }
}

func devin(e Environment) []string {
	folder := e.join(e.Home, ".config")
	if e.OS == "windows" {
		folder = e.or("APPDATA", "AppData/Roaming")
	}
	return []string{e.join(folder, "devin/mcp_config.json")}
}

// Some programs have their settings in .config on every system.
func (e Environment) dotConfig() string {
	if folder := e.Getenv("XDG_CONFIG_HOME"); folder != "" && e.OS != "windows" {
		return e.config(".config")
	}
	return e.join(e.Home, ".config")
}

// openCode returns the file with comments where there is one: the host reads both.
func openCode(e Environment) []string {
	plain := e.join(e.dotConfig(), "opencode/opencode.json")
	if commented := plain + "c"; e.Exists(commented) {
		return []string{commented}
	}
	return []string{plain}
}

func goose(e Environment) []string {
	if e.OS == "windows" {
		return []string{e.join(e.or("APPDATA", "AppData/Roaming"), "Block/goose/config/config.yaml")}
	}
	return []string{e.join(e.dotConfig(), "goose/config.yaml")}
}

// cline returns the file that the command and the extension share. Before they did,
// the extension had one in VS Code.
func cline(e Environment) []string {
	if file := e.Getenv("CLINE_MCP_SETTINGS_PATH"); file != "" {
		return []string{file}
	}
	file := e.join(e.Home, ".cline/data/settings/cline_mcp_settings.json")
	old := e.join(e.config(applicationSupport), "Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json")
	if !e.Exists(e.dir(e.dir(file))) && e.Exists(e.dir(old)) {
		return []string{old}
	}
	return []string{file}
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
