package idp_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/authtest"
	"github.com/mcpengine/mcpengine/auth/idp"
)

// raw puts JSON into claims as it stands.
func raw(s string) json.RawMessage { return json.RawMessage(s) }

// Family B: what a token says. Each row is a good token with one thing changed.
func TestClaims(t *testing.T) {
	t.Parallel()
	unix := func(d time.Duration) int64 { return start.Add(d).Unix() }
	tests := []struct {
		name   string
		claims authtest.Claims
		ok     bool
	}{
		{"B00 nothing changed", nil, true},
		{"B02 issuer with the slash of an empty path", authtest.Claims{"iss": issuer + "/"}, true},
		{"B02 issuer with two slashes", authtest.Claims{"iss": issuer + "//"}, false},
		{"B02 issuer in upper case", authtest.Claims{"iss": "https://ID.example"}, false},
		{"B02 issuer with its default port", authtest.Claims{"iss": issuer + ":443"}, false},
		{"B02 issuer of another scheme", authtest.Claims{"iss": "http://id.example"}, false},
		{"B02 issuer percent-encoded", authtest.Claims{"iss": "https://id%2eexample"}, false},
		{"B02 issuer as credentials of another host", authtest.Claims{"iss": issuer + "@evil.example"}, false},
		{"B02 issuer with a path", authtest.Claims{"iss": issuer + "/other"}, false},
		{"B02 issuer with a space", authtest.Claims{"iss": issuer + " "}, false},
		{"B03 no issuer", authtest.Claims{"iss": nil}, false},
		{"B03 issuer null", authtest.Claims{"iss": raw("null")}, false},
		{"B03 issuer in a list", authtest.Claims{"iss": []string{issuer}}, false},
		{"B03 issuer in an object", authtest.Claims{"iss": map[string]string{"iss": issuer}}, false},
		{"B06 the legacy issuer of Google", authtest.Claims{"iss": "accounts.google.com"}, false},
		{"B08 no audience", authtest.Claims{"aud": nil}, false},
		{"B08 empty audience", authtest.Claims{"aud": ""}, false},
		{"B08 no audience in a list", authtest.Claims{"aud": []string{}}, false},
		{"B08 audience null", authtest.Claims{"aud": raw("null")}, false},
		{"B08 audience an object", authtest.Claims{"aud": map[string]string{resourceURL: ""}}, false},
		{"B08 audience a number", authtest.Claims{"aud": 1}, false},
		{"B08 audience in a mixed list", authtest.Claims{"aud": []any{resourceURL, 1}}, false},
		{"B08 audience in a nested list", authtest.Claims{"aud": []any{[]string{resourceURL}}}, false},
		{"B09 one of two audiences", authtest.Claims{"aud": []string{resourceURL, "https://evil.example"}}, true},
		{"B10 audience of another API", authtest.Claims{"aud": "00000003-0000-0000-c000-000000000000"}, false},
		{"B10 audience of the issuer itself", authtest.Claims{"aud": issuer + "/userinfo"}, false},
		{"B10 audience is a client", authtest.Claims{"aud": "client"}, false},
		{"B10 audience with a slash", authtest.Claims{"aud": resourceURL + "/"}, false},
		{"B10 audience in upper case", authtest.Claims{"aud": "https://RS.example/mcp"}, false},
		{"B10 audience is the origin", authtest.Claims{"aud": "https://rs.example"}, false},
		{"B12 expired but within leeway", authtest.Claims{"exp": unix(-29 * time.Second)}, true},
		{"B12 expired to the second", authtest.Claims{"exp": unix(-30 * time.Second)}, false},
		{"B12 expired past leeway", authtest.Claims{"exp": unix(-31 * time.Second)}, false},
		{"B12 no expiry", authtest.Claims{"exp": nil}, false},
		{"B12 expiry 0", authtest.Claims{"exp": 0}, false},
		{"B12 expiry -1", authtest.Claims{"exp": -1}, false},
		{"B12 expiry a string", authtest.Claims{"exp": "4000000000"}, false},
		{"B12 expiry null", authtest.Claims{"exp": raw("null")}, false},
		{"B12 expiry 1e300", authtest.Claims{"exp": raw("1e300")}, false},
		{"B12 expiry 1e10", authtest.Claims{"exp": raw("1e10")}, false},
		{"B12 expiry a fraction", authtest.Claims{"exp": raw("1795352400.5")}, false},
		{"B12 expiry beyond 64 bits", authtest.Claims{"exp": raw("99999999999999999999999")}, false},
		{"B12 expiry true", authtest.Claims{"exp": true}, false},
		{"B12 expiry in a century", authtest.Claims{"exp": unix(100 * 366 * 24 * time.Hour)}, false},
		{"B14 not valid for another hour", authtest.Claims{"nbf": unix(time.Hour)}, false},
		{"B14 not valid yet but within leeway", authtest.Claims{"nbf": unix(29 * time.Second)}, true},
		{"B14 not-before a string", authtest.Claims{"nbf": "1"}, false},
		{"B14 not-before in antiquity", authtest.Claims{"nbf": -1}, false},
		{"B14 issued in an hour", authtest.Claims{"iat": unix(time.Hour)}, false},
		{"B14 issued at a string", authtest.Claims{"iat": "1"}, false},
		{"B14 issued when nobody knows", authtest.Claims{"iat": nil}, true},
		{"B15 no subject", authtest.Claims{"sub": nil}, false},
		{"B15 empty subject", authtest.Claims{"sub": ""}, false},
		{"B15 subject a number", authtest.Claims{"sub": 1}, false},
		{"B15 subject a list", authtest.Claims{"sub": []string{"alice"}}, false},
		{"B15 subject of 10 kB", authtest.Claims{"sub": strings.Repeat("s", 10_000)}, false},
		{"B15 subject with control characters", authtest.Claims{"sub": "a\x00\n"}, true},
		{"B15 subject of dots", authtest.Claims{"sub": "../"}, true},
		{"B20 bound to a DPoP key", authtest.Claims{"cnf": map[string]string{"jkt": "x"}}, false},
		{"B21 bound to a certificate", authtest.Claims{"cnf": map[string]string{"x5t#S256": "x"}}, false},
		{"B21 bound to something", authtest.Claims{"cnf": raw("null")}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			token := b.token(test.claims)
			if !test.ok {
				b.refuse(t, token)
				return
			}
			user := b.accept(t, token)
			if want, changed := test.claims["sub"]; changed && user.Subject != want {
				t.Errorf("subject %q, want %q", user.Subject, want)
			}
		})
	}
}

