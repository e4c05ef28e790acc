package mcp

import "encoding/json"

// Tool describes a tool that a client can call.
type Tool struct {
	Name        string `json:"name"`
	Title       string `json:"title,omitzero"`
	Description string `json:"description,omitzero"`
	// InputSchema is the JSON Schema of the arguments. Required; its type is
	// "object". Without a $schema it is in the 2020-12 dialect.
	InputSchema json.RawMessage `json:"inputSchema"`
	// OutputSchema is the JSON Schema of the structured content, or nil.
	OutputSchema json.RawMessage  `json:"outputSchema,omitzero"`
	Annotations  *ToolAnnotations `json:"annotations,omitzero"`
	Icons        []Icon           `json:"icons,omitzero"`
	Meta         Meta             `json:"_meta,omitzero"`
}

// ToolAnnotations are a server's own account of how a tool behaves. A client
// must not decide anything by them unless it trusts the server.
type ToolAnnotations struct {
	// Title is a name for people. A Title of the [Tool] comes before it.
	Title string `json:"title,omitzero"`
	// ReadOnlyHint says that the tool changes nothing.
	ReadOnlyHint bool `json:"readOnlyHint,omitzero"`
	// DestructiveHint says whether a tool that changes something may destroy
	// what was there. nil means true.
	DestructiveHint *bool `json:"destructiveHint,omitzero"`
	// IdempotentHint says that calling the tool again with the same arguments
	// changes nothing more.
	IdempotentHint bool `json:"idempotentHint,omitzero"`
	// OpenWorldHint says whether the tool reaches beyond a closed domain, as a
	// web search does. nil means true.
	OpenWorldHint *bool `json:"openWorldHint,omitzero"`
}

// ListToolsResult is the result of tools/list.
type ListToolsResult struct {
	Meta       Meta       `json:"_meta,omitzero"`
	ResultType ResultType `json:"resultType,omitzero"`
	TTLMs      int64      `json:"ttlMs"`
	CacheScope CacheScope `json:"cacheScope"`
	Tools      List[Tool] `json:"tools"`
	// NextCursor is nil on the last page.
	NextCursor *Cursor `json:"nextCursor,omitzero"`
}

// CallToolRequestParams are the parameters of tools/call.
type CallToolRequestParams struct {
	Meta Meta   `json:"_meta,omitzero"`
	Name string `json:"name"`
	// Arguments is a JSON object, or nil for no arguments.
	Arguments      json.RawMessage `json:"arguments,omitzero"`
	InputResponses InputResponses  `json:"inputResponses,omitzero"`
	RequestState   *string         `json:"requestState,omitzero"`
}

// CallToolResult is the result of tools/call, unless the server asks for input
// with an [InputRequiredResult].
type CallToolResult struct {
	Meta       Meta          `json:"_meta,omitzero"`
	ResultType ResultType    `json:"resultType,omitzero"`
	Content    ContentBlocks `json:"content"`
	// StructuredContent is any JSON value, null included, or nil for no value.
	StructuredContent json.RawMessage `json:"structuredContent,omitzero"`
	// IsError says that the tool failed and that Content tells the model why.
	IsError bool `json:"isError,omitzero"`
}

// Text returns the text of every [TextContent] of the content, one on a line.
func (r *CallToolResult) Text() string { return r.Content.Text() }
