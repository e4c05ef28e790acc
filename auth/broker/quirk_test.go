package broker_test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/authtest"
	"github.com/mcpengine/mcpengine/auth/broker"
	"github.com/mcpengine/mcpengine/auth/idp"
	"github.com/mcpengine/mcpengine/internal/brokertest"
)

const (
	tenant = "0b0cb6e4-57f5-4e2a-9f0a-2d5d5f1f9b11"
	object = "7d9f1c1e-35b8-4f0e-9a61-3f2d1c0b9a88"
	appID  = "9e5f7a0c-3c36-4e0e-8f4e-6a4b2f3f0d22"
)

// A quirk is a provider as its documentation describes it, in November 2026: what its
// metadata says, what it wants, and what it answers.
type quirk struct {
	provider func(broker.Config) auth.Provider
	metadata map[string]any
	claims   authtest.Claims // of its ID tokens

	// wants are parameters of the authorization request, and refuses are parameters
	// that it does not know.
	wants   map[string]string
	refuses []string

	// keeps says that a refresh token is not replaced, and offline which parameter
	// has to be there for one.
	keeps   bool
	offline func(url.Values) bool

	user auth.User
}

func quirks() map[string]quirk {
	config := func(c broker.Config, opts ...idp.Option) broker.Config {
		c.Identity = opts
		return c
	}
	always := func(url.Values) bool { return true }
	byScope := func(q url.Values) bool { return slices.Contains(strings.Fields(q.Get("scope")), "offline_access") }
	return map[string]quirk{
		// Opaque access tokens, and a refresh token only with both parameters.
		"Google": {
			provider: func(c broker.Config) auth.Provider {
				return broker.Google("client", "secret", config(c, idp.RequireClaim("hd", "example.com")))
			},
			metadata: map[string]any{
				"issuer": idp.GoogleIssuer, "authorization_endpoint": "https://accounts.google.com/o/oauth2/v2/auth",
				"token_endpoint": "https://oauth2.googleapis.com/token", "jwks_uri": "https://www.googleapis.com/oauth2/v3/certs",
				"revocation_endpoint": "https://oauth2.googleapis.com/revoke", "token_endpoint_auth_methods_supported": []string{"client_secret_post", "client_secret_basic"},
			},
			claims:  authtest.Claims{"iss": idp.GoogleIssuer, "azp": "client", "hd": "example.com"},
			wants:   map[string]string{"access_type": "offline", "prompt": "consent", "scope": "openid profile email"},
			refuses: []string{"resource"},
			keeps:   true,
			offline: func(q url.Values) bool { return q.Get("access_type") == "offline" && q.Get("prompt") == "consent" },
			user:    auth.User{Issuer: idp.GoogleIssuer, Subject: "alice", Email: "alice@example.com", EmailVerified: true},
		},
		// Any resource is refused (AADSTS9010010), S256 is not announced, and the
		// subject is another one for each application.
		"Entra ID": {
			provider: func(c broker.Config) auth.Provider { return broker.EntraID(tenant, appID, "secret", c) },
			metadata: map[string]any{
				"issuer":                 "https://login.microsoftonline.com/" + tenant + "/v2.0",
				"authorization_endpoint": "https://login.microsoftonline.com/" + tenant + "/oauth2/v2.0/authorize",
				"token_endpoint":         "https://login.microsoftonline.com/" + tenant + "/oauth2/v2.0/token",
				"jwks_uri":               "https://login.microsoftonline.com/" + tenant + "/discovery/v2.0/keys",
			},
			claims: authtest.Claims{
				"iss": "https://login.microsoftonline.com/" + tenant + "/v2.0", "azp": nil, "tid": tenant, "oid": object, "sub": "pairwise", "ver": "2.0",
				"email_verified": nil, "roles": []string{"Admin"},
			},
			wants:   map[string]string{"scope": "openid profile email offline_access"},
			refuses: []string{"resource"},
			offline: byScope,
			user: auth.User{
				Issuer: "https://login.microsoftonline.com/" + tenant + "/v2.0", Subject: object, Email: "alice@example.com", Roles: []string{"Admin"},
			},
		},
		// Pages and endpoints at a domain of their own, no rotation, S256 not announced.
		"Cognito": {
			provider: func(c broker.Config) auth.Provider {
				return broker.Cognito("eu-west-1", "eu-west-1_abcdefghi", "client", "secret", c)
			},
			metadata: map[string]any{
				"issuer":                 "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abcdefghi",
				"authorization_endpoint": "https://board.auth.eu-west-1.amazoncognito.com/oauth2/authorize",
				"token_endpoint":         "https://board.auth.eu-west-1.amazoncognito.com/oauth2/token",
				"revocation_endpoint":    "https://board.auth.eu-west-1.amazoncognito.com/oauth2/revoke",
				"jwks_uri":               "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abcdefghi/.well-known/jwks.json",
			},
			claims: authtest.Claims{
				"iss": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abcdefghi", "azp": nil, "token_use": "id", "cognito:groups": []string{"admin"},
				"cognito:username": "alice-1", "name": nil,
			},
			wants:   map[string]string{"scope": "openid profile email"},
			keeps:   true,
			offline: always,
			user: auth.User{
				Issuer: "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abcdefghi", Subject: "alice", Name: "alice-1", Email: "alice@example.com",
				EmailVerified: true, Groups: []string{"admin"},
			},
		},
		"Okta": {
			provider: func(c broker.Config) auth.Provider {
				return broker.Okta("https://example.okta.com", "client", "secret", c)
			},
			metadata: map[string]any{
				"issuer": "https://example.okta.com", "authorization_endpoint": "https://example.okta.com/oauth2/v1/authorize",
				"token_endpoint": "https://example.okta.com/oauth2/v1/token", "jwks_uri": "https://example.okta.com/oauth2/v1/keys",
				"revocation_endpoint": "https://example.okta.com/oauth2/v1/revoke", "token_endpoint_auth_methods_supported": []string{"client_secret_basic"},
			},
			claims:  authtest.Claims{"iss": "https://example.okta.com", "azp": nil, "ver": json.Number("1")},
			wants:   map[string]string{"scope": "openid profile email offline_access"},
			offline: byScope,
			user:    auth.User{Issuer: "https://example.okta.com", Subject: "alice", Email: "alice@example.com", EmailVerified: true},
		},
		// The slash is part of the issuer, and the client authenticates in the form.
		"Auth0": {
			provider: func(c broker.Config) auth.Provider {
				return broker.Auth0("example.eu.auth0.com", "client", "secret", c)
			},
			metadata: map[string]any{
				"issuer": "https://example.eu.auth0.com/", "authorization_endpoint": "https://example.eu.auth0.com/authorize",
				"token_endpoint": "https://example.eu.auth0.com/oauth/token", "jwks_uri": "https://example.eu.auth0.com/.well-known/jwks.json",
				"revocation_endpoint": "https://example.eu.auth0.com/oauth/revoke", "token_endpoint_auth_methods_supported": []string{"client_secret_post"},
			},
			claims:  authtest.Claims{"iss": "https://example.eu.auth0.com/", "azp": nil},
			wants:   map[string]string{"scope": "openid profile email offline_access"},
			offline: byScope,
			user:    auth.User{Issuer: "https://example.eu.auth0.com/", Subject: "alice", Email: "alice@example.com", EmailVerified: true},
		},
		"WorkOS": {
			provider: func(c broker.Config) auth.Provider {
				return broker.WorkOS("example.authkit.app", "client", "secret", c)
			},
			metadata: map[string]any{
				"issuer": "https://example.authkit.app", "authorization_endpoint": "https://example.authkit.app/oauth2/authorize",
				"token_endpoint": "https://example.authkit.app/oauth2/token", "jwks_uri": "https://example.authkit.app/oauth2/jwks",
				"scopes_supported": []string{"openid", "profile", "email", "offline_access"},
			},
			claims:  authtest.Claims{"iss": "https://example.authkit.app", "azp": nil},
			wants:   map[string]string{"scope": "openid profile email offline_access"},
			offline: byScope,
			user:    auth.User{Issuer: "https://example.authkit.app", Subject: "alice", Email: "alice@example.com", EmailVerified: true},
		},
	}
}

