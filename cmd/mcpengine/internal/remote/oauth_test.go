package remote_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/idp"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/profile"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/remote"
	"github.com/mcpengine/mcpengine/internal/bridge"
	"github.com/mcpengine/mcpengine/internal/oauth"
	"github.com/mcpengine/mcpengine/internal/oidctest"
)

// A person has a browser and a clock.
type person struct {
	t        *testing.T
	provider *oidctest.Provider
	url      string // of the server
	home     string
	document string            // of the client, in the profile
	env      map[string]string // of the bridge

	mu     sync.Mutex
	visits []url.Values
	ahead  time.Duration
}

// keychain is one in memory.
type keychain struct {
	mu     sync.Mutex
	secret string
}

func (k *keychain) Get() (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.secret, nil
}

func (k *keychain) Set(secret string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.secret = secret
	return nil
}

// newPerson returns a person, and starts a server that the person may use after
// signing in. The provider reads the clients' documents, by their URLs.
func newPerson(t *testing.T, documents map[string]map[string]any) *person {
	t.Helper()
	p := &person{t: t, home: t.TempDir()}
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	p.url = server.URL + "/mcp"
	p.provider = oidctest.Start(t, oidctest.Config{Documents: documents, Resources: map[string]oidctest.Resource{p.url: {Scopes: []string{"mcp:read"}}}})
	resource, err := auth.NewResource(p.url, idp.OIDC(p.provider.Issuer(), p.url), auth.WithScopes("mcp:read"))
	if err != nil {
		t.Fatal(err)
	}
	e := newEngine(mcpengine.WithAuth(resource))
	t.Cleanup(e.Close)
	for _, path := range resource.Paths() {
		mux.Handle(path, resource.Handler())
	}
	mux.Handle("/mcp", e)
	return p
}

func (p *person) now() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Now().Add(p.ahead)
}

// browse signs in, and goes where the provider sends the browser.
func (p *person) browse(ctx context.Context, target string) error {
	u, err := url.Parse(target)
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.visits = append(p.visits, u.Query())
	p.mu.Unlock()
	callback, err := p.provider.Login(ctx, target)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, callback, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	return errors.Join(resp.Body.Close())
}

// bridge starts one more bridge of the person's.
func (p *person) bridge(log io.Writer, keys oauth.Keychain) *host {
	p.t.Helper()
	source := remote.Source{
		Name: "far", Profile: &profile.Profile{URL: p.url, ClientMetadata: p.document}, Home: p.home, Now: p.now,
		Getenv: func(name string) string { return p.env[name] }, Log: bridge.NewLog(log, 0, ""),
		Browse: p.browse, Keychain: keys,
	}
	config, release, err := source.Config()
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(release)
	return newHost(p.t, config)
}

// syncWriter is a log that several bridges share.
type syncWriter struct {
	mu   sync.Mutex
	text strings.Builder
}

func (w *syncWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

// Several bridges of one person share one sign-in, and their refresh token,
// which is another after each use. When it is taken back, one of them signs in
// for all.
func TestSharedSignIn(t *testing.T) {
	t.Parallel()
	p := newPerson(t, nil)
	log, keys := &syncWriter{}, &keychain{}
	hosts := []*host{p.bridge(log, keys), p.bridge(log, keys)}
	round := 0
	all := func() {
		round++
		var calls sync.WaitGroup
		for i, h := range hosts {
			calls.Go(func() {
				if got, want := h.weather("Oslo"), "sunny in Oslo"; got != want {
					t.Errorf("bridge %d, round %d: the tool says %q, want %q", i, round, got, want)
				}
			})
		}
		calls.Wait()
	}
	all()
	if len(p.visits) != 1 {
		t.Fatalf("%d sign-ins, want 1", len(p.visits))
	}
	for range 3 { // the token expires, and both notice
		p.mu.Lock()
		p.ahead += 2 * time.Hour
		p.mu.Unlock()
		all()
	}
	if len(p.visits) != 1 {
		t.Errorf("%d sign-ins after refreshing, want 1", len(p.visits))
	}

	client := p.visits[0].Get("client_id")
	store, err := oauth.NewFileStore(t.Context(), filepath.Join(p.home, "oauth"), keys)
	if err != nil {
		t.Fatal(err)
	}
	data, err := store.Load(t.Context(), strings.Join([]string{"token", p.provider.Issuer(), p.url, client}, "\n"))
	if err != nil || data == nil {
		t.Fatalf("no token is kept: %v", err)
	}
	var kept struct {
		Token struct {
			Refresh string `json:"refresh_token"`
		} `json:"token"`
	}
	if err := json.Unmarshal(data, &kept); err != nil {
		t.Fatal(err)
	}
	refresh := kept.Token.Refresh
	if err := p.provider.Revoke(t.Context(), client, refresh); err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	p.ahead += 2 * time.Hour
	p.mu.Unlock()
	all()
	if len(p.visits) != 2 {
		t.Errorf("%d sign-ins after the refresh token was taken back, want 2", len(p.visits))
	}
	if refresh == "" || strings.Contains(log.text.String(), refresh) {
		t.Error("the log has the refresh token, or no token was issued")
	}
}

// A bridge is known by the document of its profile, or else by the document that the
// environment names.
func TestClientDocument(t *testing.T) {
	t.Parallel()
	document := map[string]any{
		"client_name": "MCPEngine", "redirect_uris": []string{"http://127.0.0.1/callback"}, "application_type": "native",
		"grant_types": []string{"authorization_code", "refresh_token"}, "token_endpoint_auth_method": "none",
	}
	const inProfile, inEnvironment = "https://app.example.com/profile.json", "https://app.example.com/environment.json"
	for _, profiled := range []string{inProfile, ""} {
		p := newPerson(t, map[string]map[string]any{inProfile: document, inEnvironment: document})
		p.document, p.env = profiled, map[string]string{"MCPENGINE_CLIENT_METADATA": inEnvironment}
		want := inEnvironment
		if profiled != "" {
			want = profiled
		}
		if got := p.bridge(io.Discard, &keychain{}).weather("Oslo"); got != "sunny in Oslo" {
			t.Errorf("the tool says %q", got)
		}
		if got := p.visits[0].Get("client_id"); got != want {
			t.Errorf("client_id = %q, want %q", got, want)
		}
	}
}
