package oauth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/internal/oauth"
)

// H1: metadata speaks for the server, or for a parent path at whose well-known
// URI it is.
func TestResourceMismatch(t *testing.T) {
	t.Parallel()
	const path, root = "/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"
	for _, test := range []struct {
		name, at  string
		challenge bool // the challenge says where
		resource  func(base string) any
		good      bool
	}{
		{"the server", path, false, func(base string) any { return base + "/mcp" }, true},
		{"the server with a slash", path, false, func(base string) any { return base + "/mcp/" }, true},
		{"the server at the root", root, false, func(base string) any { return base + "/mcp" }, true},
		{"the server anywhere", "/anywhere", true, func(base string) any { return base + "/mcp" }, true},
		{"the root at the root", root, false, func(base string) any { return base }, true},
		{"the root at the root with a slash", root, true, func(base string) any { return base + "/" }, true},
		{"the root at the path", path, false, func(base string) any { return base }, false},
		{"the root anywhere", "/anywhere", true, func(base string) any { return base }, false},
		{"another path", path, false, func(base string) any { return base + "/other" }, false},
		{"a longer path", path, false, func(base string) any { return base + "/mcp/more" }, false},
		{"part of the path's name", root + "/mc", true, func(base string) any { return base + "/mc" }, false},
		{"another origin", path, false, func(string) any { return "https://honest.example/mcp" }, false},
		{"another port", path, false, func(string) any { return "http://127.0.0.1:1/mcp" }, false},
		{"another scheme", path, false, func(base string) any { return strings.Replace(base, "http", "https", 1) + "/mcp" }, false},
		{"with a user", path, false, func(base string) any { return strings.Replace(base, "//", "//user@", 1) + "/mcp" }, false},
		{"with a fragment", path, false, func(base string) any { return base + "/mcp#" }, false},
		{"with a query", path, false, func(base string) any { return base + "/mcp?tenant=1" }, false},
		{"none", path, false, func(string) any { return nil }, false},
		{"no string", path, false, func(base string) any { return []string{base + "/mcp"} }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.metadataAt = test.at
			w.resource = map[string]any{"resource": test.resource(w.mcp.URL)}
			if test.challenge {
				w.refuse = w.challenge(http.StatusUnauthorized, `Bearer resource_metadata="`+w.mcp.URL+test.at+`"`)
			}
			err := w.call()
			if test.good && err != nil {
				t.Errorf("refused: %v", err)
			}
			if !test.good && (err == nil || len(w.to("/register"))+len(w.to("/authorize")) > 0) {
				t.Errorf("not refused (%v), with %d requests", err, len(w.requests))
			}
		})
	}
}

// challenge answers requests without the good token.
func (w *world) challenge(status int, challenges ...string) func(http.ResponseWriter, *http.Request) bool {
	return func(rw http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Authorization") == "Bearer "+goodToken {
			return false
		}
		for _, c := range challenges {
			rw.Header().Add("WWW-Authenticate", c)
		}
		rw.WriteHeader(status)
		return true
	}
}

// H2: the issuer in the metadata is the one that was asked, byte for byte.
func TestIssuerMismatch(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(issuer string) any{
		"another":          func(string) any { return "https://honest.example" },
		"with a slash":     func(issuer string) any { return issuer + "/" },
		"in capitals":      func(issuer string) any { return strings.ToUpper(issuer[:4]) + issuer[4:] },
		"with a path":      func(issuer string) any { return issuer + "/tenant" },
		"none":             func(string) any { return nil },
		"not a string":     func(issuer string) any { return []string{issuer} },
		"in another field": func(string) any { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.metadata = map[string]any{"issuer": change(w.as.URL)}
			if name == "in another field" {
				w.metadata["Issuer"] = w.as.URL
			}
			if err := w.call(); err == nil || len(w.to("/register"))+len(w.to("/authorize")) > 0 {
				t.Errorf("err = %v, with %d requests", err, len(w.requests))
			}
		})
	}
}

