package upstream

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/internal/guard"
	"github.com/mcpengine/mcpengine/internal/weburl"
)

const (
	grantClient   = "client_credentials"
	grantBearer   = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	grantExchange = "urn:ietf:params:oauth:grant-type:token-exchange" //nolint:gosec // a name
	accessToken   = "urn:ietf:params:oauth:token-type:access_token"   //nolint:gosec // a name
	jwt           = "urn:ietf:params:oauth:token-type:jwt"
)

// An Option adjusts one API.
type Option func(*api)

// WithScopes sets the scopes to ask for.
func WithScopes(scopes ...string) Option {
	return func(a *api) {
		for _, scope := range scopes {
			if !auth.ValidScope(scope) {
				a.fault("scope %q is not valid", scope)
			}
		}
		a.scopes = scopes
	}
}

// WithOrigins sets the origins of the API, such as https://api.example.com, that
// auth.UpstreamClient sends tokens to. The default is the origin of the audience
// where that is an https URL.
func WithOrigins(origins ...string) Option { return func(a *api) { a.origins = origins } }

// WithParameter adds a parameter to the token request, such as "resource" or, for a
// provider that wants it with client credentials, "audience".
func WithParameter(name, value string) Option {
	return func(a *api) {
		if slices.Contains(ownParameters, name) || name == "" {
			a.fault("parameter %q cannot be set", name)
		}
		a.parameters.Set(name, value)
	}
}

// ownParameters are the parameters that a configuration cannot replace.
var ownParameters = []string{
	"grant_type", "client_id", "client_secret", "client_assertion", "client_assertion_type", "scope",
	"assertion", "requested_token_use", "subject_token", "subject_token_type", "actor_token", "actor_token_type",
}

// WithSubjectsOf also exchanges the tokens of users of other issuers. The token
// endpoint of the client sees these tokens, so the provider must trust the issuers,
// as authorization servers of one Okta organization do that are told to.
func WithSubjectsOf(issuers ...string) Option {
	return func(a *api) {
		for _, issuer := range issuers {
			if _, err := weburl.ParseIssuer(issuer); err != nil {
				a.fault("issuer %q: %w", issuer, err)
			}
		}
		a.issuers = append(a.issuers, issuers...)
	}
}

// An api is an API and the way to get tokens for it.
type api struct {
	audience   string
	issuers    []string // of the users whose tokens are exchanged, the client's first
	client     *Client  // nil for the provider's own token
	scopes     []string
	origins    []string
	parameters url.Values
	grant      string
	faults     []error
}

func newAPI(a *api, opts []Option) *api {
	a.parameters = url.Values{}
	for _, opt := range opts {
		opt(a)
	}
	if u, err := weburl.ParseSecure(a.audience); err == nil && a.origins == nil {
		a.origins = []string{weburl.Origin(u)}
	}
	return a
}

func (a *api) fault(format string, args ...any) {
	a.faults = append(a.faults, fmt.Errorf(format, args...))
}

// ProviderToken hands out the access token that the identity provider of the given
// issuer gave when the caller signed in through package broker, for an API that
// accepts it: an API of Google or GitHub, for example. broker.Config.ProviderToken has
// to be set, and broker.Config.ProviderScopes names the scopes of the API.
func ProviderToken(issuer, audience string, opts ...Option) auth.UpstreamAPI {
	a := newAPI(&api{audience: audience, issuers: []string{issuer}}, opts)
	if a.scopes != nil || len(a.parameters) > 0 || len(a.issuers) > 1 {
		a.fault("the provider's own token is not asked for here: its scopes are broker.Config.ProviderScopes")
	}
	return a
}

// OnBehalfOf exchanges the token of a caller in the on-behalf-of flow of Microsoft
// Entra ID. The default scope is the audience and "/.default": all that the
// application registration has consent for.
//
// The token that is exchanged must be for the application registration of the client.
// Behind package broker that is the case when broker.Config.ProviderScopes has a scope
// of the registration.
func OnBehalfOf(audience string, client Client, opts ...Option) auth.UpstreamAPI {
	a := newAPI(&api{audience: audience, client: &client, issuers: []string{client.Issuer}, grant: grantBearer}, opts)
	if a.scopes == nil {
		a.scopes = []string{strings.TrimSuffix(audience, "/") + "/.default"}
	}
	a.parameters.Set("requested_token_use", "on_behalf_of")
	return a
}

