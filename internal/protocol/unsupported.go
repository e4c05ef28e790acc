package protocol

import (
	"strings"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/mcp"
)

// Unsupported is the error for a request in a version that the server does not
// serve. It names the versions that the client can choose from, and comes before
// any other complaint: a request cannot be checked by the rules of a version that
// it is not in (versioning, "Protocol Version Negotiation").
func Unsupported(supported []string, requested string) *jsonrpc.Error {
	err := jsonrpc.Malformedf(mcp.CodeUnsupportedProtocolVersion,
		"Unsupported protocol version %.64q, supported: %s", requested, strings.Join(supported, ", "))
	var data jsonrpc.Builder
	data.Add("supported", StringList(supported))
	data.AddString("requested", requested)
	err.Data = data.Object()
	return err
}

// StringList returns texts as a JSON array.
func StringList(texts []string) []byte {
	list := []byte{'['}
	for i, text := range texts {
		if i > 0 {
			list = append(list, ',')
		}
		list = jsonrpc.AppendString(list, text)
	}
	return append(list, ']')
}
