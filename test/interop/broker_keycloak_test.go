package interop_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/broker"
	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/internal/brokertest"
	"github.com/mcpengine/mcpengine/internal/keycloaktest"
	"github.com/mcpengine/mcpengine/internal/locallambda"
)

// boardKey is the key that the replicas of the board share.
var boardKey = []byte("0123456789abcdef0123456789abcdef")

// newBoard returns a server at a URL that people sign in to at a realm of Keycloak.
func newBoard(server, keycloak, realm string) (*mcpengine.Engine, error) {
	logger := slog.New(slog.DiscardHandler)
	resource, err := auth.NewResource(server+"/mcp", broker.Keycloak(keycloak, realm, "server", "secret", broker.Config{Name: "Message board"}), auth.WithLogger(logger))
	if err != nil {
		return nil, err
	}
	e := mcpengine.New("board", mcpengine.WithAuth(resource), mcpengine.WithKeys(boardKey), mcpengine.WithLogger(logger))
	mcpengine.AddTool(e, "whoami", "Say who calls.", func(ctx context.Context, _ struct{}) (string, error) {
		u := auth.UserFrom(ctx)
		return fmt.Sprintf("%s of %s", u.Email, u.Groups), nil
	})
	return e, nil
}

// boardFunction runs the board as a function on AWS Lambda.
func boardFunction(ctx context.Context) error {
	e, err := newBoard(os.Getenv("BOARD_URL"), os.Getenv("BOARD_KEYCLOAK"), os.Getenv("BOARD_REALM"))
	if err != nil {
		return err
	}
	return e.Run(ctx)
}

// The official clients sign in at a real Keycloak with the URL of the server alone:
// of two replicas that answer requests in turn, and of a function on the stand-in for
// AWS Lambda whose instances are frozen between requests. Keycloak registers no
// client and knows nothing of the hosts.
func TestBrokerKeycloak(t *testing.T) {
	t.Parallel()
	k := keycloaktest.Start(t)
	clients := map[string]func(*testing.T, string){"MCP Inspector": inspectorSignsIn, "ours": ourClientSignsIn}
	for name, program := range sdkClients(t) {
		clients[name] = func(t *testing.T, server string) {
			said := signInBySDK(t, server, append(program(t), server+"/mcp", hostRedirect), alice(t, hostRedirect))
			checkAlice(t, said, 2) // the second after the token was renewed
		}
	}
	for place, serve := range map[string]func(*testing.T, *keycloaktest.Server) string{"replicas": serveReplicas, "Lambda": serveBoardFunction} {
		t.Run(place, func(t *testing.T) {
			server := serve(t, k)
			for name, signIn := range clients {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					signIn(t, server)
				})
			}
		})
	}
}

func createRealm(k *keycloaktest.Server, name, server string) {
	k.Create(keycloaktest.Realm{
		Name: name, Redirect: server + "/oauth/callback", Rotate: true, Users: map[string][]string{"alice": {"staff"}},
	})
}

func serveReplicas(t *testing.T, k *keycloaktest.Server) string {
	t.Helper()
	s := httptest.NewUnstartedServer(nil)
	t.Cleanup(s.Close)
	server := "http://" + s.Listener.Addr().String()
	createRealm(k, "replicas", server)
	var engines []*mcpengine.Engine
	for range 2 {
		e, err := newBoard(server, k.URL, "replicas")
		if err != nil {
			t.Fatal(err)
		}
		engines = append(engines, e)
	}
	var mu sync.Mutex
	turn := 0
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		turn++
		e := engines[turn%len(engines)]
		mu.Unlock()
		e.ServeHTTP(w, r)
	})
	s.Start()
	return server
}

