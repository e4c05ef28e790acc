package oauth_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/mcpengine/mcpengine/internal/oauth"
	"github.com/mcpengine/mcpengine/internal/oidctest"
)

func b64(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

// A machine authenticates with each kind of key at a provider that checks it.
func TestPrivateKeyJWT(t *testing.T) {
	t.Parallel()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := ec.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys := []map[string]any{
		{"kty": "EC", "crv": "P-256", "x": b64(point[1:33]), "y": b64(point[33:]), "kid": "1"},
		{"kty": "RSA", "n": b64(rsaKey.N.Bytes()), "e": b64(big.NewInt(int64(rsaKey.E)).Bytes()), "kid": "2"},
		{"kty": "OKP", "crv": "Ed25519", "x": b64(public), "kid": "3"},
	}
	s := newSite(t, oidctest.Config{Clients: []map[string]any{{
		"client_id": "machine", "redirect_uris": []string{}, "grant_types": []string{"client_credentials"}, "response_types": []string{},
		"token_endpoint_auth_method": "private_key_jwt", "jwks": map[string]any{"keys": keys},
	}}}, nil)
	for _, client := range []oauth.Client{
		{ID: "machine", Key: ec, KeyID: "1"},
		{ID: "machine", Key: rsaKey},
		{ID: "machine", Key: ed, KeyID: "3"},
	} {
		mustCall(t, newAuthorizer(t, oauth.Config{Server: s.url, Grant: oauth.ClientCredentials{}, Client: client}), s.url)
	}
}

// A client uses what the authorization server supports.
func TestTokenEndpointAuth(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		supported any
		secret    bool   // the client gets one when it registers
		asked     string // for when it registers
		used      string
	}{
		{"nothing said", nil, false, "none", "none"},
		{"nothing said, a secret", nil, true, "none", "basic"},
		{"none", []string{"none"}, false, "none", "none"},
		{"none, and yet a secret", []string{"none"}, true, "none", "none"},
		{"basic", []string{"client_secret_basic"}, true, "client_secret_basic", "basic"},
		{"post", []string{"client_secret_post"}, true, "client_secret_post", "post"},
		{"all", []string{"client_secret_post", "client_secret_basic", "none"}, true, "none", "none"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.metadata = map[string]any{"token_endpoint_auth_methods_supported": test.supported}
			if test.secret {
				w.client = map[string]any{"client_secret": "a secret"}
			}
			if err := w.call(); err != nil {
				t.Fatal(err)
			}
			registered, r := w.to("/register")[0].form, w.to("/token")[0]
			for name, want := range map[string]string{
				"token_endpoint_auth_method": `"` + test.asked + `"`, "application_type": `"native"`,
				"grant_types": `["authorization_code","refresh_token"]`, "redirect_uris": `["` + redirectURI + `"]`,
			} {
				if got := registered.Get(name); got != want {
					t.Errorf("registered with %s %s, want %s", name, got, want)
				}
			}
			used := "none"
			if strings.HasPrefix(r.header.Get("Authorization"), "Basic ") {
				used = "basic"
			} else if r.form.Get("client_secret") != "" {
				used = "post"
			}
			if used != test.used {
				t.Errorf("used %s, want %s", used, test.used)
			}
		})
	}
}

// A registration that is refused, or makes no sense, is an error that says so.
func TestRegistrationFails(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]map[string]any{
		"no id":             {"client_id": nil},
		"an empty id":       {"client_id": ""},
		"an id as a number": {"client_id": 1},
		"a long id":         {"client_id": strings.Repeat("a", 5000)},
		"a broken secret":   {"client_secret": "a\nb"},
	} {
		w := newWorld(t)
		w.client = change
		if err := w.call(); err == nil || len(w.to("/authorize")) > 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	w := newWorld(t)
	w.metadata = map[string]any{"registration_endpoint": nil}
	if err := w.call(); !errors.Is(err, oauth.ErrRegistration) {
		t.Errorf("no registration: %v", err)
	}
	if err := w.call(func(c *oauth.Config) { c.Client = oauth.Client{ID: "client"} }); err != nil {
		t.Errorf("registered beforehand: %v", err)
	}
	if err := w.call(func(c *oauth.Config) { c.Client = oauth.Client{ID: "client", Issuer: "https://another.example"} }); err == nil {
		t.Error("registered with another issuer: no error")
	}
}

