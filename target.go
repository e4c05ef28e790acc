package mcpengine

import (
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
)

// A target is what a request is about. It is found once, before anything is
// decided, so that the policy which lets a request pass is the policy of the
// feature that answers it.
type target struct {
	method *protocol.Method

	// One of these, or none when there is no such feature. A completion is about
	// the prompt or the template it refers to.
	tool     *tool
	prompt   *prompt
	resource *resource
	served   *extensionMethod // of an extension

	values []string         // of the variables of the resource's template
	ref    *reference       // of a completion
	filter *requestedFilter // of a subscription
}

// feature returns the feature, and nil when there is none.
func (t *target) feature() *feature {
	switch {
	case t.tool != nil:
		return &t.tool.feature
	case t.prompt != nil:
		return &t.prompt.feature
	case t.resource != nil:
		return &t.resource.feature
	case t.served != nil:
		return &t.served.feature
	}
	return nil
}

// kind returns the kind of the feature, as [Engine.Explain] names it.
func (t *target) kind() string {
	switch {
	case t.tool != nil:
		return kindTool
	case t.prompt != nil:
		return kindPrompt
	case t.resource != nil && t.resource.template != nil:
		return kindTemplate
	case t.resource != nil:
		return kindResource
	case t.served != nil:
		return kindMethod
	}
	return ""
}

// find finds what a request is about.
func (c *catalog) find(wire *jsonrpc.Request) (t target) {
	if t.method, t.served = c.methodOf(wire); t.served != nil {
		return t
	}
	switch t.method.About {
	case protocol.AboutTool:
		t.tool = c.tools.named(wire.Params.Get(t.method.Param))
	case protocol.AboutPrompt:
		t.prompt = c.prompts.named(wire.Params.Get(t.method.Param))
	case protocol.AboutResource:
		t.resource, t.values = c.findResource(jsonrpc.Text(wire.Params.Get(t.method.Param)))
	case protocol.AboutReference:
		t.ref = referenceOf(wire.Params.Get("ref"))
		t.prompt, t.resource = c.referred(t.ref)
	case protocol.AboutFilter:
		t.filter = new(requestedFilter)
		raw := wire.Params.Get("notifications")
		if t.filter.SubscriptionFilter, t.filter.err = subscriptionFilter(raw); t.filter.err == nil && len(c.fields) > 0 {
			t.filter.members, t.filter.err = jsonrpc.ParseObject(raw)
		}
	}
	return t
}

// methodOf returns the method of a request, which a transport may have looked up
// before. The second result is not nil for a method of an extension.
func (c *catalog) methodOf(wire *jsonrpc.Request) (*protocol.Method, *extensionMethod) {
	m, found := wire.Row.(*protocol.Method)
	if !found {
		m = protocol.MethodOf(wire.Method)
	}
	if len(c.methods) == 0 || m.Name != "" && !m.Extension {
		return m, nil
	}
	if served := c.methods[wire.Method]; served != nil && (!found || m == &served.row) {
		return &served.row, served
	}
	return m, nil
}

// named returns the feature whose name is the JSON string, and nil when there is
// none.
func (t *table[T]) named(raw []byte) (f T) {
	if !jsonrpc.IsString(raw) {
		return f
	}
	// Names need no escapes, so that the usual string is compared as it stands.
	if f, ok := t.names.getBytes(raw[1 : len(raw)-1]); ok {
		return f
	}
	f, _ = t.names.get(jsonrpc.UnquoteString(raw))
	return f
}

// unknown is the answer to a request that is about no feature, or about one that
// is hidden from the caller.
func (r *Request) unknown() error {
	switch {
	case r.target.ref != nil:
		return r.target.ref.unknown()
	case r.target.served != nil:
		return methodNotFound(r.wire.Method)
	}
	name, err := r.stringParam(r.target.method.Param)
	if err != nil {
		return err
	}
	switch r.target.method.About {
	case protocol.AboutTool:
		return unknownTool(name)
	case protocol.AboutPrompt:
		return unknownPrompt(name)
	}
	return ResourceNotFound(name)
}
