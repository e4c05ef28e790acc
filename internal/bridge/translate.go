package bridge

import (
	"bytes"
	"slices"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/mcp"
)

// Members that results have since 2026-07-28.
const (
	memberResultType = "resultType"
	memberTTL        = "ttlMs"
	memberCacheScope = "cacheScope"
)

// initializeResult makes the result of initialize, for a host that speaks the
// version, of what the server says of itself in either era. Name stands for the
// name of the server where it does not say one.
func initializeResult(server []byte, version, name string) []byte {
	quoted := jsonrpc.AppendString(nil, version)
	members, err := jsonrpc.ParseObject(server)
	if err == nil && members.Get("protocolVersion") != nil {
		return peer.SetMember(server, "protocolVersion", quoted)
	}
	meta, _ := jsonrpc.ParseObject(members.Get("_meta"))
	result := object("protocolVersion", quoted)
	result = peer.SetMember(result, "capabilities", orObject(members.Get("capabilities")))
	info := meta.Get(mcp.MetaServerInfo)
	if info == nil {
		info = append(jsonrpc.AppendString([]byte(`{"name":`), name), `,"version":"0"}`...)
	}
	result = peer.SetMember(result, "serverInfo", info)
	return peer.SetMember(result, "instructions", members.Get("instructions"))
}

// discoverResult makes the result of server/discover of a result of initialize.
func discoverResult(server []byte) []byte {
	members, _ := jsonrpc.ParseObject(server)
	result := object("supportedVersions", versionList())
	result = peer.SetMember(result, "capabilities", orObject(members.Get("capabilities")))
	result = peer.SetMember(result, "instructions", members.Get("instructions"))
	if info := members.Get("serverInfo"); info != nil {
		result = peer.SetMeta(result, mcp.MetaServerInfo, info)
	}
	return statelessResult(mcp.MethodServerDiscover, result)
}

// object returns the JSON object of one member.
func object(name string, value []byte) []byte {
	return append(append(append(jsonrpc.AppendString([]byte{'{'}, name), ':'), value...), '}')
}

func orObject(value []byte) []byte {
	if value == nil {
		return []byte("{}")
	}
	return value
}

// handshakeResult takes from a result what versions with a handshake do not have.
func handshakeResult(result []byte) []byte {
	if !bytes.Contains(result, []byte(memberResultType)) && !bytes.Contains(result, []byte(memberTTL)) && !bytes.Contains(result, []byte(memberCacheScope)) {
		return result
	}
	members, err := jsonrpc.ParseObject(result)
	if err != nil {
		return result
	}
	kept := make([]byte, 0, len(result))
	kept = append(kept, '{')
	for _, m := range members {
		if name := string(m.Name); name == memberResultType || name == memberTTL || name == memberCacheScope {
			continue
		}
		if len(kept) > 1 {
			kept = append(kept, ',')
		}
		kept = append(append(jsonrpc.AppendString(kept, string(m.Name)), ':'), m.Value...)
	}
	return append(kept, '}')
}

// cacheable are the methods whose results say how long they hold (caching,
// "Cacheable Results").
var cacheable = []string{
	mcp.MethodServerDiscover, mcp.MethodToolsList, mcp.MethodPromptsList,
	mcp.MethodResourcesList, mcp.MethodResourcesTemplatesList, mcp.MethodResourcesRead,
}

// statelessResult adds to a result of a server with a handshake what it has since.
// Nobody knows how long it holds, so that it does not.
func statelessResult(method string, result []byte) []byte {
	members, err := jsonrpc.ParseObject(result)
	if err != nil {
		return result
	}
	added := []byte{'{'}
	add := func(name, value string) {
		if members.Get(name) == nil {
			added = append(append(append(jsonrpc.AppendString(added, name), ':'), value...), ',')
		}
	}
	add(memberResultType, `"complete"`)
	if slices.Contains(cacheable, method) {
		add(memberTTL, "0")
		add(memberCacheScope, `"private"`)
	}
	rest := bytes.TrimLeft(bytes.TrimLeft(result, " \t\r\n")[1:], " \t\r\n")
	if len(members) == 0 {
		added = bytes.TrimSuffix(added, []byte(","))
	}
	return append(added, rest...)
}

// codeResourceNotFound is what versions with a handshake have for a resource
// that does not exist. 2026-07-28 has no code of its own for it.
const codeResourceNotFound = -32002

// statelessError returns an error of a server with a handshake as 2026-07-28 has it.
func statelessError(err *jsonrpc.Error) *jsonrpc.Error {
	if err.Code != codeResourceNotFound {
		return err
	}
	changed := *err
	changed.Code = jsonrpc.CodeInvalidParams
	return &changed
}

// levels are the log levels, least severe first.
var levels = []string{"debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"}

// severity orders log levels, and is -1 for what is none.
func severity(level string) int { return slices.Index(levels, level) }

// isLoud reports whether a log message is at least as severe as the level.
func isLoud(params []byte, level string) bool {
	members, err := jsonrpc.ParseObject(params)
	if err != nil {
		return false
	}
	return severity(level) >= 0 && severity(text(members.Get("level"))) >= severity(level)
}

// text returns the text of a JSON string, and "" for anything else.
func text(value []byte) string {
	if len(value) < 2 || value[0] != '"' {
		return ""
	}
	return jsonrpc.UnquoteString(value)
}
