package idp_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/authtest"
	"github.com/mcpengine/mcpengine/auth/idp"
)

// Family D, as far as it is about credentials: how a token is sent.
func TestAuthorizationHeader(t *testing.T) {
	t.Parallel()
	const (
		nobody    = "nobody"    // served as far as public
		accepted  = "accepted"  //
		noToken   = "401N"      // no error, because no token was sent
		badToken  = "401T"      //
		malformed = "malformed" // 400
	)
	b := newBed(t)
	good, evil := b.token(nil), "evil-token-of-somebody"
	tests := []struct {
		name   string
		values []string
		want   string
	}{
		{"D01 no header", nil, nobody},
		{"D02 good and evil", []string{"Bearer " + good, "Bearer " + evil}, malformed},
		{"D02 evil and good", []string{"Bearer " + evil, "Bearer " + good}, malformed},
		{"D02 good twice", []string{"Bearer " + good, "Bearer " + good}, malformed},
		{"D02 good and empty", []string{"Bearer " + good, ""}, malformed},
		{"D02 joined by a comma", []string{"Bearer " + good + ", Bearer " + evil}, malformed},
		{"D02 joined by a bare comma", []string{"Bearer " + good + ",Bearer"}, badToken},
		{"D04 scheme alone", []string{"Bearer"}, noToken},
		{"D04 scheme and a space", []string{"Bearer "}, noToken},
		{"D04 lower case", []string{"bearer " + good}, accepted},
		{"D04 upper case", []string{"BEARER " + good}, accepted},
		{"D04 two spaces", []string{"Bearer  " + good}, accepted},
		{"D04 tab", []string{"Bearer\t" + good}, malformed},
		{"D04 space and tab", []string{"Bearer \t" + good}, malformed},
		{"D04 two tokens", []string{"Bearer " + good + " y"}, malformed},
		{"D04 space in front", []string{" Bearer " + good}, noToken},
		{"D04 comma for a space", []string{"Bearer," + good}, malformed},
		{"D04 Basic", []string{"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}, noToken},
		{"D04 Token", []string{"Token " + good}, noToken},
		{"D04 DPoP", []string{"DPoP " + good}, noToken},
		{"D04 scheme that begins like it", []string{"BearerX " + good}, noToken},
		{"D04 no scheme", []string{good}, noToken},
		{"D04 empty", []string{""}, noToken},
		{"D04 not ASCII", []string{"Bearer tökenvonirgendwem"}, badToken},
		{"D04 scheme not ASCII", []string{"Bearer\u00a0" + good}, malformed},
		{"D04 Kelvin sign and long s do not fold", []string{"Bearer\u017f " + good}, malformed},
		{"D04 control character", []string{"Bearer abc\x00defghijkl"}, badToken},
		{"D04 quoted", []string{`Bearer "` + good + `"`}, badToken},
		{"D04 only padding", []string{"Bearer ===="}, badToken},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			user, c := b.resource.Authenticate(request(test.values...))
			got := ""
			switch {
			case c == nil && user == nil:
				got = nobody
			case c == nil:
				got = accepted
			case c.Status == http.StatusUnauthorized && c.Code == "":
				got = noToken
			case c.Status == http.StatusUnauthorized && c.Code == "invalid_token":
				got = badToken
			case c.Status == http.StatusBadRequest && c.Code == "invalid_request":
				got = malformed
			}
			if got != test.want {
				t.Errorf("%s, want %s (user %v, challenge %+v)", got, test.want, user, c)
			}
			if c != nil {
				b.checkNoStore(t, c)
				b.checkSecret(t, good, c)
				b.checkSecret(t, evil, c)
			}
		})
	}
}

func TestTokensElsewhere(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	token := b.token(nil)
	for _, query := range []string{"access_token=" + token, "%61ccess_token=" + token, "access_token", "a=1&access_token=", "access_token=x&access_token=y"} {
		for _, header := range [][]string{nil, {"Bearer " + token}} {
			req := request(header...)
			req.URL.RawQuery = query
			user, c := b.resource.Authenticate(req)
			if user != nil || c == nil || c.Status != http.StatusBadRequest || c.Code != "invalid_request" {
				t.Errorf("D05 query %.20q: %v %+v, want 400 invalid_request", query, user, c)
				continue
			}
			b.checkNoStore(t, c)
			b.checkSecret(t, token, c)
		}
	}
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/mcp?token="+token, strings.NewReader("access_token="+token))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.AddCookie(&http.Cookie{Name: "access_token", Value: token})
	for _, name := range []string{"X-Auth-Token", "X-Amzn-Oidc-Data", "X-Amzn-Oidc-Accesstoken", "X-Forwarded-User", "X-Forwarded-Access-Token", "Proxy-Authorization", "X-Authorization"} {
		req.Header.Set(name, "Bearer "+token)
	}
	if user, c := b.resource.Authenticate(req); user != nil || c != nil {
		t.Errorf("D05 other places: %v %+v, want nobody", user, c)
	}
	b.checkSecret(t, token, nil)
}

