package attack_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/authtest"
)

// If the provider does not answer, a request with a token fails as unavailable,
// and a public feature works.
func TestAttackE05ProviderDown(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureConfig{})
	down := verdict{status: http.StatusServiceUnavailable}
	f.idp.SetDown(true)
	for _, tool := range []string{"public", "read"} {
		token := f.token(authtest.Claims{"jti": tool})
		for _, send := range []way{ways[0], ways[3]} {
			a := send.send(t, f.engine, call{method: "tools/call", params: `"name":"` + tool + `"`, header: bearer(token)})
			f.check(t, a, down)
			f.checkSecret(t, token, a)
			if a.header.Get("Retry-After") == "" {
				t.Errorf("%s: no Retry-After: %v", send.name, a.header)
			}
		}
		f.check(t, serve(t, f.engine.SSEHandler(""), http.MethodGet, "/sse", "", bearer(token)), down)
	}
	f.check(t, sendStateless(t, f.engine, call{method: "tools/call", params: `"name":"public"`}), passes)
	f.check(t, sendStateless(t, f.engine, call{method: "tools/call", params: `"name":"read"`}), loginFor("mcp:read"))
}

// E4: tokens signed with cached keys stay valid when the provider is gone.
func TestAttackE04ProviderGone(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureConfig{})
	c := call{method: "tools/call", params: `"name":"read"`, header: bearer(f.token(nil))}
	f.check(t, sendStateless(t, f.engine, c), passes)
	f.idp.SetDown(true)
	c.header = bearer(f.token(authtest.Claims{"jti": "another"}))
	f.check(t, sendStateless(t, f.engine, c), passes)
}

// C19: if the verifier panics or fails, the request is refused with 503.
func TestAttackC19VerifierPanics(t *testing.T) {
	t.Parallel()
	for name, verify := range map[string]func(context.Context, string) (*auth.User, error){
		"panic": func(context.Context, string) (*auth.User, error) { panic("boom with the-token-of-alice") },
		"error": func(context.Context, string) (*auth.User, error) {
			return nil, errors.New("no database for the-token-of-alice")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, fixtureConfig{provider: func(*authtest.Provider) auth.Provider { return auth.Custom("https://id.example", verify) }})
			a := sendStateless(t, f.engine, call{method: "tools/call", params: `"name":"plain"`, header: bearer("the-token-of-alice")})
			f.check(t, a, verdict{status: http.StatusServiceUnavailable})
			if strings.Contains(f.logged()+a.body, "the-token-of-alice") {
				t.Error("the token is in the log or in the answer")
			}
		})
	}
}

// F1: the engine serves the metadata of its configuration to everybody.
func TestAttackF01Metadata(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureConfig{})
	for _, path := range []string{"/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"} {
		for method, status := range map[string]int{"GET": 200, "HEAD": 200, "OPTIONS": 204, "POST": 405, "DELETE": 405} {
			header := http.Header{"Origin": {"https://evil.example"}, "X-Forwarded-Host": {"evil.example"}, "Authorization": {"Bearer garbage-that-is-no-token"}}
			a := serve(t, f.engine, method, path, "", header)
			if a.status != status || a.header.Get("Access-Control-Allow-Origin") != "*" || a.header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s %s: %d %v", method, path, a.status, a.header)
			}
			if method != http.MethodGet {
				continue
			}
			var document struct {
				Resource             string   `json:"resource"`
				AuthorizationServers []string `json:"authorization_servers"`
				ScopesSupported      []string `json:"scopes_supported"`
			}
			if err := json.Unmarshal([]byte(a.body), &document); err != nil {
				t.Fatalf("%s: %v", a.body, err)
			}
			if document.Resource != resourceURL || len(document.AuthorizationServers) != 1 || document.AuthorizationServers[0] != f.idp.Issuer() {
				t.Errorf("%s", a.body)
			}
		}
	}
	if a := serve(t, f.engine, http.MethodGet, "/.well-known/oauth-protected-resource/other", "", nil); a.status == http.StatusOK {
		t.Errorf("metadata of another resource: %s", a.body)
	}
}

