package idp_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/authtest"
	"github.com/mcpengine/mcpengine/auth/idp"
)

const (
	entraTenant = "11111111-2222-3333-4444-555555555555"
	entraApp    = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
	entraUser   = "99999999-8888-7777-6666-555555555555"
)

func jsonNumber(s string) json.Number { return json.Number(s) }

func verifyNothing(context.Context, string) (*auth.User, error) { return nil, auth.ErrInvalidToken }

// bearing returns claims with times, and some changed.
func bearing(claims, changes authtest.Claims) authtest.Claims {
	merged := authtest.Claims{"iat": start.Unix(), "exp": start.Add(time.Hour).Unix()}
	for _, c := range []authtest.Claims{claims, changes} {
		for name, value := range c {
			if merged[name] = value; value == nil {
				delete(merged, name)
			}
		}
	}
	return merged
}

// Each preset takes a token of the shape that its provider issues, reads the
// same things out of it, and refuses what is almost that.
func TestPresets(t *testing.T) {
	t.Parallel()
	const cognito = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf123"
	tests := []struct {
		name     string
		provider auth.Provider
		header   authtest.Claims
		claims   authtest.Claims
		want     string // subject, client, machine, scopes, roles, groups, e-mail if verified
		refused  map[string]authtest.Claims
		accepted map[string]authtest.Claims
	}{
		{
			name:     "Google ID token",
			provider: idp.Google("123.apps.googleusercontent.com", idp.RequireClaim("hd", "example.com")),
			header:   authtest.Claims{"typ": "JWT"},
			claims: authtest.Claims{
				"iss": "https://accounts.google.com", "azp": "123.apps.googleusercontent.com", "aud": "123.apps.googleusercontent.com",
				"sub": "110169484474386276334", "hd": "example.com", "email": "alice@example.com", "email_verified": true,
				"at_hash": "x", "nonce": "n", "name": "Alice", "scope": "mcp:admin",
			},
			want: "110169484474386276334, 123.apps.googleusercontent.com, false, [], [], [], alice@example.com",
			accepted: map[string]authtest.Claims{
				"B06 legacy issuer": {"iss": "accounts.google.com"},
				"no azp":            {"azp": nil},
			},
			refused: map[string]authtest.Claims{
				"B06 another spelling of the issuer": {"iss": "http://accounts.google.com"},
				"B10 another client":                 {"aud": "456.apps.googleusercontent.com"},
				"B25 issued to another client":       {"azp": "456.apps.googleusercontent.com"},
				"several audiences":                  {"aud": []string{"123.apps.googleusercontent.com", "other"}},
				"audience in a list":                 {"aud": []string{"123.apps.googleusercontent.com"}},
				"another domain":                     {"hd": "evil.example"},
				"no domain":                          {"hd": nil},
			},
		},
		{
			name:     "Cognito with resource binding",
			provider: idp.Cognito("eu-west-1", "eu-west-1_AbCdEf123"),
			claims: authtest.Claims{
				"iss": cognito, "sub": "aaaa-bbbb", "cognito:groups": []string{"admin"}, "client_id": "app1", "token_use": "access",
				"scope": "openid https://rs.example/mcp/mcp:read other/mcp:write", "version": 2, "username": "alice",
				"aud": resourceURL, "auth_time": start.Unix(), "origin_jti": "x", "event_id": "y",
			},
			want: "aaaa-bbbb, app1, false, [openid mcp:read other/mcp:write], [], [admin], ",
			refused: map[string]authtest.Claims{
				"ID token":                       {"token_use": "id"},
				"no token_use":                   {"token_use": nil},
				"another audience":               {"aud": "https://other.example"},
				"B08 no audience and no clients": {"aud": nil},
				"another pool":                   {"iss": cognito + "4"},
			},
		},
		{
			name:     "Cognito by client",
			provider: idp.Cognito("eu-west-1", "eu-west-1_AbCdEf123", idp.WithClients("app1", "app2"), idp.WithScopePrefix("board")),
			claims: authtest.Claims{
				"iss": cognito, "sub": "app2", "client_id": "app2", "token_use": "access", "scope": "board/mcp:read", "version": 2,
			},
			want:     "app2, app2, true, [mcp:read], [], [], ",
			accepted: map[string]authtest.Claims{"B08 bound to the resource": {"aud": resourceURL}},
			refused: map[string]authtest.Claims{
				"B10 another client": {"client_id": "app3"},
				"no client":          {"client_id": nil},
				"bound to the resource, by another client": {"aud": resourceURL, "client_id": "app3"},
				"bound to another resource":                {"aud": "https://other.example"},
				"empty audience":                           {"aud": []string{}},
			},
		},
		{
			name:     "Auth0",
			provider: idp.Auth0("example.eu.auth0.com", resourceURL),
			header:   authtest.Claims{"typ": "JWT"},
			claims: authtest.Claims{
				"iss": "https://example.eu.auth0.com/", "sub": "auth0|123", "aud": []string{resourceURL, "https://example.eu.auth0.com/userinfo"},
				"azp": "client1", "scope": "openid mcp:read", "permissions": []string{"mcp:read", "mcp:write"},
			},
			want:     "auth0|123, client1, false, [openid mcp:read], [mcp:read mcp:write], [], ",
			accepted: map[string]authtest.Claims{"no slash": {"iss": "https://example.eu.auth0.com"}, "machine": {"sub": "client1@clients", "gty": "client-credentials", "aud": resourceURL}},
			refused: map[string]authtest.Claims{
				"other path":   {"iss": "https://example.eu.auth0.com/x"},
				"ID token":     {"aud": "client1", "nonce": "n"},
				"for userinfo": {"aud": "https://example.eu.auth0.com/userinfo"},
			},
		},
		{
			name:     "Okta",
			provider: idp.Okta("https://example.okta.com/oauth2/default", resourceURL),
			claims: authtest.Claims{
				"ver": 1, "jti": "AT.x", "iss": "https://example.okta.com/oauth2/default", "aud": resourceURL, "cid": "0oa1", "uid": "00u1",
				"scp": []string{"openid", "mcp:read"}, "sub": "alice@example.com", "groups": []string{"Everyone"},
			},
			want: "alice@example.com, 0oa1, false, [openid mcp:read], [], [Everyone], ",
			refused: map[string]authtest.Claims{
				"org server":     {"iss": "https://example.okta.com", "aud": "https://example.okta.com"},
				"another server": {"iss": "https://example.okta.com/oauth2/other"},
				"no client":      {"cid": nil},
				"ID token":       {"aud": "0oa1", "cid": nil},
			},
		},
		{
			name:     "Keycloak",
			provider: idp.Keycloak("https://kc.example/auth/", "board", resourceURL),
			header:   authtest.Claims{"typ": "JWT"},
			claims: authtest.Claims{
				"iss": "https://kc.example/auth/realms/board", "aud": []string{resourceURL, "account"}, "sub": "u-1", "typ": "Bearer", "azp": "web",
				"sid": "s", "realm_access": map[string]any{"roles": []string{"admin", "offline_access"}}, "resource_access": map[string]any{},
				"scope": "openid mcp:read", "preferred_username": "service-account-web", "groups": []string{"/staff"},
			},
			want:     "u-1, web, false, [openid mcp:read], [admin offline_access], [/staff], ",
			accepted: map[string]authtest.Claims{"no roles": {"realm_access": nil}},
			refused: map[string]authtest.Claims{
				"no audience mapper": {"aud": "account"},
				"no audience":        {"aud": nil},
				"ID token":           {"typ": "ID"},
				"refresh token":      {"typ": "Refresh"},
				"no type":            {"typ": nil},
				"another realm":      {"iss": "https://kc.example/auth/realms/master"},
			},
		},
		{
			name:     "Keycloak service account",
			provider: idp.Keycloak("https://kc.example", "board", resourceURL),
			header:   authtest.Claims{"typ": "JWT"},
			claims: authtest.Claims{
				"iss": "https://kc.example/realms/board", "aud": resourceURL, "sub": "u-2", "typ": "Bearer", "azp": "Robot",
				"preferred_username": "service-account-robot", "client_id": "Robot", "scope": "mcp:read",
			},
			want: "u-2, Robot, true, [mcp:read], [], [], ",
		},
		{
			name:     "Entra ID",
			provider: idp.EntraID(entraTenant, entraApp),
			header:   authtest.Claims{"typ": "JWT", "x5t": "x"},
			claims: authtest.Claims{
				"aud": entraApp, "iss": "https://login.microsoftonline.com/" + entraTenant + "/v2.0", "nbf": start.Unix(), "aio": "x",
				"azp": "client-app", "azpacr": "0", "name": "Alice", "oid": entraUser, "preferred_username": "alice@example.com", "email": "alice@example.com",
				"rh": "x", "scp": "mcp.read mcp.write", "sub": "pairwise", "tid": entraTenant, "uti": "x", "ver": "2.0",
				"roles": []string{"Board.Admin"}, "groups": []string{"g-1"}, "xms_edov": true,
			},
			want: entraUser + ", client-app, false, [mcp.read mcp.write], [Board.Admin], [g-1], alice@example.com",
			accepted: map[string]authtest.Claims{
				"application ID URI": {"aud": "api://" + entraApp},
				"application":        {"scp": nil, "idtyp": "app"},
				"email not verified": {"xms_edov": nil, "email_verified": true},
			},
			refused: map[string]authtest.Claims{
				"B05 another tenant":            {"tid": "00000000-2222-3333-4444-555555555555"},
				"B05 issuer of another tenant":  {"iss": "https://login.microsoftonline.com/00000000-2222-3333-4444-555555555555/v2.0"},
				"B05 version 1":                 {"iss": "https://sts.windows.net/" + entraTenant + "/", "ver": "1.0"},
				"B05 version 1, issuer of 2":    {"ver": "1.0"},
				"B10 Graph":                     {"aud": "00000003-0000-0000-c000-000000000000"},
				"ID token of the same app":      {"azp": nil, "scp": nil},
				"no object id":                  {"oid": nil},
				"an object id that is not a id": {"oid": "admin"},
			},
		},
		{
			name:     "WorkOS",
			provider: idp.WorkOS("example.authkit.app"),
			claims: authtest.Claims{
				"iss": "https://example.authkit.app", "aud": resourceURL, "sub": "user_01", "sid": "session_01", "jti": "x",
				"org_id": "org_01", "role": "admin", "permissions": []string{"x"}, "client_id": "client_01",
			},
			want:    "user_01, client_01, false, [], [admin], [], ",
			refused: map[string]authtest.Claims{"for a client": {"aud": "client_01"}},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newBedOf(t, test.provider)
			sign := func(changes authtest.Claims) string { return b.idp.Sign(test.header, bearing(test.claims, changes)) }
			u := b.accept(t, sign(nil))
			email := u.Email
			if !u.EmailVerified {
				email = ""
			}
			got := fmt.Sprintf("%s, %s, %t, %s, %s, %s, %s", u.Subject, u.ClientID, u.Machine, u.Scopes, u.Roles, u.Groups, email)
			if got != test.want || u.Issuer != test.provider.Issuer() {
				t.Errorf("user %s\nwant %s", got, test.want)
			}
			checkQualified(t, test.provider, test.header, test.claims, u)
			for name, changes := range test.accepted {
				t.Run(name, func(t *testing.T) {
					u := b.accept(t, sign(changes))
					if u.Issuer != test.provider.Issuer() {
						t.Errorf("issuer %q", u.Issuer)
					}
					if wantMachine := changes["idtyp"] != nil || changes["gty"] != nil; u.Machine != wantMachine && !strings.Contains(test.want, "true") {
						t.Errorf("machine %t, want %t", u.Machine, wantMachine)
					}
					if changes["email_verified"] != nil && u.EmailVerified {
						t.Error("the address counts as verified")
					}
				})
			}
			for name, changes := range test.refused {
				t.Run(name, func(t *testing.T) { b.refuse(t, sign(changes)) })
			}
		})
	}
}