func serveBoardFunction(t *testing.T, k *keycloaktest.Server) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	server := "http://" + address
	createRealm(k, "function", server)
	platform, err := locallambda.New(context.WithoutCancel(t.Context()), locallambda.Options{
		Bootstrap: self, Address: address, Instances: 3, Freeze: true,
		Env: []string{fixtureVariable + "=board-function", "BOARD_URL=" + server, "BOARD_KEYCLOAK=" + k.URL, "BOARD_REALM=function"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(platform.Stop)
	return server
}

// alice is a person who agrees to the client and logs in at Keycloak. It returns where
// the browser is sent back to.
func alice(t *testing.T, redirect string) func(target string) string {
	b := brokertest.NewBrowser(t, http.DefaultTransport)
	return func(target string) string {
		back, err := b.LogIn(b.Decide(b.Get(target), "allow"), "alice", redirect)
		if err != nil {
			t.Errorf("sign in: %v", err)
		}
		return back
	}
}

func checkAlice(t *testing.T, said []string, times int) {
	t.Helper()
	var want []string
	for range times {
		want = append(want, "alice@example.com of [staff]")
	}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Errorf("the tool said (-want +got):\n%s", diff)
	}
}

func ourClientSignsIn(t *testing.T, server string) {
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	c, err := client.Connect(ctx, server+"/mcp", client.WithOAuth(client.OAuth{Open: func(_ context.Context, target string) error {
		redirect, err := redirectOf(target)
		if err == nil {
			brokertest.NewBrowser(t, http.DefaultTransport).Get(alice(t, redirect)(target))
		}
		return err
	}}))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	who, err := client.Call[string](ctx, c, "whoami", nil)
	if err != nil {
		t.Fatal(err)
	}
	checkAlice(t, []string{who}, 1)
}

// redirectOf returns the redirect URI of an authorization request.
func redirectOf(target string) (string, error) {
	u, err := url.Parse(target)
	if err != nil {
		return "", err
	}
	if redirect := u.Query().Get("redirect_uri"); redirect != "" {
		return redirect, nil
	}
	return "", errors.New("an authorization request without a redirect URI")
}

// inspectorSignsIn calls a tool with the Inspector's command line: once with a person
// who signs in, then with the token that it has kept, and then with the refresh token,
// when the access token is no longer good.
func inspectorSignsIn(t *testing.T, server string) {
	inspector, err := filepath.Abs(filepath.Join("..", "..", ".tools", "inspector"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(inspector, "stamp")); err != nil {
		t.Skip("the MCP Inspector is not installed: run scripts/install-peers")
	}
	home := t.TempDir()
	run := func() string { return runInspector(t, inspector, home, server) }
	said := []string{run(), run()}
	store := filepath.Join(home, "oauth.json")
	text, err := os.ReadFile(store)
	if err != nil {
		t.Fatal(err)
	}
	stale := regexp.MustCompile(`("access_token":\s*")[^"]*`).ReplaceAll(text, []byte("${1}stale"))
	if err := os.WriteFile(store, stale, 0o600); err != nil {
		t.Fatal(err)
	}
	checkAlice(t, append(said, run()), 3)
}

// runInspector calls the tool and returns what it says. A person signs in where the
// Inspector asks for that, as it may do once for each folder.
func runInspector(t *testing.T, inspector, home, server string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	main := filepath.Join(inspector, "node_modules", "@modelcontextprotocol", "inspector", "clients", "launcher", "build", "index.js")
	cmd := exec.CommandContext(ctx, filepath.Join(inspector, "node"), main, //nolint:gosec // an installation of our own
		"--cli", server+"/mcp", "--transport", "http", "--method", "tools/call", "--tool-name", "whoami",
		"--callback-url", "http://"+freeAddress(t)+"/oauth/callback")
	// Without a terminal it signs in only when it may open a browser, of which there is
	// none in this PATH.
	cmd.Env = []string{"HOME=" + home, "MCP_STORAGE_DIR=" + home, "MCP_AUTO_OPEN_ENABLED=true", "PATH=" + t.TempDir()}
	cmd.WaitDelay = 5 * time.Second
	var stdout strings.Builder
	cmd.Stdout = &stdout
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var log []string
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		log = append(log, lines.Text())
		if _, target, ok := strings.Cut(lines.Text(), "Please navigate to: "); ok {
			redirect, err := redirectOf(target)
			if err != nil {
				t.Fatal(err)
			}
			brokertest.NewBrowser(t, http.DefaultTransport).Get(alice(t, redirect)(target))
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("the Inspector: %v\n%s", err, strings.Join(log, "\n"))
	}
	found := regexp.MustCompile(`"text":\s*"([^"]*)"`).FindStringSubmatch(stdout.String())
	if found == nil {
		t.Fatalf("the Inspector said %s", stdout.String())
	}
	return found[1]
}
