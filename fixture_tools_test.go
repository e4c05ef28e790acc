package mcpengine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/mcp"
)

type forecast struct {
	City        string    `json:"city" jsonschema:"name of the city"`
	Temperature float64   `json:"temperature"`
	Wind        *int      `json:"wind,omitempty"`
	At          time.Time `json:"at"`
}

type celsius string

// resultsFixture has a tool for every kind of result.
func resultsFixture(opts ...mcpengine.Option) *mcpengine.Engine {
	e := newFixture(opts)
	paris := forecast{City: "Paris", Temperature: 21.5, At: time.Date(2026, 7, 28, 12, 0, 0, 0, time.UTC)}
	give(e, "string", `a "text" with <html> & ünïcödé`+"\n")
	give(e, "named_string", celsius("21 °C"))
	give(e, "not_utf8", "broken \xff text")
	addContentTools(e)
	give(e, "struct", paris)
	give(e, "pointer", &paris)
	give[*forecast](e, "nil_pointer", nil)
	give(e, "slice", []forecast{paris})
	give[[]int](e, "nil_slice", nil)
	give(e, "map", map[string]int{"c": 3, "a": 1, "b": 2})
	give(e, "number", 42)
	give(e, "boolean", true)
	give[any](e, "any", map[string]any{"b": []any{1, nil}, "a": "text"})
	give[any](e, "any_nil", nil)
	give(e, "raw", json.RawMessage(`{"z":1, "a":[2]}`))
	give(e, "bytes", []byte{0, 1, 2})
	give(e, "not_a_number", math.NaN())
	give[any](e, "channel", make(chan int))
	addSchemaTools(e)
	return e
}

func addContentTools(e *mcpengine.Engine) {
	priority := 0.5
	text := mcp.TextContent{Text: "text", Annotations: &mcp.Annotations{Audience: []mcp.Role{mcp.RoleUser}, Priority: &priority}}
	link := mcp.ResourceLink{URI: "file:///a.txt", Name: "a", MIMEType: "text/plain"}
	give(e, "text", text)
	give(e, "image", mcp.ImageContent{Data: []byte("png"), MIMEType: "image/png"})
	give(e, "audio", mcp.AudioContent{Data: []byte("wav"), MIMEType: "audio/wav"})
	give(e, "link", link)
	give(e, "embedded", mcp.EmbeddedResource{Resource: mcp.ResourceContents{URI: "file:///a.txt", Text: "a"}})
	give(e, "block_pointer", &text)
	give[*mcp.TextContent](e, "nil_block", nil)
	give[mcp.ContentBlock](e, "interface", link)
	give(e, "blocks", []mcp.ContentBlock{text, link})
	give(e, "content_blocks", mcp.ContentBlocks{text})
	give[[]mcp.ContentBlock](e, "no_blocks", nil)
	give(e, "blocks_with_nil", []mcp.ContentBlock{nil})
	give(e, "result", &mcp.CallToolResult{
		Meta:              mcp.Meta{"example.com/cost": 3},
		Content:           mcp.ContentBlocks{text},
		StructuredContent: json.RawMessage(`{"n":1}`),
	})
	give(e, "result_value", mcp.CallToolResult{})
	give(e, "result_error", &mcp.CallToolResult{Content: mcp.ContentBlocks{mcp.TextContent{Text: "no"}}, IsError: true})
	give[*mcp.CallToolResult](e, "nil_result", nil)
	give(e, "result_meta", &mcp.CallToolResult{
		Meta: mcp.Meta{mcp.MetaServerInfo: mcp.Implementation{Name: "behind", Version: "9"}},
	})
}

const evenSchema = `{"type":"object","properties":{"n":{"type":"integer","multipleOf":2}},"required":["n"]}`

// addSchemaTools adds tools that keep to their output schema, and others that
// do not.
func addSchemaTools(e *mcpengine.Engine) {
	give(e, "even", map[string]int{"n": 2}, mcpengine.WithOutputSchema(evenSchema))
	give(e, "odd", map[string]int{"n": 3}, mcpengine.WithOutputSchema(evenSchema))
	give(e, "even_result", &mcp.CallToolResult{StructuredContent: json.RawMessage(`{"n":2}`)}, mcpengine.WithOutputSchema(evenSchema))
	give(e, "odd_result", &mcp.CallToolResult{StructuredContent: json.RawMessage(`{"n":3}`)}, mcpengine.WithOutputSchema(evenSchema))
	give(e, "unstructured_result", &mcp.CallToolResult{}, mcpengine.WithOutputSchema(evenSchema))
	give(e, "failed_result", &mcp.CallToolResult{IsError: true}, mcpengine.WithOutputSchema(evenSchema))
	give[any](e, "any_odd", map[string]int{"n": 3}, mcpengine.WithOutputSchema(evenSchema))
}