// D06: the user comes from the token alone.
func TestUserOfRequest(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	user := b.accept(t, b.token(authtest.Claims{
		"name": "Alice", "email": "alice@example.com", "email_verified": true, "employee": raw("9007199254740993"),
	}))
	if user.ID() != issuer+" alice" || user.ClientID != "client" || user.Name != "Alice" || user.Email != "alice@example.com" ||
		!user.EmailVerified || user.Machine || !user.Expiry.Equal(start.Add(3600e9)) {
		t.Errorf("user %+v", user)
	}
	if err := auth.Claim("employee", jsonNumber("9007199254740993")).Check(t.Context(), user); err != nil {
		t.Errorf("a long number lost digits: %v", err)
	}
	if auth.UserFrom(t.Context()) != nil {
		t.Error("a context without a user has one")
	}
	if got := auth.UserFrom(auth.ContextWithUser(t.Context(), user)); got != user {
		t.Errorf("UserFrom = %v", got)
	}
	// What is done to one user does not reach the next one with the token.
	token := b.token(authtest.Claims{"scope": "mcp:read"})
	one, two := b.accept(t, token), b.accept(t, token)
	one.Scopes = append(one.Scopes, "mcp:admin")
	two.Scopes = append(two.Scopes, "mcp:write")
	one.Subject = "admin"
	if three := b.accept(t, token); three.Subject != "alice" || len(three.Scopes) != 1 || one.Scopes[1] != "mcp:admin" {
		t.Errorf("users share fields: %v %v %v", one.Scopes, two.Scopes, three.Scopes)
	}
	for _, verified := range []any{nil, "true", 1, false} {
		if u := b.accept(t, b.token(authtest.Claims{"email": "alice@example.com", "email_verified": verified})); u.EmailVerified {
			t.Errorf("email_verified %v counts as verified", verified)
		}
	}
}

func TestChallenges(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	challenge := func(c *auth.Challenge) string { return strings.Join(c.Header.Values("WWW-Authenticate"), "\n") }
	tests := []struct {
		name   string
		c      *auth.Challenge
		status int
		header string
		data   string
	}{
		{
			"D01 nobody", b.resource.Unauthenticated("mcp:read"), 401,
			`Bearer resource_metadata="` + metadataURL + `", scope="mcp:read"`,
			`{"resource_metadata":"` + metadataURL + `","scope":"mcp:read"}`,
		},
		{
			"D01 nobody, no scope", b.resource.Unauthenticated(), 401,
			`Bearer resource_metadata="` + metadataURL + `"`, `{"resource_metadata":"` + metadataURL + `"}`,
		},
		{
			"F03 every scope at once", b.resource.Insufficient("mcp:read", "mcp:write", "mcp:read"), 403,
			`Bearer error="insufficient_scope", error_description="the access token lacks a scope that this operation needs", scope="mcp:read mcp:write", resource_metadata="` + metadataURL + `"`,
			`{"error":"insufficient_scope","error_description":"the access token lacks a scope that this operation needs","resource_metadata":"` + metadataURL + `","scope":"mcp:read mcp:write"}`,
		},
		{"F03 no refresh tokens", b.resource.Unauthenticated("offline_access"), 401, `Bearer resource_metadata="` + metadataURL + `"`, `{"resource_metadata":"` + metadataURL + `"}`},
		{"F03 a rule", b.resource.Denied(), 403, "", ""},
		{
			"D20 nothing gets out of its quotation marks",
			b.resource.Unauthenticated("mcp:read", "a\"b", "a\\b", "a\r\nSet-Cookie: x=y", "a b", "", "ä", "\x7f", strings.Repeat("x", 300)), 401,
			`Bearer resource_metadata="` + metadataURL + `", scope="mcp:read"`,
			`{"resource_metadata":"` + metadataURL + `","scope":"mcp:read"}`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.c.Status != test.status || challenge(test.c) != test.header || string(test.c.Data) != test.data {
				t.Errorf("%d %s %s\nwant %d %s %s", test.c.Status, challenge(test.c), test.c.Data, test.status, test.header, test.data)
			}
			b.checkNoStore(t, test.c) // D26
			w := httptest.NewRecorder()
			test.c.ServeHTTP(w, nil)
			if w.Code != test.status || w.Body.String() != test.data || w.Header().Get("WWW-Authenticate") != test.header {
				t.Errorf("served as %d %v %s", w.Code, w.Header(), w.Body)
			}
		})
	}
	t.Run("D26 refusals are not cached", func(t *testing.T) {
		t.Parallel()
		_, c := b.send("no-such-token-anywhere")
		want := http.Header{
			"Cache-Control":    {"no-store"},
			"Vary":             {"Authorization"},
			"Www-Authenticate": {`Bearer error="invalid_token", error_description="the access token is invalid", resource_metadata="` + metadataURL + `"`},
		}
		if diff := cmp.Diff(want, c.Header); diff != "" {
			t.Errorf("header (-want +got):\n%s", diff)
		}
	})
}

