package handshake

import (
	"slices"
	"strings"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/mcp"
)

// Methods of versions with a handshake that are about the connection and not
// about the engine.
const (
	methodInitialize  = "initialize"
	methodPing        = "ping"
	methodSetLevel    = "logging/setLevel"
	methodSubscribe   = "resources/subscribe"
	methodUnsubscribe = "resources/unsubscribe"
	methodInitialized = "notifications/initialized"
)

// defaultLevel is the least level of log messages for a client that has not
// set one: the server may choose (2025-11-25, logging, "Setting Log Level").
const defaultLevel = "info"

// levels are what logging/setLevel accepts.
var levels = []string{"debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"}

// isStateless reports whether a request is of a version without handshake. It is
// none of this package's business then.
func isStateless(req *jsonrpc.Request) bool { return req.Meta.Get(mcp.MetaProtocolVersion) != nil }

// isForeign reports whether a method came after the versions with a handshake.
// The engine serves it, but not to them.
func isForeign(method string) bool {
	return method == mcp.MethodServerDiscover || method == mcp.MethodSubscriptionsListen
}

// isLocal reports whether a method is answered without the engine.
func isLocal(method string) bool {
	return method == methodSetLevel || method == methodSubscribe || method == methodUnsubscribe
}

func notFound(method string) *jsonrpc.Error {
	return jsonrpc.Errorf(jsonrpc.CodeMethodNotFound, "Method not found: %.64q", method)
}

// logLevel reads the parameters of logging/setLevel.
func logLevel(req *jsonrpc.Request) (string, *jsonrpc.Error) {
	if level := req.Params.Get("level"); isText(level) {
		if name := jsonrpc.UnquoteString(level); slices.Contains(levels, name) {
			return name, nil
		}
	}
	return "", jsonrpc.Errorf(jsonrpc.CodeInvalidParams, "params.level must be one of %s", strings.Join(levels, ", "))
}

// resourceURI reads the parameters of resources/subscribe and
// resources/unsubscribe.
func resourceURI(req *jsonrpc.Request) (string, *jsonrpc.Error) {
	uri := req.Params.Get("uri")
	if !isText(uri) {
		return "", jsonrpc.Errorf(jsonrpc.CodeInvalidParams, "params.uri must be a string")
	}
	return jsonrpc.UnquoteString(uri), nil
}

// emptyResult answers a request that has nothing to say.
func emptyResult(id []byte) *jsonrpc.Response {
	resp := jsonrpc.NewResponse()
	resp.BeginResult(id)
	resp.Body = append(resp.Body, "{}"...)
	resp.EndResult()
	return resp
}

// levelMembers are the levels as members of "_meta".
var levelMembers = func() map[string]jsonrpc.Member {
	members := make(map[string]jsonrpc.Member, len(levels))
	for _, level := range levels {
		members[level] = jsonrpc.Member{Name: []byte(mcp.MetaLogLevel), Value: jsonrpc.AppendString(nil, level)}
	}
	return members
}()

func levelMember(level string) jsonrpc.Member { return levelMembers[level] }