// The endpoints are as trustworthy as the issuer.
func TestBadEndpoints(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"authorization_endpoint", "token_endpoint", "registration_endpoint"} {
		for _, bad := range []any{
			"http://169.254.169.254/latest", "http://10.0.0.1/token", "http://honest.example/token", "javascript:alert(1)",
			"file:///etc/passwd", "//honest.example/token", "/token", "https://user:password@honest.example/", "https://", 1,
			"https://honest.example/#fragment", "https://honest.example/" + strings.Repeat("a", 9000),
		} {
			w := newWorld(t)
			w.metadata = map[string]any{name: bad}
			if err := w.call(); err == nil || len(w.to("/register"))+len(w.to("/authorize")) > 0 {
				t.Errorf("%s = %.40v: %v, with %d requests", name, bad, err, len(w.requests))
			}
		}
	}
}

// H3: no PKCE, no sign-in.
func TestNoPKCE(t *testing.T) {
	t.Parallel()
	for _, methods := range []any{nil, []string{}, []string{"plain"}, []string{"s256"}} {
		w := newWorld(t)
		w.metadata = map[string]any{"code_challenge_methods_supported": methods}
		if err := w.call(); !errors.Is(err, oauth.ErrNoPKCE) || len(w.to("/register")) > 0 {
			t.Errorf("%v: %v", methods, err)
		}
		if err := w.call(func(c *oauth.Config) { c.InsecureNoPKCE = true }); err != nil {
			t.Errorf("%v, insecure: %v", methods, err)
		}
		if asked := w.to("/authorize"); asked[0].form.Get("code_challenge_method") != "S256" {
			t.Error("PKCE was not used")
		}
	}
}

// H4: the callback belongs to this sign-in and comes from this issuer (RFC 9207,
// section 2.4).
func TestCallback(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		iss      string // advertised, or not
		callback func(issuer string) url.Values
		want     string // in the error; empty for success
		never    string // not in the error
	}{
		{name: "issuer advertised and there", iss: "yes", callback: func(issuer string) url.Values { return url.Values{"iss": {issuer}} }},
		{name: "issuer not advertised and not there"},
		{name: "issuer not advertised and there", callback: func(issuer string) url.Values { return url.Values{"iss": {issuer}} }},
		{name: "issuer advertised and missing", iss: "yes", want: oauth.ErrIssuer.Error()},
		{name: "another issuer", iss: "yes", callback: func(string) url.Values { return url.Values{"iss": {"https://evil.example"}} }, want: oauth.ErrIssuer.Error()},
		{name: "another issuer, not advertised", callback: func(string) url.Values { return url.Values{"iss": {"https://evil.example"}} }, want: oauth.ErrIssuer.Error()},
		{name: "the issuer with a slash", iss: "yes", callback: func(issuer string) url.Values { return url.Values{"iss": {issuer + "/"}} }, want: oauth.ErrIssuer.Error()},
		{name: "an empty issuer", callback: func(string) url.Values { return url.Values{"iss": {""}} }, want: oauth.ErrIssuer.Error()},
		{name: "the issuer twice", callback: func(issuer string) url.Values { return url.Values{"iss": {issuer, issuer}} }, want: "twice"},
		{name: "no state", callback: func(string) url.Values { return url.Values{"state": nil} }, want: "another sign-in"},
		{name: "another state", callback: func(string) url.Values { return url.Values{"state": {"x"}} }, want: "another sign-in"},
		{name: "two states", callback: func(string) url.Values { return url.Values{"state": {"x", "y"}} }, want: "another sign-in"},
		{name: "two codes", callback: func(string) url.Values { return url.Values{"code": {"x", "y"}} }, want: "twice"},
		{name: "no code", callback: func(string) url.Values { return url.Values{"code": nil} }, want: "no code"},
		{
			name: "an error",
			callback: func(string) url.Values {
				return url.Values{"error": {"access_denied"}, "error_description": {"not\n you"}}
			},
			want: "access_denied: not you",
		},
		{
			name: "an error from somebody else", callback: func(string) url.Values {
				return url.Values{"iss": {"https://evil.example"}, "error": {"access_denied"}, "error_description": {"call 555-1234"}}
			},
			want: oauth.ErrIssuer.Error(), never: "555",
		},
		{
			name: "an error without the issuer", iss: "yes",
			callback: func(string) url.Values {
				return url.Values{"error": {"access_denied"}, "error_description": {"call 555-1234"}}
			},
			want: oauth.ErrIssuer.Error(), never: "555",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if test.iss != "" {
				w.metadata = map[string]any{"authorization_response_iss_parameter_supported": true}
			}
			if test.callback != nil {
				w.callback = test.callback(w.as.URL)
			}
			err := w.call()
			switch {
			case test.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("err = %v, want %q", err, test.want)
			case test.never != "" && strings.Contains(err.Error(), test.never):
				t.Errorf("err = %v, which repeats %q", err, test.never)
			case test.want != "" && len(w.to("/token")) > 0:
				t.Error("the code was sent to the token endpoint")
			}
			if err != nil && strings.Contains(err.Error(), "secret-code") {
				t.Errorf("err = %v, which holds the code", err)
			}
		})
	}
}