// F4: over stdio there are no tokens. A protected feature is refused with an
// error that says to connect over HTTP, and without a challenge.
func TestAttackF04Stdio(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureConfig{})
	stateless := func(method, params string) string {
		body, _ := call{method: method, params: params}.stateless()
		return body
	}
	tests := []struct {
		name    string
		message string
		want    string
		ran     int
	}{
		{"a public tool", stateless("tools/call", `"name":"public"`), "hello stranger", 1},
		{"a protected tool", stateless("tools/call", `"name":"read"`), "connect to the server over HTTP", 0},
		{"any other tool", stateless("tools/call", `"name":"plain"`), "connect to the server over HTTP", 0},
		{"a hidden tool", stateless("tools/call", `"name":"secret"`), "Unknown tool", 0},
		{"a protected resource", stateless("resources/read", `"uri":"file:///read"`), "connect to the server over HTTP", 0},
		{"a subscription", stateless("subscriptions/listen", `"notifications":{"resourceSubscriptions":["file:///read"]}`), "connect to the server over HTTP", 0},
		{"a list", stateless("tools/list", ""), `{"tools":[{"name":"public"`, 0},
		{"discovery", stateless("server/discover", ""), `"supportedVersions"`, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var out bytes.Buffer
			if err := f.engine.ServeStdio(t.Context(), strings.NewReader(test.message+"\n"), &out); err != nil {
				t.Fatal(err)
			}
			if got := out.String(); !strings.Contains(got, test.want) || strings.Contains(got, "resource_metadata") || strings.Contains(got, `"secret"`) && test.name == "a list" {
				t.Errorf("got %s, want %q in it", got, test.want)
			}
			if ran := f.took(); len(ran) != test.ran {
				t.Errorf("%v ran", ran)
			}
		})
	}
	t.Run("with a handshake", func(t *testing.T) {
		var out bytes.Buffer
		in := strings.Join([]string{
			strings.Replace(initialize, "%q", `"2025-11-25"`, 1),
			`{"jsonrpc":"2.0","id":"l","method":"tools/list"}`,
			`{"jsonrpc":"2.0","id":"p","method":"tools/call","params":{"name":"public"}}`,
			`{"jsonrpc":"2.0","id":"r","method":"tools/call","params":{"name":"read"}}`,
			`{"jsonrpc":"2.0","id":"s","method":"resources/subscribe","params":{"uri":"file:///read"}}`,
		}, "\n")
		if err := f.engine.ServeStdio(t.Context(), strings.NewReader(in+"\n"), &out); err != nil {
			t.Fatal(err)
		}
		if ran := f.took(); len(ran) != 1 || ran[0] != "tool public" || strings.Count(out.String(), "over HTTP") != 2 || strings.Contains(out.String(), `"name":"read"`) {
			t.Errorf("%v ran: %s", ran, out.String())
		}
	})
}

func TestPublicURL(t *testing.T) {
	t.Parallel()
	resource, err := auth.NewResource(resourceURL, auth.StaticTokens(map[string]auth.User{auth.HashToken("t"): {Subject: "s"}}))
	if err != nil {
		t.Fatal(err)
	}
	protected := []mcpengine.Option{mcpengine.WithAuth(resource)}
	for _, test := range []struct {
		url, origin string
		opts        []mcpengine.Option
		want        string // in the error
	}{
		{resourceURL, "", protected, ""},
		{"http://localhost:9000/mcp", "https://app.example", nil, ""},
		{"https://other.example/mcp", "", protected, "tokens are for the resource"},
		{"/mcp", "", nil, "not an absolute"},
		{"https://user:password@rs.example/mcp", "", nil, "credentials"},
		{"https://rs.example/mcp?x=y", "", nil, "query"},
		{"javascript:alert(1)", "", nil, "not an absolute"},
		{"https://rs.example/{tenant}", "", nil, "escaped"},
		{"https://rs.example/\"", "", nil, "escaped"},
		{"https://rs.example/\\", "", nil, "escaped"},
		{"https://rs.example/a b", "", nil, "escaped"},
		{"https://rs.example:99999/mcp", "", nil, "port"},
		{"https://*.example.com/mcp", "", nil, "host name"},
		{"https://a.example/mcp,https://b.example/mcp", "", nil, "more than one URL"},
		{"", "https://*.example.com", nil, "host name"},
		{"", "https://app.example/path", nil, "path"},
		{"", "https://app.example/", nil, "path"},
		{"", "*", nil, "not an absolute"},
		{"", "https://app.example:99999", nil, "port"},
	} {
		t.Run(test.url+test.origin, func(t *testing.T) {
			t.Parallel()
			config := mcpengine.HTTPConfig{PublicURL: test.url}
			if test.origin != "" {
				config.AllowedOrigins = []string{test.origin}
			}
			e := mcpengine.New("public", append(test.opts, mcpengine.WithHTTP(config))...)
			w := httptest.NewRecorder()
			e.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/mcp", nil))
			if (w.Code == http.StatusInternalServerError) != (test.want != "") {
				t.Errorf("a request gets %d", w.Code)
			}
			if test.want == "" {
				return
			}
			err := e.Run(t.Context())
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.ContainsAny(err.Error(), "\n") || strings.Contains(err.Error(), "password") {
				t.Errorf("Run = %v, want an error with %q", err, test.want)
			}
		})
	}
	for want, opts := range map[string][]mcpengine.Option{
		"given twice": {mcpengine.WithAuth(resource), mcpengine.WithAuth(resource)},
		"no resource": {mcpengine.WithAuth(nil)},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if got, _ := recover().(string); !strings.Contains(got, want) {
					t.Errorf("panic %q, want %q", got, want)
				}
			}()
			mcpengine.New("public", opts...)
		})
	}
}

