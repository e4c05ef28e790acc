package client_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/internal/oidctest"
)

// A client signs its person in when the server asks for it, and a folder keeps
// that for the next one.
func TestWithOAuth(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	url := server.URL + "/mcp"
	provider := oidctest.Start(t, oidctest.Config{Resources: map[string]oidctest.Resource{url: {Scopes: []string{"mcp:read"}}}})
	resource, err := auth.NewResource(url, auth.OIDC(provider.Issuer(), url), auth.WithScopes("mcp:read"))
	if err != nil {
		t.Fatal(err)
	}
	e := mcpengine.New("protected", mcpengine.WithAuth(resource))
	mcpengine.AddTool(e, "whoami", "Say who is calling.", func(ctx context.Context, _ struct{}) (string, error) {
		return auth.UserFrom(ctx).Subject, nil
	})
	mux.Handle("/", e)
	visits := 0
	o := client.OAuth{Dir: t.TempDir(), Open: func(ctx context.Context, target string) error {
		visits++
		callback, err := provider.Login(ctx, target)
		if err != nil {
			return err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, callback, http.NoBody)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			err = resp.Body.Close()
		}
		return err
	}}
	for range 2 {
		c, err := client.Connect(t.Context(), url, client.WithOAuth(o))
		if err != nil {
			t.Fatal(err)
		}
		got, err := client.Call[string](t.Context(), c, "whoami", nil)
		if err != nil || got != "alice" {
			t.Errorf("whoami = %q, %v", got, err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	if visits != 1 {
		t.Errorf("%d sign-ins, want 1", visits)
	}
}

// A token is never sent where others can read it.
func TestWithOAuthRefused(t *testing.T) {
	t.Parallel()
	_, err := client.Connect(t.Context(), "http://mcp.example.com/mcp", client.WithOAuth(client.OAuth{}))
	if err == nil || !strings.Contains(err.Error(), "prepare to sign in: server URL") {
		t.Errorf("Connect: %v", err)
	}
	_, err = client.Connect(t.Context(), "https://mcp.example.com/mcp", client.WithOAuth(client.OAuth{ClientSecret: "hunter2"}))
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("Connect with a secret and no id: %v", err)
	}
}