// F03: scopes are named as clients have to request them.
func TestRequestableScopes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		provider auth.Provider
		want     string
	}{
		"OIDC":              {idp.OIDC(issuer, resourceURL), "mcp:read openid"},
		"Cognito":           {idp.Cognito("eu-west-1", "eu-west-1_AbCdEf123"), "https://rs.example/mcp/mcp:read openid"},
		"Cognito by prefix": {idp.Cognito("eu-west-1", "eu-west-1_AbCdEf123", idp.WithScopePrefix("rs")), "rs/mcp:read openid"},
		"Entra":             {idp.EntraID(entraTenant, entraApp), "api://" + entraApp + "/mcp:read openid"},
		"Entra by URI":      {idp.EntraID(entraTenant, entraApp, idp.WithScopePrefix(resourceURL)), "https://rs.example/mcp/mcp:read openid"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBedOf(t, test.provider, auth.WithScopes("mcp:read", "openid"))
			for _, c := range []*auth.Challenge{b.resource.Unauthenticated("mcp:read", "openid"), b.resource.Insufficient("mcp:read", "openid")} {
				if got := c.Header.Get("WWW-Authenticate"); !strings.Contains(got, `scope="`+test.want+`"`) {
					t.Errorf("WWW-Authenticate = %s, want scope %q", got, test.want)
				}
			}
		})
	}
}