// A server of 2025-03-26 has no metadata, and endpoints at fixed paths.
func TestHandshakeServer(t *testing.T) {
	t.Parallel()
	for _, metadata := range []bool{true, false} {
		w := newWorld(t)
		w.metadataAt = ""
		asked, mux := w.as.Config.Handler, http.NewServeMux()
		mux.Handle("/mcp", w.mcp.Config.Handler)
		mux.Handle("/token", asked)
		mux.Handle("/register", asked)
		if metadata {
			w.metadata = map[string]any{
				"issuer": w.mcp.URL, "authorization_endpoint": w.mcp.URL + "/authorize",
				"token_endpoint": w.mcp.URL + "/token", "registration_endpoint": w.mcp.URL + "/register",
			}
			mux.Handle("/.well-known/oauth-authorization-server", asked)
		}
		w.mcp.Config.Handler = mux
		if err := w.call(); err != nil {
			t.Errorf("metadata %t: %v", metadata, err)
			continue
		}
		if got := w.to("/token")[0].form.Get("resource"); got != w.url() {
			t.Errorf("resource = %q", got)
		}
	}
}

// Where metadata is looked for, in order (authorization-server-discovery).
func TestDiscoveryOrder(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		issuer string
		want   []string
	}{
		{"", []string{"/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"}},
		{"/", []string{"/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"}},
		{"/tenant1", []string{
			"/.well-known/oauth-authorization-server/tenant1", "/.well-known/openid-configuration/tenant1",
			"/tenant1/.well-known/openid-configuration",
		}},
	} {
		w := newWorld(t)
		w.resource = map[string]any{"authorization_servers": []string{w.as.URL + test.issuer}}
		var asked []string
		w.as.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			asked = append(asked, r.URL.Path)
			if len(asked)%2 == 0 { // as a page for people that is shown for every path
				rw.Header().Set("Content-Type", "text/html")
				return
			}
			http.NotFound(rw, r)
		})
		if err := w.call(); err == nil {
			t.Error("no error")
		}
		if got, want := fmt.Sprint(asked), fmt.Sprint(test.want); got != want {
			t.Errorf("%q: asked %s, want %s", test.issuer, got, want)
		}
	}
}

// The scopes of the challenge come before the scopes of the metadata, and there
// are none when neither says.
func TestScopeSelection(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		challenge        string
		supported, extra []string
		want             string
	}{
		{`Bearer scope="a b"`, []string{"c"}, nil, "a b"},
		{`Bearer`, []string{"c", "d"}, nil, "c d"},
		{`Bearer`, nil, nil, ""},
		{`Bearer scope="a"`, []string{"c"}, []string{"e", "a"}, "a e"},
	} {
		w := newWorld(t)
		w.resource = map[string]any{"scopes_supported": test.supported}
		w.refuse = w.challenge(http.StatusUnauthorized, test.challenge)
		if err := w.call(func(c *oauth.Config) { c.Scopes = test.extra }); err != nil {
			t.Fatal(err)
		}
		asked := w.to("/authorize")[0].form
		if got, present := asked["scope"]; asked.Get("scope") != test.want || present != (test.want != "") {
			t.Errorf("%s of %q: scope %q, want %q", test.challenge, test.supported, got, test.want)
		}
	}
}

