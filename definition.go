package mcpengine

import (
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/mcp"
)

// The definitions of the server and of its tools are written member by member:
// encoding/json would take longer to learn the types of package mcp than
// everything else at start-up.

// A definition is a [jsonrpc.Builder] that also encodes the values that few
// programs set.
type definition struct {
	jsonrpc.Builder
	err error
}

func (d *definition) addValue(set bool, name string, v any) {
	if !set || d.err != nil {
		return
	}
	value, err := encode(v)
	d.err = err
	d.Add(name, value)
}

func (d *definition) end() ([]byte, error) { return d.Object(), d.err }

func encodeImplementation(info mcp.Implementation) ([]byte, error) {
	var d definition
	d.AddString("name", info.Name)
	d.AddText("title", info.Title)
	d.AddString("version", info.Version)
	d.AddText("description", info.Description)
	d.AddText("websiteUrl", info.WebsiteURL)
	d.addValue(info.Icons != nil, "icons", info.Icons)
	return d.end()
}

func encodeTool(tool mcp.Tool) ([]byte, error) {
	// What is usual fits at once: the names of members take 70 bytes.
	texts := len(tool.Name) + len(tool.Title) + len(tool.Description)
	d := definition{Builder: jsonrpc.NewBuilder(80 + texts + len(tool.InputSchema) + len(tool.OutputSchema))}
	d.AddString("name", tool.Name)
	d.AddText("title", tool.Title)
	d.AddText("description", tool.Description)
	d.Add("inputSchema", tool.InputSchema)
	d.AddGiven("outputSchema", tool.OutputSchema)
	d.addValue(tool.Annotations != nil, "annotations", tool.Annotations)
	d.addValue(tool.Icons != nil, "icons", tool.Icons)
	d.addValue(tool.Meta != nil, "_meta", tool.Meta)
	return d.end()
}
