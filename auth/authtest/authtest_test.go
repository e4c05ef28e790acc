package authtest_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/authtest"
	"github.com/mcpengine/mcpengine/auth/idp"
)

const resourceURL = "https://mcp.example.com/mcp"

func newResource(t *testing.T, p auth.Provider) func(token string) int {
	t.Helper()
	r, err := auth.NewResource(resourceURL, p)
	if err != nil {
		t.Fatal(err)
	}
	return func(token string) int {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/mcp", nil)
		req.Header.Set("Authorization", "Bearer "+token)
		if _, refused := r.Authenticate(req); refused != nil {
			return refused.Status
		}
		return http.StatusOK
	}
}

// Over a real connection, the resource takes what the provider means to be good.
func TestProvider(t *testing.T) {
	t.Parallel()
	op := authtest.NewProvider(t)
	send := newResource(t, idp.OIDC(op.Issuer(), resourceURL, idp.StrictType()))
	tests := []struct {
		name    string
		prepare func()
		token   func() string
		want    int
	}{
		{"ES256", nil, func() string { return op.AccessToken(resourceURL, nil) }, 200},
		{"RS256", func() { op.Rotate("RS256") }, func() string { return op.AccessToken(resourceURL, nil) }, 200},
		{"another audience", nil, func() string { return op.AccessToken("https://other.example", nil) }, 401},
		{"a claim changed", nil, func() string {
			return op.AccessToken(resourceURL, authtest.Claims{"exp": time.Now().Add(-time.Hour).Unix()})
		}, 401},
		{"a claim taken out", nil, func() string { return op.AccessToken(resourceURL, authtest.Claims{"sub": nil}) }, 401},
		{"ID token", nil, func() string { return op.IDToken(resourceURL, nil) }, 401},
		{"opaque token", nil, func() string { return op.OpaqueToken(resourceURL, nil) }, 401},
		{"while down", func() { op.SetDown(true) }, func() string { return op.AccessToken(resourceURL, nil) }, 200},
	}
	for _, test := range tests {
		if test.prepare != nil {
			test.prepare()
		}
		if got := send(test.token()); got != test.want {
			t.Errorf("%s: status %d, want %d", test.name, got, test.want)
		}
	}
	if got := op.Requests(authtest.KeysPath); got != 2 {
		t.Errorf("%d fetches of the keys, want 2", got)
	}
	op.SetDown(false)
	op.Rotate("EdDSA")
	op.Retire()
	fresh := newResource(t, idp.OIDC(op.Issuer(), resourceURL))
	if got := fresh(op.AccessToken(resourceURL, nil)); got != 200 {
		t.Errorf("EdDSA: status %d", got)
	}
}

func TestIntrospection(t *testing.T) {
	t.Parallel()
	op := authtest.NewProvider(t)
	send := newResource(t, idp.Introspection(op.Issuer(), resourceURL, idp.IntrospectionEndpoint{
		URL: op.Issuer() + authtest.IntrospectionPath, ClientID: "mcp", ClientSecret: "secret",
	}))
	if got := send(op.OpaqueToken(resourceURL, nil)); got != 200 {
		t.Errorf("status %d, want 200", got)
	}
	if got := send("unknown"); got != 401 {
		t.Errorf("unknown token: status %d, want 401", got)
	}
	op.SetDown(true)
	if got := send(op.OpaqueToken(resourceURL, nil)); got != 503 {
		t.Errorf("while down: status %d, want 503", got)
	}
}

func ExampleProvider() {
	_ = func(t *testing.T) {
		op := authtest.NewProvider(t)
		resource, err := auth.NewResource("https://mcp.example.com/mcp", idp.OIDC(op.Issuer(), "https://mcp.example.com/mcp"))
		if err != nil {
			t.Fatal(err)
		}
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/mcp", nil)
		req.Header.Set("Authorization", "Bearer "+op.AccessToken("https://mcp.example.com/mcp", authtest.Claims{
			"sub": "alice", "scope": "mcp:read",
		}))
		user, refused := resource.Authenticate(req)
		if refused != nil {
			t.Fatal(refused.Message)
		}
		if user.Subject != "alice" {
			t.Errorf("subject %q", user.Subject)
		}
	}
	// Output:
}
