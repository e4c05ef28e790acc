package main_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/auth/authtest"
	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/examples/internal/servertest"
	"github.com/mcpengine/mcpengine/internal/brokertest"
	"github.com/mcpengine/mcpengine/internal/buildtest"
	"github.com/mcpengine/mcpengine/internal/pgtest"
)

const (
	publicURL = "https://board.example"
	resource  = publicURL + "/mcp"
)

// The same board is asked directly and through a Function URL, each with a
// PostgreSQL behind it.
func TestAuthboard(t *testing.T) {
	t.Parallel()
	database := pgtest.Start(t)
	idp := authtest.NewProvider(t)
	program := buildtest.Program(t, ".", ".")
	environment := func(t *testing.T, name string) []string {
		return []string{"PUBLIC_URL=" + publicURL, "OIDC_ISSUER=" + idp.Issuer(), "DATABASE_URL=" + database.Database(t, name)}
	}
	t.Run("HTTP", func(t *testing.T) {
		t.Parallel()
		server := servertest.Start(t, program, environment(t, "http")...)
		s := &scene{idp: idp, url: server.URL}
		s.play(t)
		s.checkLog(t, server.Log())
	})
	t.Run("Lambda", func(t *testing.T) {
		t.Parallel()
		function := servertest.StartFunction(t, program, 3, environment(t, "lambda")...)
		s := &scene{idp: idp, url: function.URL}
		s.play(t)
		s.checkLog(t, function.Log())
	})
}

// People sign in by the URL of the board alone, with a host that has registered
// itself: at one process, and at a function whose invocations are spread over three
// environments that share nothing but the keys.
func TestSignIn(t *testing.T) {
	t.Parallel()
	database := pgtest.Start(t)
	idp := authtest.NewProvider(t)
	idp.SignIn(authtest.Claims{"sub": "alice", "email": "alice@example.com", "email_verified": true, "groups": []string{"admin"}})
	program := buildtest.Program(t, ".", ".")
	environment := func(t *testing.T, name string) []string {
		return []string{
			"PUBLIC_URL=" + publicURL, "OIDC_ISSUER=" + idp.Issuer(), "SIGN_IN_CLIENT_ID=board", "SIGN_IN_CLIENT_SECRET=secret of the board",
			"MCPENGINE_KEYS=" + strings.Repeat("ab", 32), "DATABASE_URL=" + database.Database(t, name),
		}
	}
	t.Run("HTTP", func(t *testing.T) {
		t.Parallel()
		server := servertest.Start(t, program, environment(t, "http")...)
		signIn(t, server.URL, 3)
	})
	t.Run("Lambda", func(t *testing.T) {
		t.Parallel()
		function := servertest.StartFunction(t, program, 3, environment(t, "lambda")...)
		signIn(t, function.URL, 12)
	})
}

// signIn signs in, posts and deletes, several times.
func signIn(t *testing.T, serverURL string, times int) {
	t.Helper()
	at := elsewhere{serverURL}
	for range times {
		c := brokertest.NewClient(t, at, publicURL, "http://127.0.0.1:1234/callback", resource)
		c.Scope = "messages:delete"
		if a := c.Register(map[string]any{"client_name": "Host", "redirect_uris": []string{"http://127.0.0.1/callback"}}); a.Status != http.StatusCreated {
			t.Fatalf("register: %d %s", a.Status, a.Body)
		}
		tokens := c.Redeem(c.Authorize(brokertest.NewBrowser(t, at)).Get("code"), nil)
		renewed := c.Refresh(tokens.Text("refresh_token"), nil)
		if tokens.Status != http.StatusOK || renewed.Status != http.StatusOK {
			t.Fatalf("tokens: %d %s, renewed: %d %s", tokens.Status, tokens.Body, renewed.Status, renewed.Body)
		}
		board := servertest.Client(t, serverURL, renewed.Text("access_token"))
		posted, err := servertest.Call(t.Context(), board, "post_message", map[string]any{"text": "hello"})
		if err != nil {
			t.Fatal(err)
		}
		if got := messages(t, board); len(got) == 0 || got[0] != "email:alice@example.com: hello" {
			t.Errorf("the board: %q", got)
		}
		var id int
		if _, err := fmt.Sscanf(posted, "Message %d is posted.", &id); err != nil {
			t.Fatalf("%s: %v", posted, err)
		}
		if _, err := servertest.Call(t.Context(), board, "delete_message", map[string]any{"id": id}); err != nil {
			t.Errorf("delete_message: %v", err)
		}
	}
}