func TestGoogleAccessToken(t *testing.T) {
	t.Parallel()
	const token = "ya29.a0AfH6SMBx-token"
	info := func(changes map[string]any) string {
		answer := map[string]any{
			"azp": "123.apps", "aud": "123.apps", "sub": "1101", "scope": "openid https://www.googleapis.com/auth/userinfo.email",
			"exp": fmt.Sprint(start.Add(time.Hour).Unix()), "expires_in": "3599", "email": "alice@example.com", "email_verified": "true",
		}
		for name, value := range changes {
			if answer[name] = value; value == nil {
				delete(answer, name)
			}
		}
		data, _ := json.Marshal(answer)
		return string(data)
	}
	answering := func(t *testing.T, status int, body string) *bed {
		t.Helper()
		b := newBedOf(t, idp.GoogleAccessToken("123.apps"))
		b.net.hosts["oauth2.googleapis.com"] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.String() != "https://oauth2.googleapis.com/tokeninfo" || r.Header.Get("Authorization") != "Bearer "+token || r.Method != http.MethodPost {
				t.Errorf("%s %s", r.Method, r.URL)
			}
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		})
		return b
	}
	u := answering(t, 200, info(nil)).accept(t, token)
	if u.Subject != "1101" || !u.EmailVerified || !u.HasScope("openid") || u.Expiry.IsZero() || u.Issuer != idp.GoogleIssuer {
		t.Errorf("user %+v", u)
	}
	// B24: the status of the answer counts.
	answering(t, 400, `{"error":"invalid_token","error_description":"Invalid Value"}`).refuse(t, token)
	answering(t, 400, info(nil)).refuse(t, token)
	// B25: another client's token.
	for _, changes := range []map[string]any{
		{"aud": "456.apps"},
		{"azp": "456.apps"},
		{"aud": nil},
		{"aud": []string{"123.apps"}},
		{"sub": nil},
		{"sub": ""},
		{"exp": nil},
		{"exp": start.Unix()},
		{"exp": fmt.Sprint(start.Add(-time.Hour).Unix())},
	} {
		answering(t, 200, info(changes)).refuse(t, token)
	}
	answering(t, 200, `{"error":"invalid_token"}`).refuse(t, token)
	for _, status := range []int{302, 403, 429, 500, 503} {
		answering(t, status, info(nil)).unavailable(t, token)
	}
	answering(t, 200, "<html>").unavailable(t, token)
}

