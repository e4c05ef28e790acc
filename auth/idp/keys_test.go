package idp_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/authtest"
	"github.com/mcpengine/mcpengine/auth/idp"
)

func (b *bed) wantFetches(t testing.TB, want int) {
	t.Helper()
	if got := b.idp.Requests(authtest.KeysPath); got != want {
		t.Errorf("%d fetches of the keys, want %d", got, want)
	}
}

func withdrawAll(b *bed) { b.idp.Override(authtest.KeysPath, text(`{"keys":[]}`)) }

// Tests E01 to E12 are about keys and discovery, and an issuer that is down.

func TestKeysE01TenThousandUnknownKeys(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.accept(t, b.token(nil))
	_, payload, signature := parts(t, b.token(nil))
	for i := range 10_000 {
		header := fmt.Sprintf(`{"alg":"ES256","kid":"random-%d","typ":"at+jwt"}`, i)
		if _, c := b.send(b64([]byte(header)) + "." + payload + "." + signature); c == nil || c.Code != "invalid_token" {
			t.Fatalf("token %d: %+v", i, c)
		}
	}
	b.wantFetches(t, 2)
	b.clock.Add(31 * time.Second)
	b.refuse(t, b64([]byte(`{"alg":"ES256","kid":"x","typ":"at+jwt"}`))+"."+payload+"."+signature)
	b.wantFetches(t, 3)
	b.accept(t, b.token(nil))
}

func TestKeysE02Rotation(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	old := b.token(nil)
	b.accept(t, old)
	b.idp.Rotate("RS256")
	b.accept(t, b.token(nil))
	b.wantFetches(t, 2)
	b.accept(t, old)
	b.accept(t, b.token(authtest.Claims{"sub": "bob"}))
	b.wantFetches(t, 2)
}

func TestKeysE02WithdrawnKeyIsForgotten(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	old := b.token(nil)
	b.accept(t, old)
	b.idp.Rotate("EdDSA")
	b.idp.Retire()
	b.accept(t, b.token(nil)) // fetches
	b.refuse(t, old)          // although it was verified a moment ago
	b.wantFetches(t, 2)
}

func TestKeysE04IssuerIsDownAndKeysAreKnown(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.accept(t, b.token(nil))
	b.idp.SetDown(true)
	for range 13 {
		b.clock.Add(5 * time.Minute)
		b.accept(t, b.token(nil))
	}
	if !strings.Contains(b.log.String(), "keys not fetched") {
		t.Error("nothing in the log")
	}
	evil := authtest.NewProvider(t)
	evil.Rotate("ES256")
	b.refuse(t, evil.Sign(authtest.Claims{"typ": "at+jwt"}, authtest.Claims{
		"iss": issuer, "sub": "x", "aud": resourceURL, "exp": b.clock.Now().Add(time.Hour).Unix(),
	}))
	b.clock.Add(6 * time.Minute) // an hour beyond their ten minutes
	b.unavailable(t, b.token(nil))
	b.idp.SetDown(false)
	b.clock.Add(6 * time.Second)
	b.accept(t, b.token(nil))
}

func TestKeysE05IssuerIsDownAndNoKeysAreKnown(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.idp.SetDown(true)
	token := b.token(nil)
	for range 10 {
		b.unavailable(t, token)
	}
	b.wantFetches(t, 1)
	b.refuse(t, b.token(authtest.Claims{"exp": start.Add(-time.Hour).Unix()})) // refused, whatever its signature
	b.idp.SetDown(false)
	b.net.hosts["id.example"] = nil
	b.clock.Add(6 * time.Second)
	user, c := b.send(token)
	if user != nil || c == nil || c.Status != http.StatusServiceUnavailable {
		t.Errorf("%v %+v, want 503", user, c)
	}
	b.net.serve(issuer, b.idp)
	b.net.unknown = nil
	b.clock.Add(6 * time.Second)
	b.accept(t, token)
}

func TestKeysE05RequestsWithoutAToken(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.idp.SetDown(true)
	if user, c := b.resource.Authenticate(request()); user != nil || c != nil {
		t.Errorf("%v %v", user, c)
	}
}

