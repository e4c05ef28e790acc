package inspector_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/mcp"
)

// markup is what a server writes into a page that is not careful.
const markup = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`

// hostile returns a server whose every text attacks the page that shows it, and that
// has more of everything than a page can show at once.
func hostile() *mcpengine.Engine {
	e := mcpengine.New("hostile",
		mcpengine.WithImplementation(mcp.Implementation{
			Title: markup, Version: markup, Description: markup, WebsiteURL: "javascript:document.title='owned'",
			Icons: []mcp.Icon{{Src: "http://127.0.0.1:9/icon.png"}, {Src: "javascript:document.title='owned'"}},
		}),
		mcpengine.WithInstructions(markup))
	type nothing struct{}
	mcpengine.AddTool(e, "links", markup, func(context.Context, nothing) ([]mcp.ContentBlock, error) {
		return []mcp.ContentBlock{
			mcp.TextContent{Text: markup},
			mcp.ResourceLink{URI: "javascript:document.title='owned'", Name: markup, Title: markup, Description: markup},
			mcp.ImageContent{Data: []byte("<script>document.title='owned'</script>"), MIMEType: "text/html"},
			mcp.ImageContent{Data: []byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="document.title='owned'"/>`), MIMEType: "image/svg+xml"},
			mcp.EmbeddedResource{Resource: mcp.ResourceContents{URI: "javascript:document.title='owned'", MIMEType: "text/html", Text: markup}},
		}, nil
	}, mcpengine.WithTitle(markup))
	mcpengine.AddTool(e, "rows", "Names that are members of every object.", func(context.Context, nothing) (json.RawMessage, error) {
		return json.RawMessage(`{"rows":[{"__proto__":{"polluted":true},"constructor":"c","toString":1,"` + strings.ReplaceAll(markup, `"`, `\"`) + `":"x"},{"a":1}]}`), nil
	})
	mcpengine.AddTool(e, "schema", "A schema that never ends, and expressions that never match.", func(_ context.Context, in json.RawMessage) (json.RawMessage, error) { return in, nil },
		mcpengine.WithInputSchema(`{"type":"object","required":["node"],"properties":{"node":{"$ref":"#/$defs/node"},"`+strings.ReplaceAll(markup, `"`, `\"`)+`":{"type":"string","title":"<b>bold</b>"}},
			"$defs":{"node":{"type":"object","required":["node"],"properties":{"node":{"$ref":"#/$defs/node"}}}}}`))
	mcpengine.AddTool(e, "long", "A text of 1 MiB.", func(context.Context, nothing) (string, error) {
		return strings.Repeat("0123456789abcdef", 1<<16), nil
	})
	for n := range 5000 {
		mcpengine.AddTool(e, fmt.Sprintf("many_%04d", n), "One of many tools.", func(context.Context, nothing) (string, error) { return "many", nil })
	}
	return e
}
