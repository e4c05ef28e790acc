package mcpengine

import (
	"context"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/mcp"
)

// A Request is a client's request while it is being answered. Handlers get it
// from their context with [RequestFrom]. The byte slices it returns are not
// valid after the request has been answered.
type Request struct {
	engine  *Engine
	wire    *jsonrpc.Request
	catalog *catalog
	target  target
	version *protocol.Version
	ends    *ends
	ctx     requestContext
	hangup  <-chan struct{} // closed when a subscription has to end
	user    *auth.User      // nil without a verified caller
	subject subject         // set when the method may ask the client
	round   *round          // nil until something is asked or answered
	journal *journaled      // of a detached call, instead of the round

	toolErr error // of the handler of a tool, which became the result

	observed *observation // nil when nobody wants to know

	response *jsonrpc.Response // nil when it must not have a Tail

	// Copied because wire is used again after the response: a handler that is
	// still running must not reach another client.
	asker  jsonrpc.Asker
	closer jsonrpc.StreamCloser

	local bool // from a connection on which callers are never verified

	mu       sync.Mutex // guards the fields below, and round until the handler runs
	ended    bool
	notify   func(jsonrpc.Notification)
	progress float64 // of the last notification
}

// A requestContext carries the request through the context without a further
// allocation.
type requestContext struct {
	context.Context
	request *Request
}

type requestKey struct{}

func (c *requestContext) Value(key any) any {
	if key == (requestKey{}) {
		return c.request
	}
	return c.Context.Value(key)
}

func newRequest(ctx context.Context, e *Engine, wire *jsonrpc.Request, v *protocol.Version, notify func(jsonrpc.Notification)) *Request {
	req := &Request{
		engine: e, wire: wire, catalog: e.registry.catalog(), version: v, ends: e.ends[v],
		asker: wire.Asker, closer: wire.StreamCloser, notify: notify, progress: math.Inf(-1),
	}
	req.target = req.catalog.find(wire)
	req.ctx = requestContext{ctx, req}
	return req
}

// RequestFrom returns the request that ctx belongs to, or nil outside of a
// request.
func RequestFrom(ctx context.Context) *Request {
	req, _ := ctx.Value(requestKey{}).(*Request)
	return req
}

// Method returns the method, such as "tools/call".
func (r *Request) Method() string { return r.wire.Method }

// Name returns the name of the tool or prompt, or the URI of the resource, that
// the request is about. It is empty for requests about neither.
func (r *Request) Name() string {
	raw := r.param(r.target.method.Param)
	if f := r.target.feature(); f != nil && jsonrpc.EqualString(raw, f.name) {
		return f.name
	}
	return jsonrpc.Text(raw)
}

// Params returns the parameters as the client sent them, or nil when it sent no
// parameters.
func (r *Request) Params() []byte { return r.wire.RawParams }

// Arguments returns the arguments of a tool or a prompt as the client sent them, and nil
// when there are none.
func (r *Request) Arguments() []byte { return r.param("arguments") }

// Meta returns a member of the parameters' "_meta" as JSON, such as
// [mcp.MetaTraceParent], and nil when it is not there.
func (r *Request) Meta(key string) []byte { return r.wire.Meta.Get(key) }

// OutputSchema returns the output schema of the tool that the request calls, and
// nil when there is none.
func (r *Request) OutputSchema() []byte {
	if t := r.target.tool; t != nil && t.output != nil {
		return t.output.JSON()
	}
	return nil
}

// ProtocolVersion returns the protocol version of the request.
func (r *Request) ProtocolVersion() string { return r.version.Name }

// ClientInfo returns the client's description of itself, unverified. It is zero
// when the client sends none.
func (r *Request) ClientInfo() (info mcp.Implementation) {
	// Member by member: audit asks for it at each request. What can be read is
	// returned, because an icon of a wrong shape must not fail a request.
	for _, m := range r.wire.ClientInfo {
		switch string(m.Name) {
		case "name":
			info.Name = jsonrpc.Text(m.Value)
		case "title":
			info.Title = jsonrpc.Text(m.Value)
		case "version":
			info.Version = jsonrpc.Text(m.Value)
		case "description":
			info.Description = jsonrpc.Text(m.Value)
		case "websiteUrl":
			info.WebsiteURL = jsonrpc.Text(m.Value)
		case "icons":
			var icons []mcp.Icon // of its own, so that only it is allocated
			_ = unmarshal(m.Value, &icons)
			info.Icons = icons
		}
	}
	return info
}

// ClientCapabilities returns the capabilities that the client declares.
func (r *Request) ClientCapabilities() (capabilities mcp.ClientCapabilities) {
	_ = unmarshal(r.wire.Meta.Get(mcp.MetaClientCapabilities), &capabilities)
	return capabilities
}