// elsewhere is a transport for which the board is at another URL than its own, as it
// is behind a gateway.
type elsewhere struct{ url string }

func (e elsewhere) RoundTrip(r *http.Request) (*http.Response, error) {
	if u, err := url.Parse(e.url); err == nil && "https://"+r.URL.Host == publicURL {
		r = r.Clone(r.Context())
		r.URL.Scheme, r.URL.Host, r.Host = u.Scheme, u.Host, u.Host
	}
	return http.DefaultTransport.RoundTrip(r)
}

// A scene is one board and those who come to it.
type scene struct {
	idp    *authtest.Provider
	url    string
	tokens []string
}

func (s *scene) play(t *testing.T) {
	s.refuse(t)
	s.post(t)
	s.delete(t)
	s.metadata(t)
}

// as returns a client with a token of these claims.
func (s *scene) as(t *testing.T, claims authtest.Claims) *client.Client {
	return s.with(t, s.idp.AccessToken(resource, claims))
}

func (s *scene) with(t *testing.T, token string) *client.Client {
	t.Helper()
	s.tokens = append(s.tokens, token)
	return servertest.Client(t, s.url, token)
}

func person(name string) authtest.Claims {
	return authtest.Claims{"sub": name, "email": name + "@example.com", "email_verified": true}
}

// A tokenTransport sends requests with a token, and remembers the status that the last
// one was answered with.
type tokenTransport struct {
	token  string
	status int
}

func (d *tokenTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Del("Authorization")
	if d.token != "" {
		r.Header.Set("Authorization", "Bearer "+d.token)
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		d.status = resp.StatusCode
	}
	return resp, err
}

