package mcpengine

import (
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/mcp"
)

// What every server encodes before it can answer is written member by member:
// to learn the types of package mcp takes encoding/json longer than all else
// that is done at start-up.

// A definition is a JSON object that grows.
type definition struct {
	text []byte
	err  error
}

// name begins a member.
func (d *definition) name(name string) {
	separator := byte(',')
	if len(d.text) == 0 {
		separator = '{'
	}
	d.text = append(jsonrpc.AppendString(append(d.text, separator), name), ':')
}

func (d *definition) raw(name string, value []byte) {
	d.name(name)
	d.text = append(d.text, value...)
}

func (d *definition) required(name, value string) {
	d.name(name)
	d.text = jsonrpc.AppendString(d.text, value)
}

func (d *definition) optional(name, value string) {
	if value != "" {
		d.required(name, value)
	}
}

// given adds a value that few programs set.
func (d *definition) given(set bool, name string, v any) {
	if !set || d.err != nil {
		return
	}
	value, err := encode(v)
	d.err = err
	d.raw(name, value)
}

func (d *definition) end() ([]byte, error) { return append(d.text, '}'), d.err }

func encodeImplementation(info mcp.Implementation) ([]byte, error) {
	var d definition
	d.required("name", info.Name)
	d.optional("title", info.Title)
	d.required("version", info.Version)
	d.optional("description", info.Description)
	d.optional("websiteUrl", info.WebsiteURL)
	d.given(info.Icons != nil, "icons", info.Icons)
	return d.end()
}

func encodeTool(tool mcp.Tool) ([]byte, error) {
	// What is usual fits at once: the names of members take 70 bytes.
	texts := len(tool.Name) + len(tool.Title) + len(tool.Description)
	d := definition{text: make([]byte, 0, 80+texts+len(tool.InputSchema)+len(tool.OutputSchema))}
	d.required("name", tool.Name)
	d.optional("title", tool.Title)
	d.optional("description", tool.Description)
	d.raw("inputSchema", tool.InputSchema)
	if tool.OutputSchema != nil {
		d.raw("outputSchema", tool.OutputSchema)
	}
	d.given(tool.Annotations != nil, "annotations", tool.Annotations)
	d.given(tool.Icons != nil, "icons", tool.Icons)
	d.given(tool.Meta != nil, "_meta", tool.Meta)
	return d.end()
}
