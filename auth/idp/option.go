package idp

import (
	"errors"
	"slices"
	"time"
)

// An Option adjusts a provider.
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

// WithKeySet gives the issuer's keys, a JSON Web Key Set, to begin with, so that
// a process that has just started need not fetch them before it answers. They
// are replaced by fetched ones when their lifetime ends ([WithKeyLifetime]), and
// at once when a token names a key that is not among them.
func WithKeySet(jwks []byte) Option {
	return func(p *profile) {
		set, err := parseKeySet(jwks)
		if err == nil && len(set.keys) == 0 {
			err = errors.New("no usable key")
		}
		if err != nil {
			p.fault("keys: %w", err)
		}
		p.keys = set
	}
}

// WithKeyLifetime sets how long fetched keys are used before they are fetched
// again, 10 minutes by default. This is how long a key that the issuer has
// withdrawn stays good at most. The issuer can shorten the time with
// Cache-Control to not less than a minute.
func WithKeyLifetime(d time.Duration) Option {
	return func(p *profile) {
		if p.keyLifetime = d; d < minKeyTime || d > maxKeyTime {
			p.fault("key lifetime %s is not between %s and %s", d, minKeyTime, maxKeyTime)
		}
	}
}

// WithOutage sets how long keys are used beyond their lifetime while the issuer
// cannot be reached, an hour by default. Afterwards requests are answered with
// 503. A key that the issuer withdraws during its outage stays good for that
// time. An issuer that answers with a set without keys can be reached, and its
// old keys are gone.
func WithOutage(d time.Duration) Option {
	return func(p *profile) {
		if p.outage = d; d < 0 || d > maxKeyTime {
			p.fault("outage %s is not between 0 and %s", d, maxKeyTime)
		}
	}
}

// StrictAudience refuses tokens with further audiences. By default a token is
// good if this server is among its audiences.
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
// application ID URI. Server code and [auth.User.Scopes] go without.
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
