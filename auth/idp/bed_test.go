package idp_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/authtest"
	"github.com/mcpengine/mcpengine/auth/idp"
)

const (
	resourceURL = "https://rs.example/mcp"
	metadataURL = "https://rs.example/.well-known/oauth-protected-resource/mcp"
	issuer      = "https://id.example"
)

// start is when every test begins.
var start = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// A network answers the requests of a resource without one. It knows the hosts
// it is given and records requests to any other, which no test allows.
type network struct {
	mu       sync.Mutex
	hosts    map[string]http.Handler
	unknown  []string
	requests int
}

func (n *network) RoundTrip(req *http.Request) (*http.Response, error) {
	n.mu.Lock()
	n.requests++
	h := n.hosts[req.URL.Host]
	if h == nil {
		n.unknown = append(n.unknown, req.URL.String())
	}
	n.mu.Unlock()
	if h == nil {
		return nil, fmt.Errorf("no such host: %s", req.URL)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	resp := w.Result()
	resp.Request = req
	return resp, nil
}

// serve adds an issuer with the keys of op.
func (n *network) serve(issuer string, op *authtest.Provider) {
	host, path, _ := strings.Cut(strings.TrimPrefix(issuer, "https://"), "/")
	mux := http.NewServeMux()
	prefix := strings.TrimSuffix("/"+path, "/")
	mux.HandleFunc(prefix+"/.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, map[string]any{"issuer": issuer, "jwks_uri": "https://" + host + authtest.KeysPath})
	})
	mux.Handle("/", op)
	n.hosts[host] = mux
}

func writeJSON(w http.ResponseWriter, value any) { _ = json.NewEncoder(w).Encode(value) }

// text answers with the same body every time.
func text(body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })
}

// A clock is set by hand.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// A record is a log that can be read while it is written.
type record struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.String()
}

// A bed is a resource with everything around it.
type bed struct {
	idp      *authtest.Provider
	net      *network
	clock    *clock
	log      *record
	resource *auth.Resource
}

// newBed returns a resource that trusts the issuer.
func newBed(t testing.TB, opts ...idp.Option) *bed {
	t.Helper()
	return newBedOf(t, idp.OIDC(issuer, resourceURL, opts...))
}

func newBedOf(t testing.TB, p auth.Provider, opts ...auth.ResourceOption) *bed {
	t.Helper()
	b := &bed{
		idp:   authtest.NewProvider(t),
		net:   &network{hosts: map[string]http.Handler{}},
		clock: &clock{now: start},
		log:   &record{},
	}
	b.idp.SetClock(b.clock.Now)
	if strings.HasPrefix(p.Issuer(), "https://") {
		b.net.serve(p.Issuer(), b.idp)
	}
	opts = append([]auth.ResourceOption{
		auth.WithHTTPClient(&http.Client{Transport: b.net}),
		auth.WithClock(b.clock.Now),
		auth.WithLogger(slog.New(slog.NewJSONHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))),
	}, opts...)
	var err error
	if b.resource, err = auth.NewResource(resourceURL, p, opts...); err != nil {
		t.Fatal(err)
	}
	return b
}

// token returns a good access token with some claims changed.
func (b *bed) token(claims authtest.Claims) string {
	merged := authtest.Claims{"iss": issuer, "sub": "alice", "scope": "mcp:read"}
	maps.Copy(merged, claims)
	return b.idp.AccessToken(resourceURL, merged)
}

// claims returns the JSON of good claims.
func (b *bed) claims() string {
	_, rest, _ := strings.Cut(b.token(nil), ".")
	payload, _, _ := strings.Cut(rest, ".")
	data, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		panic(err)
	}
	return string(data)
}

const goodHeader = `{"alg":"ES256","kid":"key-1","typ":"at+jwt"}`

func request(authorization ...string) *http.Request {
	req := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/mcp", nil)
	for _, value := range authorization {
		req.Header.Add("Authorization", value)
	}
	return req
}

func (b *bed) send(token string) (*auth.User, *auth.Challenge) {
	return b.resource.Authenticate(request("Bearer " + token))
}

// accept checks that a token is accepted.
func (b *bed) accept(t testing.TB, token string) *auth.User {
	t.Helper()
	user, challenge := b.send(token)
	if challenge != nil {
		t.Fatalf("a good token was refused with %d %s\nlog: %s", challenge.Status, challenge.Message, b.log)
	}
	if user == nil {
		t.Fatal("a good token came to nobody")
	}
	b.checkSecret(t, token, nil)
	return user
}

// refuse checks that a token is refused as invalid: 401T.
func (b *bed) refuse(t testing.TB, token string) *auth.Challenge {
	t.Helper()
	user, c := b.send(token)
	if c == nil {
		t.Fatalf("the token was accepted, of %v", user)
	}
	if user != nil {
		t.Errorf("a refused token came with a user: %v", user)
	}
	got := c.Header.Values("WWW-Authenticate")
	if c.Status != http.StatusUnauthorized || c.Code != "invalid_token" || len(got) == 0 {
		t.Fatalf("refused with %d %q %q, want 401 invalid_token\nlog: %s", c.Status, c.Code, got, b.log)
	}
	for _, want := range []string{`Bearer error="invalid_token"`, `resource_metadata="` + metadataURL + `"`} {
		if !strings.Contains(got[0], want) {
			t.Errorf("WWW-Authenticate = %s, want it to contain %s", got[0], want)
		}
	}
	b.checkNoStore(t, c)
	b.checkSecret(t, token, c)
	return c
}

func (b *bed) checkNoStore(t testing.TB, c *auth.Challenge) {
	t.Helper()
	if c.Header.Get("Cache-Control") != "no-store" || !strings.Contains(c.Header.Get("Vary"), "Authorization") {
		t.Errorf("a refusal can be cached: %v", c.Header)
	}
}

// checkSecret checks that the token is in nothing that leaves the server, and
// that nobody but the provider was asked about it.
func (b *bed) checkSecret(t testing.TB, token string, c *auth.Challenge) {
	t.Helper()
	if len(token) > 8 {
		said := b.log.String()
		if c != nil {
			w := httptest.NewRecorder()
			c.ServeHTTP(w, nil)
			said += fmt.Sprint(w.Header()) + w.Body.String() + c.Message
		}
		for part := range strings.SplitSeq(token, ".") {
			if len(part) > 8 && strings.Contains(said, part) {
				t.Error("a part of the token is in the log or in the answer")
			}
		}
	}
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	if len(b.net.unknown) > 0 {
		t.Errorf("requests to %v", b.net.unknown)
	}
}
