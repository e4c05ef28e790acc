package authtest

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// Claims are what a token says. A nil value takes a claim out that would
// otherwise be there.
type Claims map[string]any

// A Provider is an identity provider at an http URL on this machine. Its methods
// may be called from several goroutines.
type Provider struct {
	tb     testing.TB
	server *httptest.Server

	mu        sync.Mutex
	now       func() time.Time
	keys      []*key // the last one signs
	made      int
	opaque    map[string]Claims
	overrides map[string]http.Handler
	requests  map[string]int
	person    Claims // who signs in
	codes     map[string]signedIn
	refreshes map[string]signedIn
	accesses  map[string]Claims
	keeps     bool // a refresh token is good more than once
	omits     bool // a refresh brings no ID token
}

// Paths of the provider, for [Provider.Override] and [Provider.Requests].
const (
	DiscoveryPath     = "/.well-known/openid-configuration"
	KeysPath          = "/keys"
	IntrospectionPath = "/introspect"
	AuthorizePath     = "/authorize"
	TokenPath         = "/token" //nolint:gosec // a path
	RevokePath        = "/revoke"
	UserInfoPath      = "/userinfo"
)

// NewProvider starts a provider with one ES256 key, and stops it when the test
// ends.
func NewProvider(tb testing.TB) *Provider {
	tb.Helper()
	p := &Provider{tb: tb, now: time.Now, opaque: map[string]Claims{}, overrides: map[string]http.Handler{}, requests: map[string]int{}}
	p.person, p.codes, p.refreshes = Claims{"sub": "user"}, map[string]signedIn{}, map[string]signedIn{}
	p.accesses = map[string]Claims{}
	p.Rotate("ES256")
	p.server = httptest.NewServer(p)
	tb.Cleanup(p.server.Close)
	return p
}

// Issuer returns the provider's identifier, which is also its base URL.
func (p *Provider) Issuer() string { return p.server.URL }

// SetClock sets the clock that tokens are dated by.
func (p *Provider) SetClock(now func() time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = now
}

// Rotate adds a key and signs with it from now on. The algorithm is RS256,
// ES256 or EdDSA. The older keys stay published.
func (p *Provider) Rotate(alg string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.made++
	k, err := newKey(fmt.Sprintf("key-%d", p.made), alg)
	if err != nil {
		p.tb.Fatalf("authtest: make key: %v", err)
	}
	p.keys = append(p.keys, k)
}

// Retire takes back every key but the one that signs.
func (p *Provider) Retire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = p.keys[len(p.keys)-1:]
}

// KeySet returns the JSON Web Key Set that is published.
func (p *Provider) KeySet() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	keys := []map[string]any{}
	for _, k := range p.keys {
		keys = append(keys, k.jwk())
	}
	return p.encode(map[string]any{"keys": keys})
}

// AccessToken returns a JWT access token (RFC 9068) for the audience, good for
// an hour. The subject is "user" and the client "client" unless the claims say
// otherwise.
func (p *Provider) AccessToken(audience string, claims Claims) string {
	defaults := p.defaults(audience)
	defaults["client_id"] = "client"
	return p.Sign(Claims{"typ": "at+jwt"}, merge(defaults, claims))
}

// IDToken returns an ID token of OpenID Connect for the client, good for an
// hour.
func (p *Provider) IDToken(clientID string, claims Claims) string {
	defaults := p.defaults(clientID)
	defaults["nonce"], defaults["azp"] = rand.Text(), clientID
	return p.Sign(Claims{"typ": "JWT"}, merge(defaults, claims))
}

// OpaqueToken returns a token that says nothing and that the introspection
// endpoint (RFC 7662) knows to be active, with these claims besides the
// defaults of [Provider.AccessToken]. The endpoint takes any credentials.
func (p *Provider) OpaqueToken(audience string, claims Claims) string {
	defaults := p.defaults(audience)
	defaults["client_id"], defaults["token_type"], defaults["active"] = "client", "Bearer", true
	token := rand.Text()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.opaque[token] = merge(defaults, claims)
	return token
}

