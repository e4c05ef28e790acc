package jsonrpc

import (
	"errors"
	"fmt"

	"github.com/mcpengine/mcpengine/mcp"
)

// A Reply is a client's response to a request of the server. Either Result or
// Error is set, to raw JSON.
type Reply struct {
	ID            []byte
	Result, Error []byte
}

// ParseReply reads a response to a request. Its slices alias data. A result that
// is not an object is for the caller to refuse, who knows what it asked.
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

// maxBatch bounds the messages of a batch.
const maxBatch = 64

// errLongBatch is not about the syntax, so that it is no parse error.
var errLongBatch = fmt.Errorf("a batch has at most %d messages", maxBatch)

// SplitBatch returns the messages of a batch, which alias data. An empty batch
// is an error (JSON-RPC 2.0, section 6).
func SplitBatch(data []byte) ([][]byte, *Error) {
	s := scanner{data: data}
	var batch [][]byte
	s.space()
	if s.pos >= len(data) || data[s.pos] != '[' {
		return nil, Errorf(mcp.CodeInvalidRequest, "a batch is an array")
	}
	err := s.elements(func(element []byte) error {
		if len(batch) == maxBatch {
			return errLongBatch
		}
		batch = append(batch, element)
		return nil
	})
	if err == nil {
		err = s.end()
	}
	switch {
	case errors.Is(err, errLongBatch):
		return nil, Errorf(mcp.CodeInvalidRequest, "%v", err)
	case err != nil:
		return nil, Errorf(mcp.CodeParseError, "parse error: %v", err)
	case len(batch) == 0:
		return nil, Errorf(mcp.CodeInvalidRequest, "the batch is empty")
	}
	return batch, nil
}
