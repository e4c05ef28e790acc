package oauth_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/internal/oauth"
)

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

// A provider that refuses the parameter gets none, or the name that it knows the
// server by, also when the token is refreshed.
func TestInsecureResource(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{"none": "", "api://notes": "api://notes"} {
		w, c := newWorld(t), &clock{}
		config := w.config()
		config.Now, config.InsecureResource = c.now, value
		a := newAuthorizer(t, config)
		mustCall(t, a, w.url())
		c.add(2 * time.Hour)
		mustCall(t, a, w.url())
		requests := append(w.to("/authorize"), w.to("/token")...)
		if len(requests) != 3 {
			t.Fatalf("%d requests", len(requests))
		}
		for _, r := range requests {
			if got, ok := r.form["resource"]; ok != (want != "") || ok && got[0] != want {
				t.Errorf("%s: resource = %q, want %q", r.path, got, want)
			}
		}
	}
}