// TokenExchange exchanges the token of a caller by the standard of RFC 8693. The
// audience is sent as it is; it is the provider's name for the API: at Keycloak the
// client id of the API, at Okta the audience of an authorization server.
func TokenExchange(audience string, client Client, opts ...Option) auth.UpstreamAPI {
	a := newAPI(&api{audience: audience, client: &client, issuers: []string{client.Issuer}, grant: grantExchange}, opts)
	a.parameters.Set("subject_token_type", accessToken)
	a.scopes = slices.Concat(client.scopes, a.scopes)
	for name, value := range map[string]string{"audience": audience, "requested_token_type": accessToken} {
		if !a.parameters.Has(name) {
			a.parameters.Set(name, value)
		}
	}
	return a
}

// ClientCredentials gets a token of the server itself (RFC 6749, section 4.4), the
// same for every caller. The API cannot tell callers apart, so the server has to
// decide what each of them may do there. It is the only way that works in a detached
// call, such as a durable tool, which keeps no token of its caller.
//
// The audience is the name by which handlers ask; it is not sent. Microsoft Entra ID
// wants the scope api://…/.default, and Auth0 the parameter "audience".
func ClientCredentials(audience string, client Client, opts ...Option) auth.UpstreamAPI {
	a := newAPI(&api{audience: audience, client: &client, grant: grantClient}, opts)
	if len(a.issuers) > 0 {
		a.fault("no tokens of users are exchanged for client credentials")
	}
	return a
}

// Audience implements [auth.UpstreamAPI].
func (a *api) Audience() string { return a.audience }

// OpenUpstream implements [auth.UpstreamAPI].
func (a *api) OpenUpstream(env auth.Environment) (*auth.UpstreamSource, error) {
	if err := errors.Join(a.faults...); err != nil {
		return nil, err
	}
	s := &auth.UpstreamSource{Issuers: a.issuers, Origins: a.origins, Shared: a.grant == grantClient, Own: a.client == nil, How: a.how()}
	if a.client == nil {
		s.Token = own
		return s, nil
	}
	if err := a.client.check(); err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	e := &endpoint{client: a.client, env: env, exchange: a.grant == grantExchange, person: a.grant != grantClient}
	e.env.Client = guard.Harden(env.Client)
	s.Token = func(ctx context.Context, c *auth.UpstreamCaller) (auth.Token, error) { return a.token(ctx, e, c) }
	return s, nil
}

// how says how tokens are got.
func (a *api) how() string {
	ways := map[string]string{"": "the provider's own token", grantBearer: "on behalf of the caller", grantExchange: "token exchange", grantClient: "client credentials of the server"}
	how := ways[a.grant]
	if len(a.scopes) > 0 {
		how += ", scopes " + strings.Join(a.scopes, " ")
	}
	if len(a.origins) > 0 {
		how += ", sent to " + strings.Join(a.origins, " ")
	}
	return how
}

// own returns the provider's own token. The broker's token ends no later than it.
func own(_ context.Context, c *auth.UpstreamCaller) (auth.Token, error) {
	token, err := c.ProviderToken()
	if err != nil {
		return auth.Token{}, err
	}
	return auth.NewToken(token, c.User.Expiry), nil
}

// token asks the token endpoint.
func (a *api) token(ctx context.Context, e *endpoint, c *auth.UpstreamCaller) (auth.Token, error) {
	form := maps.Clone(a.parameters)
	form.Set("grant_type", a.grant)
	if len(a.scopes) > 0 {
		form.Set("scope", strings.Join(a.scopes, " "))
	}
	if a.grant != grantClient {
		subject, err := c.SubjectToken()
		if err != nil {
			return auth.Token{}, err
		}
		name := "assertion"
		if a.grant == grantExchange {
			name = "subject_token"
		}
		form.Set(name, subject)
	}
	return e.ask(ctx, form)
}