func TestGitHub(t *testing.T) {
	t.Parallel()
	const token = "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"
	body := func(changes map[string]any) string {
		answer := map[string]any{
			"id": 1, "url": "https://api.github.com/authorizations/1", "scopes": []string{"read:user"}, "token": "", "expires_at": nil,
			"app":  map[string]any{"client_id": "Iv1.abc", "name": "Board", "url": "https://rs.example"},
			"user": map[string]any{"login": "octocat", "id": 583231, "type": "User"},
		}
		maps.Copy(answer, changes)
		data, _ := json.Marshal(answer)
		return string(data)
	}
	answering := func(t *testing.T, status int, answer string) *bed {
		t.Helper()
		b := newBedOf(t, idp.GitHub("Iv1.abc", "secret"))
		b.net.hosts["api.github.com"] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var sent map[string]string
			_ = json.NewDecoder(r.Body).Decode(&sent)
			id, secret, _ := r.BasicAuth()
			if r.URL.Path != "/applications/Iv1.abc/token" || r.Method != http.MethodPost || id != "Iv1.abc" || secret != "secret" || sent["access_token"] != token {
				t.Errorf("%s %s by %q with %v", r.Method, r.URL, id, sent)
			}
			w.WriteHeader(status)
			_, _ = w.Write([]byte(answer))
		})
		return b
	}
	u := answering(t, 200, body(nil)).accept(t, token)
	if u.Subject != "583231" || u.Name != "octocat" || !u.HasScope("read:user") || !u.Expiry.IsZero() || u.ID() != idp.GitHubIssuer+" 583231" {
		t.Errorf("user %+v", u)
	}
	u = answering(t, 200, body(map[string]any{"expires_at": start.Add(time.Hour).Format(time.RFC3339), "scopes": nil})).accept(t, token)
	if !u.Expiry.Equal(start.Add(time.Hour)) {
		t.Errorf("expiry %s", u.Expiry)
	}
	// B27: a token of another app, or one that somebody made by hand.
	answering(t, 404, `{"message":"Not Found"}`).refuse(t, token)
	answering(t, 422, `{"message":"Validation Failed"}`).refuse(t, token)
	for _, changes := range []map[string]any{
		{"app": map[string]any{"client_id": "Iv1.evil"}},
		{"app": nil},
		{"user": nil},
		{"user": map[string]any{"login": "x", "id": "1"}},
		{"expires_at": start.Add(-time.Hour).Format(time.RFC3339)},
		{"expires_at": 1},
	} {
		answering(t, 200, body(changes)).refuse(t, token)
	}
	for _, status := range []int{302, 401, 403, 429, 500} {
		answering(t, status, body(nil)).unavailable(t, token)
	}
}

