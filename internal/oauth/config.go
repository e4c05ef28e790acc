package oauth

import (
	"crypto"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine/internal/weburl"
)

// A Config says for which server an [Authorizer] is, and how it signs in.
// Server is required.
type Config struct {
	// Server is the URL of the MCP server. It is https, or http on this
	// machine.
	Server string

	// Grant is how tokens are obtained. The default is an [AuthorizationCode]
	// in the system's browser.
	Grant Grant

	// Client is registered beforehand with the authorization server. The
	// default is to register when it is needed.
	Client Client

	// MetadataURL is the client's id where the authorization server supports
	// client id metadata documents: an https URL with a path, at which such a
	// document is published. Optional.
	MetadataURL string

	// Name is shown to people who are asked for their consent. The default is
	// "MCPEngine".
	Name string

	// Scopes are asked for in any case, besides those that the server names.
	Scopes []string

	// DPoP asks for tokens that are bound to a key (RFC 9449), and fails where
	// the authorization server has none. Without it the client uses such tokens
	// where the server demands them.
	DPoP bool

	// Store keeps tokens and registrations. The default is memory.
	Store Store

	// HTTPClient sends requests to authorization servers. Its redirect policy
	// and cookie jar are not used. The default refuses to connect from a public
	// server's metadata to private addresses; a client given here has to.
	HTTPClient *http.Client

	// Now is the clock, [time.Now] by default.
	Now func() time.Time

	// Logger gets warnings. The default drops them.
	Logger *slog.Logger

	// InsecureHTTP allows an http URL of a server on another machine, whose
	// tokens anybody on the way can read.
	InsecureHTTP bool

	// InsecureNoIssuer takes an answer that does not name its issuer from an
	// authorization endpoint of another origin than the issuer. It may be the answer
	// of another authorization server, whose code would go to this one.
	InsecureNoIssuer bool

	// InsecureResource takes the place of the server's identifier in the parameter
	// resource, which some providers refuse, and "none" leaves the parameter out.
	// The token may then be good for other servers too.
	InsecureResource string

	// InsecureNoPKCE signs in at an authorization server whose metadata does
	// not say that it supports PKCE. Providers that are known to support it
	// without saying so do not need it.
	InsecureNoPKCE bool
}

// A Client identifies the client to an authorization server.
type Client struct {
	// ID is required.
	ID string

	// Secret authenticates the client. Optional.
	Secret string

	// Key authenticates the client by signed assertions (private_key_jwt, RFC
	// 7523, section 2.2): a P-256, Ed25519 or RSA key. KeyID names it, if it has
	// a name. Optional.
	Key   crypto.Signer
	KeyID string

	// Issuer is the authorization server that knows the client. Without it, it
	// is the first that the server names. Another one is an error and never
	// gets the credentials.
	Issuer string
}

// Format prints the id and no secret, whatever the verb.
func (c Client) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "oauth.Client(%s)", c.ID) }

const (
	defaultName = "MCPEngine"

	// maxScopes bounds the scopes of one authorization: a person is to read
	// them.
	maxScopes     = 64
	maxScopeBytes = 4 << 10
)

// check fills in the defaults and returns an error for a config that cannot
// work.
func (c *Config) check() (*url.URL, error) {
	u, err := parseEndpoint(c.Server)
	if errors.Is(err, weburl.ErrNotSecure) && c.InsecureHTTP {
		u, err = url.Parse(c.Server)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("server URL: %w", err)
	case c.Client.ID == "" && (c.Client.Secret != "" || c.Client.Key != nil):
		return nil, errors.New("client credentials without a client id")
	}
	if c.MetadataURL != "" {
		if _, err := weburl.ParseClientDocument(c.MetadataURL); err != nil {
			return nil, fmt.Errorf("client metadata URL: %w", err)
		}
	}
	for _, scope := range c.Scopes {
		if !validScope(scope) {
			return nil, fmt.Errorf("scope %q is not a scope", scope)
		}
	}
	if c.Grant == nil {
		c.Grant = AuthorizationCode{}
	}
	if c.Name == "" {
		c.Name = defaultName
	}
	if c.Store == nil {
		c.Store = NewMemoryStore()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return u, nil
}

// validScope reports whether s is one scope token (RFC 6749, section 3.3).
func validScope(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r > '~' || r == '"' || r == '\\'
	})
}

// parseScopes splits a list of scopes and leaves out invalid ones.
func parseScopes(list string) []string {
	var scopes []string
	for scope := range strings.SplitSeq(list, " ") {
		if validScope(scope) {
			scopes = append(scopes, scope)
		}
	}
	return scopes
}

// union returns the scopes of all lists, each once, in order.
func union(lists ...[]string) []string {
	var all []string
	for _, list := range lists {
		for _, scope := range list {
			if !slices.Contains(all, scope) {
				all = append(all, scope)
			}
		}
	}
	return all
}

// subset reports whether all of the scopes are among the others.
func subset(scopes, of []string) bool {
	return !slices.ContainsFunc(scopes, func(scope string) bool { return !slices.Contains(of, scope) })
}

// checkScopes returns an error when there is more to ask for than a person
// would read.
func checkScopes(scopes []string) error {
	if len(scopes) > maxScopes || len(strings.Join(scopes, " ")) > maxScopeBytes {
		return fmt.Errorf("the server asks for %d scopes, more than the %d (or %d bytes) that a person is asked to agree to", len(scopes), maxScopes, maxScopeBytes)
	}
	return nil
}
