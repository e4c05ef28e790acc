package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/url"
)

// A Grant is a way to get tokens (RFC 6749, section 1.3).
type Grant interface {
	// grantTypes are the grant types that a client registers for.
	grantTypes() []string

	// user names the party that the tokens act for. Sign-ins of one user share
	// their place in the store.
	user() string

	// obtain gets a token with the scopes of the flow, and sets the client of the
	// flow.
	obtain(ctx context.Context, f *flow) (*token, error)
}

// Grant types (RFC 6749, RFC 7523, RFC 8628, RFC 8693).
const (
	grantCode     = "authorization_code"
	grantRefresh  = "refresh_token"
	grantClient   = "client_credentials"
	grantDevice   = "urn:ietf:params:oauth:grant-type:device_code"
	grantAssert   = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	grantExchange = "urn:ietf:params:oauth:grant-type:token-exchange"
)

// A flow is the state of obtaining or refreshing one token.
type flow struct {
	config   *Config
	fetch    fetcher
	server   *server
	preset   preset
	resource string
	scopes   []string
	client   credentials
	key      *proofKey // nil for a bearer token
	nonces   *nonces
}

// ClientCredentials is the grant of a machine that acts for itself (the
// extension io.modelcontextprotocol/oauth-client-credentials). [Config].Client
// is required.
type ClientCredentials struct{}

func (ClientCredentials) grantTypes() []string { return []string{grantClient} }

func (ClientCredentials) user() string { return grantClient }

func (ClientCredentials) obtain(ctx context.Context, f *flow) (*token, error) {
	if f.config.Client.ID == "" {
		return nil, errors.New("client credentials: no client id")
	}
	var err error
	if f.client, err = f.register(ctx, ""); err != nil {
		return nil, err
	}
	return f.request(ctx, f.form(grantClient))
}

// JWTBearer is the grant of a workload whose platform vouches for it (workload
// identity federation, RFC 7523, section 2.1). The client need not have an id. A
// refusal is final: there is no other assertion to try.
type JWTBearer struct {
	// Assertion returns a fresh JWT for the audience, the issuer of the
	// authorization server. Required.
	Assertion func(ctx context.Context, audience string) (string, error)
}

func (JWTBearer) grantTypes() []string { return []string{grantAssert} }

func (JWTBearer) user() string { return grantAssert }

func (g JWTBearer) obtain(ctx context.Context, f *flow) (*token, error) {
	if g.Assertion == nil {
		return nil, errors.New("jwt bearer: no assertion")
	}
	assertion, err := g.Assertion(ctx, f.server.Issuer)
	if err != nil {
		return nil, fmt.Errorf("get assertion: %w", err)
	}
	if f.config.Client.ID != "" {
		if f.client, err = f.register(ctx, ""); err != nil {
			return nil, err
		}
	}
	return f.assert(ctx, assertion)
}

// assert gets a token for an assertion.
func (f *flow) assert(ctx context.Context, assertion string) (*token, error) {
	if assertion == "" || !validToken(assertion) {
		return nil, errors.New("the assertion is no token")
	}
	form := f.form(grantAssert)
	form.Set("assertion", assertion)
	return f.request(ctx, form, assertion)
}

// form begins a token request that asks for the scopes of the flow.
func (f *flow) form(grantType string) url.Values {
	form := url.Values{"grant_type": {grantType}}
	f.setScope(form)
	return form
}

// setScope asks for the scopes of the flow, and leaves the parameter out when
// there are none (basic/authorization, "Scope Selection Strategy").
func (f *flow) setScope(form url.Values) {
	if len(f.scopes) > 0 {
		form.Set("scope", joinScopes(f.scopes))
	}
}
