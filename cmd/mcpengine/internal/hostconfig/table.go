package hostconfig

const (
	restart    = "Restart %s to use it"
	noRestart  = "%s uses it from now on; if not, restart it"
	newSession = "Start a new session of %s to use it"
	startIt    = "Start the server in %s: command MCP: List Servers"
)

// hosts has the places and forms of each host's documentation; docs/hosts.md has the
// sources.
var hosts = []*Host{
	{ID: "claude", Name: "Claude Desktop", Next: restart, key: "mcpServers", folder: 1, files: claudeDesktop},
	{
		ID: "claude-code", Name: "Claude Code", Next: newSession, key: "mcpServers",
		command: "claude", project: ".mcp.json", files: claudeCode, remote: claudeCodeEntry,
	},
	{
		ID: "cursor", Name: "Cursor", Next: noRestart, key: "mcpServers", folder: 1,
		project: ".cursor/mcp.json", files: inHome(".cursor/mcp.json"), remote: cursorEntry,
	},
	{
		ID: "vscode", Name: "VS Code", Next: startIt, key: "servers", folder: 1,
		project: ".vscode/mcp.json", files: inConfig("Code/User/mcp.json"), local: typed("stdio"), remote: vsCodeEntry,
	},
	{
		ID: "vscode-insiders", Name: "VS Code Insiders", Next: startIt, key: "servers", folder: 1,
		files: inConfig("Code - Insiders/User/mcp.json"), local: typed("stdio"), remote: vsCodeEntry,
	},
	{
		ID: "vscodium", Name: "VSCodium", Next: startIt, key: "servers", folder: 1,
		files: inConfig("VSCodium/User/mcp.json"), local: typed("stdio"), remote: vsCodeEntry,
	},
	{
		ID: "copilot", Name: "Copilot CLI", Next: newSession, key: "mcpServers", folder: 1,
		project: ".github/mcp.json", shared: true, files: inHome(".copilot/mcp-config.json"), local: copilotProgram, remote: copilotEntry,
	},
	{
		ID: "devin", Name: "Devin Desktop", Next: restart, key: "mcpServers", folder: 1,
		project: ".devin/mcp_config.json", files: devin, remote: devinEntry,
	},
	{
		ID: "windsurf", Name: "Windsurf", Next: restart, key: "mcpServers", folder: 1,
		files: inHome(".codeium/windsurf/mcp_config.json"), remote: serverURLEntry,
	},
	{
		ID: "zed", Name: "Zed", Next: noRestart, key: "context_servers", folder: 1,
		project: ".zed/settings.json", files: zed, remote: urlEntry,
	},
	{
		ID: "codex", Name: "Codex", Next: newSession, key: "mcp_servers", syntax: syntaxTOML, folder: 1,
		project: ".codex/config.toml", files: codex, remote: codexEntry,
	},
	{
		ID: "antigravity", Name: "Antigravity", Next: restart, key: "mcpServers", folder: 1,
		project: ".agents/mcp_config.json", shared: true, files: inHome(".gemini/config/mcp_config.json"), remote: serverURLEntry,
	},
	{
		ID: "gemini", Name: "Gemini CLI", Next: restart, key: "mcpServers", folder: 1,
		project: ".gemini/settings.json", files: inHome(".gemini/settings.json"), dollar: true, remote: geminiEntry,
	},
	{
		ID: "opencode", Name: "opencode", Next: restart, keys: openCodeKeys, env: "environment", folder: 1,
		project: "opencode.json", shared: true, files: openCode, local: openCodeProgram, remote: openCodeEntry,
	},
	{ID: "goose", Name: "Goose", Next: newSession, key: "extensions", syntax: syntaxYAML, env: "envs", folder: 1, files: goose, local: gooseProgram, remote: gooseEntry},
	{
		ID: "kiro", Name: "Kiro", Next: noRestart, key: "mcpServers", folder: 2,
		project: ".kiro/settings/mcp.json", files: inHome(".kiro/settings/mcp.json"), remote: urlEntry,
	},
	{ID: "cline", Name: "Cline", Next: noRestart, key: "mcpServers", folder: 2, files: cline, remote: clineEntry},
	{ID: "lmstudio", Name: "LM Studio", Next: noRestart, key: "mcpServers", folder: 1, files: lmStudio, remote: urlEntry},
	{
		ID: "junie", Name: "Junie", Next: restart, key: "mcpServers", folder: 2,
		project: ".junie/mcp/mcp.json", files: inHome(".junie/mcp/mcp.json"),
	},
}