type trip struct {
	City  string    `json:"city" jsonschema:"where the trip goes"`
	Days  int8      `json:"days" default:"3"`
	Class string    `json:"class,omitempty" enum:"first,second"`
	Legs  []leg     `json:"legs,omitempty"`
	From  time.Time `json:"from,omitzero"`
	Seats uint64    `json:"seats,omitempty"`
	Price *float64  `json:"price"`
	Stops stops     `json:"stops,omitzero"`
}

type stops struct {
	At []time.Time `json:"at"`
}

type leg struct {
	To    string `json:"to"`
	Night bool   `json:"night,omitempty" default:"true"`
}

// toolsFixture has tools whose arguments and definitions matter.
func toolsFixture(opts ...mcpengine.Option) *mcpengine.Engine {
	e := newFixture(opts)
	// The arguments come back as text, so that no output schema is in the way.
	mcpengine.AddTool(e, "trip", "Plan a trip.", func(_ context.Context, in trip) (string, error) {
		encoded, err := json.Marshal(in)
		return string(encoded), err
	})
	no := false
	mcpengine.AddTool(e, "decorated", "Has everything a tool can have.", func(context.Context, none) (string, error) { return "done", nil },
		mcpengine.WithTitle("Decorated"),
		mcpengine.WithIcons(mcp.Icon{Src: "data:image/png;base64,AA==", Theme: mcp.IconThemeDark}),
		mcpengine.WithMeta(mcp.Meta{"example.com/b": []int{2}, "example.com/a": 1}),
		mcpengine.WithToolAnnotations(mcp.ToolAnnotations{Title: "Shown", ReadOnlyHint: true, DestructiveHint: &no, IdempotentHint: true, OpenWorldHint: &no}),
	)
	mcpengine.AddTool(e, "raw", "", func(_ context.Context, in map[string]any) (string, error) {
		return fmt.Sprintf("%d members", len(in)), nil
	}, mcpengine.WithInputSchema(`{ "type": "object", "minProperties": 1 }`))
	mcpengine.AddTool(e, "raw_message", "", func(_ context.Context, in json.RawMessage) (string, error) {
		return string(in), nil
	}, mcpengine.WithInputSchema(`{"type":"object"}`))
	mcpengine.AddTool(e, "every-keyword", "", func(_ context.Context, in json.RawMessage) (json.RawMessage, error) {
		return in, nil
	}, mcpengine.WithInputSchema(everyKeyword), mcpengine.WithOutputSchema(everyKeyword))
	return e
}

// everyKeyword is a schema with each keyword of JSON Schema 2020-12, and one
// that is unknown.
const everyKeyword = `{
	"$schema": "https://json-schema.org/draft/2020-12/schema",
	"$comment": "for the reader",
	"type": "object",
	"title": "Everything",
	"description": "every keyword",
	"$defs": {
		"name": {"$anchor": "name", "type": "string", "minLength": 1, "maxLength": 9, "pattern": "^[a-z]+$"},
		"tree": {"$dynamicAnchor": "node", "type": "object", "properties": {"next": {"$dynamicRef": "#node"}}}
	},
	"properties": {
		"ref": {"$ref": "#/$defs/name"},
		"anchor": {"$ref": "#name"},
		"tree": {"$ref": "#/$defs/tree"},
		"number": {"type": "number", "multipleOf": 0.5, "minimum": 0, "maximum": 9, "exclusiveMinimum": -1, "exclusiveMaximum": 10},
		"list": {
			"type": "array", "prefixItems": [{"type": "string"}], "items": {"type": "string"},
			"contains": {"const": "x"}, "minContains": 1, "maxContains": 2,
			"minItems": 1, "maxItems": 5, "uniqueItems": true
		},
		"rest": {"type": "array", "prefixItems": [true], "unevaluatedItems": false},
		"text": {
			"type": "string", "format": "date", "contentEncoding": "base64", "contentMediaType": "application/json",
			"contentSchema": {"type": "object"}, "default": "MQ==", "examples": ["Mg=="],
			"deprecated": true, "readOnly": false, "writeOnly": false
		},
		"choice": {"enum": ["a", 1, null], "not": {"const": 1}},
		"any": {"anyOf": [{"type": "string"}, {"type": "null"}], "oneOf": [true, false], "allOf": [true]},
		"closed": {"type": "object", "patternProperties": {"^x-": true}, "additionalProperties": false, "propertyNames": {"maxLength": 5}}
	},
	"required": [],
	"minProperties": 0,
	"maxProperties": 20,
	"dependentRequired": {"anchor": ["ref"]},
	"dependentSchemas": {"tree": {"required": ["ref"]}},
	"if": {"required": ["list"]},
	"then": {"required": ["number"]},
	"else": true,
	"unevaluatedProperties": false,
	"x-unknown": {"kept": [1, 2]}
}`
