package client

import (
	"github.com/go-json-experiment/json"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/mcp"
)

// decodeToolResult decodes the result of a tool. Plain text, which most tools
// return, takes a short way: going through the types of package mcp costs as much
// as everything else that the client does for a call.
func decodeToolResult(raw []byte) (*mcp.CallToolResult, error) {
	result := new(mcp.CallToolResult)
	if decodeText(raw, result) {
		return result, nil
	}
	*result = mcp.CallToolResult{}
	return result, json.Unmarshal(raw, result)
}

// decodeText decodes a result with no content but text, and reports whether it
// could.
func decodeText(raw []byte, result *mcp.CallToolResult) bool {
	var buffer [8]jsonrpc.Member // two of them for a block
	members, err := jsonrpc.AppendObject(buffer[:0:6], raw)
	if err != nil {
		return false
	}
	for _, m := range members {
		ok := true
		switch string(m.Name) {
		case "_meta":
			ok = json.Unmarshal(m.Value, &result.Meta) == nil
		case "resultType":
			if ok = m.Value[0] == '"'; ok {
				result.ResultType = mcp.ResultType(jsonrpc.UnquoteString(m.Value))
			}
		case "content":
			result.Content, ok = textBlocks(m.Value, buffer[6:6])
		case "structuredContent":
			result.StructuredContent = m.Value
		case "isError":
			result.IsError = string(m.Value) == "true"
			ok = result.IsError || string(m.Value) == "false"
		}
		if !ok {
			return false
		}
	}
	return true
}

// textBlocks decodes content that has only text. It uses buffer for the members
// of a block.
func textBlocks(raw []byte, buffer jsonrpc.Object) (mcp.ContentBlocks, bool) {
	elements, err := jsonrpc.ParseArray(raw)
	if err != nil {
		return nil, false
	}
	blocks := make(mcp.ContentBlocks, 0, len(elements))
	for _, e := range elements {
		members, err := jsonrpc.AppendObject(buffer, e)
		text := members.Get("text")
		if err != nil || len(members) != 2 || string(members.Get("type")) != `"text"` || len(text) == 0 || text[0] != '"' {
			return nil, false
		}
		blocks = append(blocks, mcp.TextContent{Text: jsonrpc.UnquoteString(text)})
	}
	return blocks, true
}
