package mcpengine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/mcp"
)

// An Extension is an extension of the protocol (SEP-2133): methods and features
// that a server offers to clients that know them. The fields that are zero offer
// nothing. A server has no extension unless [WithExtension] or [Engine.Extend]
// adds one. docs/extensions.md shows how to write one.
type Extension struct {
	// ID identifies the extension: a vendor prefix, usually a reversed domain
	// name, then "/" and a name, such as "com.example/notes".
	ID string

	// Settings returns what the server declares under the ID to clients of a
	// protocol version: anything that encodes as a JSON object. In a version for
	// which it returns nil the extension does not exist: it is not declared, and
	// its methods are not found. It is called once for each version. A nil
	// Settings declares {} in every version.
	Settings func(version string) any

	// Features are added to the engine together with the extension: methods made
	// by [NewMethod], and tools, resources and prompts.
	Features []Feature

	// ResultTypes are the types of results, beside the types of the protocol, that
	// a call of a tool may have, such as "task". A result of such a type is an error
	// of the server unless the client declares the extension.
	ResultTypes []string

	// CallTool wraps the calls of tools, inside of [WithMiddleware]. It may pass a
	// call on, or answer it with [NewResult] and one of ResultTypes.
	CallTool func(next MethodHandler) MethodHandler

	// Listen are fields of the filter of subscriptions/listen, made by
	// [NewListenField].
	Listen []ListenField

	// Notifications are the methods of the notifications that the extension sends,
	// with [Notify] and through Listen. Each begins with "notifications/".
	Notifications []string

	// Start is called before the engine answers its first request, or its next one
	// when the engine serves already. Its context lives as long as the engine:
	// goroutines that it starts end with it. [Engine.Run], [Engine.Serve] and
	// [Engine.ServeStdio] return its error; an engine in a server of its own answers
	// with 503 and calls Start again with a later request, a second later at the
	// earliest.
	Start func(ctx context.Context, e *Engine) error

	// Stop is called when the engine closes, after its last request under Run and
	// Serve, unless Start has failed. By then the context of Start has ended. The
	// context of Stop ends after [HTTPConfig.ShutdownTimeout].
	Stop func(ctx context.Context) error

	// LambdaEvent answers an invocation on AWS Lambda whose event is not an HTTP
	// request: a message of a queue, a schedule, a call of the function by itself.
	// The reply is encoded as JSON. An error fails the invocation, which the platform
	// repeats if it was asynchronous. For an event that belongs to somebody else it
	// returns an error that wraps [errors.ErrUnsupported]: then the next extension is
	// asked, and the invocation fails when there is none. The context ends shortly
	// before the invocation does.
	//
	// The request of a client never comes here: a Function URL, an API and a load
	// balancer make events of their own form, and those are HTTP requests. Any other
	// event needs the permission lambda:InvokeFunction.
	LambdaEvent func(ctx context.Context, event json.RawMessage) (reply any, err error)

	// Value is for options of features that belong to the extension: they find it
	// with [Engine.ExtensionValue].
	Value any
}

// WithExtension adds extensions. New panics like [Engine.Extend].
func WithExtension(extensions ...Extension) Option {
	return engineOption(func(e *Engine) {
		e.given = append(e.given, func() {
			for _, x := range extensions {
				e.Extend(x)
			}
		})
	})
}

// Extend adds an extension and its features, also while the engine serves. It
// panics when the extension or one of its features is not valid, or when another
// extension or the program itself has taken its ID or the name of one of its
// features; the message names both sides. An extension cannot be removed.
func (e *Engine) Extend(x Extension) {
	if err := e.extend(x); err != nil {
		panic(fmt.Sprintf("mcpengine: extension %.128q: %v", x.ID, err))
	}
}

// errTakenByProgram is errTaken where both sides have to be named.
var errTakenByProgram = fmt.Errorf("%w by a feature that the program added itself", errTaken)

func (e *Engine) extend(x Extension) error {
	added, err := newExtension(e, x)
	if err != nil {
		return err
	}
	failed, err := e.add(x.Features, &addition{added, func(c *catalog) (err error) {
		c.offer, err = c.offer.with(e, added)
		return err
	}})
	switch {
	case err == nil:
		e.lives.add(added)
		return nil
	case failed.spec == nil:
		return err
	case err == errTaken: //nolint:errorlint // not what wraps it, which says by whom
		err = errTakenByProgram
	}
	return fmt.Errorf("%s %.128q: %w", failed.Kind(), failed.Name(), err)
}

// An extension is a registered extension.
type extension struct {
	id       string
	settings map[*protocol.Version]json.RawMessage // absent in versions that lack the extension
	start    func(ctx context.Context, e *Engine) error
	stop     func(ctx context.Context) error
	callTool func(MethodHandler) MethodHandler
	event    func(ctx context.Context, event json.RawMessage) (any, error)
	value    any

	resultTypes, notifications []string
	fields                     []*listenField
}