func TestClaimOptions(t *testing.T) {
	t.Parallel()
	t.Run("B01 another issuer is not asked", func(t *testing.T) {
		t.Parallel()
		b := newBed(t)
		evil := authtest.NewProvider(t)
		b.refuse(t, evil.AccessToken(resourceURL, nil))
		b.refuse(t, evil.AccessToken(resourceURL, authtest.Claims{"iss": issuer}))
		if evil.Requests(authtest.DiscoveryPath) != 0 || evil.Requests(authtest.KeysPath) != 0 {
			t.Error("the attacker was asked for keys")
		}
	})
	t.Run("B09 StrictAudience", func(t *testing.T) {
		t.Parallel()
		b := newBed(t, idp.StrictAudience())
		b.accept(t, b.token(authtest.Claims{"aud": []string{resourceURL}}))
		b.refuse(t, b.token(authtest.Claims{"aud": []string{resourceURL, "https://evil.example"}}))
	})
	t.Run("B14 WithMaxTokenAge", func(t *testing.T) {
		t.Parallel()
		b := newBed(t, idp.WithMaxTokenAge(10*time.Minute))
		b.accept(t, b.token(authtest.Claims{"iat": start.Add(-10 * time.Minute).Unix()}))
		b.refuse(t, b.token(authtest.Claims{"iat": start.Add(-11 * time.Minute).Unix()}))
		b.refuse(t, b.token(authtest.Claims{"iat": nil}))
	})
	t.Run("B16 ID token", func(t *testing.T) {
		t.Parallel()
		b := newBed(t)
		claims := authtest.Claims{"iss": issuer}
		b.refuse(t, b.idp.IDToken("client", claims))
		b.refuse(t, b.idp.IDToken(resourceURL, claims)) // even for our audience
		for name, value := range map[string]any{
			"nonce": "n", "at_hash": "h", "c_hash": "h", "events": map[string]any{}, "token_use": "id", "typ": "ID",
		} {
			unmarked := authtest.Claims{"iss": issuer, "sub": "alice", "aud": resourceURL, "exp": start.Add(time.Hour).Unix()}
			b.accept(t, b.idp.Sign(nil, unmarked))
			unmarked[name] = value
			b.refuse(t, b.idp.Sign(nil, unmarked))
		}
		b.refuse(t, b.idp.Sign(nil, authtest.Claims{"iss": issuer, "sub": "a", "aud": resourceURL, "exp": start.Add(time.Hour).Unix(), "typ": "Refresh"}))
	})
	t.Run("B18 token type", func(t *testing.T) {
		t.Parallel()
		b, strict := newBed(t), newBed(t, idp.StrictType())
		for typ, marked := range map[any]bool{"at+jwt": true, "application/at+jwt": true, "AT+JWT": true, "Application/AT+JWT": true, "JWT": false, "jwt": false, nil: false} {
			header := authtest.Claims{"typ": typ}
			claims := authtest.Claims{"iss": issuer, "sub": "alice", "aud": resourceURL, "exp": start.Add(time.Hour).Unix()}
			b.accept(t, b.idp.Sign(header, claims))
			if token := strict.idp.Sign(header, claims); marked {
				strict.accept(t, token)
			} else {
				strict.refuse(t, token)
			}
		}
		for _, typ := range []any{"logout+jwt", "secevent+jwt", "dpop+jwt", "at+jwt ", "text/at+jwt", "", 1, []string{"at+jwt"}} {
			b.refuse(t, b.idp.Sign(authtest.Claims{"typ": typ}, authtest.Claims{
				"iss": issuer, "sub": "alice", "aud": resourceURL, "exp": start.Add(time.Hour).Unix(),
			}))
		}
	})
	t.Run("B19 machine or person", func(t *testing.T) {
		t.Parallel()
		b := newBed(t)
		machine, person := b.accept(t, b.token(authtest.Claims{"sub": "client"})), b.accept(t, b.token(nil))
		if auth.Person().Check(t.Context(), machine) == nil || auth.Machine().Check(t.Context(), person) == nil {
			t.Error("a machine passed as a person or a person as a machine")
		}
		if err := auth.Machine().Check(t.Context(), machine); err != nil {
			t.Error(err)
		}
		if err := auth.Person().Check(t.Context(), person); err != nil {
			t.Error(err)
		}
	})
	t.Run("B20 DPoP challenge", func(t *testing.T) {
		t.Parallel()
		b := newBed(t)
		c := b.refuse(t, b.token(authtest.Claims{"cnf": map[string]string{"jkt": "x"}}))
		if got := c.Header.Values("WWW-Authenticate"); len(got) != 2 || !strings.HasPrefix(got[1], `DPoP error="invalid_token"`) {
			t.Errorf("WWW-Authenticate = %q, want a DPoP challenge", got)
		}
		c = b.refuse(t, b.token(authtest.Claims{"cnf": map[string]string{"x5t#S256": "x"}}))
		if got := c.Header.Values("WWW-Authenticate"); len(got) != 1 {
			t.Errorf("WWW-Authenticate = %q, want one challenge", got)
		}
	})
	t.Run("required claims and clients", func(t *testing.T) {
		t.Parallel()
		b := newBed(t, idp.RequireClaim("tenant", "ours"), idp.WithClients("client", "robot"))
		b.accept(t, b.token(authtest.Claims{"tenant": "ours"}))
		b.accept(t, b.token(authtest.Claims{"tenant": "ours", "client_id": nil, "azp": "robot"}))
		b.refuse(t, b.token(nil))
		b.refuse(t, b.token(authtest.Claims{"tenant": "theirs"}))
		b.refuse(t, b.token(authtest.Claims{"tenant": []string{"ours"}}))
		b.refuse(t, b.token(authtest.Claims{"tenant": "ours", "client_id": "evil"}))
		b.refuse(t, b.token(authtest.Claims{"tenant": "ours", "client_id": nil}))
		// The client of the first claim counts.
		b.refuse(t, b.token(authtest.Claims{"tenant": "ours", "client_id": "evil", "azp": "robot"}))
	})
	t.Run("expiry is said", func(t *testing.T) {
		t.Parallel()
		b := newBed(t)
		c := b.refuse(t, b.token(authtest.Claims{"exp": start.Add(-time.Hour).Unix()}))
		if c.Message != "the access token has expired" {
			t.Errorf("message %q", c.Message)
		}
		if c.Status != http.StatusUnauthorized {
			t.Errorf("status %d", c.Status)
		}
	})
}

