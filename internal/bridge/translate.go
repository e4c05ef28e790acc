package bridge

import (
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/mcp"
)

// initializeResult makes the result of initialize, for a host that speaks the
// version, from the server's result of initialize or of server/discover. Name
// stands in for the server's name if it gives none.
func initializeResult(server []byte, v *protocol.Version, name string) []byte {
	quoted := jsonrpc.AppendString(nil, v.Name)
	members, err := jsonrpc.ParseObject(server)
	if err == nil && members.Get("protocolVersion") != nil {
		return v.Result(protocol.MethodInitialize, jsonrpc.Set(server, "protocolVersion", quoted), false)
	}
	meta, _ := jsonrpc.ParseObject(members.Get("_meta"))
	info := meta.Get(mcp.MetaServerInfo)
	if info == nil {
		info = append(jsonrpc.AppendString([]byte(`{"name":`), name), `,"version":"0"}`...)
	}
	var result jsonrpc.Builder
	result.Add("protocolVersion", quoted)
	result.Add("capabilities", orObject(members.Get("capabilities")))
	result.Add("serverInfo", info)
	result.AddGiven("instructions", members.Get("instructions"))
	return v.Result(protocol.MethodInitialize, result.Object(), false)
}

// discoverResult makes the result of server/discover of a result of initialize.
func discoverResult(server []byte) []byte {
	members, _ := jsonrpc.ParseObject(server)
	var result jsonrpc.Builder
	result.Add("supportedVersions", protocol.StringList(protocol.Names(nil)))
	result.Add("capabilities", orObject(members.Get("capabilities")))
	result.AddGiven("instructions", members.Get("instructions"))
	if info := members.Get("serverInfo"); info != nil {
		result.Add("_meta", jsonrpc.NewObject(mcp.MetaServerInfo, info))
	}
	return protocol.Complete(mcp.MethodServerDiscover, result.Object())
}

func orObject(value []byte) []byte {
	if value == nil {
		return []byte("{}")
	}
	return value
}

// isLoud reports whether a log message is at least as severe as the level.
func isLoud(params []byte, level string) bool {
	members, err := jsonrpc.ParseObject(params)
	if err != nil {
		return false
	}
	least := protocol.Severity(level)
	return least >= 0 && protocol.Severity(jsonrpc.Text(members.Get("level"))) >= least
}