func TestKeysE07BadKeysAmongGood(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.publish(
		t,
		map[string]any{"kty": "EC", "crv": "secp256k1", "kid": "1", "x": b64(make([]byte, 32)), "y": b64(make([]byte, 32))},
		map[string]any{"kty": "OKP", "crv": "Ed448", "kid": "2", "x": b64(make([]byte, 57))},
		map[string]any{"kty": "EC", "crv": "P-256", "kid": "3", "x": b64(make([]byte, 32)), "y": b64(make([]byte, 32))},
		map[string]any{"kty": "EC", "crv": "P-256", "kid": "4", "x": "AA", "y": "AA"},
		map[string]any{"kty": "RSA", "kid": "5", "n": b64(make([]byte, 256)), "e": "AQAB"},
		rsaJWK(map[string]any{"kid": "6", "e": "AQ"}),
		rsaJWK(map[string]any{"kid": "7", "alg": "ES256"}),
		rsaJWK(map[string]any{"kid": "8", "d": "AAAA"}),
		rsaJWK(map[string]any{"kid": 9}),
		rsaJWK(map[string]any{"kid": "10", "n": "AQAB"}),
		map[string]any{}, map[string]any{"kty": 1}, "key", 1, nil, []any{},
		rsaJWK(map[string]any{"x5c": "malformed", "x5t": 1, "alg": "RS256"}),
	)
	b.accept(t, b.sign(t, "RS256", rsaKey(), nil))
	for _, kid := range []string{"6", "7", "8", "10"} {
		b.refuse(t, b.sign(t, "RS256", rsaKey(), map[string]any{"kid": kid}))
	}
}

func TestKeysE07InvalidKeySets(t *testing.T) {
	t.Parallel()
	hundred := make([]any, 101)
	for i := range hundred {
		hundred[i] = rsaJWK(map[string]any{"kid": fmt.Sprint(i)})
	}
	tooMany, _ := json.Marshal(map[string]any{"keys": hundred})
	for _, body := range []string{
		"", "null", "[]", "{}", `{"keys":{}}`, `{"keys":null}`, `{"keys":[],"keys":[]}`, "<html>", string(tooMany),
		`{"keys":[` + strings.Repeat(" ", 600<<10) + `]}`,
	} {
		b := newBed(t)
		b.idp.Override(authtest.KeysPath, text(body))
		b.unavailable(t, b.token(nil))
	}
}

func TestKeysE08MetadataIsAboutAnotherIssuer(t *testing.T) {
	t.Parallel()
	for _, doc := range []string{
		`{"issuer":"https://id.example/x","jwks_uri":"https://id.example/keys"}`,
		`{"issuer":"https://evil.example","jwks_uri":"https://id.example/keys"}`,
		`{"jwks_uri":"https://id.example/keys"}`,
		`{"issuer":"https://evil.example","issuer":"https://id.example","jwks_uri":"https://id.example/keys"}`,
		`{"issuer":"https://id.example"}`,
		`{"issuer":"https://id.example","jwks_uri":["https://id.example/keys"]}`,
		`{"issuer":"https://id.example","jwks_uri":"http://id.example/keys"}`,
		`{"issuer":"https://id.example","jwks_uri":"http://127.0.0.1/keys"}`,
		`{"issuer":"https://id.example","jwks_uri":"file:///keys"}`,
		`{"issuer":"https://id.example","jwks_uri":"/keys"}`,
	} {
		b := newBed(t)
		mux := http.NewServeMux()
		mux.Handle("/.well-known/openid-configuration", text(doc))
		mux.Handle("/", b.idp)
		b.net.hosts["id.example"] = mux
		b.unavailable(t, b.token(nil))
		b.wantFetches(t, 0)
	}
}

func TestKeysE08RedirectsToAnotherHost(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	evil := http.RedirectHandler("https://evil.example/keys", http.StatusFound)
	b.idp.Override(authtest.KeysPath, evil)
	b.unavailable(t, b.token(nil))
	b.idp.Override(authtest.KeysPath, http.RedirectHandler("https://id.example/new-keys", http.StatusFound))
	b.idp.Override("/new-keys", text(string(b.idp.KeySet())))
	b.clock.Add(6 * time.Second)
	b.accept(t, b.token(nil))
}

func TestKeysE08RFC8414Metadata(t *testing.T) {
	t.Parallel()
	b := newBedOf(t, idp.OIDC("https://as.example/tenant", resourceURL))
	mux := http.NewServeMux()
	mux.Handle("/.well-known/oauth-authorization-server/tenant", text(`{"issuer":"https://as.example/tenant","jwks_uri":"https://as.example/keys"}`))
	mux.Handle("/keys", b.idp)
	b.net.hosts["as.example"] = mux
	b.accept(t, b.token(authtest.Claims{"iss": "https://as.example/tenant"}))
}

