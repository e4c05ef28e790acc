package mcpengine

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/internal/schema"
	"github.com/mcpengine/mcpengine/mcp"
)

// A MethodOption adjusts a method of an extension.
type MethodOption interface{ applyToMethod(*methodConfig) }

// A methodConfig is what the options of a method set.
type methodConfig struct {
	profile
	row        protocol.Method
	undeclared bool     // clients need not declare the extension
	versions   []string // that have the method; nil for those that have the extension
}

type methodOption func(*methodConfig)

func (o methodOption) applyToMethod(c *methodConfig) { o(c) }

// MirrorParam names the parameter, a string, that clients of a method mirror into
// the header field Mcp-Name, so that a gateway can route by it. A request over
// HTTP whose field is missing or differs is refused, as it is for the methods of
// the protocol (streamable-http, "Standard Request Headers").
func MirrorParam(name string) MethodOption {
	return methodOption(func(c *methodConfig) { c.row.Param, c.row.Mirrored = name, true })
}

// Cacheable adds to the results of a method how long they stay fresh, as
// [WithCache] says for lists, unless the handler does so itself. Versions before
// 2026-07-28 do not have that.
func Cacheable() MethodOption {
	return methodOption(func(c *methodConfig) { c.row.Cacheable = true })
}

// WithoutDeclaration answers a method also for clients that do not declare its
// extension. By default they get an error that names the extension.
func WithoutDeclaration() MethodOption {
	return methodOption(func(c *methodConfig) { c.undeclared = true })
}

// InVersions names the protocol versions that have a method, where these are not
// the versions that have the extension. Where the extension does not exist the
// method is a part of the protocol itself, and answered to every client.
func InVersions(versions ...string) MethodOption {
	return methodOption(func(c *methodConfig) { c.versions = append(c.versions, versions...) })
}

// NewMethod makes a method of an extension, such as "notes/list", to be put into
// [Extension.Features]. With [WithAuth] it needs a verified caller, like every
// feature, and [Public], [RequireScopes], [Allow] and [Hidden] change that.
//
// In is a struct of the parameters, whose tags [Handler] lists. The handler sees
// only parameters that match them; members that In does not have are ignored.
// Out encodes as a JSON object and becomes the result, with the members that every
// result has in the version of the request. An [*mcp.Error] of the handler reaches
// the client as it is; of every other error it learns only that there was one.
func NewMethod[In, Out any](name string, h Handler[In, Out], opts ...MethodOption) Feature {
	// This function is compiled for every pair of types: keep it small.
	s := &methodSpec{in: reflect.TypeFor[In]()}
	if h != nil {
		s.run = func(ctx context.Context, params []byte) (any, error) {
			var in In
			if err := decodeParams(params, &in); err != nil {
				return nil, err
			}
			return h(ctx, in)
		}
	}
	return s.feature(name, opts)
}

// A methodSpec is a method that belongs to no engine yet.
type methodSpec struct {
	methodConfig
	in  reflect.Type
	run func(ctx context.Context, params []byte) (any, error)
}

func (s *methodSpec) feature(name string, opts []MethodOption) Feature {
	s.name, s.row = name, protocol.Method{Name: name, Extension: true}
	for _, opt := range opts {
		opt.applyToMethod(&s.methodConfig)
	}
	return Feature{s}
}

func (s *methodSpec) kind() string { return kindMethod }
func (s *methodSpec) key() string  { return s.name }

var errNoExtension = errors.New("a method belongs to an extension: put it into Extension.Features")

func (s *methodSpec) bind(e *Engine, x *extension) (registered, error) {
	if x == nil {
		return nil, errNoExtension
	}
	if err := checkMethodName(s.name); err != nil {
		return nil, err
	}
	if s.run == nil {
		return nil, errNoHandler
	}
	if err := s.policy.check(e); err != nil {
		return nil, err
	}
	for _, name := range s.versions {
		if protocol.Find(name) == nil {
			return nil, fmt.Errorf("InVersions: %q is no protocol version", name)
		}
	}
	input, err := e.schemaOf(s.in, forParams)
	if err == nil && input.Type() != "object" {
		err = fmt.Errorf("%v is not a struct", s.in)
	}
	if err != nil {
		return nil, fmt.Errorf("params: %w", err)
	}
	return &extensionMethod{
		feature: feature{profile: &s.profile}, row: s.row, extension: x,
		input: input, undeclared: s.undeclared, versions: s.versions, run: s.run, answer: (*Engine).callMethod,
	}, nil
}

// checkMethodName refuses the names of the protocol, and names that a request
// cannot have.
func checkMethodName(name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	switch m := protocol.MethodOf(name); {
	case m.Name != "" && !m.Extension, protocol.QuestionCapability(name) != "":
		return errors.New("it is taken by the protocol itself")
	case strings.HasPrefix(name, "notifications/"):
		return errors.New("it is the name of a notification")
	case strings.HasPrefix(name, "rpc."):
		return errors.New(`JSON-RPC reserves names that begin with "rpc."`)
	}
	return nil
}

