package mcpengine

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/mcp"
)

// A profile holds the values that the options of all kinds of features set.
type profile struct {
	name        string // or the URI, or the URI template, that it is registered by
	description string
	title       string
	icons       []mcp.Icon
	meta        mcp.Meta
	policy      policy
	limits      limits
	values      map[any]any // see WithValue
	needs       []string    // extensions
	refersTo    []string    // URIs of resources
}

// A feature is what tools, resources, templates and prompts have in common.
type feature struct {
	*profile   // of the Feature, which may belong to several engines
	kind       protocol.Kind
	place      int       // in the order of registration
	definition []byte    // as it stands in a list of the latest version
	shaped     sync.Map  // *protocol.Version to []byte, made when it is first needed
	unsent     sync.Once // see noteUnsent
	owner      string    // the extension that brought it, or ""
}

func (f *feature) key() string    { return f.name }
func (f *feature) guard() *policy { return &f.policy }
func (f *feature) number() *int   { return &f.place }
func (f *feature) base() *feature { return f }

// wire returns the definition as it stands in a list.
func (f *feature) wire(v *protocol.Version) []byte {
	if !v.Handshake {
		return f.definition
	}
	if shaped, ok := f.shaped.Load(v); ok {
		return shaped.([]byte)
	}
	shaped := v.Shape(f.kind, f.definition)
	f.shaped.Store(v, shaped)
	return shaped
}

// A listed is a feature in a list.
type listed interface {
	key() string
	guard() *policy
	number() *int
	base() *feature
	wire(*protocol.Version) []byte
}

// A registry holds the features. Registering changes it under a lock; a request
// reads the current catalog, which never changes.
type registry struct {
	mu      sync.Mutex
	edited  catalog
	current atomic.Pointer[catalog] // nil when edited has changed since
}

// A catalog is all features at one moment.
type catalog struct {
	tools     table[*tool]
	resources table[*resource]
	templates table[*resource]
	prompts   table[*prompt]
	matching  []*resource // the templates, in the order in which a URI is matched
	offer                 // of extensions
}

// edit calls change to change the features and returns its result, which says
// whether anything has changed.
func (r *registry) edit(change func(*catalog) bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	changed := change(&r.edited)
	if changed {
		r.current.Store(nil)
	}
	return changed
}

// catalog returns the features as they are now.
func (r *registry) catalog() *catalog {
	if c := r.current.Load(); c != nil {
		return c
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if c := r.current.Load(); c != nil {
		return c
	}
	c := &catalog{
		tools:     r.edited.tools.snapshot(),
		resources: r.edited.resources.snapshot(),
		templates: r.edited.templates.snapshot(),
		prompts:   r.edited.prompts.snapshot(),
		matching:  slices.Clone(r.edited.matching),
		offer:     r.edited.offer,
	}
	r.current.Store(c)
	return c
}

// RemoveTools removes the tools with these names; unknown names are ignored.
// Calls under way go on.
func (e *Engine) RemoveTools(names ...string) {
	e.removed(toolsChanged, func(c *catalog) []listed { return c.tools.remove(names) })
}

// RemoveResources removes the resources with these URIs and the templates with
// these URI templates; unknown ones are ignored.
func (e *Engine) RemoveResources(uris ...string) {
	e.removed(resourcesChanged, func(c *catalog) []listed { return c.removeResources(uris) })
}

// RemovePrompts removes the prompts with these names; unknown names are
// ignored.
func (e *Engine) RemovePrompts(names ...string) {
	e.removed(promptsChanged, func(c *catalog) []listed { return c.prompts.remove(names) })
}

func (e *Engine) removed(changed change, remove func(*catalog) []listed) {
	var removed []listed
	e.registry.edit(func(c *catalog) bool {
		removed = remove(c)
		return len(removed) > 0
	})
	for _, f := range removed {
		e.listChanged(changed, f)
	}
}