func TestKeysE11FrozenForSixHours(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	old := b.token(nil)
	b.accept(t, old)
	b.clock.Add(6 * time.Hour)
	b.refuse(t, old)
	b.accept(t, b.token(nil))
	b.wantFetches(t, 2)
}

func TestKeysE12Clocks(t *testing.T) {
	t.Parallel()
	for skew, ok := range map[time.Duration]bool{
		25 * time.Second: true, -25 * time.Second: true, 5 * time.Minute: false, -5 * time.Minute: false,
	} {
		b := newBed(t)
		token := b.token(authtest.Claims{"iat": start.Add(skew).Unix(), "nbf": start.Add(skew).Unix(), "exp": start.Add(skew).Add(time.Second).Unix()})
		if ok {
			b.accept(t, token)
		} else {
			b.refuse(t, token)
		}
	}
	b := newBed(t)
	token := b.token(nil)
	b.accept(t, token)
	b.clock.Add(-time.Hour) // back
	b.refuse(t, token)      // issued in the future now
	b.accept(t, b.token(nil))
	b.wantFetches(t, 2)
}

func TestKeysLifetimeOfKeys(t *testing.T) {
	t.Parallel()
	for control, life := range map[string]time.Duration{
		"":                        10 * time.Minute,
		"max-age=10":              time.Minute,
		"max-age=300":             5 * time.Minute,
		"public, max-age=7200":    10 * time.Minute,
		"max-age=99999999":        10 * time.Minute,
		"no-store, max-age=7200":  time.Minute,
		"max-age=-1":              10 * time.Minute,
		"max-age=999999999999999": 10 * time.Minute,
	} {
		b := newBed(t)
		b.idp.Override(authtest.KeysPath, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", control)
			_, _ = w.Write(b.idp.KeySet())
		}))
		b.accept(t, b.token(nil))
		b.clock.Add(life - time.Second)
		b.accept(t, b.token(nil))
		b.wantFetches(t, 1)
		b.clock.Add(2 * time.Second)
		b.accept(t, b.token(nil))
		b.wantFetches(t, 2)
	}
}

func TestKeysWithdrawn(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		options  []idp.Option
		withdraw func(*bed)
		good     time.Duration // for as long
	}{
		"the set has another key": {nil, func(b *bed) { b.idp.Rotate("ES256"); b.idp.Retire() }, 10 * time.Minute},
		"the set is empty":        {nil, withdrawAll, 10 * time.Minute},
		"no key of it is usable":  {nil, func(b *bed) { b.publish(t, map[string]any{"kty": "oct", "k": "AAAA"}) }, 10 * time.Minute},
		"the lifetime is short":   {[]idp.Option{idp.WithKeyLifetime(time.Minute)}, withdrawAll, time.Minute},
		"the issuer is down":      {nil, func(b *bed) { b.idp.SetDown(true) }, 70 * time.Minute},
		"no outage is tolerated":  {[]idp.Option{idp.WithOutage(0)}, func(b *bed) { b.idp.SetDown(true) }, 10 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, test.options...)
			token := b.token(authtest.Claims{"exp": start.Add(2 * time.Hour).Unix()})
			b.accept(t, token)
			test.withdraw(b)
			b.clock.Add(test.good - time.Second)
			b.accept(t, token)
			b.clock.Add(time.Second)
			if user, c := b.send(token); user != nil || c == nil {
				t.Errorf("the key is still good after %s", test.good)
			}
		})
	}
}

func TestKeysToBeginWith(t *testing.T) {
	t.Parallel()
	op := authtest.NewProvider(t)
	b := newBed(t, idp.WithKeySet(op.KeySet()))
	b.accept(t, op.AccessToken(resourceURL, authtest.Claims{"iss": issuer, "iat": start.Unix(), "exp": start.Add(time.Hour).Unix()}))
	b.wantFetches(t, 0)
	b.idp.Rotate("ES256") // key-2, which only the provider has
	b.accept(t, b.token(nil))
	b.wantFetches(t, 1)
}

