package interop_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/authtest"
	"github.com/mcpengine/mcpengine/auth/broker"
	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/internal/brokertest"
)

// The document that users copy and publish identifies this client to the broker,
// whichever port the browser comes back to.
func TestClientDocument(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile(filepath.Join("..", "..", "deploy", "client", "client.json"))
	if err != nil {
		t.Fatal(err)
	}
	var said struct {
		ID string `json:"client_id"`
	}
	if err := json.Unmarshal(document, &said); err != nil {
		t.Fatal(err)
	}
	at, err := url.Parse(said.ID)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(nil)
	t.Cleanup(s.Close)
	server := "http://" + s.Listener.Addr().String()
	provider := authtest.NewProvider(t)
	provider.SignIn(authtest.Claims{"sub": "alice"})
	documents := brokertest.Internet{at.Host: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != at.Path {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(document)
	})}
	resource, err := auth.NewResource(server+"/mcp", broker.OIDC(provider.Issuer(), "server", "secret", broker.Config{
		NoRegistration: true, DocumentClient: &http.Client{Transport: documents},
	}))
	if err != nil {
		t.Fatal(err)
	}
	e := mcpengine.New("board", mcpengine.WithAuth(resource), mcpengine.WithLogger(slog.New(slog.DiscardHandler)))
	mcpengine.AddTool(e, "whoami", "Say who calls.", func(ctx context.Context, _ struct{}) (string, error) {
		return auth.UserFrom(ctx).Subject + " by " + auth.UserFrom(ctx).ClientID, nil
	})
	s.Config.Handler = e
	s.Start()
	var answers []string
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for range 2 { // each at a port of its own
		c, err := client.Connect(ctx, server+"/mcp", client.WithOAuth(client.OAuth{
			MetadataURL: said.ID,
			Open: func(_ context.Context, target string) error {
				b := brokertest.NewBrowser(t, http.DefaultTransport)
				page := b.Get(target)
				if !strings.Contains(brokertest.Text(page.Body), at.Host) {
					t.Errorf("the page does not name %s: %s", at.Host, brokertest.Text(page.Body))
				}
				u, err := url.Parse(target)
				if err == nil {
					b.Get(b.Follow(b.Decide(page, "allow"), u.Query().Get("redirect_uri")))
				}
				return err
			},
		}))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		who, err := client.Call[string](ctx, c, "whoami", nil)
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, who)
	}
	want := "alice by " + said.ID
	if diff := cmp.Diff([]string{want, want}, answers); diff != "" {
		t.Errorf("the tool said (-want +got):\n%s", diff)
	}
}
