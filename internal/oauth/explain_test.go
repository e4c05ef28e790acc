package oauth_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/internal/oauth"
	"github.com/mcpengine/mcpengine/internal/peer"
)

const clientDocument = "https://app.example.com/client.json"

// The client is known in the first way that the authorization server offers and the
// configuration allows (client-registration, "priority order").
func TestRegistrationOrder(t *testing.T) {
	t.Parallel()
	configured := oauth.Client{ID: "configured"}
	for _, test := range []struct {
		name       string
		client     oauth.Client
		document   string
		documents  bool // are read by the authorization server
		registers  bool
		wantID     string
		wantReason string
	}{
		{"all", configured, clientDocument, true, true, "configured", `the configured client id "configured"`},
		{"document", oauth.Client{}, clientDocument, true, true, clientDocument, "the metadata document is the client id"},
		{"document alone", oauth.Client{}, clientDocument, true, false, clientDocument, "the metadata document is the client id"},
		{"documents are not read", oauth.Client{}, clientDocument, false, true, "registered-client", "the client registers itself"},
		{"no document", oauth.Client{}, "", true, true, "registered-client", "because no metadata document of it is configured"},
		{"nothing", oauth.Client{}, "", true, false, "", "register one there and give its client id, or give the URL of a client id metadata document"},
		{"nothing at all", oauth.Client{}, clientDocument, false, false, "", "register one there and give its client id"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.metadata = map[string]any{"client_id_metadata_document_supported": test.documents}
			if !test.registers {
				w.metadata["registration_endpoint"] = nil
			}
			config := w.config()
			config.Client, config.MetadataURL = test.client, test.document
			a := newAuthorizer(t, config)
			if got := step(t, a.Explain(t.Context(), refusal("")), "client registration").Decision; !strings.Contains(got, test.wantReason) {
				t.Errorf("the reason is %q, want %q", got, test.wantReason)
			}
			if n := len(w.to("/register")) + len(w.to("/authorize")) + len(w.to("/token")); n > 0 {
				t.Errorf("the explanation has caused %d requests", n)
			}
			_, err := call(t.Context(), a, w.url())
			if (err == nil) != (test.wantID != "") {
				t.Fatalf("call: %v", err)
			}
			if test.wantID == "" {
				return
			}
			for _, path := range []string{"/authorize", "/token"} {
				if got := w.to(path)[0].form.Get("client_id"); got != test.wantID {
					t.Errorf("%s: client_id = %q, want %q", path, got, test.wantID)
				}
			}
		})
	}
}

// refusal is a server's answer to a request without a token.
func refusal(metadata string) *peer.AuthError {
	c := peer.Challenge{Scheme: "bearer", Params: map[string]string{}, Field: "X-Amzn-Remapped-WWW-Authenticate"}
	if metadata != "" {
		c.Params["resource_metadata"] = metadata
	}
	return &peer.AuthError{Status: http.StatusUnauthorized, Challenges: []peer.Challenge{c}}
}

// step returns the last step of a name.
func step(t *testing.T, steps []oauth.Step, name string) oauth.Step {
	t.Helper()
	var found oauth.Step
	for _, s := range steps {
		if s.Name == name {
			found = s
		}
	}
	if found.Name == "" {
		t.Fatalf("there is no step %q: %+v", name, steps)
	}
	return found
}