// Sign returns a token of exactly these claims. The header gets "alg" and "kid"
// unless it has them; "alg" changes what the header says and not how the token
// is signed.
func (p *Provider) Sign(header, claims Claims) string {
	k := p.key()
	token, err := k.sign(merge(Claims{"alg": k.alg, "kid": k.id}, header), claims)
	if err != nil {
		p.tb.Fatalf("authtest: %v", err)
	}
	return token
}

// SignRaw signs a header and claims that need not be JSON.
func (p *Provider) SignRaw(header, claims []byte) string {
	token, err := p.key().signRaw(header, claims)
	if err != nil {
		p.tb.Fatalf("authtest: %v", err)
	}
	return token
}

// Override answers requests for a path in place of the provider, and no longer
// when h is nil.
func (p *Provider) Override(path string, h http.Handler) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.overrides[path] = h
}

// SetDown makes every request fail with status 503, or no longer.
func (p *Provider) SetDown(down bool) {
	var h http.Handler
	if down {
		h = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusServiceUnavailable)
		})
	}
	for _, path := range []string{DiscoveryPath, KeysPath, IntrospectionPath, AuthorizePath, TokenPath, RevokePath, UserInfoPath} {
		p.Override(path, h)
	}
}

// Requests returns how many requests there were for a path.
func (p *Provider) Requests(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.requests[path]
}

// ServeHTTP is the provider.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.requests[r.URL.Path]++
	override := p.overrides[r.URL.Path]
	p.mu.Unlock()
	var body []byte
	switch {
	case override != nil:
		override.ServeHTTP(w, r)
		return
	case r.URL.Path == DiscoveryPath:
		body = p.encode(map[string]any{
			"issuer":                 p.Issuer(),
			"jwks_uri":               p.Issuer() + KeysPath,
			"introspection_endpoint": p.Issuer() + IntrospectionPath,
			"authorization_endpoint": p.Issuer() + AuthorizePath,
			"token_endpoint":         p.Issuer() + TokenPath,
			"revocation_endpoint":    p.Issuer() + RevokePath,
			"userinfo_endpoint":      p.Issuer() + UserInfoPath,
			"scopes_supported":       []string{"openid", "profile", "email", "offline_access"},

			"authorization_response_iss_parameter_supported": true,
		})
	case r.URL.Path == KeysPath:
		body = p.KeySet()
	case r.URL.Path == AuthorizePath:
		p.authorize(w, r)
		return
	case r.URL.Path == TokenPath && r.Method == http.MethodPost:
		p.exchange(w, r)
		return
	case r.URL.Path == UserInfoPath:
		p.userInfo(w, r)
		return
	case r.URL.Path == RevokePath && r.Method == http.MethodPost:
		p.revoke(r.PostFormValue("token"))
	case r.URL.Path == IntrospectionPath && r.Method == http.MethodPost:
		body = p.introspect(r.PostFormValue("token"))
	default:
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body) // fails when the client has gone
}

func (p *Provider) introspect(token string) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	claims, ok := p.opaque[token]
	if !ok {
		claims = Claims{"active": false}
	}
	return p.encode(claims)
}

func (p *Provider) key() *key {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.keys[len(p.keys)-1]
}

func (p *Provider) defaults(audience string) Claims {
	p.mu.Lock()
	now := p.now()
	p.mu.Unlock()
	return Claims{
		"iss": p.Issuer(),
		"sub": "user",
		"aud": audience,
		"iat": now.Unix(),
		"exp": now.Add(time.Hour).Unix(),
		"jti": rand.Text(),
	}
}

func (p *Provider) encode(value any) []byte {
	data, err := json.Marshal(value)
	if err != nil {
		p.tb.Errorf("authtest: encode: %v", err)
	}
	return data
}

// merge returns the defaults overridden by the claims.
func merge(defaults, claims Claims) Claims {
	merged := maps.Clone(defaults)
	for name, value := range claims {
		if merged[name] = value; value == nil {
			delete(merged, name)
		}
	}
	return merged
}
