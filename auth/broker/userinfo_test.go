package broker_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/auth/authtest"
	"github.com/mcpengine/mcpengine/auth/broker"
	"github.com/mcpengine/mcpengine/auth/idp"
)

// A provider may leave the ID token out when it renews. The user is then whom the
// userinfo endpoint names, by the same rules.
func TestUserInfo(t *testing.T) {
	t.Parallel()
	b := newBed(t, func(c *broker.Config) {
		c.Claims = []string{"phone"}
		c.Identity = []idp.Option{idp.RequireClaim("hd", "example.com"), idp.WithClaims(idp.Claims{Roles: []string{"realm", "roles"}})}
	})
	b.idp.SignIn(authtest.Claims{
		"sub": "alice", "name": "Alice", "hd": "example.com", "groups": []string{"staff"}, "realm": map[string]any{"roles": []string{"clerk"}},
		"phone": 12345678901234567,
	})
	b.idp.OmitIDTokens(true)
	c := b.client(t)
	tokens := c.Redeem(c.Authorize(b.browser(t)).Get("code"), nil)
	for range 2 {
		if tokens = c.Refresh(tokens.Text("refresh_token"), nil); tokens.Status != http.StatusOK {
			t.Fatalf("renew: %d %s\n%s", tokens.Status, tokens.Body, &b.log)
		}
		u, challenge := b.user(t, tokens.Text("access_token"))
		if challenge != nil {
			t.Fatal(challenge.Message)
		}
		got := []any{u.Issuer, u.Subject, u.Name, u.Groups, u.Roles, fmt.Sprint(u.Claims["phone"])}
		want := []any{b.idp.Issuer(), "alice", "Alice", []string{"staff"}, []string{"clerk"}, "12345678901234567"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("user (-want +got):\n%s", diff)
		}
	}
	if n := b.idp.Requests(authtest.UserInfoPath); n != 2 {
		t.Errorf("%d requests for userinfo", n)
	}
}

// What the userinfo endpoint says has no power over who the user is, and without an
// answer the client keeps its session.
func TestUserInfoRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status int
		body   string
		code   string
		want   int
	}{
		"another person":    {200, `{"sub":"mallory","hd":"example.com"}`, "invalid_grant", 400},
		"nobody":            {200, `{"hd":"example.com"}`, "invalid_grant", 400},
		"a person twice":    {200, `{"sub":"alice","sub":"mallory","hd":"example.com"}`, "server_error", 503},
		"another case":      {200, `{"Sub":"alice","hd":"example.com"}`, "invalid_grant", 400},
		"another domain":    {200, `{"sub":"alice","hd":"evil.example"}`, "invalid_grant", 400},
		"another issuer":    {200, `{"sub":"alice","hd":"example.com","iss":"https://evil.example","aud":"x","exp":1,"nbf":9e9,"nonce":"x"}`, "", 200},
		"an ID token":       {200, `eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.`, "server_error", 503},
		"a list":            {200, `["alice"]`, "server_error", 503},
		"refused":           {401, ``, "server_error", 503}, // the provider has just renewed: it contradicts itself
		"down":              {503, ``, "server_error", 503},
		"without the scope": {403, `{"error":"insufficient_scope"}`, "server_error", 503},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t, func(c *broker.Config) { c.Identity = []idp.Option{idp.RequireClaim("hd", "example.com")} })
			b.idp.SignIn(authtest.Claims{"sub": "alice", "hd": "example.com"})
			b.idp.OmitIDTokens(true)
			b.idp.Override(authtest.UserInfoPath, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(test.status)
				fmt.Fprint(w, test.body)
			}))
			c := b.client(t)
			tokens := c.Redeem(c.Authorize(b.browser(t)).Get("code"), nil)
			a := c.Refresh(tokens.Text("refresh_token"), nil)
			if a.Status != test.want || a.Text("error") != test.code {
				t.Errorf("%d %s\n%s", a.Status, a.Body, &b.log)
			}
		})
	}
}

// Without an ID token nobody signs in for the first time.
func TestFirstSignInNeedsIDToken(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	b.idp.Override(authtest.TokenPath, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"access_token":"a","token_type":"Bearer"}`)
	}))
	c := b.client(t)
	a := c.Redeem(c.Authorize(b.browser(t)).Get("code"), nil)
	if a.Status == http.StatusOK || b.idp.Requests(authtest.UserInfoPath) != 0 {
		t.Errorf("%d %s, %d requests for userinfo", a.Status, a.Body, b.idp.Requests(authtest.UserInfoPath))
	}
}
