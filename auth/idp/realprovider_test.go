package idp_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/idp"
	"github.com/mcpengine/mcpengine/internal/oidctest"
)

const opaqueURL = "https://rs.example/opaque"

// A lab is a resource that trusts a real provider.
type lab struct {
	*oidctest.Provider
	clock    *clock
	resource *auth.Resource

	mu     sync.Mutex
	counts map[string]int // requests to the provider, by path
}

// RoundTrip counts requests.
func (l *lab) RoundTrip(req *http.Request) (*http.Response, error) {
	l.mu.Lock()
	l.counts[req.URL.Path]++
	l.mu.Unlock()
	return http.DefaultTransport.RoundTrip(req)
}

func (l *lab) count(path string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.counts[path]
}

// newLab starts a provider whose tokens for resourceURL are JWTs and for
// opaqueURL are opaque.
func newLab(t *testing.T, resource string, provider func(*lab) auth.Provider) *lab {
	t.Helper()
	scopes := []string{"mcp:read", "mcp:write"}
	l := &lab{
		Provider: oidctest.Start(t, oidctest.Config{Resources: map[string]oidctest.Resource{
			resourceURL:                      {Scopes: scopes, Lifetime: 24 * time.Hour},
			resourceURL + "/ES256":           {Scopes: scopes, Algorithm: "ES256"},
			resourceURL + "/EdDSA":           {Scopes: scopes, Algorithm: "EdDSA"},
			"https://another.example/mcp":    {Scopes: scopes},
			opaqueURL:                        {Scopes: scopes, Opaque: true},
			"https://another.example/secret": {Scopes: scopes, Opaque: true},
		}}),
		clock:  &clock{now: time.Now()},
		counts: map[string]int{},
	}
	var err error
	l.resource, err = auth.NewResource(resource, provider(l), auth.WithClock(l.clock.Now), auth.WithHTTPClient(&http.Client{Transport: l}))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func byOIDC(audience string) func(*lab) auth.Provider {
	return func(l *lab) auth.Provider { return idp.OIDC(l.Issuer(), audience) }
}

// status is the status of the answer to a request with the token: 200 when it is
// accepted.
func (l *lab) status(token string) int {
	user, c := l.resource.Authenticate(request("Bearer " + token))
	switch {
	case c != nil:
		return c.Status
	case user == nil:
		return 0
	}
	return http.StatusOK
}

func (l *lab) want(t *testing.T, what, token string, want int) {
	t.Helper()
	if got := l.status(token); got != want {
		t.Errorf("%s: status %d, want %d", what, got, want)
	}
}

// The JWTs of a provider of others, whatever they are signed with, are good for
// the resource that they name.
func TestRealProviderJWT(t *testing.T) {
	t.Parallel()
	for _, audience := range []string{resourceURL, resourceURL + "/ES256", resourceURL + "/EdDSA"} {
		l := newLab(t, audience, byOIDC(audience))
		user, c := l.resource.Authenticate(request("Bearer " + l.AccessToken(audience, "mcp:read")))
		if c != nil {
			t.Fatalf("%s: refused: %+v", audience, c)
		}
		if user.Issuer != l.Issuer() || fmt.Sprint(user.Scopes) != "[mcp:read]" || user.Subject == "" {
			t.Errorf("%s: %+v", audience, user)
		}
		l.want(t, "for another resource", l.AccessToken("https://another.example/mcp"), http.StatusUnauthorized)
		l.want(t, "opaque", l.AccessToken(opaqueURL), http.StatusUnauthorized)
		person, c := l.resource.Authenticate(request("Bearer " + l.UserToken("bob", audience, "mcp:read", "mcp:write")))
		if c != nil || person.Subject != "bob" || fmt.Sprint(person.Scopes) != "[mcp:read mcp:write]" {
			t.Errorf("%s: %+v, %+v", audience, person, c)
		}
		l.clock.Add(25 * time.Hour)
		l.want(t, "expired", l.AccessToken(audience), http.StatusUnauthorized)
	}
}

// What a provider says of its opaque tokens decides, for a minute.
func TestRealProviderIntrospection(t *testing.T) {
	t.Parallel()
	l := newLab(t, opaqueURL, func(l *lab) auth.Provider {
		endpoint, id, secret := l.Introspection()
		return idp.Introspection(l.Issuer(), opaqueURL, idp.IntrospectionEndpoint{URL: endpoint, ClientID: id, ClientSecret: secret})
	})
	token := l.UserToken("alice", opaqueURL, "mcp:read")
	for range 10 {
		l.want(t, "a good token", token, http.StatusOK)
	}
	if got := l.count("/token/introspection"); got != 1 {
		t.Errorf("asked %d times about one token", got)
	}
	l.want(t, "for another resource", l.UserToken("alice", "https://another.example/secret", "mcp:read"), http.StatusUnauthorized)
	l.want(t, "unknown", "an-unknown-token", http.StatusUnauthorized)
	l.Restart() // which forgets every token
	l.want(t, "within the minute", token, http.StatusOK)
	l.clock.Add(61 * time.Second)
	l.want(t, "after the minute", token, http.StatusUnauthorized)
	token = l.UserToken("alice", opaqueURL, "mcp:read")
	l.want(t, "a new token", token, http.StatusOK)
	l.clock.Add(61 * time.Second)
	l.Kill()
	l.want(t, "while nobody answers", token, http.StatusServiceUnavailable)
}

// Keys change under load, and no good token fails.
func TestRealProviderRotation(t *testing.T) {
	t.Parallel()
	l := newLab(t, resourceURL, byOIDC(resourceURL))
	var current atomic.Pointer[string]
	issue := func() string {
		token := l.AccessToken(resourceURL)
		current.Store(&token)
		return token
	}
	first := issue()
	l.want(t, "the first token", first, http.StatusOK)
	done := make(chan struct{})
	var calls, failures atomic.Int64
	var load sync.WaitGroup
	for range 4 {
		load.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				calls.Add(1)
				if l.status(*current.Load()) != http.StatusOK {
					failures.Add(1)
				}
			}
		})
	}
	const rotations = 5
	for range rotations {
		l.Rotate()
		l.clock.Add(31 * time.Second) // keys change further apart than that
		for range 5 {
			l.want(t, "a token of the new keys", issue(), http.StatusOK)
		}
	}
	close(done)
	load.Wait()
	l.want(t, "the first token, whose key is still published", first, http.StatusOK)
	if failures.Load() > 0 {
		t.Errorf("%d of %d calls with good tokens failed", failures.Load(), calls.Load())
	}
	if got := l.count("/jwks"); got != rotations+1 {
		t.Errorf("%d fetches of the keys, want %d", got, rotations+1)
	}
	l.Retire()
	l.clock.Add(61 * time.Minute)
	l.want(t, "a token of the keys that stay", issue(), http.StatusOK)
	l.want(t, "a token of a key that was taken back", first, http.StatusUnauthorized)
	t.Logf("%d calls during %d rotations", calls.Load(), rotations)
}

