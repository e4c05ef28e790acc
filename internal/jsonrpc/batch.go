package jsonrpc

import (
	"errors"
	"fmt"

	"github.com/mcpengine/mcpengine/mcp"
)

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
