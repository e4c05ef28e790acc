package idp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/internal/guard"
	"github.com/mcpengine/mcpengine/internal/tokencache"
	"github.com/mcpengine/mcpengine/internal/weburl"
)

// A profile holds the rules for one kind of token, and how to read it. It is
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

	// mediaType is the type that tokens must have in their header, in lower case
	// and without "application/". Empty means the types of access tokens, or of ID
	// tokens.
	mediaType string

	// clientAudience lets the allowed clients stand in for an absent audience.
	clientAudience bool

	// check adds rules to the common ones.
	check func(map[string]any) error

	// describe fills in members that only this kind of token has.
	describe func(map[string]any, *auth.User)

	// Options.
	algorithms     []string
	maxAge         time.Duration
	keys           *keySet
	keyLifetime    time.Duration
	outage         time.Duration
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
	p.keyLifetime, p.outage = defaultKeyTime, defaultOutage
	for _, opt := range opts {
		opt(&p)
	}
	return &p
}

func (p *profile) fault(format string, args ...any) {
	p.faults = append(p.faults, fmt.Errorf(format, args...))
}

// Issuer implements [auth.Provider].
func (p *profile) Issuer() string { return p.issuer }

// validate reports the mistakes in the arguments of a provider.
func (p *profile) validate() error {
	if err := errors.Join(p.faults...); err != nil {
		return err
	}
	if p.issuer == "" {
		return errors.New("no issuer")
	}
	if _, err := weburl.ParseIssuer(p.issuer); err != nil {
		return fmt.Errorf("issuer: %w", err)
	}
	if slices.Contains(p.audiences, "") {
		return errors.New("no audience: without one, tokens for any other server would be good here")
	}
	if len(p.audiences) == 0 && !p.resourceAudience && (!p.clientAudience || len(p.clients) == 0) {
		return errors.New("no audience")
	}
	if p.prefix != "" && !auth.ValidScope(p.prefix) {
		return errors.New("the scope prefix is not valid in a scope")
	}
	return nil
}

func (p *profile) Open(env auth.Environment) (*auth.Verifier, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	rules := *p
	if p.resourceAudience {
		rules.audiences = append(slices.Clip(p.audiences), env.Resource)
	}
	if p.resourcePrefix && p.prefix == "" {
		rules.prefix = env.Resource
	}
	env.Client = guard.Harden(env.Client)
	j := &jwtVerifier{
		profile: &rules,
		env:     env,
		keys:    newKeySource(p, env),
		cache:   tokencache.New[accepted](env.TokenCache),
	}
	return &auth.Verifier{
		Verify: j.check, AuthorizationServer: p.issuer, Recognizes: p.recognizes, ScopePrefix: rules.prefix,
	}, nil
}

// rememberTime is how long an accepted token is remembered at most. A token
// that its issuer revokes stays good for that time.
const rememberTime = 60 * time.Second

// An accepted token is good as long as the keys it was verified with are in use.
type accepted struct {
	user *auth.User
	keys *keySet
}

// A jwtVerifier checks JSON Web Tokens (RFC 7519) by the rules of a profile.
type jwtVerifier struct {
	profile *profile
	env     auth.Environment
	keys    *keySource
	cache   *tokencache.Cache[accepted]
	header  atomic.Pointer[header] // of the token that was verified last
}

// check verifies a token. The cheap conditions come first: a token that fails
// one costs neither a signature check nor a fetch.
func (j *jwtVerifier) check(ctx context.Context, token string) (*auth.User, error) {
	now, name := j.env.Now(), tokencache.Of(token)
	if a, ok := j.cache.Get(name, now); ok && a.keys == j.keys.current(now) {
		return a.user, nil
	}
	t, err := parseToken(token, j.header.Load())
	if err != nil {
		return nil, err
	}
	if err := j.profile.checkHeader(t); err != nil {
		return nil, err
	}
	user, err := j.profile.accept(t.claims, now, j.env.Leeway)
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
	user.Scopes = j.profile.granted(user.Scopes)
	logOverage(ctx, j.env.Logger, user)
	j.cache.Put(name, accepted{user, set}, now, min(rememberTime, user.Expiry.Sub(now)))
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

// granted removes the prefix that clients request scopes with.
func (p *profile) granted(scopes []string) []string {
	if p.prefix == "" {
		return scopes
	}
	bare := make([]string, len(scopes))
	for i, scope := range scopes {
		bare[i] = strings.TrimPrefix(scope, p.prefix+"/")
	}
	return bare
}

// isIssuer reports whether the value of "iss" is the issuer.
func (p *profile) isIssuer(iss string) bool {
	return weburl.SameIssuer(iss, p.issuer) || slices.Contains(p.aliases, iss)
}

// recognizes reports whether a token says that it comes from the issuer.
func (p *profile) recognizes(token string) bool {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return false
	}
	payload, err := decodePart(parts[1])
	if err != nil {
		return false
	}
	claims, err := decodeObject(payload)
	iss, _ := claims["iss"].(string)
	return err == nil && p.isIssuer(iss)
}

// OIDC accepts the JWT access tokens of any issuer that publishes its keys by
// OpenID Connect Discovery or RFC 8414. The audience is the issuer's name for
// this server, in most cases the URL that is given to [auth.NewResource]. Both
// are required.
func OIDC(issuer, audience string, opts ...Option) auth.Provider {
	return newProfile(profile{issuer: issuer, audiences: []string{audience}}, opts)
}
