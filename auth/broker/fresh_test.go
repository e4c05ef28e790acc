package broker_test

import (
	"log/slog"
	"net/http"
	"testing"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/broker"
	"github.com/mcpengine/mcpengine/internal/brokertest"
)

// Every request of a sign-in is answered by a server that has seen none before, with
// every provider: after a restart, on another replica, or in a function that starts
// anew. Brokers that keep registrations, sign-ins or refresh tokens in memory fail
// here (FastMCP's issues 1577, 1913, 2222, 2479 and 2634).
func TestFreshServers(t *testing.T) {
	t.Parallel()
	for name, q := range quirks() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			internet := q.serve(t)
			fresh := func() (*auth.Resource, *mcpengine.Engine) {
				r, err := auth.NewResource(resource, q.provider(broker.Config{}), auth.WithHTTPClient(&http.Client{Transport: internet}))
				if err != nil {
					t.Fatal(err)
				}
				return r, mcpengine.New("board", mcpengine.WithAuth(r), mcpengine.WithKeys(keyA), mcpengine.WithLogger(slog.New(slog.DiscardHandler)))
			}
			internet["rs.example"] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, e := fresh()
				defer e.Close()
				e.ServeHTTP(w, r)
			})
			c := brokertest.NewClient(t, internet, issuer, redirect, resource)
			if a := c.Register(registration(nil)); a.Status != http.StatusCreated {
				t.Fatalf("register: %d %s", a.Status, a.Body)
			}
			tokens := c.Redeem(c.Authorize(brokertest.NewBrowser(t, internet)).Get("code"), nil)
			renewed := c.Refresh(tokens.Text("refresh_token"), nil)
			for what, a := range map[string]brokertest.Answer{"token": tokens, "renewed": renewed} {
				if a.Status != http.StatusOK {
					t.Fatalf("%s: %d %s", what, a.Status, a.Body)
				}
				r, _ := fresh()
				if got := userOf(t, r, a.Text("access_token")).ID(); got != q.user.ID() {
					t.Errorf("%s: user %s, want %s", what, got, q.user.ID())
				}
			}
		})
	}
}
