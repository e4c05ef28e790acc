package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/mcpengine/mcpengine/internal/peer"
)

// Token types of a token exchange (RFC 8693, section 3; ID-JAG).
const (
	typeIDToken = "urn:ietf:params:oauth:token-type:id_token"
	typeIDJAG   = "urn:ietf:params:oauth:token-type:id-jag"
)

// EnterpriseManaged is the grant of a person whom an enterprise's identity
// provider has signed in: it exchanges the ID token for an assertion that the
// server's authorization server believes (the extension
// io.modelcontextprotocol/enterprise-managed-authorization). The
// enterprise decides what the provider allows, without asking the person.
// [Config].Client identifies the client to the authorization server.
type EnterpriseManaged struct {
	// TokenEndpoint is the identity provider's. Required.
	TokenEndpoint string

	// Client identifies the client to the identity provider. Its ID is required.
	Client Client

	// IDToken returns the ID token of the person. Required.
	IDToken func(ctx context.Context) (string, error)
}

func (EnterpriseManaged) grantTypes() []string { return []string{grantAssert} }

func (EnterpriseManaged) user() string { return "enterprise" }

func (g EnterpriseManaged) obtain(ctx context.Context, f *flow) (*token, error) {
	assertion, err := g.exchange(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("ask the identity provider: %w", err)
	}
	if f.client, err = f.register(ctx, ""); err != nil {
		return nil, err
	}
	return f.assert(ctx, assertion)
}

// exchange gets an identity assertion for the server (RFC 8693, section 2.1).
func (g EnterpriseManaged) exchange(ctx context.Context, f *flow) (string, error) {
	if _, err := parseEndpoint(g.TokenEndpoint); err != nil {
		return "", fmt.Errorf("token endpoint: %w", err)
	}
	if g.IDToken == nil || g.Client.ID == "" {
		return "", errors.New("no ID token or no client id")
	}
	done := peer.AwaitPerson(ctx)
	idToken, err := g.IDToken(ctx)
	done()
	if err != nil {
		return "", fmt.Errorf("get ID token: %w", err)
	}
	form := url.Values{
		"grant_type":           {grantExchange},
		"requested_token_type": {typeIDJAG},
		"audience":             {f.server.Issuer},
		"resource":             {f.resource},
		"subject_token":        {idToken},
		"subject_token_type":   {typeIDToken},
	}
	f.setScope(form)
	// The provider is another server with credentials of its own, and its
	// metadata is the configuration.
	idp := *f
	idp.server = &server{Issuer: g.Client.Issuer, Token: g.TokenEndpoint, AuthMethods: []string{methodPost, methodKey}}
	idp.key = nil
	if idp.client, err = configured(g.Client, idp.server); err != nil {
		return "", err
	}
	a, err := idp.post(ctx, g.TokenEndpoint, form)
	if err != nil {
		return "", err
	}
	if a.status != http.StatusOK {
		return "", refusal(a, idToken, g.Client.Secret)
	}
	return parseExchange(a.body)
}

// parseExchange reads the answer of a token exchange, whose access_token holds
// the assertion (RFC 8693, section 2.2.1).
func parseExchange(data []byte) (string, error) {
	var said struct {
		Assertion string `json:"access_token"`
		Type      string `json:"issued_token_type"`
	}
	if err := decode(data, &said); err != nil {
		return "", err
	}
	if said.Type != typeIDJAG {
		return "", errors.New("it issued a token of another type")
	}
	return said.Assertion, nil
}
