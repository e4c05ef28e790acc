package jsonrpc

import (
	"github.com/mcpengine/mcpengine/mcp"
)

// A Reply is a client's response to a request of the server. Either Result or
// Error is set, to raw JSON.
type Reply struct {
	ID            []byte
	Result, Error []byte
}

// ParseReply reads a response to a request. Its slices alias data. The result
// need not be an object: whether it may be another value depends on the request.
func ParseReply(data []byte) (Reply, *Error) {
	var m Message
	if err := m.parse(data); err != nil {
		return Reply{}, err
	}
	if !m.IsResponse() || m.ID == nil {
		return Reply{}, Errorf(mcp.CodeInvalidRequest, "a response has the id of the request")
	}
	return Reply{ID: m.ID, Result: m.Result, Error: m.Error}, nil
}
