package oauth_test

import (
	"slices"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/internal/oauth"
)

// Every process can read the status of a session, and the status holds no
// secret.
func TestStatus(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	config := w.config()
	config.Store = oauth.NewMemoryStore()
	a, err := oauth.New(config)
	if err != nil {
		t.Fatal(err)
	}
	if status, err := a.Status(t.Context()); status != nil || err != nil {
		t.Errorf("before: %v, %v", status, err)
	}
	w.tokens = map[string]any{"scope": "mcp:read extra", "expires_in": 60, "refresh_token": "again"}
	if err := a.SignIn(t.Context()); err != nil {
		t.Fatal(err)
	}
	other, err := oauth.New(config)
	if err != nil {
		t.Fatal(err)
	}
	status, err := other.Status(t.Context())
	if err != nil || status == nil {
		t.Fatalf("Status = %v, %v", status, err)
	}
	left := time.Until(status.Expires)
	if status.Issuer != w.as.URL || status.ClientID == "" || !status.Renews || left <= 0 || left > time.Minute || !slices.Equal(status.Scopes, []string{"mcp:read", "extra"}) {
		t.Errorf("Status = %+v", status)
	}
	if err := a.SignOut(t.Context()); err != nil {
		t.Fatal(err)
	}
	if status, err := a.Status(t.Context()); status != nil || err != nil {
		t.Errorf("after: %v, %v", status, err)
	}
}
