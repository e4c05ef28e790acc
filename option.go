package mcpengine

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/mcpengine/mcpengine/mcp"
)

// An Option adjusts an [Engine].
type Option interface{ applyToEngine(*Engine) }

// A ToolOption adjusts a tool.
type ToolOption interface{ applyToTool(*toolConfig) }

// A ResourceOption adjusts a resource or a resource template.
type ResourceOption interface{ applyToResource(*resourceConfig) }

// A PromptOption adjusts a prompt.
type PromptOption interface{ applyToPrompt(*promptConfig) }

// A FeatureOption adjusts a tool, a resource or a prompt.
type FeatureOption interface {
	ToolOption
	ResourceOption
	PromptOption
}

// A PolicyOption says who may use a feature: a tool, a resource, a prompt or a
// method of an extension.
type PolicyOption interface {
	FeatureOption
	MethodOption
}

// A CompletionOption adjusts a resource template or a prompt, whose arguments
// clients complete.
type CompletionOption interface {
	ResourceOption
	PromptOption
}

// A CacheOption adjusts how long clients may keep lists or contents.
type CacheOption interface {
	Option
	ResourceOption
}

type engineOption func(*Engine)

func (o engineOption) applyToEngine(e *Engine) { o(e) }

// Options joins options into one, for packages that need several.
func Options(opts ...Option) Option {
	opts = slices.Clone(opts)
	return engineOption(func(e *Engine) {
		for _, o := range opts {
			o.applyToEngine(e)
		}
	})
}

// WithImplementation describes the server to clients: version, title,
// description, icons and web site. The name stays the one given to [New]. The
// default version is the one Go recorded for the main module.
func WithImplementation(info mcp.Implementation) Option {
	return engineOption(func(e *Engine) {
		info.Name = e.info.Name
		if info.Version == "" {
			info.Version = e.info.Version
		}
		e.info = info
	})
}

// WithInstructions tells the client's model how to use the server.
func WithInstructions(text string) Option {
	return engineOption(func(e *Engine) { e.instructions = text })
}

// WithLogger sets the logger. The default discards everything below a warning
// and writes the rest to standard error.
func WithLogger(logger *slog.Logger) Option {
	return engineOption(func(e *Engine) { e.logger = logger })
}

// WithPageSize sets how many entries a page of a list holds. The default is
// 1000. New panics when n is not positive.
func WithPageSize(n int) Option {
	if n <= 0 {
		panic(fmt.Sprintf("mcpengine: WithPageSize(%d): not positive", n))
	}
	return engineOption(func(e *Engine) { e.pageSize = n })
}

// WithHTTP adjusts the HTTP transport.
func WithHTTP(config HTTPConfig) Option {
	return engineOption(func(e *Engine) { e.httpConfig = config })
}

// A cacheHint says how long a result stays fresh and which caches may share it.
type cacheHint struct {
	ttlMs int64
	scope mcp.CacheScope
}

func (h cacheHint) append(dst []byte) []byte {
	return fmt.Appendf(dst, `,"ttlMs":%d,"cacheScope":%q`, h.ttlMs, h.scope)
}

type cacheOption cacheHint

func (o cacheOption) applyToEngine(e *Engine)           { e.cache = cacheHint(o) }
func (o cacheOption) applyToResource(c *resourceConfig) { c.cache = cacheHint(o) }

// WithCache tells clients how long they may keep the engine's lists, or one
// resource's contents, and whether a cache may share them between callers
// (caching, "Cacheable Model"). By default they may not keep them; lists are
// public and contents private. The ttl is rounded down to milliseconds.
func WithCache(ttl time.Duration, scope mcp.CacheScope) CacheOption {
	return cacheOption{max(ttl.Milliseconds(), 0), scope}
}

type featureOption func(*profile)

func (o featureOption) applyToTool(c *toolConfig)         { o(&c.profile) }
func (o featureOption) applyToResource(c *resourceConfig) { o(&c.profile) }
func (o featureOption) applyToPrompt(c *promptConfig)     { o(&c.profile) }

// WithTitle sets the name shown to people.
func WithTitle(title string) FeatureOption {
	return featureOption(func(p *profile) { p.title = title })
}

// WithIcons sets the icons shown to people.
func WithIcons(icons ...mcp.Icon) FeatureOption {
	icons = slices.Clone(icons)
	return featureOption(func(p *profile) { p.icons = icons })
}

// WithMeta adds members to the "_meta" of the definition. Of two with one name
// the later counts.
func WithMeta(meta mcp.Meta) FeatureOption {
	meta = maps.Clone(meta)
	return featureOption(func(p *profile) {
		if p.meta == nil && meta != nil {
			p.meta = make(mcp.Meta, len(meta))
		}
		maps.Copy(p.meta, meta)
	})
}
