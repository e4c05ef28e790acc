package apps

import (
	"slices"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/mcp"
)

// An Audience is a caller of a tool in a host: the model, or a view. Hosts hide
// the tools of views from the model, and refuse calls of the model's tools from
// views. Clients need not, so that an audience protects nothing: the policy of
// the tool does.
type Audience string

// The audiences.
const (
	Model Audience = "model" // the model
	App   Audience = "app"   // the views of this server
)

// Show makes hosts show the results of the tool in a view, which [Extension]
// serves. Without an audience the model and views may call it.
//
// A host that shows no views gets the same result, so the content of the result
// has to be of use by itself: a struct becomes JSON there, see
// [mcpengine.NewTool], and [Supported] tells the handler which host asks. The
// model of some hosts sees the structured content too.
func Show(v *View, to ...Audience) mcpengine.ToolOption {
	if v == nil {
		panic("apps: Show: there is no view")
	}
	meta := toolMeta(to)
	meta["resourceUri"] = v.uri
	// The second spelling is deprecated, and hosts need it (MCP Apps, "Resource
	// Discovery").
	return mcpengine.ToolOptions(bound(mcp.Meta{"ui": meta, "ui/resourceUri": v.uri}), mcpengine.NeedsResource(v.uri))
}

// VisibleTo sets the audience of a tool without a view. [Show] sets its own.
func VisibleTo(to ...Audience) mcpengine.ToolOption {
	if len(to) == 0 {
		panic("apps: VisibleTo: there is no audience")
	}
	return bound(mcp.Meta{"ui": toolMeta(to)})
}

func bound(meta mcp.Meta) mcpengine.ToolOption {
	return mcpengine.ToolOptions(mcpengine.WithMeta(meta), mcpengine.NeedsExtension(ID))
}

func toolMeta(to []Audience) map[string]any {
	for _, a := range to {
		if a != Model && a != App {
			panic("apps: the audience " + string(a) + " is neither Model nor App")
		}
	}
	if len(to) == 0 {
		to = []Audience{Model, App}
	}
	return map[string]any{"visibility": slices.Clone(to)}
}
