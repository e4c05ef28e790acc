package client

import (
	"cmp"
	"context"
	"crypto"
	"errors"
	"fmt"
	"net/http"

	"github.com/mcpengine/mcpengine/internal/oauth"
	"github.com/mcpengine/mcpengine/mcp"
)

// An OAuth says how a [Client] gets the access token that a server wants
// (basic/authorization). Its zero value signs a person in: it registers with the
// authorization server, opens the system's browser, and forgets the token with
// the client. Printing an OAuth shows no secret.
type OAuth struct {
	// Grant is how tokens are obtained. The default is an [AuthorizationCode].
	Grant Grant

	// ClientID identifies the program to the authorization server. The default
	// is to register when it is needed, under the name of [WithImplementation]
	// (RFC 7591).
	ClientID string

	// ClientSecret authenticates the program. Optional.
	ClientSecret string

	// Key authenticates the program by signed assertions (private_key_jwt, RFC
	// 7523, section 2.2): a P-256, P-384, Ed25519 or RSA key. KeyID names it.
	// Both are optional.
	Key   crypto.Signer
	KeyID string

	// Issuer is the authorization server that knows the ClientID; no other gets
	// the credentials. The default is the first that the server names.
	Issuer string

	// MetadataURL is the https URL of a document that describes the program. It
	// is the id of the program where the authorization server reads such
	// documents and there is no ClientID (client id metadata documents).
	// Optional.
	MetadataURL string

	// Scopes are requested in any case, in addition to the scopes that the server
	// names.
	Scopes []string

	// DPoP accepts only tokens that are bound to a key (RFC 9449). Without it the
	// client uses such tokens where the server demands them.
	DPoP bool

	// Open is the Open of the [AuthorizationCode] when there is no Grant.
	Open func(ctx context.Context, authorizationURL string) error

	// Dir is a folder that keeps tokens for all processes of the user, sealed
	// with a key in the system's keychain where there is one. The default keeps
	// them in memory.
	Dir string

	// HTTPClient sends requests to authorization servers: its Transport counts.
	// The default refuses addresses of private networks that a server on the
	// internet names; a client given here has to do the same.
	HTTPClient *http.Client

	// InsecureNoPKCE signs in at an authorization server that does not say that
	// it supports PKCE (RFC 7636). Cognito and Entra ID do not need it.
	InsecureNoPKCE bool

	// InsecureNoIssuer signs in although the answer does not name its issuer (RFC
	// 9207) and the authorization endpoint has another origin than the issuer: the
	// code of another authorization server might go to this one. It is unnecessary
	// when Issuer is set.
	InsecureNoIssuer bool

	// InsecureResource takes the place of the server's identifier in the parameter
	// resource (RFC 8707), which some providers refuse; "none" leaves the parameter
	// out. The token may then be good for other servers too.
	InsecureResource string
}

// WithOAuth gets an access token when the server asks for one. By default the
// client gets no token. WithOAuth is for servers at an https URL, or an http
// URL of this machine; other servers are not connected to. A refusal of the
// authorization server ends the call with an [AuthError] that wraps an
// [OAuthError]. It takes the place of [WithAuthorizer], and [Command] and
// [Attach] have no use for it.
func WithOAuth(o OAuth) Option {
	return func(c *config) { c.oauth = &o }
}

// Format prints the client id and no secret, whatever the verb.
func (o OAuth) Format(s fmt.State, _ rune) { _, _ = fmt.Fprintf(s, "client.OAuth(%s)", o.ClientID) }

// authorizer returns the authorizer that gets tokens for the server.
func (o *OAuth) authorizer(ctx context.Context, server string, info mcp.Implementation) (*oauth.Authorizer, error) {
	grant, err := o.grant()
	if err != nil {
		return nil, fmt.Errorf("prepare to sign in: %w", err)
	}
	config := oauth.Config{
		Server:         server,
		Grant:          grant,
		Client:         oauth.Client{ID: o.ClientID, Secret: o.ClientSecret, Key: o.Key, KeyID: o.KeyID, Issuer: o.Issuer},
		MetadataURL:    o.MetadataURL,
		Name:           cmp.Or(info.Title, info.Name),
		Scopes:         o.Scopes,
		DPoP:           o.DPoP,
		HTTPClient:     o.HTTPClient,
		InsecureNoPKCE: o.InsecureNoPKCE, InsecureNoIssuer: o.InsecureNoIssuer,
		InsecureResource: o.InsecureResource,
	}
	if o.Dir != "" {
		store, err := oauth.NewFileStore(ctx, o.Dir, oauth.SystemKeychain{})
		if err != nil {
			return nil, fmt.Errorf("open the token store: %w", err)
		}
		config.Store = store
	}
	a, err := oauth.New(config)
	if err != nil {
		return nil, fmt.Errorf("prepare to sign in: %w", err)
	}
	return a, nil
}

// grant returns the grant, and an error for one that cannot work.
func (o *OAuth) grant() (oauth.Grant, error) {
	switch {
	case o.Grant == nil:
		return AuthorizationCode{Open: o.Open}.grant(o)
	case o.Open != nil:
		return nil, errors.New("there are two ways to sign in: Open and Grant")
	}
	return o.Grant.grant(o)
}
