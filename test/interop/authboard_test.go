package interop_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/internal/buildtest"
	"github.com/mcpengine/mcpengine/internal/oidctest"
)

// An authboard is the example authboard as a process, the certified provider
// that it trusts, a gateway before it, and a person with a browser.
type authboard struct {
	provider *oidctest.Provider
	url      string // of the MCP endpoint, at the gateway
	login    string // of the person

	mu      sync.Mutex
	tokens  []string            // that passed the gateway, each once
	expired map[string]bool     // tokens that the gateway takes for expired
	visits  []url.Values        // what the person was asked to agree to
	issued  map[string][]string // what the token endpoint said, by member
}

// newAuthboard starts the built example. Tokens for it expire after lifetime.
func newAuthboard(t *testing.T, program string, lifetime time.Duration) *authboard {
	t.Helper()
	b := &authboard{login: "alice", expired: map[string]bool{}, issued: map[string][]string{}}
	address := freeAddress(t)
	backend := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: address})
	backend.FlushInterval = -1
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if b.seen(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")) {
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		backend.ServeHTTP(w, r)
	}))
	t.Cleanup(gateway.Close)
	b.url = gateway.URL + "/mcp"
	b.provider = oidctest.Start(t, oidctest.Config{
		Resources: map[string]oidctest.Resource{b.url: {Scopes: []string{"messages:delete"}, Lifetime: lifetime}},
		Claims:    map[string]map[string]any{"root": {"roles": []string{"admin"}}},
	})
	startAuthboard(t, program, address, "PUBLIC_URL="+gateway.URL, "OIDC_ISSUER="+b.provider.Issuer())
	return b
}

// startAuthboard runs the example until the test ends.
func startAuthboard(t *testing.T, program, address string, env ...string) {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	log := &strings.Builder{}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, program)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), append(env, "PORT="+port)...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // it is killed
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		if t.Failed() {
			t.Logf("authboard says:\n%s", log)
		}
	})
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	limit := time.After(patience)
	for {
		dialer := net.Dialer{Timeout: time.Second}
		if conn, err := dialer.DialContext(ctx, "tcp", address); err == nil {
			_ = conn.Close()
			return
		}
		select {
		case <-ticker.C:
		case <-ended:
			t.Fatal("authboard has ended")
		case <-limit:
			t.Fatal("authboard does not listen")
		}
	}
}

// freeAddress returns an address that nobody listens at, for now.
func freeAddress(t *testing.T) string {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// buildAuthboard builds the example as its users do.
func buildAuthboard(t *testing.T) string {
	t.Helper()
	return buildtest.Program(t, filepath.Join("..", "..", "examples"), "./authboard")
}

// seen remembers the token of a request and reports whether it has expired.
func (b *authboard) seen(token string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if token != "" && !slices.Contains(b.tokens, token) {
		b.tokens = append(b.tokens, token)
	}
	return b.expired[token]
}

// expire makes the gateway refuse all tokens issued so far.
func (b *authboard) expire() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, token := range b.tokens {
		b.expired[token] = true
	}
}

// check checks how many sign-ins and tokens there have been.
func (b *authboard) check(t *testing.T, signIns, tokens int) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.visits) != signIns || len(b.tokens) != tokens {
		t.Errorf("%d sign-ins and %d tokens, want %d and %d", len(b.visits), len(b.tokens), signIns, tokens)
	}
}

// open acts as the person's browser: it signs in, agrees, and follows
// redirects.
func (b *authboard) open(ctx context.Context, target string) error {
	u, err := url.Parse(target)
	if err != nil {
		return err
	}
	b.mu.Lock()
	b.visits = append(b.visits, u.Query())
	b.mu.Unlock()
	callback, err := b.provider.LoginAs(ctx, b.login, target)
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

// RoundTrip records what the provider issues.
func (b *authboard) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || r.Method != http.MethodPost {
		return resp, err
	}
	body, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(strings.NewReader(string(body)))
	var said map[string]any
	_ = json.Unmarshal(body, &said) // of no interest
	b.mu.Lock()
	defer b.mu.Unlock()
	for name, value := range said {
		b.issued[name] = append(b.issued[name], fmt.Sprint(value))
	}
	return resp, nil
}

// last returns the value that the provider issued last under a name.
func (b *authboard) last(name string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.issued[name]) == 0 {
		return ""
	}
	return b.issued[name][len(b.issued[name])-1]
}

// connect connects as the person, and with the tokens in a folder if there is
// one.
func (b *authboard) connect(t *testing.T, dir string) *client.Client {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := client.Connect(ctx, b.url, client.WithOAuth(client.OAuth{
		Open: b.open, Dir: dir, HTTPClient: &http.Client{Transport: b},
	}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}
