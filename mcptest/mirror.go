package mcptest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/mcpengine/mcpengine/internal/schema"
	"github.com/mcpengine/mcpengine/mcp"
)

// A toolCache remembers which arguments the tools mirror.
type toolCache struct {
	mu      sync.Mutex
	headers map[string][]schema.Header
}

// mirror returns the header fields for arguments (streamable-http, "Client
// Behavior").
func (c *Client) mirror(ctx context.Context, tool string, arguments []byte) (http.Header, error) {
	bindings, err := c.bindings(ctx, tool)
	if err != nil || len(bindings) == 0 {
		return nil, err
	}
	var object any
	if err := json.Unmarshal(arguments, &object); err != nil {
		return nil, err
	}
	header := http.Header{}
	for _, b := range bindings {
		if text, ok := textAt(object, b.Path); ok {
			header.Set(b.Name, encodeValue(text))
		}
	}
	return header, nil
}

func (c *Client) bindings(ctx context.Context, tool string) ([]schema.Header, error) {
	c.tools.mu.Lock()
	defer c.tools.mu.Unlock()
	if bindings, ok := c.tools.headers[tool]; ok {
		return bindings, nil
	}
	tools, err := listAll(ctx, c.with(nil), mcp.MethodToolsList, func(r *mcp.ListToolsResult) ([]mcp.Tool, *mcp.Cursor) {
		return r.Tools, r.NextCursor
	})
	if err != nil {
		return nil, err
	}
	c.tools.headers = make(map[string][]schema.Header, len(tools))
	for _, t := range tools {
		compiled, err := schema.Compile(t.InputSchema)
		if err != nil {
			return nil, err
		}
		c.tools.headers[t.Name] = compiled.Headers()
	}
	return c.tools.headers[tool], nil
}

// textAt returns the primitive value at a path as text.
func textAt(value any, path []string) (string, bool) {
	for _, name := range path {
		object, ok := value.(map[string]any)
		if !ok {
			return "", false
		}
		value = object[name]
	}
	switch v := value.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	}
	return "", false
}

// encodeValue encodes what a field value cannot hold as it is
// (streamable-http, "Value Encoding").
func encodeValue(text string) string {
	plain := strings.TrimSpace(text) == text && !strings.HasPrefix(text, "=?base64?")
	for i := range len(text) {
		plain = plain && ' ' <= text[i] && text[i] <= '~'
	}
	if plain {
		return text
	}
	return "=?base64?" + base64.StdEncoding.EncodeToString([]byte(text)) + "?="
}
