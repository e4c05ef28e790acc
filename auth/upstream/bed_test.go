package upstream_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/authtest"
	"github.com/mcpengine/mcpengine/auth/idp"
	"github.com/mcpengine/mcpengine/internal/brokertest"
)

const (
	resource = "https://rs.example/mcp"
	tenant   = "0b0cb6e4-57f5-4e2a-9f0a-2d5d5f1f9b11"
	appID    = "9e5f7a0c-3c36-4e0e-8f4e-6a4b2f3f0d22"
	object   = "7d9f1c1e-35b8-4f0e-9a61-3f2d1c0b9a88"
	okta     = "https://example.okta.com/oauth2/default"
	graph    = "https://graph.microsoft.com"
)

// A bed is a server whose callers have tokens of a provider.
type bed struct {
	keys     *authtest.Provider
	internet brokertest.Internet
	resource *auth.Resource

	mu  sync.Mutex
	log bytes.Buffer
	now time.Time
}

func (b *bed) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.Write(p)
}

func (b *bed) logged() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.String()
}

func (b *bed) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bed) wait(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

// newBed puts a provider and its token endpoint on the internet, and has a server trust
// the provider.
func newBed(t testing.TB, provider auth.Provider, endpoint http.Handler, apis ...auth.UpstreamAPI) *bed {
	t.Helper()
	b := &bed{keys: authtest.NewProvider(t), internet: brokertest.Internet{}, now: time.Now()}
	b.keys.SetClock(b.clock)
	host := strings.Split(provider.Issuer(), "/")[2]
	b.internet[host] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/.well-known/openid-configuration"):
			_ = json.NewEncoder(w).Encode(map[string]string{"issuer": provider.Issuer(), "jwks_uri": "https://" + host + "/keys"})
		case r.URL.Path == "/keys":
			_, _ = w.Write(b.keys.KeySet())
		case strings.HasSuffix(r.URL.Path, "/token"):
			endpoint.ServeHTTP(w, r)
		default:
			t.Errorf("a request to %s", r.URL)
		}
	})
	var err error
	b.resource, err = auth.NewResource(resource, provider, auth.WithUpstream(apis...), auth.WithClock(b.clock),
		auth.WithHTTPClient(&http.Client{Transport: b.internet}),
		auth.WithLogger(slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// as returns the context of a request with a token.
func (b *bed) as(t testing.TB, token string) context.Context {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, resource, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	u, refused := b.resource.Authenticate(req)
	if refused != nil {
		t.Fatalf("the token is refused: %s\n%s", refused.Message, b.logged())
	}
	return b.resource.ContextWithUpstream(t.Context(), req, u)
}

func entra() auth.Provider { return idp.EntraID(tenant, appID) }

// entraToken is a token of Entra ID for the server.
func (b *bed) entraToken(sub string) string {
	return b.keys.AccessToken(appID, authtest.Claims{
		"iss": "https://login.microsoftonline.com/" + tenant + "/v2.0", "ver": "2.0", "tid": tenant, "oid": object, "azp": "host", "sub": sub, "scp": "mcp.read",
	})
}

// oktaToken is a token of Okta for the server.
func (b *bed) oktaToken(sub string, scopes ...string) string {
	return b.keys.AccessToken(resource, authtest.Claims{"iss": okta, "sub": sub, "cid": "0oa2", "scp": scopes})
}
