package broker_test

import (
	"bytes"
	"flag"
	"log/slog"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/broker"
	"github.com/mcpengine/mcpengine/internal/brokertest"
	"github.com/mcpengine/mcpengine/internal/keycloaktest"
)

// A site is a server with two replicas, which answer requests in turn, in front of a
// realm of a real Keycloak.
type site struct {
	resources []*auth.Resource
	engines   []*mcpengine.Engine
	internet  brokertest.Internet
	log       *syncBuffer
}

func newSite(t testing.TB, k *keycloaktest.Server, realm string, keys ...[]byte) *site {
	t.Helper()
	s := &site{internet: brokertest.Internet{}, log: &syncBuffer{}}
	for range 2 {
		s.add(t, k, realm, keys...)
	}
	turn := 0
	s.internet["rs.example"] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		turn++
		s.engines[turn%len(s.engines)].ServeHTTP(w, r)
	})
	return s
}

func (s *site) add(t testing.TB, k *keycloaktest.Server, realm string, keys ...[]byte) {
	t.Helper()
	logger := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	r, err := auth.NewResource(resource, broker.Keycloak(k.URL, realm, "server", "secret", broker.Config{Name: "Message board"}), auth.WithLogger(logger))
	if err != nil {
		t.Fatal(err)
	}
	e := mcpengine.New("board", mcpengine.WithAuth(r), mcpengine.WithKeys(keys[0], keys[1:]...), mcpengine.WithLogger(logger))
	s.resources, s.engines = append(s.resources, r), append(s.engines, e)
}

// rotate replaces the replicas by others with other keys, one after the other.
func (s *site) rotate(t testing.TB, k *keycloaktest.Server, realm string, keys ...[]byte) {
	s.add(t, k, realm, keys...)
	s.resources, s.engines = s.resources[1:], s.engines[1:]
}

func (s *site) client(t testing.TB) *brokertest.Client {
	t.Helper()
	c := brokertest.NewClient(t, s.internet, issuer, redirect, resource)
	if a := c.Register(registration(nil)); a.Status != http.StatusCreated {
		t.Fatalf("register: %d %s", a.Status, a.Body)
	}
	return c
}

// signIn signs a user in with a password, unless Keycloak knows the browser.
func signIn(c *brokertest.Client, b *brokertest.Browser, user string) url.Values {
	back, err := b.LogIn(b.Decide(b.Get(c.AuthorizationURL(nil)), "allow"), user, redirect)
	if err != nil {
		return url.Values{"error": {err.Error()}}
	}
	return c.Back(back)
}

func (s *site) user(t testing.TB, token string) *auth.User {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, resource, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	var user *auth.User
	for _, r := range s.resources {
		u, challenge := r.Authenticate(req)
		if challenge != nil {
			t.Fatalf("a replica refuses the token: %s\n%s", challenge.Message, s.log)
		}
		user = u
	}
	return user
}

var keyA, keyB = bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)

// People sign in at a real Keycloak by way of two replicas that share nothing but
// their keys.
func TestKeycloak(t *testing.T) {
	t.Parallel()
	k := keycloaktest.Start(t)
	for _, r := range []keycloaktest.Realm{
		{Name: "rotating", Redirect: issuer + "/oauth/callback", Rotate: true, Users: map[string][]string{"alice": {"staff"}, "bob": nil}},
		{Name: "keeping", Redirect: issuer + "/oauth/callback", Users: map[string][]string{"alice": {"admin"}}},
	} {
		k.Create(r)
	}
	t.Run("upstream", func(t *testing.T) { keycloakUpstream(t, k) })
	t.Run("token of the provider", func(t *testing.T) { keycloakProviderToken(t, k) })
	t.Run("sign in", func(t *testing.T) { keycloakSignIn(t, k) })
	t.Run("rotation", func(t *testing.T) { keycloakRotation(t, k) })
	t.Run("realms", func(t *testing.T) { keycloakRealms(t, k) })
	t.Run("many", func(t *testing.T) { keycloakMany(t, k) })
}

// The user is the provider's, and the consent page is shown although Keycloak knows
// the browser.
func keycloakSignIn(t *testing.T, k *keycloaktest.Server) {
	s := newSite(t, k, "rotating", keyA)
	b := brokertest.NewBrowser(t, s.internet)
	c := s.client(t)
	answer := signIn(c, b, "alice")
	tokens := c.Redeem(answer.Get("code"), nil)
	if tokens.Status != http.StatusOK {
		t.Fatalf("%v: %d %s\n%s", answer, tokens.Status, tokens.Body, s.log)
	}
	u := s.user(t, tokens.Text("access_token"))
	if u.Issuer != k.URL+"/realms/rotating" || u.Email != "alice@example.com" || !u.EmailVerified || u.Name != "alice Example" || u.Subject == "" {
		t.Errorf("user %+v", u)
	}
	if diff := cmp.Diff([]string{"staff"}, u.Groups); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
	if a := c.Redeem(answer.Get("code"), nil); a.Text("error") != "invalid_grant" {
		t.Errorf("replay: %d %s", a.Status, a.Body)
	}
	other := s.client(t)
	if p := b.Get(other.AuthorizationURL(nil)); p.Status != http.StatusOK || p.Location != "" {
		t.Errorf("another client in the same browser: HTTP status %d to %s", p.Status, p.Location)
	}
}

