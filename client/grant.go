package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mcpengine/mcpengine/internal/oauth"
)

// A Grant is a way to get access tokens (RFC 6749, section 1.3):
// [AuthorizationCode] and [DeviceCode] for a person, [ClientCredentials] and
// [JWTBearer] for a program that acts for itself, and [EnterpriseManaged] for a
// person whom an enterprise has signed in already.
type Grant interface {
	// grant returns the grant for the program that o describes, and an error
	// when something is missing.
	grant(o *OAuth) (oauth.Grant, error)
}

// AuthorizationCode is the grant of a person with a browser, with PKCE (RFC
// 6749, section 4.1; RFC 7636). Its zero value opens the system's browser and
// waits for it to come back to a free port of 127.0.0.1.
type AuthorizationCode struct {
	// Open shows a URL to the person. It must not wait for the person. The
	// default opens the system's browser.
	Open func(ctx context.Context, authorizationURL string) error

	// Visit takes the place of Open and of listening: it returns the URL that
	// the authorization server redirects to. It needs a RedirectURI. Optional.
	Visit func(ctx context.Context, authorizationURL string) (callbackURL string, err error)

	// RedirectURI is where the authorization server redirects to. Without Visit
	// it is an http URL of this machine with a port; the default is a free one.
	RedirectURI string

	// Timeout is how long the person may take. The default is 5 minutes.
	Timeout time.Duration
}

func (g AuthorizationCode) grant(*OAuth) (oauth.Grant, error) {
	switch {
	case g.Visit != nil && g.Open != nil:
		return nil, errors.New("authorization code: there are both Open and Visit")
	case g.Visit != nil && g.RedirectURI == "":
		return nil, errors.New("authorization code: Visit needs a RedirectURI")
	}
	return oauth.AuthorizationCode{Open: g.Open, Visit: g.Visit, RedirectURI: g.RedirectURI, Timeout: g.Timeout}, nil
}

// DeviceCode is the grant of a person whose browser is on another device (RFC
// 8628).
type DeviceCode struct {
	// Show tells the person which page to open and which code to enter. It must
	// not wait for the person. Required.
	Show func(ctx context.Context, v Verification) error
}

// A Verification has the page and the code for a person who agrees on another
// device (RFC 8628, section 3.2). Its URLs are https, or http on this machine.
type Verification struct {
	// URL is the page to open and UserCode the code to enter there.
	URL, UserCode string

	// CompleteURL includes the code, for a link or a QR code. It may be empty.
	CompleteURL string

	// Expires is when the code expires.
	Expires time.Time
}

func (g DeviceCode) grant(*OAuth) (oauth.Grant, error) {
	if g.Show == nil {
		return nil, errors.New("device code: no Show")
	}
	return oauth.DeviceCode{Show: func(ctx context.Context, v oauth.Verification) error {
		return g.Show(ctx, Verification(v))
	}}, nil
}

// ClientCredentials is the grant of a program that acts for itself (RFC 6749,
// section 4.4). It authenticates with the ClientSecret or the Key of [OAuth],
// one of which is required.
type ClientCredentials struct{} //nolint:revive // the RFC's name

func (ClientCredentials) grant(o *OAuth) (oauth.Grant, error) {
	if o.ClientID == "" || o.ClientSecret == "" && o.Key == nil {
		return nil, errors.New("client credentials: no ClientID, or neither ClientSecret nor Key")
	}
	return oauth.ClientCredentials{}, nil
}

// JWTBearer is the grant of a program whose platform vouches for it, as in
// workload identity federation (RFC 7523, section 2.1). It needs no ClientID.
type JWTBearer struct {
	// Assertion returns a fresh JWT of the platform for the audience, which is
	// the issuer of the authorization server. Required.
	Assertion func(ctx context.Context, audience string) (string, error)
}

func (g JWTBearer) grant(*OAuth) (oauth.Grant, error) {
	if g.Assertion == nil {
		return nil, errors.New("JWT bearer: no Assertion")
	}
	return oauth.JWTBearer{Assertion: g.Assertion}, nil
}

// EnterpriseManaged is the grant of a person whom the identity provider of an
// enterprise has signed in (the extension
// io.modelcontextprotocol/enterprise-managed-authorization): the ID token is
// exchanged for an assertion (RFC 8693), and the assertion for an access token
// (RFC 7523). The ClientID of [OAuth] identifies the program to the server's
// authorization server.
type EnterpriseManaged struct {
	// TokenEndpoint is the identity provider's: https, or http on this machine.
	// Required.
	TokenEndpoint string

	// ClientID identifies the program to the identity provider. Required.
	ClientID string

	// ClientSecret authenticates the program to the identity provider. Optional.
	ClientSecret string

	// IDToken returns the ID token of the person. Required.
	IDToken func(ctx context.Context) (string, error)
}

// Format prints the client id and no secret, whatever the verb.
func (g EnterpriseManaged) Format(s fmt.State, _ rune) {
	_, _ = fmt.Fprintf(s, "client.EnterpriseManaged(%s)", g.ClientID)
}

func (g EnterpriseManaged) grant(*OAuth) (oauth.Grant, error) {
	if g.TokenEndpoint == "" || g.ClientID == "" || g.IDToken == nil {
		return nil, errors.New("enterprise-managed authorization: no TokenEndpoint, ClientID or IDToken")
	}
	return oauth.EnterpriseManaged{
		TokenEndpoint: g.TokenEndpoint,
		Client:        oauth.Client{ID: g.ClientID, Secret: g.ClientSecret},
		IDToken:       g.IDToken,
	}, nil
}
