package jsonrpc

// methodOf decodes the JSON string of a method. The usual ones are there
// already.
func methodOf(value []byte) string {
	switch string(value) {
	case `"tools/call"`:
		return "tools/call"
	case `"tools/list"`:
		return "tools/list"
	case `"resources/read"`:
		return "resources/read"
	case `"prompts/get"`:
		return "prompts/get"
	}
	return UnquoteString(value)
}
