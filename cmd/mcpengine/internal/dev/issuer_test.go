package dev

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/idp"
)

// A program that reads the variables accepts the token of an identity, with its
// scopes and roles, until it expires, and no token for another server.
func TestIssuer(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	defer server.Close()
	url := server.URL + "/mcp"
	i, err := newIssuer(server.URL+issuerPath, url, []Identity{{Name: "alice", Scopes: []string{"read", "write"}}, {Name: "root", Roles: []string{"admin"}}})
	if err != nil {
		t.Fatal(err)
	}
	i.serve(mux, issuerPath)
	resource, err := auth.NewResource(url, idp.OIDC(i.url, url))
	if err != nil {
		t.Fatal(err)
	}
	verify := func(token string) (*auth.User, error) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, url, nil)
		r.Header.Set("Authorization", "Bearer "+token)
		who, refused := resource.Authenticate(r)
		if refused != nil {
			return nil, fmt.Errorf("%+v", refused)
		}
		return who, nil
	}
	sign := func(name string) string {
		t.Helper()
		token, err := i.token(name)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	alice, err := verify(sign(""))
	if err != nil || alice.Subject != "alice" || len(alice.Scopes) != 2 {
		t.Errorf("the first identity is %+v, %v", alice, err)
	}
	root, err := verify(sign("root"))
	if err != nil || root.Subject != "root" || len(root.Roles) != 1 {
		t.Errorf("root is %+v, %v", root, err)
	}
	if _, err := i.token("bob"); err == nil {
		t.Error("there is a token for an identity that was not given")
	}
	i.now = func() time.Time { return time.Now().Add(-2 * tokenTime) }
	if _, err := verify(sign("alice")); err == nil {
		t.Error("an expired token is good")
	}
	i.now, i.audience = time.Now, "https://other.example/mcp"
	if _, err := verify(sign("alice")); err == nil {
		t.Error("a token for another server is good")
	}
}
