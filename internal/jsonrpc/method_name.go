package jsonrpc

import "github.com/mcpengine/mcpengine/mcp"

// usualMethods are the methods of most requests.
var usualMethods = []string{mcp.MethodToolsCall, mcp.MethodToolsList, mcp.MethodResourcesRead, mcp.MethodPromptsGet}

// methodName decodes the JSON string of a method, the usual ones without an
// allocation.
func methodName(value []byte) string {
	for _, name := range usualMethods {
		if EqualString(value, name) {
			return name
		}
	}
	return UnquoteString(value)
}
