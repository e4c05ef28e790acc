package oauth_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/idp"
	"github.com/mcpengine/mcpengine/internal/oauth"
	"github.com/mcpengine/mcpengine/internal/oidctest"
)

// A site is a protected server, and the provider that it trusts.
type site struct {
	*oidctest.Provider
	url   string // of the MCP endpoint
	mu    sync.Mutex
	users []*auth.User
	seen  []string // credentials, in order
}

// newSite starts a server with package auth in front of it. Requests to it need
// the scope mcp:read, and those with the header Write need mcp:write too.
func newSite(t *testing.T, config oidctest.Config, verifier func(*site) auth.Provider) *site {
	t.Helper()
	s := &site{}
	var resource *auth.Resource
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s.url = server.URL + "/mcp"
	r := config.Resources[""]
	r.Scopes = []string{"mcp:read", "mcp:write"}
	config.Resources = map[string]oidctest.Resource{s.url: r}
	s.Provider = oidctest.Start(t, config)
	provider := idp.OIDC(s.Issuer(), s.url)
	if verifier != nil {
		provider = verifier(s)
	}
	resource, err := auth.NewResource(s.url, provider, auth.WithScopes("mcp:read"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range resource.Paths() {
		mux.Handle(path, resource.Handler())
	}
	mux.HandleFunc("/mcp", func(w http.ResponseWriter, r *http.Request) {
		user, refused := resource.Authenticate(r)
		switch {
		case refused != nil:
		case user == nil:
			refused = resource.Unauthenticated("mcp:read")
		case r.Header.Get("Write") != "" && !slices.Contains(user.Scopes, "mcp:write"):
			refused = resource.Insufficient("mcp:write")
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.seen = append(s.seen, r.Header.Get("Authorization"))
		if refused != nil {
			refused.ServeHTTP(w, r)
			return
		}
		s.users = append(s.users, user)
		_, _ = io.WriteString(w, "hello "+user.Subject)
	})
	return s
}

// user is the last that was served.
func (s *site) user(t *testing.T) *auth.User {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.users) == 0 {
		t.Fatal("nobody was served")
	}
	return s.users[len(s.users)-1]
}

// sent is the credentials that requests came with, in order.
func (s *site) sent() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen)
}

// A visitor is a browser with a person, who signs in at the provider.
type visitor struct {
	provider *oidctest.Provider
	mu       sync.Mutex
	visits   []url.Values // what was asked for
}

func (v *visitor) visit(ctx context.Context, target string) (string, error) {
	u, err := url.Parse(target)
	if err != nil {
		return "", err
	}
	v.mu.Lock()
	v.visits = append(v.visits, u.Query())
	v.mu.Unlock()
	return v.provider.Login(ctx, target)
}

// open is a browser: it also goes where it is redirected to.
func (v *visitor) open(ctx context.Context, target string) error {
	callback, err := v.visit(ctx, target)
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
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(body), "You are signed in") {
		return fmt.Errorf("the page says %s, %w", body, err)
	}
	return nil
}

// call sends a request as the HTTP client of package peer does: with the
// authorizer's credentials, and again when it says so, at most four times.
func call(ctx context.Context, a *oauth.Authorizer, target string, header ...string) (string, error) {
	// A test server that closes takes the default client's connections along.
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	for range 4 {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, http.NoBody)
		if err != nil {
			return "", err
		}
		for _, name := range header {
			req.Header.Set(name, "yes")
		}
		if err := a.Authorize(ctx, req); err != nil {
			return "", err
		}
		resp, err := client.Do(req)
		if err != nil {
			return "", err
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			return "", err
		}
		if resp.StatusCode != http.StatusUnauthorized && resp.StatusCode != http.StatusForbidden {
			return string(body), nil
		}
		retry, err := a.Challenged(ctx, resp)
		if err != nil {
			return "", err
		}
		if !retry {
			return "", fmt.Errorf("HTTP status %d", resp.StatusCode)
		}
	}
	return "", errors.New("four requests were refused")
}

func mustCall(t *testing.T, a *oauth.Authorizer, target string, header ...string) {
	t.Helper()
	body, err := call(t.Context(), a, target, header...)
	if err != nil || !strings.HasPrefix(body, "hello") {
		t.Fatalf("call = %q, %v", body, err)
	}
}

// A clock is set by hand.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