// Each provider signs people in as it is, and a client can go on without a new
// sign-in.
func TestQuirks(t *testing.T) {
	t.Parallel()
	for name, q := range quirks() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			internet := q.serve(t)
			c, resourceServer := signInAt(t, internet, q.provider)
			tokens := c.Redeem(c.Authorize(brokertest.NewBrowser(t, internet)).Get("code"), nil)
			renewed := c.Refresh(tokens.Text("refresh_token"), nil)
			again := c.Refresh(renewed.Text("refresh_token"), map[string]string{"scope": ""})
			for what, a := range map[string]brokertest.Answer{"token": tokens, "renewed": renewed, "renewed again": again} {
				if a.Status != http.StatusOK {
					t.Fatalf("%s: %d %s", what, a.Status, a.Body)
				}
				got := userOf(t, resourceServer, a.Text("access_token"))
				got.ClientID, got.Expiry, got.Claims, got.Scopes = "", time.Time{}, nil, nil
				if diff := cmp.Diff(q.user, *got); diff != "" {
					t.Errorf("%s: user (-want +got):\n%s", what, diff)
				}
			}
		})
	}
}

func signInAt(t *testing.T, internet brokertest.Internet, provider func(broker.Config) auth.Provider) (*brokertest.Client, *auth.Resource) {
	t.Helper()
	r, err := auth.NewResource(resource, provider(broker.Config{}), auth.WithHTTPClient(&http.Client{Transport: internet}))
	if err != nil {
		t.Fatal(err)
	}
	internet["rs.example"] = mcpengine.New("board", mcpengine.WithAuth(r), mcpengine.WithKeys(keyA))
	c := brokertest.NewClient(t, internet, issuer, redirect, resource)
	if a := c.Register(registration(nil)); a.Status != http.StatusCreated {
		t.Fatalf("register: %d %s", a.Status, a.Body)
	}
	return c, r
}