// Family F: what the server says about itself.
func TestMetadata(t *testing.T) {
	t.Parallel()
	b := newBedOf(t, idp.OIDC(issuer, resourceURL), auth.WithScopes("mcp:read", "mcp:write"))
	want := []string{"/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"}
	if diff := cmp.Diff(want, b.resource.Paths()); diff != "" {
		t.Errorf("F01 paths (-want +got):\n%s", diff)
	}
	serve := func(method string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		req := httptest.NewRequestWithContext(t.Context(), method, "http://spoofed.example/.well-known/oauth-protected-resource/mcp", nil)
		req.Header.Set("X-Forwarded-Host", "spoofed.example")
		b.resource.Handler().ServeHTTP(w, req)
		return w
	}
	document := `{"resource":"https://rs.example/mcp","authorization_servers":["https://id.example"],` +
		`"scopes_supported":["mcp:read","mcp:write"],"bearer_methods_supported":["header"]}`
	for method, status := range map[string]int{"GET": 200, "HEAD": 200, "OPTIONS": 204, "POST": 405, "PUT": 405, "DELETE": 405} {
		w := serve(method)
		if w.Code != status || w.Header().Get("Access-Control-Allow-Origin") != "*" || w.Header().Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("F01 %s: %d %v, want %d", method, w.Code, w.Header(), status)
		}
		if method == "GET" && (w.Body.String() != document || w.Header().Get("Content-Type") != "application/json") {
			t.Errorf("F01 document %s\nwant %s", w.Body, document)
		}
	}
	if w := serve("OPTIONS"); w.Header().Get("Access-Control-Allow-Headers") != "*" || w.Header().Get("Access-Control-Allow-Methods") != "GET, HEAD, OPTIONS" {
		t.Errorf("F01 preflight %v", w.Header())
	}
	for resource, paths := range map[string][]string{
		"https://rs.example":          {"/.well-known/oauth-protected-resource"},
		"https://rs.example/":         {"/.well-known/oauth-protected-resource"},
		"https://rs.example:8443/a/b": {"/.well-known/oauth-protected-resource/a/b", "/.well-known/oauth-protected-resource"},
		"http://127.0.0.1:8000/mcp/":  {"/.well-known/oauth-protected-resource/mcp/", "/.well-known/oauth-protected-resource"},
		"http://localhost:8000/mcp":   {"/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"},
		"http://[::1]:8000/mcp":       {"/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"},
	} {
		r, err := auth.NewResource(resource, idp.OIDC(issuer, resource))
		if err != nil {
			t.Errorf("%s: %v", resource, err)
			continue
		}
		if diff := cmp.Diff(paths, r.Paths()); diff != "" {
			t.Errorf("%s: paths (-want +got):\n%s", resource, diff)
		}
		if r.URL() != resource {
			t.Errorf("URL %q, want %q", r.URL(), resource)
		}
	}
}

