package mcpengine

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/mcp"
)

// This file decides what a caller may do. The transport has verified the caller
// before it read the message. [Request.authorize] alone lets a request pass,
// whatever its method and protocol version are.

// ruleTimeout bounds the time that the rules for all features of one request may
// take together.
const ruleTimeout = 10 * time.Second

// authenticate finds out who sent an HTTP request. Transports call it first. A
// POST without a token passes, because whether it needs one depends on the
// feature it asks for.
func (e *Engine) authenticate(r *http.Request) (context.Context, *jsonrpc.Error) {
	user, challenge := e.auth.Authenticate(r)
	if challenge == nil && user == nil && r.Method != http.MethodPost && !e.auth.DiscoveryOpen() {
		challenge = e.auth.Unauthenticated()
	}
	if challenge != nil {
		return nil, refusal(challenge)
	}
	return e.forCaller(r.Context(), r, user), nil
}

// callerOf returns the identity to which sessions and connections are bound.
func callerOf(r *http.Request) string { return callerID(auth.UserFrom(r.Context())) }

// ownerOf returns to whose share a request counts.
func ownerOf(r *http.Request) string { return ownerID(auth.UserFrom(r.Context())) }

func callerID(u *auth.User) string {
	if u == nil {
		return ""
	}
	return u.ID()
}

// expiryOf returns when the caller's token ends, and zero when it does not.
func expiryOf(r *http.Request) time.Time { return expiry(auth.UserFrom(r.Context())) }

func expiry(u *auth.User) time.Time {
	if u == nil {
		return time.Time{}
	}
	return u.Expiry
}

// refusal is a challenge as an error. What its header says is in the body as
// well, because some gateways rename WWW-Authenticate.
func refusal(c *auth.Challenge) *jsonrpc.Error {
	code := mcp.CodeInvalidRequest
	if c.Status == http.StatusServiceUnavailable {
		code = mcp.CodeInternalError
	}
	return &jsonrpc.Error{
		Code: code, Message: c.Message, Data: c.Data,
		Refusal: &jsonrpc.Refusal{Status: c.Status, Header: c.Header},
	}
}

// errHidden says that the feature does not exist as far as the caller is
// concerned.
var errHidden = errors.New("hidden from the caller")

// Authorize implements [jsonrpc.Authorizer].
func (c core) Authorize(ctx context.Context, wire *jsonrpc.Request) *jsonrpc.Error {
	if c.auth == nil {
		return nil
	}
	req := &Request{engine: c.Engine, wire: wire, catalog: c.registry.catalog(), user: auth.UserFrom(ctx), local: c.local}
	req.target = req.catalog.find(wire)
	if c.observers != nil {
		req.observed = new(observation)
	}
	// What is hidden is answered like anything that does not exist, which is not
	// to refuse the caller.
	err, _ := errors.AsType[*jsonrpc.Error](req.authorize(ctx))
	if err != nil && c.observers != nil {
		req.tellDenied(ctx, err)
	}
	return err
}

// admit authorizes a request on its way to the handlers.
func (r *Request) admit() *jsonrpc.Error {
	err := r.authorize(&r.ctx)
	if err != nil && r.observed != nil {
		r.observed.denied = true
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errHidden):
		err = r.unknown()
	}
	wire, _ := r.wireError(err)
	return wire
}

// authorize returns nil when the caller may make the request.
func (r *Request) authorize(ctx context.Context) error {
	switch r.target.method.About {
	case protocol.AboutServer:
		return r.useDiscovery()
	case protocol.AboutFilter:
		return r.useFilter(ctx)
	}
	if f := r.target.feature(); f != nil {
		return r.useFeature(ctx, f)
	}
	// There is no such feature. Callers that are not verified do not learn that.
	return r.requireCaller()
}

// requireCaller returns an error if no caller is verified, unless the connection
// cannot verify one.
func (r *Request) requireCaller() error {
	if r.user == nil && !r.local {
		return refusal(r.engine.auth.Unauthenticated())
	}
	return nil
}

// useDiscovery returns nil when the caller may ask what the server offers.
func (r *Request) useDiscovery() error {
	if r.engine.auth.DiscoveryOpen() {
		return nil
	}
	return r.requireCaller()
}

// useFeature returns nil when the caller may use the feature. A caller from whom
// the feature is hidden gets errHidden.
func (r *Request) useFeature(ctx context.Context, f *feature) error {
	p := &f.policy
	err := r.checkPolicy(ctx, p)
	switch {
	case err == nil || !p.hidden:
		return err
	case r.user == nil && !r.local:
		return refusal(r.engine.auth.Unauthenticated()) // as for what does not exist
	}
	return errHidden
}