// CloseStream ends the HTTP response that carries the answer, but not the
// request: a client of protocol version 2025-11-25 comes back for the answer after
// the retry time, so that a long call holds no connection. For clients of other
// versions and over other transports it does nothing.
func (r *Request) CloseStream(retry time.Duration) {
	if r.closer != nil {
		r.closer.CloseStream(retry)
	}
}

// send sends a notification unless the request has been answered: "Progress
// notifications MUST stop after completion" (progress, "Implementation
// Notes").
func (r *Request) send(n jsonrpc.Notification) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.ended && r.ctx.Err() == nil {
		r.notify(n)
	}
}

func (r *Request) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
}

// param returns a parameter as JSON, and nil when it is absent.
func (r *Request) param(name string) []byte { return r.wire.Params.Get(name) }

// stringParam returns a required string parameter.
func (r *Request) stringParam(name string) (string, error) {
	raw := r.param(name)
	if !jsonrpc.IsString(raw) {
		return "", jsonrpc.Errorf(mcp.CodeInvalidParams, "params.%s must be a string", name)
	}
	return jsonrpc.UnquoteString(raw), nil
}

// objectParam returns an optional object parameter; "{}" stands for an absent
// one.
func (r *Request) objectParam(name string) ([]byte, error) {
	raw := r.param(name)
	if raw == nil {
		return []byte("{}"), nil
	}
	if !jsonrpc.IsObject(raw) {
		return nil, jsonrpc.Errorf(mcp.CodeInvalidParams, "params.%s must be an object", name)
	}
	return raw, nil
}

// checkMeta checks the fields that every request carries (basic, "_meta") and
// returns the version it is in, which is looked at first.
func checkMeta(wire *jsonrpc.Request) (*protocol.Version, *jsonrpc.Error) {
	if wire.Method == protocol.MethodInitialize && !wire.Handshake {
		return nil, refuseInitialize(wire)
	}
	if !wire.HasMeta {
		return nil, jsonrpc.Malformedf(mcp.CodeInvalidParams, "params._meta is missing: a request carries its protocol version and client capabilities there")
	}
	if err := versionRule.check(wire); err != nil {
		return nil, err
	}
	raw := wire.Meta.Get(mcp.MetaProtocolVersion)
	v := findVersion(raw, wire.Handshake)
	if v == nil {
		return nil, protocol.Unsupported(supportedVersions(), jsonrpc.Text(raw))
	}
	for _, rule := range metaRules {
		if err := rule.check(wire); err != nil {
			return nil, err
		}
	}
	if wire.Meta.Get(mcp.MetaClientInfo) != nil && !isImplementation(wire.ClientInfo) {
		return nil, jsonrpc.Malformedf(mcp.CodeInvalidParams, "params._meta[%q] must be an object with name and version", mcp.MetaClientInfo)
	}
	return v, nil
}

// refuseInitialize refuses a handshake where none is served. A client of a
// handshake version may show the message to its user (versioning, "Backward
// Compatibility").
func refuseInitialize(wire *jsonrpc.Request) *jsonrpc.Error {
	requested := jsonrpc.Text(wire.Params.Get("protocolVersion"))
	if wire.Meta.Get(mcp.MetaProtocolVersion) == nil && requested != "" && !slices.Contains(supportedVersions(), requested) {
		return protocol.Unsupported(supportedVersions(), requested)
	}
	return jsonrpc.Errorf(mcp.CodeMethodNotFound,
		"initialize is not a method here, supported protocol versions: %s", strings.Join(supportedVersions(), ", "))
}

// A metaRule is a rule for a member of "_meta".
type metaRule struct {
	key      string
	required bool
	ok       func(raw []byte) bool
	want     string
}

var (
	versionRule = metaRule{mcp.MetaProtocolVersion, true, jsonrpc.IsString, "a string"}
	metaRules   = []metaRule{
		{mcp.MetaClientCapabilities, true, jsonrpc.IsObject, "an object"},
		{mcp.MetaLogLevel, false, protocol.IsLevel, "one of " + strings.Join(protocol.Levels(), ", ")},
		{mcp.MetaProgressToken, false, jsonrpc.IsStringOrInteger, "a string or an integer"},
	}
)

func (m *metaRule) check(wire *jsonrpc.Request) *jsonrpc.Error {
	raw := wire.Meta.Get(m.key)
	switch {
	case raw == nil && m.required:
		return jsonrpc.Malformedf(mcp.CodeInvalidParams, "params._meta[%q] is missing", m.key)
	case raw != nil && !m.ok(raw):
		return jsonrpc.Malformedf(mcp.CodeInvalidParams, "params._meta[%q] must be %s", m.key, m.want)
	}
	return nil
}

func isImplementation(info jsonrpc.Object) bool {
	return jsonrpc.IsString(info.Get("name")) && jsonrpc.IsString(info.Get("version"))
}
