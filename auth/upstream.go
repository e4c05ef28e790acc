package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine/internal/weburl"
)

// An UpstreamAPI is an API behind the server, together with a way to get tokens for
// it. Package upstream has the usual ways; implement the interface for another one.
// Mistakes in its arguments are reported by [NewResource].
type UpstreamAPI interface {
	// Audience is the name by which handlers ask for a token.
	Audience() string

	// OpenUpstream puts the way to work for a resource. It should fetch nothing.
	OpenUpstream(Environment) (*UpstreamSource, error)
}

// An UpstreamSource gets tokens for one API. Its tokens are remembered, and asked
// for once at a time, by the resource.
type UpstreamSource struct {
	// Token gets a token for a caller. It returns an [*UpstreamError] to say what
	// the caller can do about a failure. The text of other errors is not shown,
	// because it may quote a token.
	Token func(context.Context, *UpstreamCaller) (Token, error)

	// Issuers are the issuers whose users the source has tokens for. An audience
	// may have several sources, for different issuers. Empty means all users.
	Issuers []string

	// Shared says that the token is the server's own and the same for every caller.
	Shared bool

	// Own says that the source hands out [UpstreamCaller.ProviderToken]. NewResource
	// refuses it where no provider has one.
	Own bool

	// Origins are the origins, such as https://api.example.com, that [UpstreamClient]
	// sends tokens to.
	Origins []string

	// How says for mcpengine.Engine.Explain how the source gets tokens, a phrase such
	// as "token exchange, scopes orders.read".
	How string
}

// WithUpstream lets handlers get tokens for APIs behind the server by [Upstream] and
// [UpstreamClient]. An API may be given once for each issuer. Without this option no
// handler gets any token.
func WithUpstream(apis ...UpstreamAPI) ResourceOption {
	return func(c *resourceConfig) { c.upstream = append(c.upstream, apis...) }
}

// Upstream returns an access token for an API behind the server, on behalf of the
// caller that ctx carries. The audience is one that [WithUpstream] was given. The
// token that the caller sent is never returned: it is meant for this server alone
// (security best practices, "Token Passthrough").
//
// The error is an [*UpstreamError] whose text is safe to show. A handler that
// returns it as it is has the caller signed in again where that helps. A caller
// that is not verified gets no token for any API.
//
// A detached call, such as a durable tool, keeps who has called but no token, so
// that only tokens of the server itself can be had there.
func Upstream(ctx context.Context, audience string) (Token, error) {
	b, _ := ctx.Value(upstreamKey{}).(*upstreamCall)
	if b == nil {
		return Token{}, &UpstreamError{Audience: audience, Reason: "the context is not from a request to a server with auth.WithUpstream"}
	}
	t, err := b.token(ctx, audience)
	if err != nil {
		return Token{}, b.failure(ctx, audience, err)
	}
	return t, nil
}

// An UpstreamCaller is the caller for whom an [UpstreamSource] gets a token.
type UpstreamCaller struct {
	// User is the caller. Do not change it.
	User *User

	sent     string // the token that came with the request, or ""
	provider *trusted
}

var errNoToken = &UpstreamError{Reason: "a detached call keeps no token of its caller: use the client credentials of the server there"}

// SubjectToken returns the token that stands for the caller at the issuer of
// [User].Issuer: the issuer's own token, where the server keeps it, or else the token
// that the caller sent, provided that the issuer has issued it. Send it to the token
// endpoint of that issuer and nowhere else.
func (c *UpstreamCaller) SubjectToken() (string, error) {
	switch {
	case c.sent == "" || c.provider == nil:
		return "", errNoToken
	case c.provider.ProviderToken != nil:
		return c.ProviderToken()
	case !c.provider.provesAt(c.User.Issuer):
		return "", errForeign
	}
	return c.sent, nil
}

var errForeign = &UpstreamError{Reason: "the issuer of the caller has not issued the caller's token, and the server keeps no token of the issuer: set broker.Config.ProviderToken"}

// provesAt reports whether there are tokens by which the users of an issuer can be
// proved to that issuer. The tokens that a broker issues are not among them.
func (t *trusted) provesAt(issuer string) bool {
	of := func(own string) bool { return weburl.SameIssuer(own, issuer) }
	return slices.ContainsFunc(t.issuers, of) && (t.ProviderToken != nil || of(t.source()))
}