// Mistakes in configuration are found before the first request.
func TestConfigurationErrors(t *testing.T) {
	t.Parallel()
	good := idp.OIDC(issuer, resourceURL)
	with := func(opts ...idp.Option) auth.Provider { return idp.OIDC(issuer, resourceURL, opts...) }
	endpoint := idp.IntrospectionEndpoint{URL: issuer + "/introspect", ClientID: "id", ClientSecret: "secret"}
	tests := []struct {
		name     string
		resource string
		provider auth.Provider
		opts     []auth.ResourceOption
		want     string
	}{
		{"no resource", "", good, nil, "not an absolute URL"},
		{"relative resource", "/mcp", good, nil, "not an absolute URL"},
		{"resource without scheme", "rs.example/mcp", good, nil, "not an absolute URL"},
		{"resource over http", "http://rs.example/mcp", good, nil, "not an https URL"},
		{"resource with fragment", resourceURL + "#f", good, nil, "fragment"},
		{"resource with query", resourceURL + "?q", good, nil, "canonical"},
		{"resource with credentials", "https://u:p@rs.example/mcp", good, nil, "credentials"},
		{"resource in upper case", "https://RS.example/mcp", good, nil, `"https://rs.example/mcp"`},
		{"resource with default port", "https://rs.example:443/mcp", good, nil, `"https://rs.example/mcp"`},
		{"resource with dots", "https://rs.example/a/../mcp", good, nil, `"https://rs.example/mcp"`},
		{"resource with escapes", "https://rs.example/%6dcp", good, nil, `"https://rs.example/mcp"`},
		{"resource with a comma", resourceURL + ",https://rs.example/two", good, nil, "more than one URL"},
		{"resource with a quotation mark", resourceURL + `"`, good, nil, "escaped"},
		{"resource with a backslash", resourceURL + `\`, good, nil, "escaped"},
		{"resource with a space", resourceURL + " ", good, nil, "escaped"},
		{"resource with a brace", resourceURL + "{x}", good, nil, "escaped"},
		{"resource with an escaped brace", resourceURL + "%7Bx%7D", good, nil, "canonical"},
		{"resource with a star", "https://*.example.com/mcp", good, nil, "host name"},
		{"resource with an invalid port", "https://rs.example:99999/mcp", good, nil, "port"},
		{"two issuers", resourceURL, idp.OIDC(issuer+",https://b.example", resourceURL), nil, "more than one URL"},
		{"issuer with a space", resourceURL, idp.OIDC(issuer+" ", resourceURL), nil, "escaped"},
		{"issuer with a line end", resourceURL, idp.OIDC(issuer+"\n", resourceURL), nil, "escaped"},
		{"issuer with credentials", resourceURL, idp.OIDC("https://u:p@id.example", resourceURL), nil, "credentials"},
		{"issuer with an invalid port", resourceURL, idp.OIDC("https://id.example:99999", resourceURL), nil, "port"},
		{"issuer with a slash twice", resourceURL, good, []auth.ResourceOption{auth.WithProvider(idp.OIDC(issuer+"/", resourceURL))}, "twice"},
		{"Keycloak at two URLs", resourceURL, idp.Keycloak("https://a.example,https://b.example", "r", resourceURL), nil, "more than one URL"},
		{"introspection at a star", resourceURL, idp.Introspection(issuer, resourceURL, idp.IntrospectionEndpoint{URL: "https://*.example.com", ClientID: "i", ClientSecret: "s"}), nil, "host name"},
		{"no provider", resourceURL, nil, nil, "no provider"},
		{"no issuer", resourceURL, idp.OIDC("", resourceURL), nil, "no issuer"},
		{"no audience", resourceURL, idp.OIDC(issuer, ""), nil, "no audience"},
		{"issuer over http", resourceURL, idp.OIDC("http://id.example", resourceURL), nil, "https"},
		{"issuer with query", resourceURL, idp.OIDC(issuer+"?x", resourceURL), nil, "query"},
		{"issuer is a name", resourceURL, idp.OIDC("id.example", resourceURL), nil, "absolute"},
		{"unknown algorithm", resourceURL, with(idp.WithAlgorithms("RS256", "HS256")), nil, "HS256"},
		{"algorithm none", resourceURL, with(idp.WithAlgorithms("none")), nil, "none"},
		{"no algorithm", resourceURL, with(idp.WithAlgorithms()), nil, "no algorithm"},
		{"a key set without keys", resourceURL, with(idp.WithKeySet([]byte(`{"keys":[]}`))), nil, "no usable key"},
		{"keys of an exponent of 1", resourceURL, with(idp.WithKeySet(fmt.Appendf(nil, `{"keys":[{"kty":"RSA","n":%q,"e":"AQ"}]}`, rsaJWK(nil)["n"]))), nil, "no usable key"},
		{"negative age", resourceURL, with(idp.WithMaxTokenAge(-1)), nil, "not positive"},
		{"empty client", resourceURL, with(idp.WithClients("")), nil, "no id"},
		{"bad scope prefix", resourceURL, with(idp.WithScopePrefix("a b")), nil, "prefix"},
		{"long leeway", resourceURL, good, []auth.ResourceOption{auth.WithLeeway(600e9)}, "leeway"},
		{"bad scope", resourceURL, good, []auth.ResourceOption{auth.WithScopes("a b")}, "cannot be offered"},
		{"offline_access", resourceURL, good, []auth.ResourceOption{auth.WithScopes("offline_access")}, "cannot be offered"},
		{"C05 cycle", resourceURL, good, []auth.ResourceOption{auth.WithHierarchy("a", "b"), auth.WithHierarchy("b", "c"), auth.WithHierarchy("c", "a")}, "cycle"},
		{"C05 cycle of one", resourceURL, good, []auth.ResourceOption{auth.WithHierarchy("a", "a")}, "cycle"},
		{"bad scope in hierarchy", resourceURL, good, []auth.ResourceOption{auth.WithHierarchy("a", "b c")}, "hierarchy"},
		{"one issuer twice", resourceURL, good, []auth.ResourceOption{auth.WithProvider(good)}, "twice"},
		{"two kinds of tokens", resourceURL, good, []auth.ResourceOption{auth.WithProvider(idp.GitHub("id", "secret"))}, "only provider"},
		{"introspection without secret", resourceURL, idp.Introspection(issuer, resourceURL, idp.IntrospectionEndpoint{URL: endpoint.URL}), nil, "no client id"},
		{"introspection over http", resourceURL, idp.Introspection(issuer, resourceURL, idp.IntrospectionEndpoint{URL: "http://id.example/", ClientID: "i", ClientSecret: "s"}), nil, "https"},
		{"introspection without audience", resourceURL, idp.Introspection(issuer, "", endpoint), nil, "no audience"},
		{"introspection with algorithms", resourceURL, idp.Introspection(issuer, resourceURL, endpoint, idp.WithAlgorithms("RS256")), nil, "opaque"},
		{"GitHub without secret", resourceURL, idp.GitHub("id", ""), nil, "secret"},
		{"Google without client", resourceURL, idp.Google(""), nil, "no audience"},
		{"Google access token without client", resourceURL, idp.GoogleAccessToken(""), nil, "client id"},
		{"Cognito region", resourceURL, idp.Cognito("evil.example/", "eu-west-1_abc"), nil, "region"},
		{"Cognito pool", resourceURL, idp.Cognito("eu-west-1", "abc/.."), nil, "user pool"},
		{"Auth0 domain", resourceURL, idp.Auth0("https://t.auth0.com", resourceURL), nil, "domain"},
		{"Okta org server", resourceURL, idp.Okta("https://t.okta.com", resourceURL), nil, "custom authorization server"},
		{"Keycloak realm", resourceURL, idp.Keycloak("https://kc.example", "", resourceURL), nil, "realm"},
		{"B05 Entra common", resourceURL, idp.EntraID("common", entraApp), nil, "tenant"},
		{"Entra application", resourceURL, idp.EntraID(entraTenant, "api://x"), nil, "application"},
		{"WorkOS domain", resourceURL, idp.WorkOS(""), nil, "domain"},
		{"custom without function", resourceURL, auth.Custom("x", nil), nil, "function"},
		{"custom without issuer", resourceURL, auth.Custom("", verifyNothing), nil, "no issuer"},
		{"no static tokens", resourceURL, auth.StaticTokens(nil), nil, "no tokens"},
		{"static token in the clear", resourceURL, auth.StaticTokens(map[string]auth.User{"secret": {Subject: "a"}}), nil, "HashToken"},
		{"static user without subject", resourceURL, auth.StaticTokens(map[string]auth.User{auth.HashToken("s"): {}}), nil, "subject"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r, err := auth.NewResource(test.resource, test.provider, test.opts...)
			if err == nil || r != nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("NewResource = %v, %v, want an error with %q", r, err, test.want)
			}
			if err != nil && (strings.Contains(err.Error(), "u:p@") || strings.Contains(err.Error(), "\n")) {
				t.Errorf("the error repeats credentials, or has several lines: %v", err)
			}
		})
	}
}
