package apps

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/mcp"
)

const (
	// ID is the identifier of the extension.
	ID = "io.modelcontextprotocol/ui"

	// MIMEType is the type of a view.
	MIMEType = "text/html;profile=mcp-app"
)

// settings are what both sides declare of the extension.
type settings struct {
	MIMETypes []string `json:"mimeTypes"`
}

// Extension serves views. It declares the extension in every protocol version,
// because most hosts that show views still begin with a handshake.
func Extension(views ...*View) mcpengine.Extension {
	x := mcpengine.Extension{
		ID:       ID,
		Settings: func(string) any { return settings{[]string{MIMEType}} },
	}
	for i, v := range views {
		if v == nil {
			panic(fmt.Sprintf("apps: Extension: there is no view at index %d", i))
		}
		x.Features = append(x.Features, v.features()...)
	}
	return x
}

// Supported reports whether the client of a request shows views, as it says
// itself. A handler may answer such a client with less text. A client that says
// nothing may show views all the same, so that the text has to be of use.
func Supported(ctx context.Context) bool {
	var declared settings
	req := mcpengine.RequestFrom(ctx)
	return req != nil && req.ClientExtension(ID, &declared) && slices.Contains(declared.MIMETypes, MIMEType)
}

// keep is how long clients may keep a view: its URI changes when it does.
const keep = 24 * time.Hour

// features returns the resource that a view is, and the template that answers
// for the URIs it had before. A conversation of last month names the view of
// last month, and so does a host that keeps a list of tools: both get the
// present view, which they must not keep under its former URI.
func (v *View) features() []mcpengine.Feature {
	type none struct{}
	type former struct {
		Digest string `json:"digest"`
	}
	common := append([]mcpengine.ResourceOption{mcpengine.WithName(v.name), mcpengine.WithMIMEType(MIMEType)}, v.options...)
	exact := append([]mcpengine.ResourceOption{mcpengine.WithSize(int64(len(v.html))), mcpengine.WithCache(keep, v.cacheScope())}, common...)
	return []mcpengine.Feature{
		mcpengine.NewResource(v.uri, v.config.Description,
			func(ctx context.Context, _ none) ([]mcp.ResourceContents, error) { return v.contents(ctx), nil },
			append(exact, mcpengine.WithMeta(v.meta("")))...),
		mcpengine.NewResource("ui://"+v.name+"/{digest}", v.config.Description,
			func(ctx context.Context, _ former) ([]mcp.ResourceContents, error) { return v.contents(ctx), nil }, common...),
	}
}

// cacheScope is private where the view depends on its reader.
func (v *View) cacheScope() mcp.CacheScope {
	if v.config.Domain != nil {
		return mcp.CacheScopePrivate
	}
	return mcp.CacheScopePublic
}

func (v *View) contents(ctx context.Context) []mcp.ResourceContents {
	domain := ""
	if v.config.Domain != nil {
		domain = v.config.Domain(ctx)
	}
	return []mcp.ResourceContents{{Text: v.html, Meta: v.meta(domain)}}
}
