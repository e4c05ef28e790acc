//go:build !mcpengine_no_handshake

package mcpengine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/internal/schema"
	"github.com/mcpengine/mcpengine/mcp"
)

// Whatever a tool returns, its structured content matches the output schema
// that the list of the same protocol version shows.
func TestStructuredContentMatchesItsSchema(t *testing.T) {
	t.Parallel()
	type record struct {
		ID string `json:"id"`
	}
	type node struct {
		Next *record `json:"next"`
	}
	type tree []tree
	const (
		object = `{"a":1}`
		union  = `{"anyOf":[{"type":"object","required":["a"]},{"type":"array"}]}`
		refers = `{"$defs":{"a":{"type":"object"}},"anyOf":[{"$ref":"#/$defs/a"},{"type":"array"}]}`
	)
	newEngine := func() *mcpengine.Engine {
		e := mcpengine.New("test", quiet())
		give(e, "struct", record{"1"})
		give(e, "nested", node{&record{"1"}})
		give(e, "pointer", &record{"1"})
		give(e, "nil_pointer", (*record)(nil))
		give(e, "number_pointer", new(42))
		give(e, "slice", []record{{"1"}})
		give(e, "nil_slice", []record(nil))
		give(e, "map", map[string]int{"a": 1})
		give(e, "bool", true)
		give(e, "recursive_list", tree{{}, {{}}})
		give(e, "url", url.URL{Scheme: "https", User: url.User("ada")})
		give(e, "time", time.Unix(0, 0).UTC())
		give(e, "address", netip.MustParseAddr("::1"))
		give(e, "big", big.NewInt(1))
		give(e, "raw_object", json.RawMessage(object))
		give(e, "raw_array", json.RawMessage(`[1]`))
		give(e, "raw_text", json.RawMessage(`"x"`))
		give(e, "union_object", json.RawMessage(object), mcpengine.WithOutputSchema(union))
		give(e, "union_array", json.RawMessage(`[1]`), mcpengine.WithOutputSchema(union))
		give(e, "refers_object", json.RawMessage(object), mcpengine.WithOutputSchema(refers))
		give(e, "refers_array", json.RawMessage(`[1]`), mcpengine.WithOutputSchema(refers))
		give(e, "result", &mcp.CallToolResult{StructuredContent: json.RawMessage(object)}, mcpengine.WithOutputSchema(union))
		mcpengine.AddTool(e, "any", "", func(context.Context, none) (any, error) { return record{"1"}, nil })
		return e
	}
	for _, version := range []string{"2025-11-25", "2025-06-18", "2026-07-28"} {
		send := serveStdio(t, newEngine())
		request := func(method, params string) string { return message(method, params) }
		if version != mcp.LatestProtocolVersion {
			send(initialize(version))
			send(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
			request = func(method, params string) string {
				return fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":{%s}}`, method, params)
			}
		}
		var list struct{ Result mcp.ListToolsResult }
		if err := json.Unmarshal([]byte(send(request("tools/list", ""))[0]), &list); err != nil || len(list.Result.Tools) == 0 {
			t.Fatalf("%s: list: %v", version, err)
		}
		for _, tool := range list.Result.Tools {
			var call struct{ Result mcp.CallToolResult }
			text := send(request("tools/call", fmt.Sprintf(`"name":%q`, tool.Name)))[0]
			if err := json.Unmarshal([]byte(text), &call); err != nil || call.Result.StructuredContent == nil {
				t.Errorf("%s %s: %s (%v)", version, tool.Name, text, err)
				continue
			}
			content := call.Result.StructuredContent
			if version != mcp.LatestProtocolVersion && content[0] != '{' {
				t.Errorf("%s %s: structured content is %s, want an object", version, tool.Name, content)
			}
			if tool.OutputSchema == nil {
				if inferred := !strings.HasPrefix(tool.Name, "raw"); inferred && tool.Name != "any" {
					t.Errorf("%s %s has no output schema", version, tool.Name)
				}
				continue
			}
			s, err := schema.Compile(tool.OutputSchema)
			if err != nil {
				t.Fatalf("%s %s: %v", version, tool.Name, err)
			}
			if err := s.Validate(t.Context(), content); err != nil {
				t.Errorf("%s %s: %s does not match %s: %v", version, tool.Name, content, tool.OutputSchema, err)
			}
		}
	}
}
