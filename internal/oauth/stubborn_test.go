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

// H9: a server that is never content is left alone.
func TestAttackH09Loops(t *testing.T) {
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

// H9: strange challenges are read as far as they make sense.
func TestAttackH09Challenges(t *testing.T) {
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
func TestAttackH10TokenResponse(t *testing.T) {
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
func TestAttackH12Errors(t *testing.T) {
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
	a := newAuthorizer(t, oauth.Config{Server: w.url(), Client: client})
	said := fmt.Sprintf("%v %+v %#v %s %+v %#v", err, client, client, client, a, a)
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
func TestAttackH14Configuration(t *testing.T) {
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
func TestAttackH15ManyScopes(t *testing.T) {
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
func TestAttackH16ResourceParameter(t *testing.T) {
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