// A refresh token is good once where the realm says so. Signing out and blocking a
// user end the session.
func keycloakRotation(t *testing.T, k *keycloaktest.Server) {
	s := newSite(t, k, "rotating", keyA)
	c := s.client(t)
	first := c.Redeem(signIn(c, brokertest.NewBrowser(t, s.internet), "bob").Get("code"), nil)
	second := c.Refresh(first.Text("refresh_token"), nil)
	if second.Status != http.StatusOK || s.user(t, second.Text("access_token")).Email != "bob@example.com" {
		t.Fatalf("renew: %d %s\n%s", second.Status, second.Body, s.log)
	}
	// Each replica forgets the answer after ten seconds; a new one never knew it.
	s.rotate(t, k, "rotating", keyA)
	s.rotate(t, k, "rotating", keyA)
	if a := c.Refresh(first.Text("refresh_token"), nil); a.Text("error") != "invalid_grant" {
		t.Errorf("a refresh token that was used: %d %s", a.Status, a.Body)
	}

	tokens := c.Redeem(signIn(c, brokertest.NewBrowser(t, s.internet), "bob").Get("code"), nil)
	form := url.Values{"client_id": {c.ID}, "token": {tokens.Text("refresh_token")}}
	if a := c.Send("/oauth/revoke", "application/x-www-form-urlencoded", form.Encode()); a.Status != http.StatusOK {
		t.Errorf("revoke: %d %s\n%s", a.Status, a.Body, s.log)
	}
	if a := c.Refresh(tokens.Text("refresh_token"), nil); a.Text("error") != "invalid_grant" {
		t.Errorf("revoked: %d %s", a.Status, a.Body)
	}

	tokens = c.Redeem(signIn(c, brokertest.NewBrowser(t, s.internet), "bob").Get("code"), nil)
	k.SetEnabled("rotating", "bob", false)
	if a := c.Refresh(tokens.Text("refresh_token"), nil); a.Text("error") != "invalid_grant" {
		t.Errorf("a user who was blocked: %d %s", a.Status, a.Body)
	}
}

// A user of one realm is another user than the one of the same name elsewhere, and
// a token for a server of one realm is refused by a server of another.
func keycloakRealms(t *testing.T, k *keycloaktest.Server) {
	one, two := newSite(t, k, "rotating", keyA), newSite(t, k, "keeping", keyB)
	var users []*auth.User
	var tokens []string
	for _, s := range []*site{one, two} {
		c := s.client(t)
		a := c.Redeem(signIn(c, brokertest.NewBrowser(t, s.internet), "alice").Get("code"), nil)
		users, tokens = append(users, s.user(t, a.Text("access_token"))), append(tokens, a.Text("access_token"))
	}
	if users[0].ID() == users[1].ID() {
		t.Errorf("both are %s", users[0].ID())
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, resource, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+tokens[1])
	if _, challenge := one.resources[0].Authenticate(req); challenge == nil {
		t.Error("a token of another realm's server is accepted")
	}
}

// signIns is how many people sign in while the keys are rotated. 500 take minutes.
var signIns = flag.Int("signins", 60, "sign-ins at Keycloak during a rotation of keys")

// Sign-ins go on while the keys are rotated, as docs/auth/broker.md says: the new key
// second, then first, and the old one removed when nothing of it is left.
func keycloakMany(t *testing.T, k *keycloaktest.Server) {
	count := *signIns
	s := newSite(t, k, "keeping", keyA)
	b := brokertest.NewBrowser(t, s.internet)
	began, failures := time.Now(), 0
	var c *brokertest.Client
	for i := range count {
		switch i {
		case count * 4 / 10:
			s.rotate(t, k, "keeping", keyA, keyB)
		case count * 45 / 100:
			s.rotate(t, k, "keeping", keyA, keyB)
		case count / 2:
			s.rotate(t, k, "keeping", keyB, keyA)
		case count * 6 / 10:
			s.rotate(t, k, "keeping", keyB, keyA)
		}
		if c == nil || i%7 == 0 {
			c = s.client(t)
		}
		answer := signIn(c, b, "alice")
		tokens := c.Redeem(answer.Get("code"), nil)
		renewed := c.Refresh(tokens.Text("refresh_token"), nil)
		if tokens.Status != http.StatusOK || renewed.Status != http.StatusOK || s.user(t, renewed.Text("access_token")).Email != "alice@example.com" {
			failures++
			t.Errorf("sign-in %d: %v, %d %s, %d %s", i, answer["error"], tokens.Status, tokens.Body, renewed.Status, renewed.Body)
		}
	}
	t.Logf("%d sign-ins, %d failures, %s", count, failures, time.Since(began).Round(time.Second))
}
