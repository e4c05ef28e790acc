// Package tables breaks the rule about tables, beside what it allows.
package tables

import "example.com/mcp"

const streamable = "2025-06-18"

func isSafe(method string) bool {
	switch method {
	case "tools/list", mcp.MethodPromptsList:
		return true
	case "ping", "initialize":
		return true
	case "tools/call":
		return false
	case mcp.MethodNotificationsProgress, mcp.MethodNotificationsMessage, "2012-10-17":
		return false
	}
	return false
}