// checkPolicy returns nil when the caller may use what has the policy.
func (r *Request) checkPolicy(ctx context.Context, p *policy) error {
	authority := r.engine.auth
	switch {
	case p.public:
		return nil
	case r.local:
		return jsonrpc.Errorf(mcp.CodeInvalidRequest, "this needs a verified caller, and stdio has none: "+
			"connect to the server over HTTP, or have it registered as public")
	case r.user == nil:
		return refusal(authority.Unauthenticated(p.scopes...))
	case !authority.Granted(r.user, p.scopes...):
		return refusal(authority.Insufficient(p.scopes...))
	case !r.meetsRules(ctx, p):
		return refusal(authority.Denied())
	}
	return nil
}

// meetsRules reports whether the caller, who is verified, meets all rules.
func (r *Request) meetsRules(ctx context.Context, p *policy) bool {
	for _, rule := range p.rules {
		if err := rule.Check(ctx, r.user); err != nil {
			if r.observed != nil {
				r.observed.rule = rule.String()
			}
			r.engine.logger.InfoContext(ctx, "caller denied", "caller", callerID(r.user), "rule", rule.String(), "reason", err)
			return false
		}
	}
	return true
}

// mayList reports whether the caller finds a feature in lists: it may use the
// feature, or might with another token.
func (r *Request) mayList(ctx context.Context, p *policy) bool {
	switch {
	case r.engine.auth == nil || p.public:
		return true
	case r.local:
		return false
	case p.hidden:
		return r.checkPolicy(ctx, p) == nil
	case r.user == nil:
		return true
	}
	return r.meetsRules(ctx, p)
}

// useResource is [Request.useFeature] for the resource with the URI.
func (r *Request) useResource(ctx context.Context, uri string) error {
	if f, _ := r.catalog.findResource(uri); f != nil {
		return r.useFeature(ctx, &f.feature)
	}
	return r.requireCaller()
}

// useFilter returns nil when the caller may subscribe to everything in the
// filter. A resource that is hidden is not refused, but not honoured either.
func (r *Request) useFilter(ctx context.Context) error {
	filter := r.target.filter
	if filter.err != nil || filter.ToolsListChanged || filter.PromptsListChanged || filter.ResourcesListChanged || len(filter.ResourceSubscriptions) == 0 {
		if err := r.useDiscovery(); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, ruleTimeout)
	defer cancel()
	for _, uri := range filter.ResourceSubscriptions {
		if err := r.useResource(ctx, uri); err != nil && !errors.Is(err, errHidden) {
			return err
		}
	}
	return nil
}

// mayHear reports whether the caller is told of a change of a resource. The
// policy counts that is in effect when the resource has changed.
func (r *Request) mayHear(ctx context.Context, uri string) bool {
	if r.engine.auth == nil {
		return true
	}
	f, _ := r.engine.registry.catalog().findResource(uri)
	return f == nil || r.useFeature(ctx, &f.feature) == nil
}

// A visiblePage is the part of a list that a caller gets at once.
type visiblePage[T listed] struct {
	list  []T
	whole bool // nothing that comes before the last of list is left out
	more  bool // the caller finds more features behind it
}

// visible returns the first features of a list that the caller finds in lists,
// at most size. Rules are asked about these and about one more.
func visible[T listed](ctx context.Context, r *Request, list []T, size int) (p visiblePage[T]) {
	if r.engine.auth == nil {
		return visiblePage[T]{list[:min(size, len(list))], true, len(list) > size}
	}
	ctx, cancel := context.WithTimeout(ctx, ruleTimeout)
	defer cancel()
	p.whole = true
	for i, f := range list {
		switch seen := r.mayList(ctx, f.guard()); {
		case seen && len(p.list) == size:
			p.more = true
			return p
		case seen && p.whole:
			p.list = list[:i+1]
		case seen:
			p.list = append(p.list, f)
		case p.whole && len(p.list) < size:
			p.whole, p.list = false, slices.Clone(p.list)
		}
	}
	return p
}

// CheckScopes returns nil when the caller's token was granted every one of the
// scopes, for conditions that only a handler can know, such as that a call
// would delete something. Return its error as it is: it becomes 403 with the
// scopes, or a JSON-RPC error when the answer has begun as a stream. Before
// that check a handler should do nothing it could not take back. Without
// [WithAuth] it returns nil; outside of a request, an error.
func CheckScopes(ctx context.Context, scopes ...string) error {
	req := RequestFrom(ctx)
	switch {
	case req == nil:
		return errors.New("mcpengine: the context does not come from a handler")
	case req.engine.auth == nil:
		return nil
	}
	for _, scope := range scopes {
		if !auth.ValidScope(scope) {
			return internalf("CheckScopes: scope %q is not valid", scope)
		}
	}
	return req.checkPolicy(ctx, &policy{scopes: scopes})
}
