package interop_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/authtest"
	"github.com/mcpengine/mcpengine/auth/broker"
	"github.com/mcpengine/mcpengine/internal/brokertest"
)

const (
	hostRedirect = "http://localhost:1234/callback"
	hostDocument = "https://host.example/client.json"
)

// The clients of the official SDKs sign in through the broker by the URL of the
// server alone, with registration and with a metadata document, and renew their
// tokens.
func TestBrokerSDKs(t *testing.T) {
	t.Parallel()
	for name, program := range sdkClients(t) {
		for _, document := range []string{"", hostDocument} {
			t.Run(name+" "+document, func(t *testing.T) {
				t.Parallel()
				args := program(t)
				server, registered := startBroker(t)
				args = append(args, server+"/mcp", hostRedirect)
				if document != "" {
					args = append(args, document)
				}
				who := "alice by a registered client"
				if document != "" {
					who = "alice by " + document
				}
				if diff := cmp.Diff([]string{who, who}, signInBySDK(t, server, args, agree(t))); diff != "" {
					t.Errorf("the tool said (-want +got):\n%s", diff)
				}
				if got := registered(); got != (document == "") {
					t.Errorf("registered: %t", got)
				}
			})
		}
	}
}

// startBroker serves a server that people sign in to, and returns its URL and whether
// a client has registered itself.
func startBroker(t *testing.T) (server string, registered func() bool) {
	t.Helper()
	registrations := make(chan struct{}, 10)
	s := httptest.NewUnstartedServer(nil)
	t.Cleanup(s.Close)
	url := "http://" + s.Listener.Addr().String()
	idp := authtest.NewProvider(t)
	idp.SignIn(authtest.Claims{"sub": "alice"})
	documents := brokertest.Internet{"host.example": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"client_id":%q,"client_name":"Host","redirect_uris":[%q]}`, hostDocument, hostRedirect)
	})}
	resource, err := auth.NewResource(url+"/mcp", broker.OIDC(idp.Issuer(), "server", "secret", broker.Config{
		DocumentClient: &http.Client{Transport: documents},
	}))
	if err != nil {
		t.Fatal(err)
	}
	engine := mcpengine.New("board", mcpengine.WithAuth(resource), mcpengine.WithLogger(slog.New(slog.DiscardHandler)))
	mcpengine.AddTool(engine, "whoami", "Say who calls.", func(ctx context.Context, _ struct{}) (string, error) {
		u := auth.UserFrom(ctx)
		if u.ClientID == hostDocument {
			return u.Subject + " by " + hostDocument, nil
		}
		return u.Subject + " by a registered client", nil
	})
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/oauth/register" {
			registrations <- struct{}{}
		}
		engine.ServeHTTP(w, r)
	})
	s.Start()
	return url, func() bool { return len(registrations) > 0 }
}

// signInBySDK runs a client, opens the URL that it prints, and returns the other lines
// that it prints.
func signInBySDK(t *testing.T, server string, args []string, person func(target string) (back string)) (said []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // our own programs
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		line := lines.Text()
		if !strings.HasPrefix(line, server+"/oauth/authorize?") {
			said = append(said, line)
			continue
		}
		if _, err := io.WriteString(stdin, person(line)+"\n"); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the client: %v\n%s", err, stderr.Bytes())
	}
	return said
}

// agree is a person whom the provider knows.
func agree(t *testing.T) func(target string) string {
	b := brokertest.NewBrowser(t, http.DefaultTransport)
	return func(target string) string { return b.Follow(b.Decide(b.Get(target), "allow"), hostRedirect) }
}

// sdkClients are the programs that sign in with a client of an SDK.
func sdkClients(t *testing.T) map[string]func(t *testing.T) []string {
	t.Helper()
	peers, err := filepath.Abs(filepath.Join("..", "..", ".tools", "peers"))
	if err != nil {
		t.Fatal(err)
	}
	typescript := func(name string) func(t *testing.T) []string {
		return func(t *testing.T) []string {
			t.Helper()
			if _, err := os.Stat(filepath.Join(peers, "stamp")); err != nil {
				t.Skip("the clients of the TypeScript SDK are not installed: run scripts/install-peers")
			}
			return []string{filepath.Join(peers, "node"), filepath.Join("ts", "signin.mjs"), peers, name}
		}
	}
	return map[string]func(t *testing.T) []string{
		"TypeScript 1": typescript("sdk"),
		"TypeScript 2": typescript("client"),
		"Python 2":     func(t *testing.T) []string { return []string{python(t, "sdk2"), filepath.Join("python", "signin.py")} },
	}
}