// through returns a client that sends its requests through the transport, and was let in
// with a good token.
func (s *scene) through(t *testing.T, d *tokenTransport) *client.Client {
	t.Helper()
	d.token = s.idp.AccessToken(resource, person("dora"))
	c, err := client.Connect(t.Context(), s.url+"/mcp", client.WithHTTPClient(&http.Client{Transport: d}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// refuse: a caller without a good token gets 401, whatever is asked for.
func (s *scene) refuse(t *testing.T) {
	expired := person("alice")
	expired["exp"] = time.Now().Add(-time.Hour).Unix()
	stranger := authtest.NewProvider(t)
	var d tokenTransport
	c := s.through(t, &d)
	for name, token := range map[string]string{
		"no token":                "",
		"no JWT":                  "alice",
		"for another server":      s.idp.AccessToken("https://other.example/mcp", person("alice")),
		"for the URL without mcp": s.idp.AccessToken(publicURL, person("alice")),
		"of another issuer":       stranger.AccessToken(resource, person("alice")),
		"in another's name":       stranger.AccessToken(resource, authtest.Claims{"sub": "alice", "iss": s.idp.Issuer()}),
		"an ID token":             s.idp.IDToken("client", person("alice")),
		"expired":                 s.idp.AccessToken(resource, expired),
	} {
		d.token = token
		s.tokens = append(s.tokens, token)
		for what, call := range map[string]func() error{
			"post_message": func() error {
				_, err := servertest.Call(t.Context(), c, "post_message", map[string]any{"text": "I was here"})
				return err
			},
			"get_messages": func() error { _, err := servertest.Call(t.Context(), c, "get_messages", nil); return err },
			"tools/list":   func() error { _, err := client.Collect(c.Tools(t.Context(), client.Fresh())); return err },
			"resources/read": func() error {
				_, err := c.ReadResource(t.Context(), "messages://recent", client.Fresh())
				return err
			},
			"no_such_tool": func() error { _, err := servertest.Call(t.Context(), c, "no_such_tool", nil); return err },
		} {
			d.status = 0
			if err := call(); err == nil || d.status != http.StatusUnauthorized {
				t.Errorf("%s: %s = %v with %d, want 401", name, what, err, d.status)
			}
		}
	}
}

// post: two callers post under their own names and under no other.
func (s *scene) post(t *testing.T) {
	alice, bob := s.as(t, person("alice")), s.as(t, person("bob"))
	// An address that nobody has verified is what somebody wrote down, and so is an
	// identifier that looks like one.
	claimed := s.as(t, authtest.Claims{"sub": "alice@example.com", "name": "alice@example.com", "email": "alice@example.com", "preferred_username": "alice"})
	for _, m := range []struct {
		client *client.Client
		text   string
	}{{alice, "from alice"}, {bob, "from bob"}, {claimed, "from whom?"}} {
		if _, err := servertest.Call(t.Context(), m.client, "post_message", map[string]any{"text": m.text}); err != nil {
			t.Errorf("%s: %v", m.text, err)
		}
	}
	for _, name := range []string{"username", "Username", "user", "author", "sub"} {
		got, err := servertest.Call(t.Context(), bob, "post_message", map[string]any{"text": "I am alice", name: "alice@example.com"})
		if err == nil {
			t.Errorf("bob posts with %s of alice: %s", name, got)
		}
	}
	mallory := "user:" + s.idp.Issuer() + " alice@example.com: from whom?"
	want := []string{mallory, "email:bob@example.com: from bob", "email:alice@example.com: from alice"}
	if diff := cmp.Diff(want, messages(t, alice)); diff != "" {
		t.Errorf("the board (-want +got):\n%s", diff)
	}
}

// delete: it takes the scope and the role.
func (s *scene) delete(t *testing.T) {
	with := func(scope string, roles ...string) string {
		claims := person("carol")
		claims["scope"], claims["roles"] = scope, roles
		token := s.idp.AccessToken(resource, claims)
		s.tokens = append(s.tokens, token)
		return token
	}
	var d tokenTransport
	c := s.through(t, &d)
	for name, token := range map[string]string{
		"neither":        with("messages:read"),
		"only the scope": with("messages:delete", "reader"),
		"only the role":  with("openid", "admin"),
	} {
		d.token = token
		if _, err := servertest.Call(t.Context(), c, "delete_message", map[string]any{"id": 1}); err == nil || d.status != http.StatusForbidden {
			t.Errorf("%s: delete_message = %v with %d, want 403", name, err, d.status)
		}
	}
	admin := s.with(t, with("openid messages:delete", "reader", "admin"))
	if got, err := servertest.Call(t.Context(), admin, "delete_message", map[string]any{"id": 2}); err != nil || got != "Message 2 is deleted." {
		t.Errorf("delete_message = %s, %v", got, err)
	}
	mallory := "user:" + s.idp.Issuer() + " alice@example.com: from whom?"
	want := []string{mallory, "email:alice@example.com: from alice"}
	if diff := cmp.Diff(want, messages(t, admin)); diff != "" {
		t.Errorf("the board (-want +got):\n%s", diff)
	}
}

// metadata: a client that was refused finds out where to get a token.
func (s *scene) metadata(t *testing.T) {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/.well-known/oauth-protected-resource/mcp", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Resource string
		Servers  []string `json:"authorization_servers"`
	}
	if err := json.Unmarshal(body, &got); err != nil || got.Resource != resource || len(got.Servers) != 1 || got.Servers[0] != s.idp.Issuer() {
		t.Errorf("metadata = %d %s, %v", resp.StatusCode, body, err)
	}
}

// checkLog: no token that was shown is in the log.
func (s *scene) checkLog(t *testing.T, log string) {
	t.Helper()
	for _, token := range s.tokens {
		if len(token) > 10 && strings.Contains(log, token[len(token)-20:]) {
			t.Errorf("a token is in the log:\n%s", log)
		}
	}
}

// messages returns the messages with their authors, the latest first.
func messages(t *testing.T, c *client.Client) []string {
	t.Helper()
	result, err := c.CallTool(t.Context(), "get_messages", map[string]any{})
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Messages []struct{ Username, Text string }
	}
	if err := json.Unmarshal(result.StructuredContent, &board); err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, m := range board.Messages {
		said = append(said, fmt.Sprintf("%s: %s", m.Username, m.Text))
	}
	return said
}