// Opaque tokens are as good as the answer about them.
func TestIntrospection(t *testing.T) {
	t.Parallel()
	newIntrospection := func(t *testing.T, opts ...idp.Option) *bed {
		t.Helper()
		return newBedOf(t, idp.Introspection(issuer, resourceURL, idp.IntrospectionEndpoint{
			URL: issuer + authtest.IntrospectionPath, ClientID: "rs", ClientSecret: "s:e/c",
		}, opts...))
	}
	claims := func(changes authtest.Claims) authtest.Claims {
		c := authtest.Claims{"iss": issuer, "scope": "mcp:read mcp:write", "username": "Alice"}
		maps.Copy(c, changes)
		return c
	}
	t.Run("accepted", func(t *testing.T) {
		t.Parallel()
		b := newIntrospection(t)
		user := b.accept(t, b.idp.OpaqueToken(resourceURL, claims(nil)))
		if !user.HasScope("mcp:write") || user.Name != "Alice" || user.Subject != "user" || user.Expiry.IsZero() {
			t.Errorf("user %+v", user)
		}
		b.accept(t, b.idp.OpaqueToken(resourceURL, claims(authtest.Claims{"iss": nil})))
		b.accept(t, b.idp.OpaqueToken(resourceURL, claims(authtest.Claims{"token_type": nil})))
	})
	t.Run("asked as RFC 7662 says", func(t *testing.T) {
		t.Parallel()
		b := newIntrospection(t)
		token := b.idp.OpaqueToken(resourceURL, claims(nil))
		b.idp.Override(authtest.IntrospectionPath, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			id, secret, _ := r.BasicAuth()
			if r.Method != http.MethodPost || r.URL.RawQuery != "" || r.PostFormValue("token") != token || id != "rs" || secret != "s%3Ae%2Fc" {
				t.Errorf("%s %s with %q %q", r.Method, r.URL, id, secret)
			}
			writeJSON(w, map[string]any{"active": false})
		}))
		b.refuse(t, token)
	})
	t.Run("B23 active but not for us", func(t *testing.T) {
		t.Parallel()
		for _, changes := range []authtest.Claims{
			{"aud": "https://other.example"},
			{"aud": nil},
			{"iss": "https://evil.example"},
			{"iss": raw("null")},
			{"exp": start.Add(-time.Hour).Unix()},
			{"exp": nil},
			{"sub": nil},
			{"token_type": "refresh_token"},
			{"token_type": "DPoP"},
			{"token_type": 1},
			{"cnf": map[string]string{"jkt": "x"}},
			{"active": "true"},
			{"active": 1},
			{"active": false},
			{"active": nil},
		} {
			b := newIntrospection(t)
			b.refuse(t, b.idp.OpaqueToken(resourceURL, claims(changes)))
		}
	})
	t.Run("B23 a client stands for the audience", func(t *testing.T) {
		t.Parallel()
		b := newIntrospection(t, idp.WithClients("client"))
		b.accept(t, b.idp.OpaqueToken(resourceURL, claims(authtest.Claims{"aud": nil})))
		b.refuse(t, b.idp.OpaqueToken(resourceURL, claims(authtest.Claims{"aud": nil, "client_id": "evil"})))
		b.refuse(t, b.idp.OpaqueToken(resourceURL, claims(authtest.Claims{"aud": "https://other.example"})))
	})
	t.Run("A24 a long token is not asked about", func(t *testing.T) {
		t.Parallel()
		b := newIntrospection(t)
		b.refuse(t, strings.Repeat("a", auth.MaxTokenBytes+1))
		if b.net.requests != 0 {
			t.Error("a long token caused a request")
		}
	})
	t.Run("B28 a JWT is asked about like any other", func(t *testing.T) {
		t.Parallel()
		b := newIntrospection(t)
		b.refuse(t, b.token(nil))
		if keys, asked := b.idp.Requests(authtest.KeysPath), b.idp.Requests(authtest.IntrospectionPath); keys != 0 || asked != 1 {
			t.Errorf("%d requests for keys and %d questions, want 0 and 1", keys, asked)
		}
	})
	t.Run("B28 an opaque token is not asked about", func(t *testing.T) {
		t.Parallel()
		b := newBed(t)
		b.refuse(t, b.idp.OpaqueToken(resourceURL, claims(nil)))
		if b.net.requests != 0 {
			t.Error("an opaque token caused a request")
		}
	})
	t.Run("unknown tokens and failures", func(t *testing.T) {
		t.Parallel()
		b := newIntrospection(t)
		b.refuse(t, "unknown-token-of-somebody")
		for _, answer := range []http.Handler{
			http.NotFoundHandler(),
			http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }),
			http.RedirectHandler("https://evil.example/", http.StatusTemporaryRedirect),
			text("active"),
			text(`{"active":false,"active":true}`),
			text(`{"active":false}` + strings.Repeat(" ", 600<<10)),
		} {
			b.idp.Override(authtest.IntrospectionPath, answer)
			b.unavailable(t, "some-other-token-value")
		}
	})
	t.Run("remembered for a minute", func(t *testing.T) {
		t.Parallel()
		b := newIntrospection(t)
		token := b.idp.OpaqueToken(resourceURL, claims(nil))
		for range 5 {
			b.accept(t, token)
		}
		b.clock.Add(61 * time.Second)
		b.accept(t, token)
		if got := b.idp.Requests(authtest.IntrospectionPath); got != 2 {
			t.Errorf("%d questions, want 2", got)
		}
	})
}

