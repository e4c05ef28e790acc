package mcpengine

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/internal/schema"
	"github.com/mcpengine/mcpengine/internal/uritemplate"
	"github.com/mcpengine/mcpengine/mcp"
)

// A ResourceResult is what the handler of a resource returns: text, bytes, or
// contents with all their fields.
type ResourceResult interface {
	string | []byte | []mcp.ResourceContents | *mcp.ReadResourceResult
}

// A resource is a registered resource, or a resource template.
type resource struct {
	feature
	template    *uritemplate.Template // nil for a single resource
	folded      string                // by which it is found: see uritemplate.Fold
	variables   []string              // of the template
	input       *schema.Schema        // of the variables
	arguments   []argument
	mimeType    string
	cache       cacheHint
	completions completions

	// read decodes the variables, which are valid, and runs the handler.
	read func(ctx context.Context, args []byte) (any, error)
}

func (r *resource) key() string { return r.folded }

func (r *resource) completes() bool { return len(r.completions) > 0 }

// A resourceConfig is what the options of a resource set.
type resourceConfig struct {
	profile
	displayName string
	mimeType    string
	size        *int64
	annotations *mcp.Annotations
	cache       cacheHint
	completions completions
}

type resourceOption func(*resourceConfig)

func (o resourceOption) applyToResource(c *resourceConfig) { o(c) }

// WithName sets the resource's name, a short label for programs. The default
// is the URI.
func WithName(name string) ResourceOption {
	return resourceOption(func(c *resourceConfig) { c.displayName = name })
}

// WithMIMEType sets the resource's media type. The default is text/plain for
// text and application/octet-stream for bytes.
func WithMIMEType(mimeType string) ResourceOption {
	return resourceOption(func(c *resourceConfig) { c.mimeType = mimeType })
}

// WithSize sets the size of the resource's contents in bytes, before any
// encoding. A template has no size.
func WithSize(bytes int64) ResourceOption {
	return resourceOption(func(c *resourceConfig) { c.size = &bytes })
}

// WithAnnotations tells clients the audience of the resource, its importance
// and when it changed.
func WithAnnotations(annotations mcp.Annotations) ResourceOption {
	return resourceOption(func(c *resourceConfig) { c.annotations = &annotations })
}

// AddResource adds a resource or a resource template, like [NewResource] and
// [Engine.Add]. It panics where Add returns an error.
func AddResource[In any, Out ResourceResult](e *Engine, uri, description string, h Handler[In, Out], opts ...ResourceOption) {
	e.mustAdd("AddResource", NewResource(uri, description, h, opts...))
}

// NewResource makes a resource, or a template for a family of resources when
// the URI has variables, as in "board://messages/{id}" (RFC 6570, level 1). In
// is a struct with a field for each variable, and empty for a single resource.
// A handler gets the decoded values: "%2F" in a URI is a slash by then, so that
// a value must be checked before it becomes a path.
//
// A single resource is read before any template, and a template that matches
// fewer URIs before one that matches more, whatever the order of registration.
// How a client spells a URI makes no difference: characters that separate
// nothing may be percent-encoded or not, digits of escapes and the scheme may
// be in either case. Everything else is compared as it stands, see
// docs/uris.md.
func NewResource[In any, Out ResourceResult](uri, description string, h Handler[In, Out], opts ...ResourceOption) Feature {
	// This function is compiled for every pair of types: keep it small.
	s := &resourceSpec{in: reflect.TypeFor[In]()}
	if h != nil {
		var flat flatDecoder
		s.read = func(ctx context.Context, args []byte) (any, error) { return handle(ctx, args, &flat, h) }
	}
	return s.feature(uri, description, defaultMIMEType[Out](), opts)
}

// A resourceSpec is a resource that belongs to no engine yet.
type resourceSpec struct {
	resourceConfig
	in   reflect.Type
	read func(ctx context.Context, args []byte) (any, error)
}

func (s *resourceSpec) feature(uri, description, mimeType string, opts []ResourceOption) Feature {
	s.resourceConfig = resourceConfig{
		profile:     profile{name: uri, description: description},
		displayName: uri,
		mimeType:    mimeType,
		cache:       cacheHint{scope: mcp.CacheScopePrivate},
		completions: completions{},
	}
	for _, opt := range opts {
		opt.applyToResource(&s.resourceConfig)
	}
	return Feature{s}
}