// The device grant waits for the person as often and as long as the server says
// (RFC 8628, section 3.5).
func TestDeviceCodePolling(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		answers []string // errors, and then a token
		polls   []time.Duration
		want    string
	}{
		{"at once", nil, []time.Duration{2}, ""},
		{"later", []string{"authorization_pending", "authorization_pending"}, []time.Duration{2, 4, 6}, ""},
		{"slower", []string{"slow_down"}, []time.Duration{2, 9}, ""},
		{"denied", []string{"authorization_pending", "access_denied"}, []time.Duration{2, 4}, "access_denied"},
		{"expired", []string{"expired_token"}, []time.Duration{2}, "expired_token"},
		{"never", slices.Repeat([]string{"authorization_pending"}, 100), []time.Duration{2, 4, 6, 8}, "deadline"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const base = "https://mcp.example.com"
				var polls []time.Duration
				begun := time.Now()
				mux := http.NewServeMux()
				mux.HandleFunc("/.well-known/oauth-protected-resource/mcp", func(rw http.ResponseWriter, _ *http.Request) {
					answerJSON(rw, http.StatusOK, map[string]any{"resource": base + "/mcp", "authorization_servers": []string{base}})
				})
				mux.HandleFunc("/.well-known/oauth-authorization-server", func(rw http.ResponseWriter, _ *http.Request) {
					answerJSON(rw, http.StatusOK, map[string]any{
						"issuer": base, "token_endpoint": base + "/token", "device_authorization_endpoint": base + "/device",
					})
				})
				mux.HandleFunc("/device", func(rw http.ResponseWriter, _ *http.Request) {
					answerJSON(rw, http.StatusOK, map[string]any{
						"device_code": "the-device-code", "user_code": "ABCD", "verification_uri": base + "/go", "expires_in": 9.5, "interval": 2,
					})
				})
				mux.HandleFunc("/token", func(rw http.ResponseWriter, r *http.Request) {
					polls = append(polls, time.Since(begun)/time.Second)
					if n := len(polls); n <= len(test.answers) {
						answerJSON(rw, http.StatusBadRequest, map[string]any{"error": test.answers[n-1], "error_description": r.PostFormValue("device_code")})
						return
					}
					answerJSON(rw, http.StatusOK, map[string]any{"access_token": "t", "token_type": "Bearer"})
				})
				shown := 0
				a := newAuthorizer(t, oauth.Config{
					Server: base + "/mcp", Client: oauth.Client{ID: "device"},
					Grant: oauth.DeviceCode{Show: func(context.Context, oauth.Verification) error { shown++; return nil }},
					HTTPClient: &http.Client{Transport: transport(func(req *http.Request) (*http.Response, error) {
						rw := httptest.NewRecorder()
						mux.ServeHTTP(rw, req)
						return rw.Result(), nil
					})},
				})
				err := a.SignIn(t.Context())
				if (err == nil) != (test.want == "") || err != nil && (!strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "the-device-code")) {
					t.Errorf("err = %v, want %q", err, test.want)
				}
				if fmt.Sprint(polls) != fmt.Sprint(test.polls) || shown != 1 {
					t.Errorf("polled after %d s, want %d; shown %d times", polls, test.polls, shown)
				}
			})
		})
	}
}

// A workload's token is the platform's; a refusal of it is final.
func TestJWTBearer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var audience string
	grant := oauth.JWTBearer{Assertion: func(_ context.Context, a string) (string, error) {
		audience = a
		return "workload.jwt.signed", nil
	}}
	config := func(c *oauth.Config) { c.Grant, c.Client = grant, oauth.Client{ID: "workload"} }
	if err := w.call(config); err != nil {
		t.Fatal(err)
	}
	form := w.to("/token")[0].form
	for name, want := range map[string]string{
		"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": "workload.jwt.signed",
		"client_id": "workload", "resource": w.url(), "scope": "mcp:read",
	} {
		if got := form.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	if audience != w.as.URL {
		t.Errorf("audience = %q", audience)
	}
	w = newWorld(t)
	w.token = func(rw http.ResponseWriter, form url.Values) bool {
		answerJSON(rw, http.StatusBadRequest, map[string]any{"error": "invalid_grant", "error_description": "bad " + form.Get("assertion")})
		return true
	}
	err := w.call(config)
	if err == nil || len(w.to("/token")) != 1 || strings.Contains(err.Error(), "workload.jwt") {
		t.Errorf("err = %v after %d requests", err, len(w.to("/token")))
	}
}

// An enterprise's provider vouches for a person to the server's.
func TestEnterpriseManaged(t *testing.T) {
	t.Parallel()
	w, idp := newWorld(t), newWorld(t)
	idp.token = func(rw http.ResponseWriter, _ url.Values) bool {
		answerJSON(rw, http.StatusOK, map[string]any{
			"access_token": "id.jag.token", "issued_token_type": "urn:ietf:params:oauth:token-type:id-jag", "token_type": "N_A",
		})
		return true
	}
	config := func(c *oauth.Config) {
		c.Client = oauth.Client{ID: "client", Secret: "client-secret"}
		c.Grant = oauth.EnterpriseManaged{
			TokenEndpoint: idp.as.URL + "/token",
			Client:        oauth.Client{ID: "idp-client", Secret: "idp-secret"},
			IDToken:       func(context.Context) (string, error) { return "the.id.token", nil },
		}
	}
	if err := w.call(config); err != nil {
		t.Fatal(err)
	}
	exchange, assertion := idp.to("/token")[0], w.to("/token")[0]
	for name, want := range map[string]string{
		"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "requested_token_type": "urn:ietf:params:oauth:token-type:id-jag",
		"audience": w.as.URL, "resource": w.url(), "subject_token": "the.id.token", "scope": "mcp:read",
		"subject_token_type": "urn:ietf:params:oauth:token-type:id_token", "client_id": "idp-client", "client_secret": "idp-secret",
	} {
		if got := exchange.form.Get(name); got != want {
			t.Errorf("exchange: %s = %q, want %q", name, got, want)
		}
	}
	if got := assertion.form.Get("assertion"); got != "id.jag.token" || strings.Contains(fmt.Sprint(assertion), "idp-") {
		t.Errorf("assertion = %q in %v", got, assertion)
	}
	if id, secret, _ := (&http.Request{Header: assertion.header}).BasicAuth(); id != "client" || secret != "client-secret" {
		t.Errorf("authenticated as %s with %s", id, secret)
	}
	idp.token = nil // an access token is no assertion
	if err := w.call(config); err == nil || len(w.to("/token")) != 1 {
		t.Errorf("err = %v", err)
	}
}