// GitHub is not asked about what cannot be one of its tokens.
func TestGitHubTokenForm(t *testing.T) {
	t.Parallel()
	const random = "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ"
	for token, asked := range map[string]bool{
		"gho_" + random + "0mLq17":                 true,
		"ghu_" + random + "0mLq17":                 true,
		"0123456789abcdef0123456789abcdef01234567": true,  // from before 2021
		"gho_" + random + "0mLq170mLq17":           true,  // of another length: not known to be wrong
		"gho_" + random + "0mLq18":                 false, // another checksum
		"gho_" + random + "000000":                 false,
		"ghp_" + random + "0mLq17":                 false, // personal
		"ghs_" + random + "0mLq17":                 false, // of an installation
		"ghr_" + random + "0mLq17":                 false, // a refresh token
		"github_pat_11ABCDEFG0":                    false,
		"0123456789abcdef0123456789abcdef0123456":  false,
		"0123456789abcdef0123456789abcdef0123456g": false,
		"made-up":                    false,
		"eyJhbGciOiJub25lIn0.e30.AA": false,
	} {
		b := newBedOf(t, idp.GitHub("Iv1.abc", "secret"))
		b.net.hosts["api.github.com"] = text("{}")
		b.refuse(t, token)
		if got := b.net.requests == 1; got != asked {
			t.Errorf("%s: asked %t, want %t", token, got, asked)
		}
	}
}

// An issuer that is asked about opaque tokens is asked once about a bad one, and a
// limited number of times about made-up ones, which keep out nobody who is
// known.
func TestBadTokensCostLittle(t *testing.T) {
	t.Parallel()
	const good = "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"
	account := `{"app":{"client_id":"id"},"user":{"id":1,"login":"a"}}`
	info := `{"aud":"id","sub":"1","exp":"` + fmt.Sprint(start.Add(24*time.Hour).Unix()) + `"}`
	active := `{"active":true,"sub":"1","aud":"` + resourceURL + `","exp":` + fmt.Sprint(start.Add(24*time.Hour).Unix()) + `}`
	for name, test := range map[string]struct {
		provider             auth.Provider
		host, answer, refuse string
		status               int
		asked                int // about made-up tokens
	}{
		"GitHub":        {idp.GitHub("id", "secret"), "api.github.com", account, "{}", 404, 100},
		"Google":        {idp.GoogleAccessToken("id"), "oauth2.googleapis.com", info, "{}", 400, 100},
		"introspection": {idp.Introspection("https://as.example", resourceURL, idp.IntrospectionEndpoint{URL: "https://as.example/introspect", ClientID: "id", ClientSecret: "s"}), "as.example", active, `{"active":false}`, 200, 100},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBedOf(t, test.provider)
			b.net.hosts[test.host] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if strings.Contains(string(body)+r.Header.Get("Authorization"), good) {
					_, _ = w.Write([]byte(test.answer))
					return
				}
				w.WriteHeader(test.status)
				_, _ = w.Write([]byte(test.refuse))
			})
			b.accept(t, good)
			for range 50 {
				b.refuse(t, "0123456789abcdef0123456789abcdef01234567")
			}
			if got := b.net.requests; got != 2 {
				t.Errorf("%d questions about a good token and a bad one, want 2", got)
			}
			for i := range 5000 {
				b.send(fmt.Sprintf("%040x", i))
			}
			b.clock.Add(61 * time.Second)
			b.accept(t, good) // not remembered any more, but known
			if got := b.net.requests; got > test.asked+3 {
				t.Errorf("%d questions, want %d at most", got, test.asked+3)
			}
		})
	}
}