// unavailable checks that a token can be neither accepted nor refused.
func (b *bed) unavailable(t testing.TB, token string) {
	t.Helper()
	user, c := b.send(token)
	if c == nil || user != nil {
		t.Fatalf("accepted: %v", user)
	}
	if c.Status != http.StatusServiceUnavailable || c.Header.Get("Retry-After") == "" || c.Header.Get("WWW-Authenticate") != "" {
		t.Errorf("refused with %d %v, want 503 and Retry-After", c.Status, c.Header)
	}
	b.checkNoStore(t, c)
	b.checkSecret(t, token, c)
}

// Scopes, roles and groups are read from one claim each, and from nothing that
// is not a list of names.
func TestGrants(t *testing.T) {
	t.Parallel()
	many := make([]string, 10_000)
	for i := range many {
		many[i] = "g"
	}
	path := func(names ...string) []string { return names }
	tests := []struct {
		name   string
		opts   []idp.Option
		claims authtest.Claims
		want   [3]string // scopes, roles, groups
	}{
		{"scope is a list with spaces", nil, authtest.Claims{"scope": "a b  c"}, [3]string{"a b c"}},
		{"C02 scope is a JSON list", nil, authtest.Claims{"scope": []string{"a", "b"}}, [3]string{"a b"}},
		{"C02 scp stands in for scope", nil, authtest.Claims{"scope": nil, "scp": "a b"}, [3]string{"a b"}},
		{"C02 scp may be a JSON list", nil, authtest.Claims{"scope": nil, "scp": []string{"a", "b"}}, [3]string{"a b"}},
		{"C02 scope and scp are not merged", nil, authtest.Claims{"scope": "a", "scp": "admin"}, [3]string{"a"}},
		{"C02 an empty scope is not made up for", nil, authtest.Claims{"scope": "", "scp": "admin"}, [3]string{}},
		{"C02 permissions are not scopes", nil, authtest.Claims{"scope": nil, "permissions": []string{"admin"}}, [3]string{}},
		{"C02 a tab separates nothing", nil, authtest.Claims{"scope": "a\tadmin"}, [3]string{}},
		{"C02 a no-break space separates nothing", nil, authtest.Claims{"scope": "a\u00a0admin"}, [3]string{}},
		{"C02 a line separator in scp", nil, authtest.Claims{"scope": nil, "scp": "a\u2028admin"}, [3]string{}},
		{"C02 a space within a list", nil, authtest.Claims{"scope": []string{"a admin"}}, [3]string{}},
		{"C02 a line end within a list", nil, authtest.Claims{"scope": []string{"a", "b\nadmin"}}, [3]string{}},
		{"C02 scope of another type", nil, authtest.Claims{"scope": map[string]bool{"a": true}}, [3]string{}},
		{"C09 lists", nil, authtest.Claims{"scope": nil, "roles": []string{"r", "s"}, "groups": []string{"g"}}, [3]string{"", "r s", "g"}},
		{"C09 single names", nil, authtest.Claims{"scope": nil, "roles": "r s", "groups": "g"}, [3]string{"", "r s", "g"}},
		{"C09 null", nil, authtest.Claims{"scope": raw("null"), "roles": raw("null"), "groups": raw("null")}, [3]string{}},
		{"C09 mixed lists", nil, authtest.Claims{"scope": []any{"a", 1}, "roles": []any{"r", nil}, "groups": []any{"g", []string{"h"}}}, [3]string{}},
		{"C09 nested", nil, authtest.Claims{"scope": nil, "roles": map[string]any{"roles": []string{"r"}}}, [3]string{}},
		{
			"paths",
			[]idp.Option{idp.WithClaims(idp.Claims{Scopes: path("x", "s"), Roles: path("https://e.example/roles"), Groups: path("x", "y", "g")})},
			authtest.Claims{"x": map[string]any{"s": "a", "y": map[string]any{"g": []string{"g"}}}, "https://e.example/roles": []string{"r"}, "groups": []string{"admin"}},
			[3]string{"a", "r", "g"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t, test.opts...)
			user := b.accept(t, b.token(test.claims))
			got := [3]string{strings.Join(user.Scopes, " "), strings.Join(user.Roles, " "), strings.Join(user.Groups, " ")}
			if got != test.want {
				t.Errorf("scopes, roles, groups = %q, want %q", got, test.want)
			}
		})
	}
	t.Run("C02 by introspection", func(t *testing.T) {
		t.Parallel()
		b := newBedOf(t, idp.Introspection(issuer, resourceURL, idp.IntrospectionEndpoint{
			URL: issuer + authtest.IntrospectionPath, ClientID: "rs", ClientSecret: "secret",
		}))
		for scope, want := range map[string]int{"a b": 2, "a\u2003b": 0, "a\vb": 0} {
			if user := b.accept(t, b.idp.OpaqueToken(resourceURL, authtest.Claims{"iss": issuer, "scope": scope})); len(user.Scopes) != want {
				t.Errorf("%q: scopes %q, want %d", scope, user.Scopes, want)
			}
		}
	})
	t.Run("C09 ten thousand groups", func(t *testing.T) {
		t.Parallel()
		b := newBedOf(t, idp.Introspection(issuer, resourceURL, idp.IntrospectionEndpoint{
			URL: issuer + authtest.IntrospectionPath, ClientID: "rs", ClientSecret: "secret",
		}))
		if user := b.accept(t, b.idp.OpaqueToken(resourceURL, authtest.Claims{"iss": issuer, "groups": many})); len(user.Groups) != 0 {
			t.Errorf("%d groups, want none", len(user.Groups))
		}
	})
	t.Run("C09 groups left out", func(t *testing.T) {
		t.Parallel()
		b := newBed(t)
		user := b.accept(t, b.token(authtest.Claims{"_claim_names": map[string]string{"groups": "src1"}}))
		if len(user.Groups) != 0 || !strings.Contains(b.log.String(), "leaves out the groups") {
			t.Errorf("groups %q, log %s", user.Groups, b.log)
		}
	})
}