// H6: redirects lead nowhere else.
func TestRedirects(t *testing.T) {
	t.Parallel()
	var reached bool
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	t.Cleanup(elsewhere.Close)
	for _, path := range []string{"/token", "/register", "/.well-known/oauth-authorization-server", "/.well-known/oauth-protected-resource/mcp"} {
		w := newWorld(t)
		redirect := func(server *httptest.Server) {
			next := server.Config.Handler
			server.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if r.URL.Path == path {
					http.Redirect(rw, r, elsewhere.URL+path, http.StatusTemporaryRedirect)
					return
				}
				next.ServeHTTP(rw, r)
			})
		}
		redirect(w.as)
		redirect(w.mcp)
		if err := w.call(); err == nil || reached {
			t.Errorf("%s: %v, reached %t", path, err, reached)
		}
	}
}

// H8: what one authorization server gave never reaches the next, and what was
// asked of it is not asked of the next.
func TestServerMigration(t *testing.T) {
	t.Parallel()
	w, next, c := newWorld(t), newWorld(t), &clock{}
	w.client = map[string]any{"client_id": "first-client", "client_secret": "first-secret"}
	w.tokens = map[string]any{"refresh_token": "first-refresh"}
	next.client = map[string]any{"client_id": "second-client"}
	next.tokens = map[string]any{"access_token": goodToken + "-2"}
	moved := false
	w.refuse = func(rw http.ResponseWriter, r *http.Request) bool {
		switch {
		case moved && r.Header.Get("Authorization") != "Bearer "+goodToken+"-2":
			rw.WriteHeader(http.StatusUnauthorized)
		case r.Header.Get("Authorization") == "":
			rw.Header().Set("WWW-Authenticate", `Bearer scope="first-scope"`)
			rw.WriteHeader(http.StatusUnauthorized)
		default:
			return false
		}
		return true
	}
	config := w.config()
	config.Now = c.now
	a := newAuthorizer(t, config)
	mustCall(t, a, w.url())
	moved = true
	before := len(w.to("/token"))
	c.add(time.Minute)
	w.resource = map[string]any{"authorization_servers": []string{next.as.URL}}
	mustCall(t, a, w.url())
	if len(next.to("/register")) != 1 || len(w.to("/token")) != before {
		t.Error("the client did not leave the first server and register with the second")
	}
	for _, r := range append(next.requests, w.to("/authorize")[1:]...) {
		if said := fmt.Sprint(r.form, r.header); strings.Contains(said, "first-") {
			t.Errorf("the second server got %s", said)
		}
	}
}

// H8: credentials that were registered beforehand are good nowhere else, and the
// person hears of it.
func TestServerMigrationOfRegistered(t *testing.T) {
	t.Parallel()
	w, next := newWorld(t), newWorld(t)
	config := w.config()
	config.Client = oauth.Client{ID: "first-client", Secret: "first-secret"}
	a := newAuthorizer(t, config)
	mustCall(t, a, w.url())
	w.refuse = func(rw http.ResponseWriter, _ *http.Request) bool {
		rw.WriteHeader(http.StatusUnauthorized)
		return true
	}
	w.resource = map[string]any{"authorization_servers": []string{next.as.URL}}
	_, err := call(t.Context(), a, w.url())
	if err == nil || !strings.Contains(err.Error(), "no longer names "+w.as.URL) || len(next.requests) > 0 {
		t.Errorf("err = %v, with %d requests to the second server", err, len(next.requests))
	}
}