// A provider that dies takes nothing with it that is known, and what is not is
// unavailable until it is back.
func TestRealProviderDies(t *testing.T) {
	t.Parallel()
	warm := newLab(t, resourceURL, byOIDC(resourceURL))
	cold, err := auth.NewResource(resourceURL, idp.OIDC(warm.Issuer(), resourceURL), auth.WithClock(warm.clock.Now))
	if err != nil {
		t.Fatal(err)
	}
	known, another, third := warm.AccessToken(resourceURL), warm.AccessToken(resourceURL), warm.AccessToken(resourceURL)
	warm.want(t, "before", known, http.StatusOK)
	warm.Kill()
	warm.want(t, "a token that was verified", known, http.StatusOK)
	warm.want(t, "a token of a key that is known", another, http.StatusOK)
	_, c := cold.Authenticate(request("Bearer " + known))
	if c == nil || c.Status != http.StatusServiceUnavailable || c.Header.Get("Retry-After") == "" {
		t.Fatalf("without keys: %+v, want 503 and Retry-After", c)
	}
	warm.Restart()
	warm.clock.Add(6 * time.Second)
	if user, c := cold.Authenticate(request("Bearer " + known)); user == nil {
		t.Errorf("after it came back: %+v", c)
	}
	warm.want(t, "after it came back", third, http.StatusOK)
}

// Tokens with made-up key ids do not make a server flood its provider.
func TestRealProviderUnknownKeys(t *testing.T) {
	t.Parallel()
	l := newLab(t, resourceURL, byOIDC(resourceURL))
	good := l.AccessToken(resourceURL)
	l.want(t, "a good token", good, http.StatusOK)
	_, rest, _ := strings.Cut(good, ".")
	forged := func(i int) string {
		header := fmt.Sprintf(`{"alg":"RS256","typ":"at+jwt","kid":"made-up-%d"}`, i)
		return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + rest
	}
	for i := range 10_000 {
		if got := l.status(forged(i)); got != http.StatusUnauthorized {
			t.Fatalf("token %d: status %d", i, got)
		}
	}
	if got := l.count("/jwks"); got > 2 {
		t.Errorf("%d fetches of the keys, want one more than the first", got)
	}
	l.clock.Add(31 * time.Second)
	l.want(t, "made up", forged(10_000), http.StatusUnauthorized)
	if got := l.count("/jwks"); got > 3 {
		t.Errorf("%d fetches of the keys after the cool-down", got)
	}
	l.want(t, "a good token", good, http.StatusOK)
}
