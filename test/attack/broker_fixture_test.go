package attack_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"strings"
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
	brokerURL   = "https://rs.example"
	appRedirect = "https://app.example/callback"
	docURL      = "https://client.example/client.json"
)

// A deputy is a server with a broker, its provider, a clock and a log.
type deputy struct {
	idp      *authtest.Provider
	resource *auth.Resource
	engine   *mcpengine.Engine
	internet brokertest.Internet
	config   broker.Config
	more     []auth.ResourceOption

	mu  sync.Mutex
	log bytes.Buffer
	now time.Time
}

func (d *deputy) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.log.Write(p)
}

func (d *deputy) logged() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.log.String()
}

func (d *deputy) clock() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now
}

func (d *deputy) wait(span time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = d.now.Add(span)
}

var deputyKey = bytes.Repeat([]byte{1}, 32)

func newDeputy(t testing.TB, change func(*broker.Config)) *deputy {
	t.Helper()
	d := &deputy{idp: authtest.NewProvider(t), internet: brokertest.Internet{}, now: time.Now()}
	d.idp.SetClock(d.clock)
	d.idp.SignIn(authtest.Claims{"sub": "alice", "email": "alice@example.com"})
	d.config = broker.Config{
		Name:           "Board",
		Scopes:         []broker.Scope{{Name: "mcp:read"}, {Name: "mcp:write"}},
		DocumentClient: &http.Client{Transport: d.internet},
	}
	if change != nil {
		change(&d.config)
	}
	d.resource, d.engine = d.replica(t, resourceURL, deputyKey)
	d.internet["rs.example"] = d.engine
	return d
}

// replica returns another process of the server.
func (d *deputy) replica(t testing.TB, resource string, keys ...[]byte) (*auth.Resource, *mcpengine.Engine) {
	t.Helper()
	logger := slog.New(slog.NewTextHandler(d, &slog.HandlerOptions{Level: slog.LevelDebug}))
	r, err := auth.NewResource(resource, broker.OIDC(d.idp.Issuer(), "server", "the secret of the server", d.config),
		append(d.more, auth.WithLogger(logger), auth.WithClock(d.clock), auth.WithHTTPClient(&http.Client{Transport: d.internet}))...)
	if err != nil {
		t.Fatal(err)
	}
	e := mcpengine.New("board", mcpengine.WithAuth(r), mcpengine.WithKeys(keys[0], keys[1:]...), mcpengine.WithLogger(logger))
	mcpengine.AddTool(e, "hello", "", func(context.Context, none) (string, error) { return "hello", nil })
	return r, e
}

func (d *deputy) browser(t testing.TB) *brokertest.Browser {
	return brokertest.NewBrowser(t, d.internet)
}

// client returns a client with a registration of its own.
func (d *deputy) client(t testing.TB, redirect string) *brokertest.Client {
	t.Helper()
	c := brokertest.NewClient(t, d.internet, brokerURL, redirect, resourceURL)
	if a := c.Register(map[string]any{"client_name": "App", "redirect_uris": []string{redirect}}); a.Status != http.StatusCreated {
		t.Fatalf("register: %d %s", a.Status, a.Body)
	}
	return c
}

// documented returns a client with a metadata document, in which some members are
// changed.
func (d *deputy) documented(t testing.TB, changes map[string]any) *brokertest.Client {
	t.Helper()
	document := map[string]any{"client_id": docURL, "client_name": "App", "redirect_uris": []string{appRedirect}}
	maps.Copy(document, changes)
	text, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	d.publish(string(text))
	c := brokertest.NewClient(t, d.internet, brokerURL, appRedirect, resourceURL)
	c.ID = docURL
	return c
}

func (d *deputy) publish(document string) {
	d.internet["client.example"] = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, document)
	})
}

// user is asked for by a token.
func (d *deputy) user(t testing.TB, r *auth.Resource, token string) (*auth.User, *auth.Challenge) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, resourceURL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	return r.Authenticate(req)
}

// stays checks that a page stays where it is: nobody is redirected.
func stays(t testing.TB, what string, p brokertest.Page, status int) {
	t.Helper()
	if p.Status != status || p.Location != "" || strings.Contains(p.Body, "http-equiv") {
		t.Errorf("%s: HTTP status %d to %q, want %d and no redirect: %s", what, p.Status, p.Location, status, brokertest.Text(p.Body))
	}
}

// refused checks an error of the token endpoint.
func refused(t testing.TB, what string, a brokertest.Answer, code string) {
	t.Helper()
	if a.Status < 400 || a.Status >= 500 || a.Text("error") != code || a.Text("access_token") != "" {
		t.Errorf("%s: %d %s, want %s", what, a.Status, a.Body, code)
	}
}

func with(target string, changes map[string]string) string {
	u, err := url.Parse(target)
	if err != nil {
		return target
	}
	q := u.Query()
	for name, value := range changes {
		if q.Set(name, value); value == "" {
			q.Del(name)
		}
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// withUpstream makes the server another one, whose handlers may ask for tokens.
func (d *deputy) withUpstream(t testing.TB, apis ...auth.UpstreamAPI) *mcpengine.Engine {
	t.Helper()
	d.more = []auth.ResourceOption{auth.WithUpstream(apis...)}
	d.resource, d.engine = d.replica(t, resourceURL, deputyKey)
	d.internet["rs.example"] = d.engine
	return d.engine
}