func userOf(t *testing.T, r *auth.Resource, token string) *auth.User {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, resource, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	u, challenge := r.Authenticate(req)
	if challenge != nil {
		t.Fatalf("the token is refused: %s", challenge.Message)
	}
	return u
}

// serve puts the provider on the internet.
func (q quirk) serve(t *testing.T) brokertest.Internet {
	t.Helper()
	keys := authtest.NewProvider(t)
	codes, refreshes := map[string]string{}, map[string]bool{} // a code to its nonce; two requests at a time do not happen
	h := func(w http.ResponseWriter, r *http.Request) {
		endpoint := "https://" + r.Host + r.URL.Path
		for _, name := range q.refuses {
			if r.FormValue(name) != "" {
				t.Errorf("%s is sent to %s", name, endpoint)
			}
		}
		switch endpoint {
		case q.metadata["jwks_uri"]:
			_, _ = w.Write(keys.KeySet())
		case q.metadata["authorization_endpoint"]:
			params := r.URL.Query()
			for name, want := range q.wants {
				if got := params.Get(name); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
			code := rand.Text()
			codes[code] = params.Get("nonce")
			refreshes[code] = q.offline(params)
			http.Redirect(w, r, params.Get("redirect_uri")+"?"+url.Values{"code": {code}, "state": {params.Get("state")}}.Encode(), http.StatusFound)
		case q.metadata["token_endpoint"]:
			q.answer(t, keys, codes, refreshes, w, r)
		default:
			if !strings.HasSuffix(r.URL.Path, "/.well-known/openid-configuration") {
				t.Errorf("a request to %s", endpoint)
			}
			text, err := json.Marshal(q.metadata)
			if err != nil {
				t.Error(err)
			}
			_, _ = w.Write(text)
		}
	}
	internet := brokertest.Internet{}
	for _, name := range []string{"issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"} {
		u, err := url.Parse(fmt.Sprint(q.metadata[name]))
		if err != nil {
			t.Fatal(err)
		}
		internet[u.Host] = http.HandlerFunc(h)
	}
	return internet
}

// answer is the token endpoint.
func (q quirk) answer(t *testing.T, keys *authtest.Provider, codes map[string]string, refreshes map[string]bool, w http.ResponseWriter, r *http.Request) {
	methods, _ := q.metadata["token_endpoint_auth_methods_supported"].([]string)
	client, secret, basic := r.BasicAuth()
	if !basic {
		client, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	if want := methods == nil || slices.Contains(methods, "client_secret_basic"); basic != want || secret != "secret" {
		t.Errorf("the client authenticates by HTTP Basic: %t, want %t", basic, want)
	}
	claims := authtest.Claims{"sub": "alice", "email": "alice@example.com", "email_verified": true, "nonce": nil}
	token := r.PostFormValue("refresh_token")
	if code := r.PostFormValue("code"); code != "" {
		if claims["nonce"] = codes[code]; codes[code] == "" || len(r.PostFormValue("code_verifier")) < 43 {
			t.Errorf("a code without a nonce or a verifier")
		}
		delete(codes, code)
		token = code
	}
	renewable := refreshes[token]
	if !q.keeps {
		delete(refreshes, token)
	}
	if r.PostFormValue("grant_type") == "refresh_token" && !renewable {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":"invalid_grant"}`)
		return
	}
	maps.Copy(claims, q.claims)
	answer := map[string]any{"access_token": "opaque", "token_type": "Bearer", "expires_in": 3600, "id_token": keys.IDToken(client, claims)}
	if renewable && (!q.keeps || r.PostFormValue("code") != "") {
		next := rand.Text()
		answer["refresh_token"], refreshes[next] = next, true
	}
	text, err := json.Marshal(answer)
	if err != nil {
		t.Error(err)
	}
	_, _ = w.Write(text)
}

// A token of another tenant, or for another kind of use, is no identity here.
func TestQuirksRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]authtest.Claims{
		"Entra ID": {"tid": "11111111-57f5-4e2a-9f0a-2d5d5f1f9b11"},
		"Cognito":  {"token_use": "access"},
		"Google":   {"hd": "evil.example"},
		"Okta":     {"iss": "https://evil.okta.com"},
		"Auth0":    {"iss": "https://example.eu.auth0.com/evil"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := quirks()[name]
			claims := maps.Clone(q.claims)
			maps.Copy(claims, change)
			q.claims = claims
			internet := q.serve(t)
			c, _ := signInAt(t, internet, q.provider)
			a := c.Redeem(c.Authorize(brokertest.NewBrowser(t, internet)).Get("code"), nil)
			if a.Status != http.StatusBadRequest || a.Text("error") != "invalid_grant" {
				t.Errorf("%d %s", a.Status, a.Body)
			}
		})
	}
}

