package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// A profile is what one kind of token has to be like, and how to read it. It is
// the Provider for JSON Web Tokens, and lends its rules to introspection.
type profile struct {
	issuer    string
	aliases   []string // other values of "iss" for the same issuer
	audiences []string

	// resourceAudience also accepts tokens for the URL of the resource.
	resourceAudience bool

	// resourcePrefix makes the URL of the resource the default of prefix.
	resourcePrefix bool

	// idToken says that tokens are ID tokens of OpenID Connect and not access
	// tokens.
	idToken bool

	// clientAudience lets the allowed clients stand in for an absent audience.
	clientAudience bool

	// check adds rules to the common ones.
	check func(map[string]any) error

	// describe fills in what only this kind of token says.
	describe func(map[string]any, *User)

	// Options.
	algorithms     []string
	maxAge         time.Duration
	keys           *keySet
	strictAudience bool
	strictType     bool
	clients        []string
	prefix         string
	scopes         [][]string // paths, of which the first that exists counts
	roles, groups  []string
	required       [][2]string

	faults []error
}

// newProfile returns a profile with the defaults and then the options applied.
func newProfile(p profile, opts []Option) *profile {
	if p.scopes == nil {
		p.scopes = [][]string{{"scope"}, {"scp"}}
	}
	if p.roles == nil {
		p.roles = []string{"roles"}
	}
	if p.groups == nil {
		p.groups = []string{"groups"}
	}
	for _, opt := range opts {
		opt(&p)
	}
	return &p
}

func (p *profile) fault(format string, args ...any) {
	p.faults = append(p.faults, fmt.Errorf(format, args...))
}

// Issuer implements [Provider].
func (p *profile) Issuer() string { return p.issuer }

// validate reports the mistakes in the arguments of a provider.
func (p *profile) validate() error {
	if err := errors.Join(p.faults...); err != nil {
		return err
	}
	if err := checkIssuer(p.issuer); err != nil {
		return err
	}
	if slices.Contains(p.audiences, "") {
		return errors.New("no audience: without one, tokens for any other server would be good here")
	}
	if len(p.audiences) == 0 && !p.resourceAudience && (!p.clientAudience || len(p.clients) == 0) {
		return errors.New("no audience")
	}
	if p.prefix != "" && !ValidScope(p.prefix) {
		return errors.New("the scope prefix is not valid in a scope")
	}
	return nil
}

func (p *profile) open(env *environment) (*verifier, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	rules := *p
	if p.resourceAudience {
		rules.audiences = append(slices.Clip(p.audiences), env.resource)
	}
	if p.resourcePrefix && p.prefix == "" {
		rules.prefix = env.resource
	}
	v := &verifier{
		issuer:  p.issuer,
		server:  p.issuer,
		issuers: append([]string{p.issuer}, p.aliases...),
		prefix:  rules.prefix,
	}
	j := &jwtVerifier{
		profile: &rules,
		granted: v.granted,
		env:     env,
		keys:    newKeySource(p.issuer, p.keys, env),
		cache:   tokenCache{size: env.cacheSize},
	}
	v.check, v.remembers = j.check, true
	return v, nil
}

// A jwtVerifier checks JSON Web Tokens (RFC 7519) by the rules of a profile.
type jwtVerifier struct {
	profile *profile
	granted func([]string) []string
	env     *environment
	keys    *keySource
	cache   tokenCache
	header  atomic.Pointer[header] // of the token that was verified last
}

// check verifies a token. The cheap conditions come first: a token that fails
// one costs neither a signature check nor a fetch.
func (j *jwtVerifier) check(ctx context.Context, token string) (*User, error) {
	now, name := j.env.now(), digestOf(token)
	if u := j.cache.get(name, j.keys.current(), now); u != nil {
		return u, nil
	}
	if err := checkCharacters(token); err != nil {
		return nil, err
	}
	t, err := parseToken(token, j.header.Load())
	if err != nil {
		return nil, err
	}
	if err := j.profile.checkHeader(t); err != nil {
		return nil, err
	}
	user, err := j.profile.accept(t.claims, now, j.env.leeway)
	if err != nil {
		return nil, err
	}
	set, err := j.verify(ctx, t)
	if err != nil {
		return nil, err
	}
	if known := j.header.Load(); known == nil || known.encoded != t.encoded {
		kept := t.header
		kept.encoded = strings.Clone(kept.encoded) // without the rest of the token
		j.header.Store(&kept)
	}
	user.Scopes = j.granted(user.Scopes)
	logOverage(ctx, j.env.logger, user)
	j.cache.put(name, set, now, user)
	return user, nil
}

// verify checks the signature and returns the keys it was checked with.
func (j *jwtVerifier) verify(ctx context.Context, t *token) (*keySet, error) {
	set, fresh, err := j.keys.load(ctx)
	if err != nil {
		return nil, err
	}
	keys, known := set.find(t.kid, t.alg)
	if t.signedBy(keys) {
		return set, nil
	}
	// Keys that the set does not have may be new. A bad signature by a key that
	// it has stays bad. Without a key id the two cannot be told apart.
	if fresh || (known && t.kid != "") {
		return nil, refuse("signature does not verify")
	}
	newer := j.keys.refetch(ctx)
	if newer == set {
		return nil, refuse("no key of the issuer verifies the signature")
	}
	if keys, _ = newer.find(t.kid, t.alg); !t.signedBy(keys) {
		return nil, refuse("no key of the issuer verifies the signature")
	}
	return newer, nil
}

// OIDC accepts the JWT access tokens of any issuer that publishes its keys by
// OpenID Connect Discovery or RFC 8414: the main road. The issuer is compared
// byte for byte, so write it as the issuer does, with or without a slash at the
// end. The audience is what the issuer calls this server, in most cases the URL
// that is given to [NewResource]. Both are required.
func OIDC(issuer, audience string, opts ...Option) Provider {
	return newProfile(profile{issuer: issuer, audiences: []string{audience}}, opts)
}