// D28: with static tokens the engine serves no metadata, and lists have a time
// to live.
func TestStaticTokens(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureConfig{provider: func(*authtest.Provider) auth.Provider {
		return auth.StaticTokens(map[string]auth.User{
			auth.HashToken("0123456789abcdef0123"): {Subject: "robot", Machine: true, Scopes: []string{"mcp:write"}, Expiry: time.Now().Add(time.Hour)},
		})
	}})
	for name, test := range map[string]struct {
		token, tool string
		want        verdict
	}{
		"right":           {"0123456789abcdef0123", "write", passes},
		"wrong":           {"0123456789abcdef0124", "write", verdict{status: 401, challenge: `Bearer error="invalid_token", error_description="the access token is invalid"`}},
		"none":            {"", "write", verdict{status: 401, challenge: `Bearer scope="mcp:write"`}},
		"lacks the group": {"0123456789abcdef0123", "staff", denied},
		"is no person":    {"0123456789abcdef0123", "person", denied},
	} {
		t.Run(name, func(t *testing.T) {
			f.check(t, sendStateless(t, f.engine, call{method: "tools/call", params: `"name":"` + test.tool + `"`, header: bearer(test.token)}), test.want)
		})
	}
	if a := serve(t, f.engine, http.MethodGet, "/.well-known/oauth-protected-resource", "", nil); a.status == http.StatusOK {
		t.Errorf("metadata without an authorization server: %s", a.body)
	}
}

// Explain prints a line for every feature, with or without options.
func TestExplain(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureConfig{})
	lines := strings.Split(f.engine.Explain().String(), "\n")
	want := map[string]string{
		"discovery lists, server/discover": "a verified caller default of WithAuth",
		"tool public":                      "everybody Public",
		"tool plain":                       "a verified caller default of WithAuth",
		"resource file:///read":            "a verified caller with the scope mcp:read RequireScopes",
		"template file:///both/{topic}":    "a verified caller with the scopes mcp:write reports RequireScopes",
		"prompt admin":                     `a verified caller with the scope mcp:admin, who must be in the group "admin" RequireScopes, Allow`,
		"tool secret":                      "a verified caller with the scope mcp:admin RequireScopes, Hidden",
		"tool person":                      "a verified caller, who must be a person Allow",
	}
	if features := 4 * len(policies()); len(lines) != features+3 { // a heading, discovery, and the end of the last line
		t.Errorf("%d lines", len(lines))
	}
	for _, line := range lines {
		text := strings.Join(strings.Fields(line), " ")
		for feature, policy := range want {
			if rest, ok := strings.CutPrefix(text, feature+" "); ok {
				delete(want, feature)
				rest = strings.TrimLeft(rest, "0123456789 ") // what a tool costs
				if rest != policy {
					t.Errorf("%s: %q, want %q", feature, rest, policy)
				}
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("no line for %v", want)
	}
	for _, entry := range mcpengine.New("open").Explain() {
		if entry.Who != "everybody" || entry.Why != "no WithAuth" {
			t.Errorf("%+v", entry)
		}
	}
}
