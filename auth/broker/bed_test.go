package broker_test

import (
	"bytes"
	"log/slog"
	"maps"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/authtest"
	"github.com/mcpengine/mcpengine/auth/broker"
	"github.com/mcpengine/mcpengine/internal/brokertest"
)

const (
	issuer   = "https://rs.example"
	resource = "https://rs.example/mcp"
	redirect = "https://app.example/callback"
)

// A bed is a server with a broker in front of a provider of ours.
type bed struct {
	idp      *authtest.Provider
	resource *auth.Resource
	engine   *mcpengine.Engine
	internet brokertest.Internet

	mu  sync.Mutex
	log bytes.Buffer
	now time.Time
}

func (b *bed) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.Write(p)
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

// newBed starts a server. The change adjusts the broker.
func newBed(t testing.TB, change func(*broker.Config), opts ...auth.ResourceOption) *bed {
	t.Helper()
	return newBedAt(t, authtest.NewProvider(t), change, opts...)
}

// newBedAt is newBed with a provider.
func newBedAt(t testing.TB, idp *authtest.Provider, change func(*broker.Config), opts ...auth.ResourceOption) *bed {
	t.Helper()
	b := &bed{idp: idp, internet: brokertest.Internet{}, now: time.Now()}
	b.idp.SignIn(authtest.Claims{"sub": "alice", "name": "Alice", "email": "alice@example.com", "email_verified": true, "groups": []string{"staff"}})
	b.idp.SetClock(b.clock)
	config := broker.Config{
		Name:           "Message board",
		Scopes:         []broker.Scope{{Name: "messages:read", Description: "Read messages"}, {Name: "messages:delete", Description: "Delete messages"}},
		DocumentClient: &http.Client{Transport: b.internet},
	}
	if change != nil {
		change(&config)
	}
	logger := slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	b.resource, err = auth.NewResource(resource, broker.OIDC(b.idp.Issuer(), "server", "secret of the server", config),
		append([]auth.ResourceOption{auth.WithLogger(logger), auth.WithClock(b.clock)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	b.engine = mcpengine.New("board", mcpengine.WithAuth(b.resource), mcpengine.WithKeys(bytes.Repeat([]byte{1}, 32)), mcpengine.WithLogger(logger))
	b.internet["rs.example"] = b.engine
	return b
}

func (b *bed) browser(t testing.TB) *brokertest.Browser { return brokertest.NewBrowser(t, b.internet) }

// client returns a client that has registered itself.
func (b *bed) client(t testing.TB) *brokertest.Client {
	t.Helper()
	c := brokertest.NewClient(t, b.internet, issuer, redirect, resource)
	if a := c.Register(registration(nil)); a.Status != http.StatusCreated {
		t.Fatalf("register: %d %s", a.Status, a.Body)
	}
	return c
}

func registration(changes map[string]any) map[string]any {
	metadata := map[string]any{"client_name": "App", "redirect_uris": []string{redirect}}
	maps.Copy(metadata, changes)
	return metadata
}

// user returns the user of a token.
func (b *bed) user(t testing.TB, token string) (*auth.User, *auth.Challenge) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, resource, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	return b.resource.Authenticate(req)
}

// A syncBuffer is a log that several goroutines write.
type syncBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
