package handshake

import (
	"strings"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/mcp"
)

// isStateless reports whether a request names its protocol version itself, as
// 2026-07-28 requires. This package passes such a request on unchanged.
func isStateless(req *jsonrpc.Request) bool { return req.Meta.Get(mcp.MetaProtocolVersion) != nil }

func notFound(method string) *jsonrpc.Error {
	return jsonrpc.Errorf(mcp.CodeMethodNotFound, "Method not found: %.64q", method)
}

// logLevel reads the parameters of logging/setLevel.
func logLevel(req *jsonrpc.Request) (string, *jsonrpc.Error) {
	level := req.Params.Get("level")
	if !protocol.IsLevel(level) {
		return "", jsonrpc.Errorf(mcp.CodeInvalidParams, "params.level must be one of %s", strings.Join(protocol.Levels(), ", "))
	}
	return jsonrpc.Text(level), nil
}

// resourceURI reads the parameters of resources/subscribe and
// resources/unsubscribe.
func resourceURI(req *jsonrpc.Request) (string, *jsonrpc.Error) {
	uri := req.Params.Get("uri")
	if !jsonrpc.IsString(uri) {
		return "", jsonrpc.Errorf(mcp.CodeInvalidParams, "params.uri must be a string")
	}
	return jsonrpc.UnquoteString(uri), nil
}

// emptyResult returns a response whose result is an empty object.
func emptyResult(id []byte) *jsonrpc.Response {
	resp := jsonrpc.NewResponse()
	resp.BeginResult(id)
	resp.Body = append(resp.Body, "{}"...)
	resp.EndResult()
	return resp
}

// levelMembers are the levels as members of "_meta".
var levelMembers = func() map[string]jsonrpc.Member {
	members := make(map[string]jsonrpc.Member)
	for _, level := range protocol.Levels() {
		members[level] = jsonrpc.Member{Name: []byte(mcp.MetaLogLevel), Value: jsonrpc.AppendString(nil, level)}
	}
	return members
}()

func levelMember(level string) jsonrpc.Member { return levelMembers[level] }
