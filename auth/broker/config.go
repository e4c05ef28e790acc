package broker

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/idp"
	"github.com/mcpengine/mcpengine/internal/weburl"
)

// A Config adjusts a broker. Its zero value is safe.
type Config struct {
	// Name is the name of the server for people. The default is the host of the
	// resource.
	Name string

	// Logo is a picture for the page of consent: PNG, JPEG, GIF or WebP, of at most
	// 32 KiB. Optional.
	Logo []byte

	// Scopes are the scopes that clients can be granted. A scope that is not among
	// them is left out of every grant. By default nothing is left out, which is right for a
	// server that asks for no scopes.
	Scopes []Scope

	// AccessTokenLifetime is how long an access token is good, at most an hour,
	// which is the default. A user whom the provider has blocked can go on for that
	// time.
	AccessTokenLifetime time.Duration

	// SessionLifetime is how long a client can renew its access token without a new
	// sign-in, if the provider allows it. The default is 30 days.
	SessionLifetime time.Duration

	// NoRegistration leaves out dynamic client registration (RFC 7591). Clients then
	// need a client id metadata document.
	NoRegistration bool

	// RedirectSchemes are the schemes, such as "com.example.app", of redirect URIs
	// that open an application. The default is the schemes of Cursor and VS Code. An empty
	// list that is not nil allows https and loopback addresses alone.
	RedirectSchemes []string

	// Enterprises are identity providers whose identity assertions (ID-JAG) are
	// taken in exchange for an access token, by their issuers (the extension
	// io.modelcontextprotocol/enterprise-managed-authorization). With one, the
	// groups and roles of all users are qualified, as [auth.WithProvider] describes.
	Enterprises []string

	// Identity adjusts how the identity of a user is read from the provider's ID
	// token, for example with idp.RequireClaim or idp.WithClaims.
	Identity []idp.Option

	// Claims are the names of further claims of the ID token that
	// [auth.User].Claims has.
	Claims []string

	// ProviderScopes are further scopes to ask the provider for. The scopes that a
	// sign-in needs are always asked for.
	ProviderScopes []string

	// ProviderToken keeps the provider's own access token for handlers, which get it
	// by [auth.Upstream] (package upstream). It travels sealed in the access token,
	// which lives no longer than it then and is up to 4 KiB long; a longer one goes
	// without, with a warning in the log.
	ProviderToken bool

	// ProviderParameters are added to the authorization request to the provider.
	ProviderParameters map[string]string

	// Path is a path below which the broker's endpoints are, such as "/board". The
	// default is the root of the host. Servers that share a host need one each.
	Path string

	// DocumentClient fetches the metadata documents of clients. The default refuses
	// to connect to private addresses; a client given here has to.
	DocumentClient *http.Client
}

// A Scope is a scope with the words in which a person is asked for it, such as
// "Delete messages".
type Scope struct{ Name, Description string }

const (
	maxAccessLife = time.Hour
	sessionLife   = 30 * 24 * time.Hour
	maxSession    = 366 * 24 * time.Hour
	maxLogoBytes  = 32 << 10
	offlineAccess = "offline_access"
)

// nativeSchemes are the schemes of hosts that are redirected to by application
// links, as of November 2026.
var nativeSchemes = []string{"cursor", "vscode", "vscode-insiders"}

// reserved are the claims of an access token that a claim of the provider cannot
// replace.
var reserved = []string{
	"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "scope", "cnf", claimIssuer, claimMore, claimToken,
	"name", "email", "email_verified", "roles", "groups",
}

// withDefaults returns the config with defaults in place of zero values, or the
// mistakes in it.
func (c Config) withDefaults(host string) (Config, error) {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if c.Name = plain(c.Name, maxName); c.Name == "" {
		c.Name = host
	}
	if c.AccessTokenLifetime == 0 {
		c.AccessTokenLifetime = maxAccessLife
	}
	if c.SessionLifetime == 0 {
		c.SessionLifetime = sessionLife
	}
	if c.RedirectSchemes == nil {
		c.RedirectSchemes = nativeSchemes
	}
	if c.AccessTokenLifetime < time.Minute || c.AccessTokenLifetime > maxAccessLife {
		fault("AccessTokenLifetime %s is not between a minute and an hour", c.AccessTokenLifetime)
	}
	if c.SessionLifetime < 0 || c.SessionLifetime > maxSession {
		fault("SessionLifetime %s is not between 0 and a year", c.SessionLifetime)
	}
	if len(c.Logo) > 0 && dataURI(c.Logo) == "" {
		fault("Logo is not a PNG, JPEG, GIF or WebP picture of at most %d bytes", maxLogoBytes)
	}
	for _, s := range c.Scopes {
		if !auth.ValidScope(s.Name) || s.Name == offlineAccess {
			fault("scope %q cannot be granted", s.Name)
		}
	}
	for _, scheme := range c.RedirectSchemes {
		if !isAppScheme(scheme) {
			fault("redirect scheme %q does not open an application", scheme)
		}
	}
	for _, issuer := range c.Enterprises {
		if _, err := weburl.ParseIssuer(issuer); err != nil {
			fault("enterprise: issuer: %w", err)
		}
	}
	for _, name := range c.Claims {
		if slices.Contains(reserved, name) || name == "" {
			fault("claim %q is the broker's own", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.ProviderParameters)) {
		if slices.Contains(ownParameters, name) {
			fault("parameter %q of the provider is the broker's own", name)
		}
	}
	if c.Path != "" && (!strings.HasPrefix(c.Path, "/") || !isCleanPath(c.Path)) {
		fault("Path %q is not a path such as /board", c.Path)
	}
	return c, errors.Join(faults...)
}

// scopes returns the names of the scopes that can be granted.
func (c *Config) scopes() []string {
	names := make([]string, len(c.Scopes))
	for i, s := range c.Scopes {
		names[i] = s.Name
	}
	return names
}

// grantable returns the requested scopes that can be granted.
func (c *Config) grantable(asked []string) []string {
	granted := []string{}
	for _, s := range c.Scopes {
		if slices.Contains(asked, s.Name) {
			granted = append(granted, s.Name)
		}
	}
	return granted
}