// One issuer's keys never serve another's tokens.
func TestIssuersDoNotMix(t *testing.T) {
	t.Parallel()
	const second = "https://second.example"
	other := authtest.NewProvider(t)
	b := newBedOf(t, idp.OIDC(issuer, resourceURL), auth.WithProvider(idp.OIDC(second, resourceURL)))
	b.net.serve(second, other)
	other.SetClock(b.clock.Now)
	claims := authtest.Claims{"iss": second, "groups": []string{"admin"}, "roles": []string{"owner"}}

	ours := b.accept(t, b.token(authtest.Claims{"groups": []string{"admin"}}))
	theirs := b.accept(t, other.AccessToken(resourceURL, claims))
	if ours.ID() == theirs.ID() || theirs.Issuer != second {
		t.Errorf("users %s and %s", ours.ID(), theirs.ID())
	}
	// C10: the group of one is not the group of the other.
	if auth.InGroup("admin").Check(t.Context(), ours) == nil || auth.InGroup(issuer+"#admin").Check(t.Context(), ours) != nil || auth.InGroup("admin").Check(t.Context(), theirs) == nil ||
		auth.HasRole("owner").Check(t.Context(), theirs) == nil || auth.InGroup(second+"#admin").Check(t.Context(), theirs) != nil {
		t.Errorf("groups %q and %q", ours.Groups, theirs.Groups)
	}
	theirs = b.accept(t, other.AccessToken(resourceURL, claims))
	if strings.Join(theirs.Groups, " ") != second+"#admin" {
		t.Errorf("groups %q", theirs.Groups)
	}

	b.refuse(t, b.idp.AccessToken(resourceURL, authtest.Claims{"iss": second}))
	b.refuse(t, other.AccessToken(resourceURL, authtest.Claims{"iss": issuer}))
	b.refuse(t, other.AccessToken(resourceURL, authtest.Claims{"iss": "https://third.example"}))
	if said := b.log.String(); !strings.Contains(said, `issuer \"https://third.example\" is not \"`+issuer+`\"`) {
		t.Errorf("the log does not tell the refused issuer and the one expected: %s", said)
	}
	b.refuse(t, "opaque-token-of-somebody")
}

// E10: a herd of first requests makes one fetch, and who came first and left
// does not take the others along.
func TestThunderingHerd(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	var fetches atomic.Int32
	b.net.hosts["id.example"] = nil
	keys := b.idp.KeySet()
	token := b.token(nil)
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		mux := http.NewServeMux()
		mux.Handle("/.well-known/openid-configuration", text(`{"issuer":"https://id.example","jwks_uri":"https://id.example/keys"}`))
		mux.HandleFunc("/keys", func(w http.ResponseWriter, r *http.Request) {
			fetches.Add(1)
			<-release
			_, _ = w.Write(keys)
		})
		b.net.hosts["id.example"] = mux

		first, leave := context.WithCancel(t.Context())
		var accepted atomic.Int32
		var left atomic.Int32
		var wg sync.WaitGroup
		call := func(ctx context.Context, count *atomic.Int32) {
			wg.Go(func() {
				user, c := b.resource.Authenticate(request("Bearer " + token).WithContext(ctx))
				if c == nil && user.Subject == "alice" {
					count.Add(1)
				}
			})
		}
		call(first, &left)
		synctest.Wait()
		for range 999 {
			call(t.Context(), &accepted)
		}
		synctest.Wait()
		waiting, stop := context.WithCancel(t.Context())
		call(waiting, &left)
		synctest.Wait()
		leave()
		stop()
		synctest.Wait()
		close(release)
		wg.Wait()
		if got := fetches.Load(); got != 1 {
			t.Errorf("%d fetches, want 1", got)
		}
		if got := accepted.Load(); got != 999 {
			t.Errorf("%d requests accepted, want 999", got)
		}
	})
}

// While the keys are refreshed, only the request that asks waits, and an issuer
// that never answers is given up on.
func TestRefreshDoesNotBlock(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.accept(t, b.token(nil))
	b.clock.Add(30 * time.Minute)
	token := b.token(nil)
	synctest.Test(t, func(t *testing.T) {
		b.net.hosts["id.example"] = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		var wg sync.WaitGroup
		wg.Go(func() { b.accept(t, token) })
		synctest.Wait()
		begin := time.Now()
		for range 100 {
			b.accept(t, token)
		}
		if waited := time.Since(begin); waited != 0 {
			t.Errorf("waited %s for keys that were at hand", waited)
		}
		wg.Wait()
		if waited := time.Since(begin); waited != 5*time.Second {
			t.Errorf("gave up after %s, want 5s", waited)
		}
	})
}
