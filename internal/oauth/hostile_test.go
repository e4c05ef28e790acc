package oauth_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/internal/oauth"
)

// H1: metadata speaks for the server, or for a parent path at whose well-known
// URI it is.
func TestAttackH01ResourceMismatch(t *testing.T) {
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

// H2: the issuer in the metadata is the one that was asked, byte for byte but for
// the slash of an empty path.
func TestAttackH02IssuerMismatch(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(issuer string) any{
		"another":          func(string) any { return "https://honest.example" },
		"with two slashes": func(issuer string) any { return issuer + "//" },
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
func TestAttackH03NoPKCE(t *testing.T) {
	t.Parallel()
	for _, methods := range []any{nil, []string{}, []string{"plain"}, []string{"s256"}} {
		w := newWorld(t)
		w.metadata = map[string]any{"code_challenge_methods_supported": methods}
		if err := w.call(); !errors.Is(err, oauth.ErrNoPKCE) || len(w.to("/register")) > 0 {
			t.Errorf("%v: %v", methods, err)
		}
		var log bytes.Buffer
		if err := w.call(func(c *oauth.Config) {
			c.InsecureNoPKCE, c.Logger = true, slog.New(slog.NewTextHandler(&log, nil))
		}); err != nil || !strings.Contains(log.String(), "does not say that it supports PKCE") {
			t.Errorf("%v, insecure: %v, with the warning %s", methods, err, &log)
		}
		if asked := w.to("/authorize"); asked[0].form.Get("code_challenge_method") != "S256" {
			t.Error("PKCE was not used")
		}
	}
}

// H4: the callback belongs to this sign-in and comes from this issuer (RFC 9207,
// section 2.4).
func TestAttackH04Callback(t *testing.T) {
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
		{name: "the issuer with a path", iss: "yes", callback: func(issuer string) url.Values { return url.Values{"iss": {issuer + "/x"}} }, want: oauth.ErrIssuer.Error()},
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
func TestAttackH06Redirects(t *testing.T) {
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
func TestAttackH08ServerMigration(t *testing.T) {
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
func TestAttackH08Registered(t *testing.T) {
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