// H9: a server that is never content is left alone.
func TestLoops(t *testing.T) {
	t.Parallel()
	for name, refuse := range map[string]func(rw http.ResponseWriter, n int) int{
		"401": func(http.ResponseWriter, int) int { return http.StatusUnauthorized },
		"403 with the same scope": func(rw http.ResponseWriter, _ int) int {
			rw.Header().Set("WWW-Authenticate", `Bearer error="insufficient_scope", scope="mcp:admin"`)
			return http.StatusForbidden
		},
		"403 with another scope each time": func(rw http.ResponseWriter, n int) int {
			rw.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer error="insufficient_scope", scope="mcp:%d"`, n))
			return http.StatusForbidden
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, n := newWorld(t), 0
			w.refuse = func(rw http.ResponseWriter, r *http.Request) bool {
				n++
				if r.Header.Get("Authorization") == "" {
					return false
				}
				rw.WriteHeader(refuse(rw, n))
				return true
			}
			a := newAuthorizer(t, w.config())
			for range 3 { // calls one after the other are a row too
				if _, err := call(t.Context(), a, w.url()); err == nil {
					t.Error("no error")
				}
			}
			if got := len(w.to("/authorize")); got > 3 {
				t.Errorf("%d authorizations, want at most 3", got)
			}
		})
	}
}

// H9: challenges that are strange, and what is made of them.
func TestStrangeChallenges(t *testing.T) {
	t.Parallel()
	for name, challenges := range map[string][]string{
		"none":                    nil,
		"garbage":                 {`"""=,,=;\`, "Bearer ==", strings.Repeat("a ", 20000)},
		"another scheme first":    {`Negotiate abc=, Basic realm="a, b", Bearer scope="mcp:read"`},
		"two fields":              {`Basic realm="x"`, `bearer SCOPE="mcp:read"`},
		"two of ours":             {`Bearer scope="mcp:read", Bearer scope="mcp:write"`},
		"an escape in the string": {`Bearer realm="a\"b", scope="mcp:read"`},
		"no end of the string":    {`Bearer scope="mcp:read`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.refuse = w.challenge(http.StatusUnauthorized, challenges...)
			if err := w.call(); err != nil {
				t.Fatal(err)
			}
			if got := w.to("/authorize")[0].form.Get("scope"); got != "mcp:read" {
				t.Errorf("scope = %q", got)
			}
		})
	}
	t.Run("under another name", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.refuse = func(rw http.ResponseWriter, r *http.Request) bool {
			if r.Header.Get("Authorization") == "" {
				rw.Header().Set("x-amzn-remapped-www-authenticate", `Bearer scope="mcp:remapped"`)
				rw.WriteHeader(http.StatusUnauthorized)
			}
			return r.Header.Get("Authorization") == ""
		}
		if err := w.call(); err != nil {
			t.Fatal(err)
		}
		if got := w.to("/authorize")[0].form.Get("scope"); got != "mcp:remapped" {
			t.Errorf("scope = %q", got)
		}
	})
	t.Run("403 that is not about scopes", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.refuse = func(rw http.ResponseWriter, _ *http.Request) bool { rw.WriteHeader(http.StatusForbidden); return true }
		if err := w.call(); err == nil || len(w.requests) > 0 {
			t.Errorf("err = %v, with %d requests", err, len(w.requests))
		}
	})
}

// H10: token responses.
func TestTokenResponse(t *testing.T) {
	t.Parallel()
	hour := func(d time.Duration) bool { return d == time.Hour }
	never := func(d time.Duration) bool { return d == 0 }
	for _, test := range []struct {
		name   string
		tokens map[string]any
		life   func(time.Duration) bool // nil when the response is refused
	}{
		{"as it should be", nil, hour},
		{"type in another case", map[string]any{"token_type": "bEARER"}, hour},
		{"type mac", map[string]any{"token_type": "mac"}, nil},
		{"type DPoP without a proof", map[string]any{"token_type": "DPoP"}, nil},
		{"no type", map[string]any{"token_type": nil}, nil},
		{"no token", map[string]any{"access_token": nil}, nil},
		{"an empty token", map[string]any{"access_token": ""}, nil},
		{"a token that breaks a line", map[string]any{"access_token": goodToken + "\r\nX: y"}, nil},
		{"a token with a space", map[string]any{"access_token": goodToken + " y"}, nil},
		{"a token that is too long", map[string]any{"access_token": goodToken + strings.Repeat("a", 20<<10)}, nil},
		{"a token that is a number", map[string]any{"access_token": 1}, nil},
		{"a refresh token that breaks a line", map[string]any{"refresh_token": "a\nb"}, nil},
		{"no expiry", map[string]any{"expires_in": nil}, never},
		{"expiry as a string", map[string]any{"expires_in": "3600"}, hour},
		{"expiry as a fraction", map[string]any{"expires_in": 3600.5}, hour},
		{"negative expiry", map[string]any{"expires_in": -1}, never},
		{"zero expiry", map[string]any{"expires_in": 0}, never},
		{"expiry that is no number", map[string]any{"expires_in": "soon"}, never},
		{"expiry that is an object", map[string]any{"expires_in": map[string]any{}}, never},
		{"huge expiry", map[string]any{"expires_in": 1e300}, func(d time.Duration) bool { return d == 365*24*time.Hour }},
		{"fewer scopes", map[string]any{"scope": "mcp:less"}, hour},
		{"no scope", map[string]any{"scope": ""}, hour},
		{"scope that is a list", map[string]any{"scope": []string{"a"}}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w, c := newWorld(t), &clock{}
			w.tokens = test.tokens
			config := w.config()
			config.Now = c.now
			a := newAuthorizer(t, config)
			_, err := call(t.Context(), a, w.url())
			if (err == nil) != (test.life != nil) {
				t.Fatalf("err = %v", err)
			}
			if err != nil {
				return
			}
			// How long it is used shows in when it is refreshed.
			for _, d := range []time.Duration{time.Hour, 365 * 24 * time.Hour} {
				c.ahead = d - time.Minute
				before := len(w.to("/token"))
				mustCall(t, a, w.url())
				c.ahead = d
				mustCall(t, a, w.url())
				if refreshed := len(w.to("/token")) > before; refreshed != test.life(d) && (d == time.Hour || !test.life(time.Hour)) {
					t.Errorf("refreshed after %s: %t", d, refreshed)
				}
			}
		})
	}
}

// H12: a server that repeats secrets in its errors does not get them into ours,
// nor does a value print them.
func TestErrorsHoldNoSecrets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.token = func(rw http.ResponseWriter, form url.Values) bool {
		answerJSON(rw, http.StatusBadRequest, map[string]any{
			"error": "invalid_request", "error_description": fmt.Sprint("I got ", form.Get("code"), form.Get("code_verifier"), " and the-client-secret"),
		})
		return true
	}
	client := oauth.Client{ID: "client", Secret: "the-client-secret"}
	err := w.call(func(c *oauth.Config) { c.Client = client })
	said := fmt.Sprintf("%v %+v %#v %s", err, client, client, client)
	for _, secret := range []string{"secret-code", "the-client-secret", w.to("/token")[0].form.Get("code_verifier")} {
		if strings.Contains(said, secret) {
			t.Errorf("%s holds %s", said, secret)
		}
	}
	if refused, ok := errors.AsType[*oauth.Error](err); !ok || refused.Code != "invalid_request" || refused.Status != http.StatusBadRequest {
		t.Errorf("err = %v", err)
	}
}

// H14 and other configurations that cannot work.
func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for _, config := range []oauth.Config{
		{},
		{Server: "http://mcp.example.com/mcp"},
		{Server: "ftp://mcp.example.com/mcp"},
		{Server: "https://user:password@mcp.example.com/mcp"},
		{Server: "https://mcp.example.com/mcp#fragment"},
		{Server: "mcp.example.com"},
		{Server: "https://mcp.example.com", Scopes: []string{"two scopes"}},
		{Server: "https://mcp.example.com", MetadataURL: "http://client.example.com/client.json"},
		{Server: "https://mcp.example.com", MetadataURL: "https://client.example.com/"},
		{Server: "https://mcp.example.com", Client: oauth.Client{Secret: "secret"}},
	} {
		_, err := oauth.New(config)
		if err == nil {
			t.Errorf("%+v was accepted", config)
		} else if strings.Contains(err.Error(), "password") {
			t.Errorf("err = %v, which holds a password", err)
		}
	}
}

// A server without TLS is used when that is asked for, its authorization server
// still needs it.
func TestInsecureHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const server = "http://mcp.example.com"
	home := map[string]string{"mcp.example.com": w.mcp.URL}
	w.resource = map[string]any{"resource": server + "/mcp"}
	client := &http.Client{Transport: transport(func(req *http.Request) (*http.Response, error) {
		if to := home[req.URL.Host]; to != "" {
			req = req.Clone(req.Context())
			req.URL.Host = strings.TrimPrefix(to, "http://")
		}
		return http.DefaultTransport.RoundTrip(req)
	})}
	a := newAuthorizer(t, oauth.Config{
		Server: server + "/mcp", InsecureHTTP: true, HTTPClient: client,
		Grant: oauth.AuthorizationCode{Visit: w.visit, RedirectURI: redirectURI},
	})
	if err := a.SignIn(t.Context()); err != nil {
		t.Error(err)
	}
	w.resource["authorization_servers"] = []string{"http://id.example.com"}
	if err := a.SignIn(t.Context()); err == nil {
		t.Error("an authorization server without TLS was used")
	}
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// Tokens that are short-lived are not taken for tokens that are refused.
func TestShortLife(t *testing.T) {
	t.Parallel()
	w, c := newWorld(t), &clock{}
	w.tokens = map[string]any{"expires_in": 15, "refresh_token": nil}
	served := true
	w.refuse = func(rw http.ResponseWriter, r *http.Request) bool {
		if served { // the token that came last is no longer good
			served = false
			rw.WriteHeader(http.StatusUnauthorized)
			return true
		}
		return false
	}
	config := w.config()
	config.Now = c.now
	a := newAuthorizer(t, config)
	for range 6 {
		served = true
		mustCall(t, a, w.url())
		c.add(20 * time.Second)
	}
}

// H15: a person is asked for what a person can read.
func TestManyScopes(t *testing.T) {
	t.Parallel()
	for name, scope := range map[string]string{
		"500 scopes":        numbered(500),
		"a very long scope": strings.Repeat("s", 5000),
	} {
		w := newWorld(t)
		w.refuse = w.challenge(http.StatusUnauthorized, `Bearer scope="`+scope+`"`)
		if err := w.call(); err == nil || len(w.to("/authorize"))+len(w.to("/register")) > 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	w := newWorld(t)
	w.refuse = w.challenge(http.StatusUnauthorized, `Bearer scope="good a\"b c\\d `+"\u00e9"+` fine"`)
	if err := w.call(); err != nil {
		t.Fatal(err)
	}
	if got := w.to("/authorize")[0].form.Get("scope"); got != "good fine" {
		t.Errorf("scope = %q", got)
	}
}

func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "scope-%d ", i)
	}
	return b.String()
}

// H16: every request for a token names the resource.
func TestResourceParameter(t *testing.T) {
	t.Parallel()
	w, c := newWorld(t), &clock{}
	config := w.config()
	config.Now = c.now
	a := newAuthorizer(t, config)
	mustCall(t, a, w.url())
	c.add(2 * time.Hour)
	mustCall(t, a, w.url())
	requests := append(w.to("/authorize"), w.to("/token")...)
	if len(requests) != 3 || requests[2].form.Get("grant_type") != "refresh_token" {
		t.Fatalf("%d requests", len(requests))
	}
	for _, r := range requests {
		if got := r.form["resource"]; len(got) != 1 || got[0] != w.url() {
			t.Errorf("%s: resource = %q", r.path, got)
		}
	}
}

// A token goes to the server that it is for.
func TestOtherOrigin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := newAuthorizer(t, w.config())
	mustCall(t, a, w.url())
	for _, target := range []string{w.as.URL + "/mcp", "https://127.0.0.1/mcp", "http://evil.example/mcp"} {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, target, http.NoBody)
		if err := a.Authorize(t.Context(), req); err == nil || req.Header.Get("Authorization") != "" {
			t.Errorf("%s: %v", target, err)
		}
	}
}

// Calls that are refused at the same time lead to one sign-in.
func TestSignInOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := newAuthorizer(t, w.config())
	const calls = 8
	var refused, served sync.WaitGroup
	refused.Add(calls)
	for range calls {
		served.Go(func() {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url(), http.NoBody)
			if err != nil {
				t.Error(err)
			}
			refused.Done()
			refused.Wait()
			retry, err := a.Challenged(t.Context(), &http.Response{StatusCode: http.StatusUnauthorized, Header: http.Header{}, Request: req})
			if !retry || err != nil {
				t.Errorf("retry %t, %v", retry, err)
			}
		})
	}
	served.Wait()
	if got := len(w.to("/authorize")); got != 1 {
		t.Errorf("%d sign-ins, want 1", got)
	}
	mustCall(t, a, w.url())
}

// Metadata that cannot be read at the moment, or that has no end, is not the
// same as none.
func TestMetadataFails(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"not at the moment": func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusServiceUnavailable) },
		"no end": func(rw http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprintf(rw, `{"padding":%q}`, strings.Repeat("a", 600<<10))
		},
		"no object":    func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write([]byte(`[]`)) },
		"a name twice": func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write([]byte(`{"issuer":"a","issuer":"b"}`)) },
	} {
		for _, path := range []string{"/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-authorization-server"} {
			w, asked := newWorld(t), []string{}
			for _, server := range []*httptest.Server{w.mcp, w.as} {
				next := server.Config.Handler
				server.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
					asked = append(asked, r.URL.Path)
					if r.URL.Path == path {
						answer(rw, r)
						return
					}
					next.ServeHTTP(rw, r)
				})
			}
			if err := w.call(); err == nil || asked[len(asked)-1] != path {
				t.Errorf("%s: %s: %v, asked %q", name, path, err, asked)
			}
		}
	}
}

// A person who says no is not asked again by the calls that waited, nor by the
// next ones for a while.
func TestRefusedByThePerson(t *testing.T) {
	t.Parallel()
	w, c := newWorld(t), &clock{}
	w.callback = url.Values{"error": {"access_denied"}}
	config := w.config()
	config.Now = c.now
	a := newAuthorizer(t, config)
	var calls sync.WaitGroup
	for range 5 {
		calls.Go(func() {
			_, err := call(t.Context(), a, w.url())
			if refused, ok := errors.AsType[*oauth.Error](err); !ok || refused.Code != "access_denied" {
				t.Errorf("err = %v", err)
			}
		})
	}
	calls.Wait()
	if got := len(w.to("/authorize")); got != 1 {
		t.Errorf("the person was asked %d times", got)
	}
	w.callback = nil
	c.add(time.Minute)
	mustCall(t, a, w.url())

	// A call that is given up is nobody else's failure.
	ctx, cancel := context.WithCancel(t.Context())
	config.Grant = oauth.AuthorizationCode{RedirectURI: redirectURI, Visit: func(visitCtx context.Context, target string) (string, error) {
		if ctx.Err() != nil {
			return w.visit(visitCtx, target)
		}
		cancel()
		return "", visitCtx.Err()
	}}
	a = newAuthorizer(t, config)
	if _, err := call(ctx, a, w.url()); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v", err)
	}
	mustCall(t, a, w.url())
}

// A refresh token is used again when none comes in its place (RFC 6749, section
// 6), and what was granted stays.
func TestRefreshTokenIsKept(t *testing.T) {
	t.Parallel()
	w, c := newWorld(t), &clock{}
	config := w.config()
	config.Now = c.now
	a := newAuthorizer(t, config)
	mustCall(t, a, w.url())
	w.tokens = map[string]any{"refresh_token": nil}
	for range 3 {
		c.add(2 * time.Hour)
		mustCall(t, a, w.url())
	}
	requests := w.to("/token")
	if len(requests) != 4 || len(w.to("/authorize")) != 1 {
		t.Fatalf("%d token requests, want 4", len(requests))
	}
	for _, r := range requests[1:] {
		if got := r.form.Get("refresh_token"); got != "refresh-token" {
			t.Errorf("refresh_token = %q", got)
		}
	}
}

// An authorization server that does not answer is an error, and the token that
// there is stays.
func TestRefreshFails(t *testing.T) {
	t.Parallel()
	w, c := newWorld(t), &clock{}
	config := w.config()
	config.Now = c.now
	a := newAuthorizer(t, config)
	mustCall(t, a, w.url())
	c.add(2 * time.Hour)
	w.token = func(rw http.ResponseWriter, _ url.Values) bool { rw.WriteHeader(http.StatusBadGateway); return true }
	if _, err := call(t.Context(), a, w.url()); err == nil {
		t.Error("no error")
	}
	w.token = nil
	mustCall(t, a, w.url())
	if len(w.to("/authorize")) != 1 {
		t.Error("the person had to sign in again")
	}
}