// ProviderToken returns the access token that the identity provider gave the server
// when the caller signed in through the server, as package broker does. It is never
// the token that the caller sent.
func (c *UpstreamCaller) ProviderToken() (string, error) {
	switch {
	case c.sent == "":
		return "", errNoToken
	case c.provider == nil || c.provider.ProviderToken == nil:
		return "", &UpstreamError{Reason: "the caller did not sign in through the server, so the server has no token of the provider"}
	}
	token, err := c.provider.ProviderToken(c.sent)
	if err == nil && token == c.sent {
		err = errPassthrough
	}
	return token, err
}

var errPassthrough = &UpstreamError{Reason: "it would be the token that the caller sent, which is for this server alone"}

// ContextWithUpstream returns a context in which [Upstream] gets tokens for the
// caller whom [Resource.Authenticate] has found in the request. A detached call has
// no request. The engine calls it; nil stands for a caller that is not verified.
func (r *Resource) ContextWithUpstream(ctx context.Context, req *http.Request, u *User) context.Context {
	if r.upstream == nil {
		return ctx
	}
	b := &upstreamCall{resource: r}
	if u != nil {
		// The handler may change its user, but not whose token it gets.
		user := *u
		b.caller = &UpstreamCaller{User: &user}
		if req != nil {
			b.caller.sent, _ = bearerToken(req) // it is good: Authenticate has read it
			b.caller.provider = r.trusted[0]
			if len(r.trusted) > 1 {
				b.caller.provider = r.route(b.caller.sent)
			}
		}
	}
	return context.WithValue(ctx, upstreamKey{}, b)
}

type upstreamKey struct{}

// An upstreamCall is a request whose handler may ask for tokens.
type upstreamCall struct {
	resource *Resource
	caller   *UpstreamCaller // nil when it is not verified
}

// token finds the source and asks the memory in front of it.
func (b *upstreamCall) token(ctx context.Context, audience string) (Token, error) {
	s, err := b.source(audience)
	if err != nil {
		return Token{}, err
	}
	if !s.Shared && b.caller.sent == "" {
		return Token{}, errNoToken
	}
	t, err := b.resource.upstream.memory.get(ctx, s, b.caller)
	if err == nil && t.Secret() == b.caller.sent {
		return Token{}, errPassthrough
	}
	return t, err
}

// source returns the source of tokens for an audience and the caller.
func (b *upstreamCall) source(audience string) (*upstreamSource, error) {
	sources := b.resource.upstream.sources[audience]
	switch {
	case len(sources) == 0:
		return nil, &UpstreamError{Reason: "no API of this audience is configured: add it with auth.WithUpstream"}
	case b.caller == nil:
		return nil, &UpstreamError{Reason: "the caller is not verified", SignIn: true}
	}
	for _, s := range sources {
		if s.serves(b.caller.User.Issuer) {
			return s, nil
		}
	}
	return nil, &UpstreamError{Reason: "no API of this audience is configured for users of " + strconv.Quote(b.caller.User.Issuer) + ": add it with auth.WithUpstream"}
}

// failure is the error for the handler.
func (b *upstreamCall) failure(ctx context.Context, audience string, err error) error {
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return ctx.Err()
	}
	e := &UpstreamError{Reason: Redact(err), Temporary: true}
	if known, ok := errors.AsType[*UpstreamError](err); ok {
		own := *known
		e = &own
	}
	e.Audience = audience
	if e.SignIn {
		e.challenge = b.resource.signInAgain(e.Claims, b.caller != nil)
	}
	return e
}

// upstreams are the APIs of a resource.
type upstreams struct {
	sources map[string][]*upstreamSource
	order   []*upstreamSource
	memory  *upstreamMemory
}

// An upstreamSource has been opened.
type upstreamSource struct {
	*UpstreamSource
	audience string
	number   int // names the source in keys
}

func (s *upstreamSource) serves(issuer string) bool {
	return len(s.Issuers) == 0 || slices.ContainsFunc(s.Issuers, func(own string) bool { return weburl.SameIssuer(own, issuer) })
}

// sendsTo reports whether tokens may be sent to a URL.
func (s *upstreamSource) sendsTo(u *url.URL) bool {
	return slices.Contains(s.Origins, weburl.Origin(u))
}