func (s *resourceSpec) kind() string {
	if isTemplate(s.name) {
		return kindTemplate
	}
	return kindResource
}

func (s *resourceSpec) key() string { return s.name }

func isTemplate(uri string) bool { return strings.ContainsAny(uri, "{}") }

func (s *resourceSpec) bind(e *Engine, _ *extension) (registered, error) {
	if s.read == nil {
		return nil, errNoHandler
	}
	if err := s.policy.check(e); err != nil {
		return nil, err
	}
	r := &resource{feature: feature{kind: protocol.Resource, profile: &s.profile}, mimeType: s.mimeType, cache: s.cache, completions: s.completions, read: s.read}
	if err := r.bind(e, s.in); err != nil {
		return nil, err
	}
	var err error
	r.definition, err = encode(r.wireDefinition(&s.resourceConfig))
	return r, err
}

func (r *resource) addTo(c *catalog) error {
	if r.template == nil {
		return c.resources.add(r)
	}
	if err := c.templates.add(r); err != nil {
		return err
	}
	i, _ := slices.BinarySearchFunc(c.matching, r, compareTemplates)
	c.matching = slices.Insert(c.matching, i, r)
	return nil
}

func (r *resource) removeFrom(c *catalog) { c.removeResources([]string{r.name}) }

func compareTemplates(a, b *resource) int { return uritemplate.Compare(a.template, b.template) }

// removeResources removes resources and templates by their URIs and URI
// templates, however those are spelled.
func (c *catalog) removeResources(uris []string) (removed []listed) {
	for _, uri := range uris {
		folded, template := foldedKey(uri)
		if !template {
			removed = append(removed, c.resources.remove([]string{folded})...)
			continue
		}
		removed = append(removed, c.templates.remove([]string{folded})...)
		c.matching = slices.DeleteFunc(c.matching, func(r *resource) bool { return r.folded == folded })
	}
	return removed
}

// foldedKey returns the key of the resource or template with that URI.
func foldedKey(uri string) (key string, isTemplate bool) {
	if t, err := uritemplate.Parse(uri); err == nil && len(t.Names()) > 0 {
		return t.Folded(), true
	}
	return uritemplate.Fold(uri), false
}

func (r *resource) list() change { return resourcesChanged }

// ResourceUpdated tells the clients that subscribed to a resource that its
// contents have changed. It does not matter how they spelled the URI.
func (e *Engine) ResourceUpdated(uri string) {
	e.subscriptions.updated(uri)
	if e.replicas != nil {
		e.replicas.Changed(updatedEntry + uritemplate.Fold(uri))
	}
}

func defaultMIMEType[Out ResourceResult]() string {
	var out Out
	switch any(out).(type) {
	case string:
		return "text/plain"
	case []byte:
		return "application/octet-stream"
	}
	return ""
}

// bind compiles the template and matches its variables with the fields of In.
func (r *resource) bind(e *Engine, in reflect.Type) (err error) {
	if !utf8.ValidString(r.name) {
		return errors.New("a URI must be UTF-8")
	}
	if uritemplate.SchemeLength(r.name) == 0 {
		return errors.New("a URI begins with a scheme")
	}
	if !uritemplate.IsWellFormed(r.name) {
		return errors.New("\"%\" is not followed by two hexadecimal digits")
	}
	r.folded = uritemplate.Fold(r.name)
	if r.input, err = e.inputSchema(in, nil); err != nil {
		return err
	}
	if r.arguments, err = argumentsOf(r.input); err != nil {
		return err
	}
	if isTemplate(r.name) {
		if r.template, err = uritemplate.Parse(r.name); err != nil {
			return err
		}
		r.variables, r.folded = r.template.Names(), r.template.Folded()
	}
	if err := sameNames(r.variables, r.arguments); err != nil {
		return err
	}
	return r.completions.check(r.arguments)
}