// GitHub knows no OpenID Connect, answers errors with status 200, and gives tokens
// without an end: renewing asks whether the token is still there.
func TestGitHub(t *testing.T) {
	t.Parallel()
	token := gitHubToken(strings.Repeat("a", 30))
	var codes []string
	alive := true
	internet := brokertest.Internet{
		"github.com": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/login/oauth/authorize":
				code := rand.Text()
				codes = append(codes, code)
				http.Redirect(w, r, r.URL.Query().Get("redirect_uri")+"?code="+code+"&state="+r.URL.Query().Get("state"), http.StatusFound)
			case "/login/oauth/access_token":
				w.Header().Set("Content-Type", "application/json")
				i := slices.Index(codes, r.PostFormValue("code"))
				if i < 0 || r.PostFormValue("client_secret") != "secret" || r.Header.Get("Accept") != "application/json" {
					fmt.Fprint(w, `{"error":"bad_verification_code","error_description":"The code passed is incorrect or expired."}`)
					return
				}
				codes = slices.Delete(codes, i, i+1)
				fmt.Fprintf(w, `{"access_token":%q,"scope":"read:user,user:email","token_type":"bearer"}`, token)
			}
		}),
		"api.github.com": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if id, secret, _ := r.BasicAuth(); id != "client" || secret != "secret" || !alive {
				w.WriteHeader(http.StatusNotFound)
				return
			}
			fmt.Fprint(w, `{"app":{"client_id":"client"},"user":{"id":4711,"login":"alice"},"scopes":["read:user"]}`)
		}),
	}
	c, r := signInAt(t, internet, func(config broker.Config) auth.Provider { return broker.GitHub("client", "secret", config) })
	code := c.Authorize(brokertest.NewBrowser(t, internet)).Get("code")
	tokens := c.Redeem(code, nil)
	if tokens.Status != http.StatusOK {
		t.Fatalf("token: %d %s", tokens.Status, tokens.Body)
	}
	u := userOf(t, r, tokens.Text("access_token"))
	if u.Issuer != idp.GitHubIssuer || u.Subject != "4711" || u.Name != "alice" || len(u.Scopes) != 0 {
		t.Errorf("user %+v", u)
	}
	if a := c.Redeem(code, nil); a.Text("error") != "invalid_grant" {
		t.Errorf("replay: %d %s", a.Status, a.Body)
	}
	renewed := c.Refresh(tokens.Text("refresh_token"), nil)
	if renewed.Status != http.StatusOK || strings.Contains(renewed.Body, token) {
		t.Errorf("renewed: %d %s", renewed.Status, renewed.Body)
	}
	alive = false
	if a := c.Refresh(renewed.Text("refresh_token"), nil); a.Text("error") != "invalid_grant" {
		t.Errorf("a token that GitHub has taken back: %d %s", a.Status, a.Body)
	}
}

// gitHubToken is a token with the checksum of GitHub's.
func gitHubToken(random string) string {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	sum, n := []byte("000000"), crc32.ChecksumIEEE([]byte(random))
	for i := len(sum) - 1; i >= 0; i-- {
		sum[i], n = digits[n%62], n/62
	}
	return "gho_" + random + string(sum)
}
