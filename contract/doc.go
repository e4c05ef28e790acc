// Package contract keeps what a server offers in a lock file, and says whether a
// change of it breaks the agents that use the server.
//
// [Read] asks a server for everything that a client can see: tools, prompts,
// resources, resource templates, instructions, capabilities and extensions.
// [Lock.Encode] writes it as a file to commit, by convention mcp.lock.json.
// [Compare] says for two locks what changed and how much it matters:
//
//	breaking     a call that worked may fail, or a host that approved a tool
//	             by its annotations approves something else
//	security     who may use a feature, or what a view may do, changed
//	notice       a text that a model reads changed, but no call fails
//	compatible   everything that worked works as before
//
// The command line does the same: mcpengine inspect SERVER -o mcp.lock.json, and
// mcpengine inspect SERVER --diff mcp.lock.json.
package contract
