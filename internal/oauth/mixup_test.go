package oauth_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/internal/oauth"
)

// A8: an attacker's metadata names the authorization endpoint of an honest
// server. Its answer does not say whose it is, and so neither the code nor the
// verifier goes to the attacker's token endpoint.
func TestAttackA08MixUp(t *testing.T) {
	t.Parallel()
	honest := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(honest.Close)
	for _, test := range []struct {
		name     string
		endpoint string
		callback func(w *world) url.Values
		change   func(*world, *oauth.Config)
		want     error
	}{
		{"no issuer", honest.URL + "/authorize", nil, nil, oauth.ErrMixUp},
		{"another port", "http://127.0.0.1:1/authorize", nil, nil, oauth.ErrMixUp},
		{"another name of this machine", strings.Replace(honest.URL, "127.0.0.1", "localhost", 1) + "/authorize", nil, nil, oauth.ErrMixUp},
		{"the honest issuer", honest.URL + "/authorize", func(*world) url.Values { return url.Values{"iss": {honest.URL}} }, nil, oauth.ErrIssuer},
		{"the issuer itself", honest.URL + "/authorize", func(w *world) url.Values { return url.Values{"iss": {w.as.URL}} }, nil, nil},
		{"an issuer that the user names", honest.URL + "/authorize", nil, func(w *world, c *oauth.Config) {
			c.Client = oauth.Client{ID: "app", Issuer: w.as.URL}
		}, nil},
		{"without a check", honest.URL + "/authorize", nil, func(_ *world, c *oauth.Config) { c.InsecureNoIssuer = true }, nil},
		{"the same origin", "", nil, nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if test.endpoint != "" {
				w.metadata = map[string]any{"authorization_endpoint": test.endpoint}
			}
			if test.callback != nil {
				w.callback = test.callback(w)
			}
			err := w.call(func(c *oauth.Config) {
				if test.change != nil {
					test.change(w, c)
				}
			})
			if !errors.Is(err, test.want) || test.want == nil && err != nil {
				t.Errorf("err = %v, want %v", err, test.want)
			}
			if test.want != nil && len(w.to("/token")) > 0 {
				t.Error("the code was sent to the token endpoint")
			}
		})
	}
}

// A client that registers itself has a redirect URI for each issuer.
func TestRedirectURIOfIssuer(t *testing.T) {
	t.Parallel()
	paths := map[string]bool{}
	for range 2 {
		w := newWorld(t)
		config := w.config()
		config.Grant = oauth.AuthorizationCode{Open: func(ctx context.Context, target string) error {
			callback, err := w.visit(ctx, target)
			if err != nil {
				return err
			}
			u, err := url.Parse(callback)
			if err != nil {
				return err
			}
			_, _, _, err = browserCall{}.send(ctx, callback, u.Query().Get("state"))
			return err
		}}
		mustCall(t, newAuthorizer(t, config), w.url())
		u, err := url.Parse(w.to("/authorize")[0].form.Get("redirect_uri"))
		if err != nil {
			t.Fatal(err)
		}
		paths[u.Path] = true
		if registered := w.to("/register")[0].form.Get("redirect_uris"); registered != `["`+u.String()+`"]` {
			t.Errorf("registered %s, redirected to %s", registered, u)
		}
	}
	if len(paths) != 2 {
		t.Errorf("the paths of two issuers are %v", paths)
	}
}

// A resource may list an issuer with the slash of an empty path or without it. Its
// answer has the spelling of its metadata.
func TestIssuerWithSlash(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ listed, published string }{{"", "/"}, {"/", ""}, {"/", "/"}, {"", ""}} {
		w := newWorld(t)
		w.resource = map[string]any{"authorization_servers": []string{w.as.URL + test.listed}}
		w.metadata = map[string]any{"issuer": w.as.URL + test.published}
		w.callback = url.Values{"iss": {w.as.URL + test.published}}
		store := oauth.NewMemoryStore()
		for range 2 { // the second one uses the session of the first
			if err := w.call(func(c *oauth.Config) { c.Store = store }); err != nil {
				t.Errorf("%+v: %v", test, err)
			}
		}
		if n := len(w.to("/authorize")); n != 1 {
			t.Errorf("%+v: signed in %d times", test, n)
		}
	}
}

// The token endpoint gets the client's id in the form as well as by Basic.
func TestBasicWithClientID(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.call(func(c *oauth.Config) { c.Client = oauth.Client{ID: "app", Secret: "hunter2"} }); err != nil {
		t.Fatal(err)
	}
	sent := w.to("/token")[0]
	r := http.Request{Header: sent.header}
	if id, secret, _ := r.BasicAuth(); id != "app" || secret != "hunter2" || sent.form.Get("client_id") != "app" || sent.form.Has("client_secret") {
		t.Errorf("sent %q, %q and the form %v", id, secret, sent.form)
	}
}