// An extensionMethod is a registered method of an extension.
type extensionMethod struct {
	feature
	row        protocol.Method
	extension  *extension
	input      *schema.Schema
	undeclared bool
	versions   []string

	// run decodes the parameters, which are valid, and runs the handler.
	run func(ctx context.Context, params []byte) (any, error)

	answer runner // callMethod, which a program without extensions does not link
}

func (m *extensionMethod) addTo(c *catalog) error {
	if other := c.methods[m.name]; other != nil {
		return taken(&other.feature)
	}
	c.methods[m.name] = m
	c.order = append(c.order, m)
	return nil
}

// removeFrom does nothing: with its extension the method goes.
func (m *extensionMethod) removeFrom(*catalog) {}

func (m *extensionMethod) list() change { return 0 }

// in reports whether the version has the method.
func (m *extensionMethod) in(v *protocol.Version) bool {
	if m.versions != nil {
		return slices.Contains(m.versions, v.Name)
	}
	return m.extension.settings[v] != nil
}

// FindMethod returns a method of an extension, for [protocol.MethodsOf].
func (c core) FindMethod(name string) *protocol.Method {
	if m := c.registry.catalog().methods[name]; m != nil {
		return &m.row
	}
	return protocol.MethodOf("")
}

func methodNotFound(name string) error {
	return jsonrpc.Errorf(mcp.CodeMethodNotFound, "Method not found: %.64q", name)
}

// callMethod answers a method of an extension.
func (e *Engine) callMethod(ctx context.Context, req *Request, dst []byte) ([]byte, error) {
	m := req.target.served
	if m == nil || !m.in(req.version) {
		return dst, methodNotFound(req.wire.Method)
	}
	if !m.undeclared && m.extension.settings[req.version] != nil {
		if err := req.requireExtension(m.extension.id); err != nil {
			return dst, err
		}
	}
	params := req.wire.RawParams
	if params == nil {
		params = []byte("{}")
	}
	params = m.input.DropNulls(ctx, params)
	if err := m.input.Validate(ctx, params); err != nil {
		if ctx.Err() != nil {
			return dst, err
		}
		return dst, invalidMembers(err)
	}
	params, err := m.input.ApplyDefaults(params)
	if err != nil {
		return dst, invalidMembers(err)
	}
	// A connection of a handshake version may carry questions at any time; of the
	// other versions only the methods with rounds may ask.
	req.subject.mayAsk = req.version.Handshake
	var out any
	if m.row.Lasts {
		out, err = e.last(ctx, req, m, params)
	} else {
		out, err = m.run(ctx, params)
	}
	if err != nil {
		return dst, err
	}
	return req.appendMethodResult(dst, m, out)
}

func invalidMembers(err error) error { return invalidParams(fmt.Errorf("params: %w", err)) }

// appendMethodResult appends what the handler of a method returned, with the
// members that every result has.
func (r *Request) appendMethodResult(dst []byte, m *extensionMethod, out any) ([]byte, error) {
	value, err := encode(out)
	if m.row.Lasts && string(value) == "null" {
		value = []byte("{}") // a nil Out ends the request as well
	}
	switch {
	case err != nil:
		return dst, internalf("encode the result: %w", err)
	case !jsonrpc.IsObject(value):
		return dst, internalf("the result of a method must encode as a JSON object, got %.64s", value)
	}
	if r.observed != nil {
		r.noteReplaced(value)
	}
	if r.version.Handshake {
		return append(dst, r.version.Shape(protocol.Result, value)...), nil
	}
	if m.row.Cacheable {
		hint := r.engine.listHint()
		value = setMissing(value, "ttlMs", fmt.Sprint(hint.ttlMs))
		value = setMissing(value, "cacheScope", fmt.Sprintf("%q", hint.scope))
		if r.engine.auth != nil && !m.policy.public {
			value = jsonrpc.Set(value, "cacheScope", fmt.Appendf(nil, "%q", mcp.CacheScopePrivate))
		}
	}
	return append(dst, r.finished(value)...), nil
}

// setMissing sets a member that an object lacks.
func setMissing(object []byte, name, value string) []byte {
	if members, err := jsonrpc.ParseObject(object); err != nil || members.Get(name) != nil {
		return object
	}
	return jsonrpc.Set(object, name, []byte(value))
}

// finished adds to a result of 2026-07-28 the members that it lacks and that
// every result has.
func (r *Request) finished(result []byte) []byte {
	result = r.target.method.Complete(result)
	if members, err := jsonrpc.ParseObject(result); err == nil && !strings.Contains(string(members.Get("_meta")), mcp.MetaServerInfo) {
		result = jsonrpc.SetMeta(result, mcp.MetaServerInfo, r.engine.encodedInfo)
	}
	return result
}