func (r *resource) wireDefinition(c *resourceConfig) any {
	if r.template != nil {
		return mcp.ResourceTemplate{
			URITemplate: r.name,
			Name:        c.displayName,
			Title:       r.title,
			Description: r.description,
			MIMEType:    r.mimeType,
			Annotations: c.annotations,
			Icons:       r.icons,
			Meta:        r.meta,
		}
	}
	return mcp.Resource{
		URI:         r.name,
		Name:        c.displayName,
		Title:       r.title,
		Description: r.description,
		MIMEType:    r.mimeType,
		Annotations: c.annotations,
		Size:        c.size,
		Icons:       r.icons,
		Meta:        r.meta,
	}
}

// result turns what the handler returned into the result. What the handler left
// open is filled in from the registration.
func (r *resource) result(uri string, out any) (*mcp.ReadResourceResult, error) {
	result := &mcp.ReadResourceResult{TTLMs: r.cache.ttlMs, CacheScope: r.cache.scope}
	switch out := out.(type) {
	case string:
		result.Contents = []mcp.ResourceContents{{Text: out}}
	case []byte:
		if out == nil {
			out = []byte{}
		}
		result.Contents = []mcp.ResourceContents{{Blob: out}}
	case []mcp.ResourceContents:
		result.Contents = append(result.Contents, out...)
	case *mcp.ReadResourceResult:
		if out == nil {
			return nil, fmt.Errorf("the handler returned a nil *mcp.ReadResourceResult")
		}
		result.Contents = append(result.Contents, out.Contents...)
		result.Meta = out.Meta
		if out.CacheScope != "" {
			result.TTLMs, result.CacheScope = max(out.TTLMs, 0), out.CacheScope
		}
	}
	if len(result.Contents) == 0 {
		// An empty list would leave open whether the resource exists
		// (resources, "Error Handling").
		return nil, fmt.Errorf("the handler returned no contents; ResourceNotFound says that there is no such resource")
	}
	for i := range result.Contents {
		c := &result.Contents[i]
		if c.URI == "" {
			c.URI = uri
		}
		if c.MIMEType == "" {
			c.MIMEType = r.mimeType
		}
	}
	return result, nil
}

// findResource returns the resource that serves the URI, with the values of its
// template's variables: a single resource before any template, and of the
// templates the one that matches least. Which one it is depends on the folded
// URI alone, so that no spelling leads to another policy.
func (c *catalog) findResource(uri string) (*resource, []string) {
	if !uritemplate.IsWellFormed(uri) {
		return nil, nil
	}
	folded := uritemplate.Fold(uri)
	if r, ok := c.resources.names.get(folded); ok {
		return r, nil
	}
	for _, r := range c.matching {
		if !r.template.MatchFolded(folded) {
			continue
		}
		values, ok := r.template.Match(uri)
		if !ok {
			return nil, nil // the URI is too long
		}
		return r, values
	}
	return nil, nil
}

// readResource answers resources/read.
func (e *Engine) readResource(ctx context.Context, req *Request, dst []byte) ([]byte, error) {
	r, uri := req.target.resource, req.Name()
	if r == nil {
		return dst, req.unknown()
	}
	if err := req.resume(uritemplate.Canonical(uri), nil); err != nil {
		return dst, err
	}
	args, err := checkArguments(ctx, r.input, encodeArguments(r.arguments, r.variables, req.target.values))
	if err != nil {
		return dst, invalidParams(err)
	}
	out, err := r.read(ctx, args)
	if err != nil {
		return req.failure(dst, err)
	}
	result, err := r.result(uri, out)
	if err != nil {
		return dst, err
	}
	if req.round != nil {
		// An answer that depends on the user's input is not the resource's
		// (caching, "Cache Key").
		result.TTLMs, result.CacheScope = 0, mcp.CacheScopePrivate
	}
	if e.auth != nil && !r.policy.public {
		result.CacheScope = mcp.CacheScopePrivate
	}
	result.ResultType, result.Meta = req.complete(result.Meta)
	return req.appendShaped(dst, result, false)
}

// failure is what becomes of an error of a resource or prompt.
func (r *Request) failure(dst []byte, err error) ([]byte, error) {
	if !isProtocolError(err) && r.asks() {
		return r.appendInputRequired(dst)
	}
	return dst, err
}

func invalidParams(err error) error {
	return jsonrpc.Errorf(mcp.CodeInvalidParams, "%v", err)
}