// Every decision of a sign-in is explained as it is taken.
func TestExplain(t *testing.T) {
	t.Parallel()
	type change func(w *world, config *oauth.Config)
	for _, test := range []struct {
		name, step, want string // of the decision
		change           change
	}{
		{"found", "resource metadata", "it speaks for the server, which it calls http", nil},
		{"not there", "resource metadata", "no metadata anywhere: the server is its own authorization server", func(w *world, _ *oauth.Config) { w.metadataAt = "/nowhere" }},
		{"of another server", "resource metadata", "the resource metadata is about another server", func(w *world, _ *oauth.Config) {
			w.resource = map[string]any{"resource": "https://other.example.com/mcp"}
		}},
		{"first issuer", "authorization server", "it is the first that the server names", nil},
		{"issuer of the client", "authorization server", "the configured client is registered there", func(w *world, c *oauth.Config) { c.Client = oauth.Client{ID: "x", Issuer: w.as.URL} }},
		{"issuer gone", "authorization server", "the server no longer names https://id.example.com", func(_ *world, c *oauth.Config) {
			c.Client = oauth.Client{ID: "x", Issuer: "https://id.example.com"}
		}},
		{"other issuer", "authorization server metadata", "the answer is from another issuer", func(w *world, _ *oauth.Config) { w.metadata = map[string]any{"issuer": "https://other.example.com"} }},
		{"endpoints", "authorization server metadata", "/authorize, tokens from http", nil},
		{"PKCE", "PKCE", "S256 is used", nil},
		{"no PKCE", "PKCE", "does not say that it supports PKCE", func(w *world, _ *oauth.Config) { w.metadata = map[string]any{"code_challenge_methods_supported": nil} }},
		{"no PKCE, accepted", "PKCE", "may be ignored", func(w *world, c *oauth.Config) {
			w.metadata, c.InsecureNoPKCE = map[string]any{"code_challenge_methods_supported": []string{"plain"}}, true
		}},
		{"iss", "issuer of the answer", "has to name the issuer (iss)", func(w *world, _ *oauth.Config) {
			w.metadata = map[string]any{"authorization_response_iss_parameter_supported": true}
		}},
		{"no iss", "issuer of the answer", "need not name the issuer", nil},
		{"no iss, other origin", "issuer of the answer", "has to name the issuer (iss) nevertheless", func(w *world, _ *oauth.Config) {
			w.metadata = map[string]any{"authorization_endpoint": "https://other.example.com/authorize"}
		}},
		{"resource", "resource parameter", "/mcp is sent to authorize, to get a token and to renew it", nil},
		{"no resource", "resource parameter", "the parameter is left out", func(_ *world, c *oauth.Config) { c.InsecureResource = "none" }},
		{"other resource", "resource parameter", "resource=api://notes is sent", func(_ *world, c *oauth.Config) { c.InsecureResource = "api://notes" }},
		{"scopes", "scopes", "asked for: mcp:read extra", func(_ *world, c *oauth.Config) { c.Scopes = []string{"extra"} }},
		{"nobody", "token", "nobody is signed in", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			config := w.config()
			if test.change != nil {
				test.change(w, &config)
			}
			if got := step(t, newAuthorizer(t, config).Explain(t.Context(), refusal("")), test.step).Decision; !strings.Contains(got, test.want) {
				t.Errorf("decision %q, want %q", got, test.want)
			}
		})
	}
}

// A step says what stops the sign-in, and what may stop other clients.
func TestExplainDoubts(t *testing.T) {
	t.Parallel()
	metadata := func(name string, value any) func(*world) {
		return func(w *world) { w.metadata = map[string]any{name: value} }
	}
	for _, test := range []struct {
		name, step string
		caution    string
		fault      error
		change     func(*world)
	}{
		{"no challenge field", "challenge", "no resource_metadata", nil, nil},
		{"no metadata", "resource metadata", "has to publish metadata", nil, func(w *world) { w.metadataAt = "/nowhere" }},
		{"another server", "resource metadata", "", oauth.ErrResource, func(w *world) { w.resource = map[string]any{"resource": "https://other.example.com/mcp"} }},
		{"another issuer", "authorization server metadata", "", oauth.ErrIssuer, metadata("issuer", "https://other.example.com")},
		{"no PKCE", "PKCE", "", oauth.ErrNoPKCE, metadata("code_challenge_methods_supported", nil)},
		{"no public clients", "client authentication", "do not include none", nil, metadata("token_endpoint_auth_methods_supported", []string{"client_secret_post"})},
		{"public clients", "client authentication", "", nil, metadata("token_endpoint_auth_methods_supported", []string{"none"})},
		{"no iss, other origin", "issuer of the answer", "RFC 9207", nil, metadata("authorization_endpoint", "https://other.example.com/authorize")},
		{"unknown scope", "scopes", `scope "mcp:read"`, nil, metadata("scopes_supported", []string{"openid"})},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if test.change != nil {
				test.change(w)
			}
			got := step(t, newAuthorizer(t, w.config()).Explain(t.Context(), refusal("")), test.step)
			if !strings.Contains(got.Caution, test.caution) || test.caution == "" && got.Caution != "" {
				t.Errorf("caution %q, want %q", got.Caution, test.caution)
			}
			if !errors.Is(got.Fault, test.fault) {
				t.Errorf("fault %v, want %v", got.Fault, test.fault)
			}
		})
	}
}

