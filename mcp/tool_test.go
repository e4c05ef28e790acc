package mcp_test

import (
	"encoding/json"
	"testing"

	"github.com/mcpengine/mcpengine/mcp"
)

func TestTool(t *testing.T) {
	t.Parallel()
	testRoundTrip(t, []wireForm{
		{
			mcp.Tool{Name: "now", InputSchema: json.RawMessage(`{"type":"object"}`)},
			`{"name":"now", "inputSchema":{"type":"object"}}`,
		},
		{
			mcp.Tool{
				Name:        "tide",
				Title:       "Tide",
				Description: "Water level at a harbour.",
				// No keyword of a schema is lost, known or not, nor its order.
				InputSchema:  json.RawMessage(`{"type":"object","$schema":"urn:x","properties":{"at":{"x-mcp-header":"At"}},"allOf":[true]}`),
				OutputSchema: json.RawMessage(`{"type":["number","null"]}`),
				Annotations:  &mcp.ToolAnnotations{Title: "Tide table", ReadOnlyHint: true},
				Icons:        []mcp.Icon{{Src: "data:,"}},
				Meta:         mcp.Meta{"example.org/tier": "free"},
			},
			`{
				"name":"tide", "title":"Tide", "description":"Water level at a harbour.",
				"inputSchema":{"type":"object","$schema":"urn:x","properties":{"at":{"x-mcp-header":"At"}},"allOf":[true]},
				"outputSchema":{"type":["number","null"]},
				"annotations":{"title":"Tide table", "readOnlyHint":true},
				"icons":[{"src":"data:,"}],
				"_meta":{"example.org/tier":"free"}
			}`,
		},
	})
}

// The hints that default to true can say false, and can say nothing.
func TestToolAnnotations(t *testing.T) {
	t.Parallel()
	testRoundTrip(t, []wireForm{
		{mcp.ToolAnnotations{}, `{}`},
		{
			mcp.ToolAnnotations{DestructiveHint: new(false), IdempotentHint: true, OpenWorldHint: new(false)},
			`{"destructiveHint":false, "idempotentHint":true, "openWorldHint":false}`,
		},
		{mcp.ToolAnnotations{DestructiveHint: new(true)}, `{"destructiveHint":true}`},
	})
}

func TestListToolsResult(t *testing.T) {
	t.Parallel()
	testRoundTrip(t, []wireForm{
		{
			mcp.ListToolsResult{
				ResultType: mcp.ResultTypeComplete,
				TTLMs:      1500,
				CacheScope: mcp.CacheScopePrivate,
				Tools:      []mcp.Tool{{Name: "now", InputSchema: json.RawMessage(`{"type":"object"}`)}},
				NextCursor: new(mcp.Cursor("p2")),
			},
			`{
				"resultType":"complete", "ttlMs":1500, "cacheScope":"private",
				"tools":[{"name":"now", "inputSchema":{"type":"object"}}],
				"nextCursor":"p2"
			}`,
		},
	})
}

func TestCallTool(t *testing.T) {
	t.Parallel()
	testRoundTrip(t, []wireForm{
		{mcp.CallToolRequestParams{Name: "now"}, `{"name":"now"}`},
		{
			mcp.CallToolRequestParams{
				Meta:      mcp.Meta{mcp.MetaProgressToken: "t1"},
				Name:      "tide",
				Arguments: json.RawMessage(`{"harbour":"Cuxhaven","depth":9007199254740993}`),
				InputResponses: mcp.InputResponses{
					"who": json.RawMessage(`{"action":"decline"}`),
				},
				RequestState: new("sealed"),
			},
			`{
				"_meta":{"progressToken":"t1"},
				"name":"tide",
				"arguments":{"harbour":"Cuxhaven","depth":9007199254740993},
				"inputResponses":{"who":{"action":"decline"}},
				"requestState":"sealed"
			}`,
		},
		{
			mcp.CallToolResult{Content: mcp.ContentBlocks{mcp.TextContent{Text: "ebb"}}},
			`{"content":[{"type":"text", "text":"ebb"}]}`,
		},
		{
			mcp.CallToolResult{
				ResultType:        mcp.ResultTypeComplete,
				Content:           mcp.ContentBlocks{},
				StructuredContent: json.RawMessage(`{"level":[3.10,null]}`),
				IsError:           true,
			},
			`{"resultType":"complete", "content":[], "structuredContent":{"level":[3.10,null]}, "isError":true}`,
		},
		{
			mcp.CallToolResult{Content: mcp.ContentBlocks{}, StructuredContent: json.RawMessage(`null`)},
			`{"content":[], "structuredContent":null}`,
		},
	})
	testRefusals(t, []refusal{
		{mcp.CallToolResult{}, `{"content":[{"type":"hologram"}]}`, `unknown type "hologram"`},
		{mcp.CallToolResult{}, `{"content":"ebb"}`, `want an array`},
	})
}
