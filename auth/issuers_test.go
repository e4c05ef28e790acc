package auth_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/internal/seal"
)

// A vouching provider issues tokens for users of several issuers, serves endpoints
// and wants the keys.
type vouching struct{ used *auth.Keys }

func (vouching) Issuer() string { return "https://id.example" }

func (p vouching) Open(auth.Environment) (*auth.Verifier, error) {
	return &auth.Verifier{
		Verify: func(_ context.Context, token string) (*auth.User, error) {
			return &auth.User{Issuer: token, Subject: "alice", Groups: []string{"staff"}}, nil
		},
		AuthorizationServer: "https://rs.example",
		Issuers:             []string{"https://corp.example", "https://id.example/"},
		Endpoints:           map[string]http.Handler{"/oauth/token": http.NotFoundHandler()},
		UseKeys:             func(keys auth.Keys) { *p.used = keys },
		SignIn:              auth.SignIn{Server: "https://rs.example", Who: "people", Why: "test"},
	}, nil
}

// A provider that vouches for users of several issuers has them told apart, and no
// user of another issuer passes. Its endpoints are served beside the metadata.
func TestVouchingProvider(t *testing.T) {
	t.Parallel()
	var keys auth.Keys
	r, err := auth.NewResource("https://rs.example/mcp", vouching{&keys})
	if err != nil {
		t.Fatal(err)
	}
	authenticate := func(token string) (*auth.User, *auth.Challenge) {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/mcp", http.NoBody)
		req.Header.Set("Authorization", "Bearer "+token)
		return r.Authenticate(req)
	}
	for _, issuer := range []string{"https://id.example", "https://corp.example"} {
		u, challenge := authenticate(issuer)
		if challenge != nil {
			t.Errorf("a user of %s: %s", issuer, challenge.Message)
			continue
		}
		if diff := cmp.Diff([]string{issuer + "#staff"}, u.Groups); diff != "" {
			t.Errorf("groups of a user of %s (-want +got):\n%s", issuer, diff)
		}
	}
	if _, challenge := authenticate("https://evil.example"); challenge == nil || challenge.Status != http.StatusServiceUnavailable {
		t.Errorf("a user of another issuer: %+v", challenge)
	}
	if !slices.Contains(r.Paths(), "/oauth/token") || len(r.SignIns()) != 1 {
		t.Errorf("paths %q, sign-ins %+v", r.Paths(), r.SignIns())
	}
	for path, want := range map[string]int{"/oauth/token": http.StatusNotFound, "/.well-known/oauth-protected-resource": http.StatusOK} {
		w := httptest.NewRecorder()
		r.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
		if w.Code != want {
			t.Errorf("%s: HTTP status %d, want %d", path, w.Code, want)
		}
	}
	ring := seal.RandomRing()
	if r.UseKeys(ring); keys != auth.Keys(ring) {
		t.Error("the provider has no keys")
	}
}