func newExtension(e *Engine, x Extension) (*extension, error) {
	if err := checkExtensionID(x.ID); err != nil {
		return nil, err
	}
	added := &extension{
		id: x.ID, settings: make(map[*protocol.Version]json.RawMessage), start: x.Start, stop: x.Stop, callTool: x.CallTool, event: x.LambdaEvent, value: x.Value,
		resultTypes: slices.Clone(x.ResultTypes), notifications: slices.Clone(x.Notifications),
	}
	for _, kind := range x.ResultTypes {
		if !isWord(kind, "-_./") || kind == string(mcp.ResultTypeComplete) || kind == string(mcp.ResultTypeInputRequired) {
			return nil, fmt.Errorf("result type %.128q: it is taken by the protocol itself, or not a word", kind)
		}
	}
	for _, method := range x.Notifications {
		if err := checkNotificationName(method); err != nil {
			return nil, fmt.Errorf("notification %.128q: %w", method, err)
		}
	}
	for _, f := range x.Listen {
		bound, err := f.bind(e, added)
		if err != nil {
			return nil, err
		}
		added.fields = append(added.fields, bound)
	}
	return added, added.declare(x.Settings)
}

// declare encodes the settings for each version.
func (x *extension) declare(of func(version string) any) error {
	for _, v := range protocol.Versions() {
		var settings any = struct{}{}
		if of != nil {
			settings = of(v.Name)
		}
		if settings == nil {
			continue
		}
		encoded, err := encode(settings)
		if err == nil && !jsonrpc.IsObject(encoded) {
			err = errors.New("not a JSON object")
		}
		if err != nil {
			return fmt.Errorf("the settings for protocol version %s: %w", v.Name, err)
		}
		x.settings[v] = encoded
	}
	return nil
}

// checkNotificationName accepts a name that is not a notification of the protocol.
func checkNotificationName(method string) error {
	if err := checkName(method); err != nil {
		return err
	}
	switch {
	case !strings.HasPrefix(method, "notifications/"):
		return errors.New(`a name begins with "notifications/"`)
	case protocol.IsNotification(method):
		return errors.New("it is taken by the protocol itself")
	}
	return nil
}

// checkExtensionID accepts what can be a name in "_meta" with a prefix (SEP-2133,
// "Definition"; basic, "_meta").
func checkExtensionID(id string) error {
	prefix, name, ok := strings.Cut(id, "/")
	if !ok || len(id) > maxName {
		return fmt.Errorf(`the ID must be a prefix, "/" and a name, of at most %d characters`, maxName)
	}
	for label := range strings.SplitSeq(prefix, ".") {
		if !isWord(label, "-") || !isLetter(label[0]) {
			return fmt.Errorf("the prefix of the ID must be labels separated by dots, each with a letter first and letters, digits and hyphens inside")
		}
	}
	if !isWord(name, "-_.") {
		return fmt.Errorf("the name in the ID must begin and end with a letter or digit, with letters, digits, hyphens, underscores and dots inside")
	}
	return nil
}

// isWord reports whether s begins and ends with a letter or digit, and has only
// these and the given characters inside.
func isWord(s, inside string) bool {
	for i := range len(s) {
		alphanumeric := isLetter(s[i]) || '0' <= s[i] && s[i] <= '9'
		if !alphanumeric && (i == 0 || i == len(s)-1 || strings.IndexByte(inside, s[i]) < 0) {
			return false
		}
	}
	return s != ""
}

func isLetter(c byte) bool { return 'a' <= c|' ' && c|' ' <= 'z' }

// An offer is everything that the extensions of a catalog offer, by name. The maps
// of an offer that requests read never change.
type offer struct {
	extensions    []*extension
	methods       map[string]*extensionMethod
	order         []*extensionMethod // in the order of registration
	fields        map[string]*listenField
	notifications map[string]*extension
	resultTypes   map[string]*extension
	callTool      MethodHandler // nil when no extension wraps it

	// The functions that serve fields. They are values, so that a program without
	// extensions does not link them.
	accept func(r *Request, ctx context.Context, acknowledged []byte) ([]byte, []changeKey, error)
	notify func(r *Request, k changeKey)
}

// with returns the offer with one more extension, or an error that names the
// extension that has taken something. Its methods are added afterwards.
func (o offer) with(e *Engine, x *extension) (offer, error) {
	for _, other := range o.extensions {
		if other.id == x.id {
			return o, errors.New("it was added before")
		}
	}
	o.extensions = append(slices.Clip(o.extensions), x)
	o.methods, o.order = cloned(o.methods), slices.Clip(o.order)
	o.fields, o.notifications, o.resultTypes = cloned(o.fields), cloned(o.notifications), cloned(o.resultTypes)
	for _, f := range x.fields {
		if other := o.fields[f.name]; other != nil {
			return o, takenByExtension("listen field", f.name, other.extension)
		}
		o.fields[f.name] = f
	}
	for kind, names := range map[string]struct {
		names []string
		taken map[string]*extension
	}{"notification": {x.notifications, o.notifications}, "result type": {x.resultTypes, o.resultTypes}} {
		for _, name := range names.names {
			if other := names.taken[name]; other != nil {
				return o, takenByExtension(kind, name, other)
			}
			names.taken[name] = x
		}
	}
	o.callTool = e.callTools(o.extensions)
	o.accept, o.notify = (*Request).acceptFields, (*Request).notifyKey
	return o, nil
}

