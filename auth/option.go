package auth

import (
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"
)

// An Option adjusts a [Provider].
type Option func(*profile)

// WithAlgorithms restricts the signature algorithms that tokens may use. The
// default is every one that this package knows: RS256, RS384, RS512, PS256,
// PS384, PS512, ES256, ES384, ES512, EdDSA and Ed25519. There is no way to allow
// "none" or a symmetric one.
func WithAlgorithms(names ...string) Option {
	return func(p *profile) {
		p.algorithms = names
		for _, name := range names {
			if _, ok := algorithms[name]; !ok {
				p.fault("algorithm %q is unknown or not asymmetric", name)
			}
		}
		if len(names) == 0 {
			p.fault("no algorithm is allowed")
		}
	}
}

// WithMaxTokenAge refuses tokens issued longer ago, and tokens that do not say
// when they were issued. The default is to leave their life to the issuer.
func WithMaxTokenAge(age time.Duration) Option {
	return func(p *profile) {
		if p.maxAge = age; age <= 0 {
			p.fault("maximum token age %s is not positive", age)
		}
	}
}

// WithKeys gives the issuer's keys, a JSON Web Key Set, to begin with, so that
// a process that has just started need not fetch them before it answers. They
// are replaced by fetched ones after an hour, and at once when a token names a
// key that is not among them.
func WithKeys(jwks []byte) Option {
	return func(p *profile) {
		set, err := parseKeySet(jwks)
		if err != nil {
			p.fault("keys: %w", err)
		}
		p.keys = set
	}
}

// StrictAudience refuses tokens that are also meant for others. The default
// takes them as long as this server is among their audiences.
func StrictAudience() Option { return func(p *profile) { p.strictAudience = true } }

// StrictType refuses tokens that are not marked as access tokens by the type
// "at+jwt" (RFC 9068, section 4). The default also takes unmarked ones that
// have no sign of another kind. Use it whenever the issuer follows RFC 9068.
func StrictType() Option { return func(p *profile) { p.strictType = true } }

// WithClients accepts only tokens issued to these OAuth clients.
func WithClients(ids ...string) Option {
	return func(p *profile) {
		if len(ids) == 0 || slices.Contains(ids, "") {
			p.fault("an allowed client has no id")
		}
		p.clients = ids
	}
}

// WithScopePrefix says that clients have to request each scope with the prefix
// and a slash before it, such as the identifier of a resource server or an
// application ID URI. Server code and [User.Scopes] go without.
func WithScopePrefix(prefix string) Option { return func(p *profile) { p.prefix = prefix } }

// Claims says in which claims of a token to look. Each is the path to a claim,
// from the outside in; nil leaves the default of the provider.
type Claims struct{ Scopes, Roles, Groups []string }

// WithClaims sets where scopes, roles and groups are found. The default is
// "scope" and, without one, "scp"; "roles"; "groups". Claims are not merged.
func WithClaims(names Claims) Option {
	return func(p *profile) {
		if names.Scopes != nil {
			p.scopes = [][]string{names.Scopes}
		}
		if names.Roles != nil {
			p.roles = names.Roles
		}
		if names.Groups != nil {
			p.groups = names.Groups
		}
	}
}

// RequireClaim refuses tokens without this claim of exactly this value, such as
// "hd" for a Google Workspace domain.
func RequireClaim(name, value string) Option {
	return func(p *profile) { p.required = append(p.required, [2]string{name, value}) }
}

// A ResourceOption adjusts a [Resource].
type ResourceOption func(*resourceConfig)

type resourceConfig struct {
	environment
	scopes    []string
	hierarchy hierarchy
	providers []Provider
	open      bool
	faults    []error
}

func (c *resourceConfig) fault(format string, args ...any) {
	c.faults = append(c.faults, fmt.Errorf(format, args...))
}

// WithScopes sets the scopes that the metadata offers: the few that basic use
// needs, not all there are (basic/authorization, "Scope Selection Strategy").
// The default offers none, and clients then ask for what challenges name.
func WithScopes(scopes ...string) ResourceOption {
	return func(c *resourceConfig) {
		for _, scope := range scopes {
			if !ValidScope(scope) || scope == offlineAccess {
				c.fault("scope %q cannot be offered", scope)
			}
		}
		c.scopes = scopes
	}
}

// WithHierarchy declares that one scope implies others and all that they
// imply. Give it once for each broad scope.
func WithHierarchy(scope string, implied ...string) ResourceOption {
	return func(c *resourceConfig) {
		for _, s := range append([]string{scope}, implied...) {
			if !ValidScope(s) {
				c.fault("scope %q in the hierarchy is invalid", s)
			}
		}
		c.hierarchy[scope] = append(c.hierarchy[scope], implied...)
	}
}

// OpenDiscovery answers server/discover, initialize and the lists without a
// token, so that clients can see what there is before anybody logs in. The
// default is that they need one, as everything does that is not public.
func OpenDiscovery() ResourceOption { return func(c *resourceConfig) { c.open = true } }

// WithProvider accepts the tokens of one more issuer. All providers of a
// resource must issue JWTs, which say who issued them. Two issuers may use one
// name for different things, so the roles and groups of this one are qualified:
// its group "admin" is issuer + "#admin".
func WithProvider(p Provider) ResourceOption {
	return func(c *resourceConfig) { c.providers = append(c.providers, p) }
}

// WithLeeway sets how far the clocks of issuer and server may disagree, 30
// seconds by default and 5 minutes at most.
func WithLeeway(d time.Duration) ResourceOption {
	return func(c *resourceConfig) {
		if c.leeway = d; d < 0 || d > 5*time.Minute {
			c.fault("leeway %s is not between 0 and 5m", d)
		}
	}
}

// WithTokenCache sets how many verified tokens are remembered, 1,024 by
// default. A token is remembered for a minute at most and never past its
// expiry. None are with 0.
func WithTokenCache(size int) ResourceOption {
	return func(c *resourceConfig) { c.cacheSize = size }
}

// WithHTTPClient sets the client that providers are asked with. The default is
// [http.DefaultClient]. Its redirect policy and cookie jar are not used, and
// each answer has five seconds.
func WithHTTPClient(client *http.Client) ResourceOption {
	return func(c *resourceConfig) {
		if client != nil {
			c.client = client
		}
	}
}

// WithClock sets the clock, [time.Now] by default.
func WithClock(now func() time.Time) ResourceOption {
	return func(c *resourceConfig) {
		if now != nil {
			c.now = now
		}
	}
}

// WithLogger sets where it is said why a token was refused (level debug) and
// that a provider does not answer (level warn). The default says nothing.
func WithLogger(logger *slog.Logger) ResourceOption {
	return func(c *resourceConfig) {
		if logger != nil {
			c.logger = logger
		}
	}
}