// openUpstream opens the APIs.
func (r *Resource) openUpstream(config *resourceConfig) error {
	if len(config.upstream) == 0 {
		return nil
	}
	all := &upstreams{sources: map[string][]*upstreamSource{}, memory: newUpstreamMemory(config.environment)}
	for i, api := range config.upstream {
		if api == nil || api.Audience() == "" {
			return errors.New("upstream: an API has no audience")
		}
		s, err := api.OpenUpstream(config.environment)
		if err != nil {
			return fmt.Errorf("upstream %q: %w", api.Audience(), err)
		}
		opened := &upstreamSource{UpstreamSource: s, audience: api.Audience(), number: i}
		if err := r.checkUpstream(opened, all.sources[opened.audience]); err != nil {
			return fmt.Errorf("upstream %q: %w", opened.audience, err)
		}
		all.sources[opened.audience] = append(all.sources[opened.audience], opened)
		all.order = append(all.order, opened)
	}
	r.upstream = all
	return nil
}

// An UpstreamUse says for which callers handlers can get tokens for an API, and how.
type UpstreamUse struct{ Audience, Who, Why string }

// Upstreams says for which APIs handlers can get tokens, in the order of
// [WithUpstream].
func (r *Resource) Upstreams() []UpstreamUse {
	if r.upstream == nil {
		return nil
	}
	var all []UpstreamUse
	for _, s := range r.upstream.order {
		who := "a verified caller"
		if len(s.Issuers) > 0 {
			who += " from " + strings.Join(s.Issuers, " or ")
		}
		all = append(all, UpstreamUse{s.audience, who, cmp.Or(s.How, "WithUpstream")})
	}
	return all
}

// checkUpstream refuses a source that no caller could use, or that takes another
// one's callers.
func (r *Resource) checkUpstream(s *upstreamSource, others []*upstreamSource) error {
	for _, target := range s.Origins {
		if u, err := weburl.ParseSecure(target); err != nil || weburl.Origin(u) != target {
			return fmt.Errorf("origin %q is not of the form https://api.example.com", target)
		}
	}
	if s.Own && !slices.ContainsFunc(r.trusted, func(t *trusted) bool { return t.ProviderToken != nil }) {
		return errors.New("no provider of the resource keeps its own token: sign people in with package broker, and set its Config.ProviderToken")
	}
	issuers := s.Issuers
	if len(issuers) == 0 {
		issuers = r.issuers
	}
	for _, issuer := range issuers {
		if !slices.ContainsFunc(r.issuers, func(known string) bool { return weburl.SameIssuer(known, issuer) }) {
			return fmt.Errorf("no provider of the resource has users of the issuer %q", issuer)
		}
		if !s.Shared && len(s.Issuers) > 0 && !slices.ContainsFunc(r.trusted, func(t *trusted) bool { return t.provesAt(issuer) }) {
			return fmt.Errorf("there are no tokens of the issuer %q to exchange, because the server issues its own: set broker.Config.ProviderToken", issuer)
		}
		for _, other := range others {
			if other.serves(issuer) {
				return fmt.Errorf("given twice for users of %q", issuer)
			}
		}
	}
	return nil
}

// An UpstreamError says why there is no token for an API. Its text holds no token
// and no text of the provider. A tool that returns it tells the model; where SignIn
// is set, the engine answers 401 instead, so that the client signs in again.
type UpstreamError struct {
	// Audience is the API.
	Audience string

	// Code is the error code of the provider, such as "invalid_grant", and empty
	// when there is none or it is not a known one.
	Code string

	// Reason says what is wrong, in words.
	Reason string

	// SignIn says that the caller has to sign in again, with more than before: a
	// second factor, or a consent.
	SignIn bool

	// Claims is what the provider wants of the next sign-in, as JSON (the claims
	// challenge of Microsoft Entra ID).
	Claims string

	// Temporary says that trying again later may help, and RetryAfter when, if the
	// provider has said so.
	Temporary  bool
	RetryAfter time.Duration

	challenge *Challenge
}

func (e *UpstreamError) Error() string {
	return fmt.Sprintf("no token for %s: %s", cmp.Or(e.Audience, "the API"), e.Reason)
}

// Challenge returns the refusal of the caller that the error stands for, and nil
// when another sign-in would not help. The engine sends it.
func (e *UpstreamError) Challenge() *Challenge { return e.challenge }
