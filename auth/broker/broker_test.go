package broker_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/auth/broker"
)

// A person signs in with a client that registered itself, and the token is for this
// server, in the person's name at the provider.
func TestSignIn(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	c := b.client(t)
	c.Scope = "messages:read messages:delete other offline_access"
	answer := c.Authorize(b.browser(t))
	if answer.Get("state") != c.State || answer.Get("iss") != issuer || answer.Get("code") == "" {
		t.Fatalf("the client gets %v", answer)
	}
	a := c.Redeem(answer.Get("code"), nil)
	if a.Status != http.StatusOK || a.Text("token_type") != "Bearer" || a.Text("scope") != "messages:read messages:delete" ||
		a.Header.Get("Cache-Control") != "no-store" || a.JSON["expires_in"] != 3600. {
		t.Fatalf("token: %d %s", a.Status, a.Body)
	}
	u, challenge := b.user(t, a.Text("access_token"))
	if challenge != nil {
		t.Fatalf("the token is refused: %s\n%s", challenge.Message, &b.log)
	}
	type identity struct {
		Issuer, Subject, ClientID, Name, Email string
		Verified                               bool
		Scopes, Groups                         []string
	}
	got := identity{u.Issuer, u.Subject, u.ClientID, u.Name, u.Email, u.EmailVerified, u.Scopes, u.Groups}
	want := identity{b.idp.Issuer(), "alice", c.ID, "Alice", "alice@example.com", true, []string{"messages:read", "messages:delete"}, []string{"staff"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("user (-want +got):\n%s", diff)
	}
	if n := len(a.Text("access_token")); n > 2048 {
		t.Errorf("the access token has %d bytes, at most 2048 are wanted", n)
	}
}

// Renewing asks the provider, so that a person whom the provider has blocked is
// out; a client that sends one refresh token twice at a time gets one answer.
func TestRenew(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	c := b.client(t)
	c.Scope = "messages:read messages:delete"
	first := c.Redeem(c.Authorize(b.browser(t)).Get("code"), nil)
	b.wait(50 * time.Minute)
	second := c.Refresh(first.Text("refresh_token"), nil)
	again := c.Refresh(first.Text("refresh_token"), nil)
	if second.Status != http.StatusOK || second.Text("refresh_token") == "" || second.Body != again.Body {
		t.Fatalf("renewed: %d %s\nagain: %d %s", second.Status, second.Body, again.Status, again.Body)
	}
	b.wait(time.Minute)
	if a := c.Refresh(first.Text("refresh_token"), nil); a.Status != http.StatusBadRequest || a.Text("error") != "invalid_grant" {
		t.Errorf("a refresh token that the provider has replaced: %d %s", a.Status, a.Body)
	}
	narrow := c.Refresh(second.Text("refresh_token"), map[string]string{"scope": "messages:read"})
	if narrow.Text("scope") != "messages:read" {
		t.Errorf("narrowed: %d %s", narrow.Status, narrow.Body)
	}
	b.wait(time.Minute)
	b.idp.SignIn(nil)
	if a := c.Refresh(narrow.Text("refresh_token"), nil); a.Status != http.StatusBadRequest || a.Text("error") != "invalid_grant" {
		t.Errorf("a person who was blocked: %d %s", a.Status, a.Body)
	}
	if _, challenge := b.user(t, narrow.Text("access_token")); challenge != nil {
		t.Errorf("the access token does not live for its time: %s", challenge.Message)
	}
	b.wait(time.Hour)
	if _, challenge := b.user(t, narrow.Text("access_token")); challenge == nil || challenge.Status != http.StatusUnauthorized {
		t.Errorf("the access token outlives its time")
	}
}

// A client that is signed out takes back what the provider gave.
func TestRevoke(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	c := b.client(t)
	b.idp.KeepRefreshTokens(true)
	tokens := c.Redeem(c.Authorize(b.browser(t)).Get("code"), nil)
	form := "client_id=" + c.ID + "&token=" + tokens.Text("refresh_token")
	if a := c.Send("/oauth/revoke", "application/x-www-form-urlencoded", form); a.Status != http.StatusOK {
		t.Errorf("revoke: %d %s", a.Status, a.Body)
	}
	if a := c.Refresh(tokens.Text("refresh_token"), nil); a.Text("error") != "invalid_grant" {
		t.Errorf("revoked: %d %s", a.Status, a.Body)
	}
	for _, form := range []string{"client_id=" + c.ID + "&token=nonsense", "client_id=" + c.ID + "&token=" + tokens.Text("access_token")} {
		if a := c.Send("/oauth/revoke", "application/x-www-form-urlencoded", form); a.Status != http.StatusOK {
			t.Errorf("revoke %.40s: %d %s", form, a.Status, a.Body)
		}
	}
}

// The metadata says what is on, and so does Explain.
func TestMetadata(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change    func(*broker.Config)
		path      string
		register  any
		grants    []any
		explained []string
	}{
		"default":         {nil, "/.well-known/oauth-authorization-server", issuer + "/oauth/register", []any{"authorization_code", "refresh_token"}, []string{"dynamic registration", "messages:read"}},
		"of the resource": {nil, "/.well-known/oauth-authorization-server/mcp", issuer + "/oauth/register", []any{"authorization_code", "refresh_token"}, nil},
		"closed":          {func(c *broker.Config) { c.NoRegistration, c.Scopes = true, nil }, "/.well-known/oauth-authorization-server", nil, []any{"authorization_code", "refresh_token"}, []string{"client id metadata documents; no scopes"}},
		"enterprise": {
			func(c *broker.Config) { c.Enterprises = []string{"https://corp.example"} }, "/.well-known/oauth-authorization-server", issuer + "/oauth/register",
			[]any{"authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:jwt-bearer"},
			[]string{"identity assertions", "https://corp.example vouches"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t, test.change)
			p := b.browser(t).Get(issuer + test.path)
			var m map[string]any
			if err := json.Unmarshal([]byte(p.Body), &m); err != nil {
				t.Fatalf("%v: %s", err, p.Body)
			}
			if p.Header.Get("Access-Control-Allow-Origin") != "*" || m["issuer"] != issuer || m["registration_endpoint"] != test.register ||
				m["client_id_metadata_document_supported"] != true || m["authorization_response_iss_parameter_supported"] != true {
				t.Errorf("metadata: %s", p.Body)
			}
			if diff := cmp.Diff(test.grants, m["grant_types_supported"]); diff != "" {
				t.Errorf("grant types (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]any{"S256"}, m["code_challenge_methods_supported"]); diff != "" {
				t.Errorf("challenge methods (-want +got):\n%s", diff)
			}
			said := b.engine.Explain().String()
			for _, want := range append(test.explained, "sign-in", issuer) {
				if !strings.Contains(said, want) {
					t.Errorf("Explain does not say %q:\n%s", want, said)
				}
			}
		})
	}
}

// The keys of access tokens are published, and are other keys for another server.
func TestKeys(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	p := b.browser(t).Get(issuer + "/oauth/keys")
	var set struct {
		Keys []map[string]string `json:"keys"`
	}
	if err := json.Unmarshal([]byte(p.Body), &set); err != nil || len(set.Keys) != 1 {
		t.Fatalf("%v: %s", err, p.Body)
	}
	k := set.Keys[0]
	if x, err := base64.RawURLEncoding.DecodeString(k["x"]); err != nil || len(x) != 32 || k["d"] != "" || k["kty"] != "OKP" || k["alg"] != "EdDSA" || k["use"] != "sig" {
		t.Errorf("key %v", k)
	}
}