// The places of metadata are listed in the order in which they are tried.
func TestExplainPlaces(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.metadataAt = "/.well-known/oauth-protected-resource"
	w.resource = map[string]any{"resource": w.mcp.URL, "authorization_servers": []string{w.as.URL + "/tenant"}}
	var got []string
	for _, s := range newAuthorizer(t, w.config()).Explain(t.Context(), refusal("")) {
		if s.Request != "" {
			u, err := url.Parse(s.Request[strings.LastIndexByte(s.Request, ' ')+1:])
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, u.Path+" "+s.Answer[:len("HTTP status 000")])
		}
	}
	want := []string{
		"/mcp HTTP status 401",
		"/.well-known/oauth-protected-resource/mcp HTTP status 404",
		"/.well-known/oauth-protected-resource HTTP status 200",
		"/.well-known/oauth-authorization-server/tenant HTTP status 404",
		"/.well-known/openid-configuration/tenant HTTP status 404",
		"/tenant/.well-known/openid-configuration HTTP status 404",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("asked %q\nwant  %q", got, want)
	}
}

// The audience and the expiry of a token are explained, and nothing of it that is
// secret or about a person. A URL is shown without its query.
func TestExplainToken(t *testing.T) {
	t.Parallel()
	w, c := newWorld(t), &clock{}
	audience := w.url()
	jwt := func() string {
		return goodToken + "." + base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil,
			`{"iss":"https://id.example.com?secret-query","aud":[%q],"scope":"mcp:read","sub":"secret-subject","email":"secret@example.com"}`, audience)) + ".secret-signature"
	}
	w.tokens = map[string]any{"access_token": jwt(), "refresh_token": "secret-refresh"}
	config := w.config()
	config.Now = c.now
	a := newAuthorizer(t, config)
	mustCall(t, a, w.url())
	steps := a.Explain(t.Context(), refusal(w.mcp.URL+w.metadataAt+"?secret-query"))
	if got, want := step(t, steps, "challenge").Answer, `HTTP status 401, X-Amzn-Remapped-WWW-Authenticate: bearer resource_metadata="http`; !strings.HasPrefix(got, want) {
		t.Errorf("the challenge is %q, want %q", got, want)
	}
	token := step(t, steps, "token")
	for _, want := range []string{"a JWT of https://id.example.com?... for the audience " + w.url(), "scopes mcp:read", `client "registered-client"`, "expires 20"} {
		if !strings.Contains(token.Answer, want) {
			t.Errorf("the token is %q, want %q in it", token.Answer, want)
		}
	}
	if token.Decision != "it is sent with every request" {
		t.Errorf("decision %q", token.Decision)
	}
	if got := step(t, steps, "authorization server").Decision; !strings.Contains(got, "the last sign-in was there") {
		t.Errorf("decision %q", got)
	}
	if all := fmt.Sprint(steps); strings.Contains(all, "secret") || strings.Contains(all, goodToken) {
		t.Errorf("the steps tell secrets: %s", all)
	}
	c.add(2 * time.Hour)
	if got := step(t, a.Explain(t.Context(), nil), "token").Decision; !strings.Contains(got, "it has expired and is renewed") {
		t.Errorf("decision %q", got)
	}
	audience = "https://other.example.com"
	w.tokens["access_token"] = jwt()
	mustCall(t, a, w.url())
	if got := step(t, a.Explain(t.Context(), nil), "token audience").Decision; !strings.Contains(got, "the audience is not the server by its own name") {
		t.Errorf("decision %q", got)
	}
}