// cloned returns a copy of a map that is not nil.
func cloned[V any](m map[string]V) map[string]V {
	if m == nil {
		return make(map[string]V)
	}
	return maps.Clone(m)
}

func takenByExtension(kind, name string, by *extension) error {
	return fmt.Errorf("%s %.128q: %w by the extension %s", kind, name, errTaken, by.id)
}

func (c *catalog) extension(id string) *extension {
	for _, x := range c.extensions {
		if x.id == id {
			return x
		}
	}
	return nil
}

// settings returns what the server declares of its extensions in a version.
func (c *catalog) settings(v *protocol.Version) map[string]json.RawMessage {
	var all map[string]json.RawMessage
	for _, x := range c.extensions {
		if settings, ok := x.settings[v]; ok {
			if all == nil {
				all = make(map[string]json.RawMessage)
			}
			all[x.id] = settings
		}
	}
	return all
}

// ExtensionValue returns [Extension.Value] of the extension, and nil when the
// engine does not have the extension.
func (e *Engine) ExtensionValue(id string) any {
	if x := e.registry.catalog().extension(id); x != nil {
		return x.value
	}
	return nil
}

// ClientExtension reports whether the client declares an extension with this
// request, or in its handshake, and decodes the settings that it declares into
// settings unless that is nil. Settings that do not fit count as not declared:
// then it returns false.
func (r *Request) ClientExtension(id string, settings any) bool {
	declared, err := r.clientSettings(id)
	switch {
	case err != nil || declared == nil:
		return false
	case settings == nil:
		return true
	}
	return unmarshal(declared, settings) == nil
}

// clientSettings returns the settings that the client declares for an extension,
// and nil when it does not declare it.
func (r *Request) clientSettings(id string) ([]byte, error) {
	capabilities, err := jsonrpc.ParseObject(r.wire.Meta.Get(mcp.MetaClientCapabilities))
	if err != nil {
		return nil, nil // a handshake version has none without a session
	}
	raw := capabilities.Get("extensions")
	if raw == nil {
		return nil, nil
	}
	extensions, err := jsonrpc.ParseObject(raw)
	if err != nil {
		return nil, jsonrpc.Malformedf(mcp.CodeInvalidParams, "the client's capabilities: extensions must be an object")
	}
	settings := extensions.Get(id)
	if settings != nil && !jsonrpc.IsObject(settings) {
		return nil, jsonrpc.Malformedf(mcp.CodeInvalidParams, "the client's capabilities: extensions[%q] must be an object", id)
	}
	return settings, nil
}

// requireExtension returns an error unless the client declares the extension.
func (r *Request) requireExtension(id string) error {
	settings, err := r.clientSettings(id)
	if err != nil || settings != nil {
		return err
	}
	needed := mcp.ClientCapabilities{Extensions: map[string]json.RawMessage{id: json.RawMessage("{}")}}
	return mcp.Errorf(mcp.CodeMissingRequiredClientCapability, "the client must declare the extension %s to use %s", id, r.Method()).
		WithData(mcp.MissingRequiredClientCapabilityData{RequiredCapabilities: needed})
}

// WithValue puts a value on a feature, under a key as in [context.WithValue], for
// the extension or the middleware that handles calls of it. It changes nothing on
// the wire.
func WithValue(key, value any) FeatureOption {
	if key == nil {
		panic("mcpengine: WithValue: no key")
	}
	return featureOption(func(p *profile) {
		p.values = maps.Clone(p.values)
		if p.values == nil {
			p.values = make(map[any]any)
		}
		p.values[key] = value
	})
}

// FeatureValue returns the value that [WithValue] has put on the feature that the
// request is about, and nil when there is none.
func (r *Request) FeatureValue(key any) any {
	if f := r.target.feature(); f != nil {
		return f.values[key]
	}
	return nil
}

// NeedsExtension says that a feature makes no sense without an extension. It
// cannot be added to an engine that lacks the extension; the error names it.
func NeedsExtension(id string) FeatureOption {
	return featureOption(func(p *profile) { p.needs = append(slices.Clip(p.needs), id) })
}

// NeedsResource says that a feature refers to a resource by its URI, as the tool
// of an app does. It cannot be added to an engine where nothing is read at the
// URI; the error names it.
func NeedsResource(uri string) FeatureOption {
	return featureOption(func(p *profile) { p.refersTo = append(slices.Clip(p.refersTo), uri) })
}

// meets returns an error unless the engine has the extensions and the resources
// that a feature needs.
func (c *catalog) meets(f *feature) error {
	for _, id := range f.needs {
		if c.extension(id) == nil {
			return fmt.Errorf("it needs the extension %.128q: add that first, with WithExtension or Extend", id)
		}
	}
	for _, uri := range f.refersTo {
		if r, _ := c.findResource(uri); r == nil {
			return fmt.Errorf("it needs the resource %.128q: add that first", uri)
		}
	}
	return nil
}