func newAuthorizer(t *testing.T, config oauth.Config) *oauth.Authorizer {
	t.Helper()
	a, err := oauth.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

const redirectURI = "http://127.0.0.1:8123/callback"

// by returns the grant of a person who uses a browser without a listener.
func (v *visitor) by() oauth.AuthorizationCode {
	return oauth.AuthorizationCode{Visit: v.visit, RedirectURI: redirectURI}
}

// A person signs in through a real browser round trip with a client that
// registers itself; a second process of the same user needs no sign-in.
func TestSignIn(t *testing.T) {
	t.Parallel()
	s := newSite(t, oidctest.Config{}, nil)
	v := &visitor{provider: s.Provider}
	var log bytes.Buffer
	store, err := oauth.NewFileStore(t.Context(), t.TempDir(), &keychain{})
	if err != nil {
		t.Fatal(err)
	}
	config := oauth.Config{
		Server: s.url, Grant: oauth.AuthorizationCode{Open: v.open}, Store: store,
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
	}
	a := newAuthorizer(t, config)
	for range 3 {
		mustCall(t, a, s.url)
	}
	mustCall(t, newAuthorizer(t, config), s.url)
	if len(v.visits) != 1 || log.Len() > 0 {
		t.Errorf("%d sign-ins, want 1; log %s", len(v.visits), &log)
	}
	asked := v.visits[0]
	for name, want := range map[string]string{
		"response_type": "code", "resource": s.url, "scope": "mcp:read offline_access",
		"code_challenge_method": "S256", "prompt": "consent",
	} {
		if got := asked.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	if got := s.user(t); got.Subject != "alice" || got.Issuer != s.Issuer() {
		t.Errorf("served %v", got)
	}
}

// A client that is known by a URL does not register.
func TestSignInByMetadataDocument(t *testing.T) {
	t.Parallel()
	const document = "https://client.example.com/client.json"
	s := newSite(t, oidctest.Config{Documents: map[string]map[string]any{document: {
		"client_name": "test", "redirect_uris": []string{redirectURI}, "application_type": "native",
		"grant_types": []string{"authorization_code", "refresh_token"}, "token_endpoint_auth_method": "none",
	}}}, nil)
	v := &visitor{provider: s.Provider}
	mustCall(t, newAuthorizer(t, oauth.Config{Server: s.url, Grant: v.by(), MetadataURL: document}), s.url)
	if got := v.visits[0].Get("client_id"); got != document {
		t.Errorf("client_id = %q", got)
	}
}

// Opaque tokens are as good as any to a client.
func TestSignInOpaque(t *testing.T) {
	t.Parallel()
	s := newSite(t, oidctest.Config{Resources: map[string]oidctest.Resource{"": {Opaque: true}}}, func(s *site) auth.Provider {
		endpoint, id, secret := s.Introspection()
		return idp.Introspection(s.Issuer(), s.url, idp.IntrospectionEndpoint{URL: endpoint, ClientID: id, ClientSecret: secret})
	})
	v := &visitor{provider: s.Provider}
	mustCall(t, newAuthorizer(t, oauth.Config{Server: s.url, Grant: v.by()}), s.url)
}

// A token that has expired is refreshed, each time with the refresh token that
// came with the one before, and nobody is asked.
func TestRefresh(t *testing.T) {
	t.Parallel()
	s := newSite(t, oidctest.Config{}, nil)
	v, c := &visitor{provider: s.Provider}, &clock{}
	a := newAuthorizer(t, oauth.Config{Server: s.url, Grant: v.by(), Now: c.now})
	for range 4 {
		mustCall(t, a, s.url)
		c.add(2 * time.Hour)
	}
	tokens := map[string]bool{}
	for _, credentials := range s.sent()[1:] {
		tokens[credentials] = true
	}
	if len(v.visits) != 1 || len(tokens) != 4 {
		t.Errorf("%d sign-ins and %d tokens, want 1 and 4", len(v.visits), len(tokens))
	}
}

// Calls that find the token expired at the same time refresh it once.
func TestRefreshOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t, oidctest.Config{}, nil)
	v, c := &visitor{provider: s.Provider}, &clock{}
	a := newAuthorizer(t, oauth.Config{Server: s.url, Grant: v.by(), Now: c.now})
	mustCall(t, a, s.url)
	c.add(2 * time.Hour)
	var calls sync.WaitGroup
	for range 8 {
		calls.Go(func() {
			if _, err := call(t.Context(), a, s.url); err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
	if tokens := slices.Compact(slices.Sorted(slices.Values(s.sent()))); len(tokens) != 3 {
		t.Errorf("%d different credentials, want none and two tokens", len(tokens))
	}
}

// A refresh token that was taken back leads to a new sign-in.
func TestRefreshRevoked(t *testing.T) {
	t.Parallel()
	s := newSite(t, oidctest.Config{}, nil)
	v, c := &visitor{provider: s.Provider}, &clock{}
	store := oauth.NewMemoryStore()
	a := newAuthorizer(t, oauth.Config{Server: s.url, Grant: v.by(), Now: c.now, Store: store})
	mustCall(t, a, s.url)
	if err := s.Revoke(t.Context(), v.visits[0].Get("client_id"), refreshToken(t, store, s, v)); err != nil {
		t.Fatal(err)
	}
	c.add(2 * time.Hour)
	mustCall(t, a, s.url)
	if len(v.visits) != 2 {
		t.Errorf("%d sign-ins, want 2", len(v.visits))
	}
}

// refreshToken reads the store, whose format is known to nobody else.
func refreshToken(t *testing.T, store oauth.Store, s *site, v *visitor) string {
	t.Helper()
	data, err := store.Load(t.Context(), strings.Join([]string{"token", s.Issuer(), s.url, v.visits[0].Get("client_id")}, "\n"))
	if err != nil || data == nil {
		t.Fatalf("nothing stored: %v", err)
	}
	var kept struct {
		Token struct {
			Refresh string `json:"refresh_token"`
		} `json:"token"`
	}
	if err := json.Unmarshal(data, &kept); err != nil || kept.Token.Refresh == "" {
		t.Fatalf("no refresh token: %v", err)
	}
	return kept.Token.Refresh
}

// Signing out takes the tokens back.
func TestSignOut(t *testing.T) {
	t.Parallel()
	s := newSite(t, oidctest.Config{}, nil)
	v, store := &visitor{provider: s.Provider}, oauth.NewMemoryStore()
	config := oauth.Config{Server: s.url, Grant: v.by(), Store: store}
	a := newAuthorizer(t, config)
	if err := a.SignIn(t.Context()); err != nil {
		t.Fatal(err)
	}
	mustCall(t, a, s.url)
	old := refreshToken(t, store, s, v)
	if err := a.SignOut(t.Context()); err != nil {
		t.Fatal(err)
	}
	resp, err := http.PostForm(s.Issuer()+"/token", url.Values{ //nolint:noctx // a short test of ours
		"grant_type": {"refresh_token"}, "refresh_token": {old}, "client_id": {v.visits[0].Get("client_id")},
	})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("the refresh token is still good: %d", resp.StatusCode)
	}
	mustCall(t, newAuthorizer(t, config), s.url)
	if len(v.visits) != 2 {
		t.Errorf("%d sign-ins, want 2", len(v.visits))
	}
}

// An operation that needs more scopes gets them, and what was granted before
// stays.
func TestStepUp(t *testing.T) {
	t.Parallel()
	s := newSite(t, oidctest.Config{}, nil)
	v := &visitor{provider: s.Provider}
	a := newAuthorizer(t, oauth.Config{Server: s.url, Grant: v.by()})
	mustCall(t, a, s.url)
	mustCall(t, a, s.url, "Write")
	mustCall(t, a, s.url)
	if len(v.visits) != 2 {
		t.Fatalf("%d sign-ins, want 2", len(v.visits))
	}
	if got := v.visits[1].Get("scope"); got != "mcp:read offline_access mcp:write" {
		t.Errorf("the second asked for %q", got)
	}
	if got := s.user(t).Scopes; !slices.Contains(got, "mcp:read") || !slices.Contains(got, "mcp:write") {
		t.Errorf("granted %q", got)
	}
}

// A machine signs in with its secret.
func TestClientCredentials(t *testing.T) {
	t.Parallel()
	s := newSite(t, oidctest.Config{Clients: []map[string]any{{
		"client_id": "machine", "client_secret": "a machine's secret: 100%", "redirect_uris": []string{},
		"grant_types": []string{"client_credentials"}, "response_types": []string{},
	}}}, nil)
	client := oauth.Client{ID: "machine", Secret: "a machine's secret: 100%"}
	a := newAuthorizer(t, oauth.Config{Server: s.url, Grant: oauth.ClientCredentials{}, Client: client})
	mustCall(t, a, s.url)
	mustCall(t, a, s.url, "Write")
	client.Secret = "another"
	_, err := call(t.Context(), newAuthorizer(t, oauth.Config{Server: s.url, Grant: oauth.ClientCredentials{}, Client: client}), s.url)
	if refused, ok := errors.AsType[*oauth.Error](err); !ok || refused.Code != "invalid_client" {
		t.Errorf("with a wrong secret: %v", err)
	}
}

// A person agrees on another device.
func TestDeviceCode(t *testing.T) {
	t.Parallel()
	s := newSite(t, oidctest.Config{}, nil)
	a := newAuthorizer(t, oauth.Config{Server: s.url, Grant: oauth.DeviceCode{
		Show: func(ctx context.Context, v oauth.Verification) error { return s.Confirm(ctx, v.CompleteURL) },
	}})
	mustCall(t, a, s.url)
}

// Several processes of one user find the token expired at the same time: one
// refreshes it, and the others use what it got. A second use of the refresh
// token would end the session.
func TestAttackH11RefreshAmongProcesses(t *testing.T) {
	t.Parallel()
	s := newSite(t, oidctest.Config{}, nil)
	dir := t.TempDir()
	store, err := oauth.NewFileStore(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	v := &visitor{provider: s.Provider}
	mustCall(t, newAuthorizer(t, oauth.Config{Server: s.url, Grant: v.by(), Store: store}), s.url)
	before := len(s.sent())

	runProcesses(t, 3, dir, s.url, "refresh")
	sent := s.sent()[before:]
	if tokens := slices.Compact(slices.Sorted(slices.Values(sent))); len(sent) != 3 || len(tokens) != 1 {
		t.Errorf("%d calls with %d different tokens, want 3 with 1", len(sent), len(tokens))
	}
}

// A keychain holds its secret in memory.
type keychain struct {
	mu     sync.Mutex
	secret string
	err    error
}

func (k *keychain) Get() (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.secret, k.err
}

func (k *keychain) Set(secret string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.secret = secret
	return k.err
}