// Tokens that are bound to a key, at a provider that wants nonces, for a server
// that wants them too (RFC 9449).
func TestDPoP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := oidctest.Start(t, oidctest.Config{
		Resources: map[string]oidctest.Resource{w.url(): {Scopes: []string{"mcp:read"}}}, RequireNonce: true,
	})
	v, c := &visitor{provider: p}, &clock{}
	w.resource = map[string]any{"authorization_servers": []string{p.Issuer()}}
	seen, served := map[string]bool{}, 0
	w.refuse = func(rw http.ResponseWriter, r *http.Request) bool {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if scheme != "DPoP" {
			rw.Header().Set("WWW-Authenticate", "DPoP")
			rw.WriteHeader(http.StatusUnauthorized)
			return true
		}
		claims, err := proofClaims(r.Header.Get("DPoP"), token)
		if err != nil {
			t.Error(err)
		}
		sum := sha256.Sum256([]byte(token))
		if claims["ath"] != b64(sum[:]) || claims["htm"] != http.MethodPost || claims["htu"] != w.url() || seen[claims["jti"].(string)] {
			t.Errorf("proof of %v", claims)
		}
		seen[claims["jti"].(string)] = true
		if claims["nonce"] != "server-nonce" {
			rw.Header().Set("DPoP-Nonce", "server-nonce")
			rw.Header().Set("WWW-Authenticate", `DPoP error="use_dpop_nonce"`)
			rw.WriteHeader(http.StatusUnauthorized)
			return true
		}
		served++
		_, _ = rw.Write([]byte("hello"))
		return true
	}
	store := oauth.NewMemoryStore()
	config := oauth.Config{Server: w.url(), Grant: v.by(), Store: store, Now: c.now}
	a := newAuthorizer(t, config)
	mustCall(t, a, w.url()+"?query=1")
	mustCall(t, newAuthorizer(t, config), w.url()) // with the key of the other
	c.add(2 * time.Hour)
	mustCall(t, newAuthorizer(t, config), w.url()) // refreshed
	if len(v.visits) != 1 || served != 3 {
		t.Errorf("%d sign-ins and %d calls", len(v.visits), served)
	}
	if v.visits[0].Get("dpop_jkt") == "" {
		t.Error("the code was not bound to the key")
	}
}

// proofClaims checks a proof against the key that the token is bound to.
func proofClaims(proof, token string) (map[string]any, error) {
	parsed, err := jose.ParseSignedCompact(proof, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return nil, err
	}
	header := parsed.Signatures[0].Protected
	if header.JSONWebKey == nil || header.ExtraHeaders[jose.HeaderType] != "dpop+jwt" {
		return nil, fmt.Errorf("header %v", header)
	}
	payload, err := parsed.Verify(header.JSONWebKey)
	if err != nil {
		return nil, err
	}
	sum, err := header.JSONWebKey.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, err
	}
	thumbprint := b64(sum)
	data, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		return nil, err
	}
	var claims struct {
		Confirmation struct {
			Thumbprint string `json:"jkt"`
		} `json:"cnf"`
	}
	if err := json.Unmarshal(data, &claims); err != nil || claims.Confirmation.Thumbprint != thumbprint {
		return nil, fmt.Errorf("the token is bound to %q and the proof is of %q: %w", claims.Confirmation.Thumbprint, thumbprint, err)
	}
	var proven map[string]any
	return proven, json.Unmarshal(payload, &proven)
}

// A server that wants bound tokens, and a provider that has none.
func TestDPoPUnsupported(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.call(func(c *oauth.Config) { c.DPoP = true }); err == nil || len(w.to("/authorize")) > 0 {
		t.Errorf("not supported: %v", err)
	}
	w.metadata = map[string]any{"dpop_signing_alg_values_supported": []string{"ES256"}}
	if err := w.call(func(c *oauth.Config) { c.DPoP = true }); err == nil {
		t.Error("a bearer token was taken where a bound one was asked for")
	}
}
