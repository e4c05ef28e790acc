package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/authtest"
	"github.com/mcpengine/mcpengine/auth/broker"
	"github.com/mcpengine/mcpengine/internal/brokertest"
)

// authorizationScenarios are the scenarios of the suite for authorization servers.
var authorizationScenarios = []string{"authorization-server-metadata-endpoint", "authorization-code-grant"}

// The broker is an authorization server to the suite's satisfaction, of every
// revision.
func TestAuthorizationServer(t *testing.T) {
	t.Parallel()
	s, err := findSuite(suiteFolder)
	if err != nil {
		t.Skip(err)
	}
	for _, revision := range []string{"2025-11-25", "2026-07-28"} {
		t.Run(revision, func(t *testing.T) {
			t.Parallel()
			issuer := startBroker(t)
			port, err := freePort(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			c := brokertest.NewClient(t, http.DefaultTransport, issuer, "http://127.0.0.1:"+port+"/callback", issuer+"/mcp")
			if a := c.Register(map[string]any{"client_name": "Conformance", "redirect_uris": []string{c.Redirect}}); a.Status != http.StatusCreated {
				t.Fatalf("register: %d %s", a.Status, a.Body)
			}
			out := t.TempDir()
			runAuthorization(t, s, c, port, revision, out)
			checkAuthorization(t, out)
		})
	}
}

// startBroker serves a broker in front of a provider of ours, and returns its issuer.
func startBroker(t *testing.T) string {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	t.Cleanup(server.Close)
	url := "http://" + server.Listener.Addr().String()
	idp := authtest.NewProvider(t)
	resource, err := auth.NewResource(url+"/mcp", broker.OIDC(idp.Issuer(), "server", "secret", broker.Config{}))
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = mcpengine.New("board", mcpengine.WithAuth(resource), mcpengine.WithLogger(slog.New(slog.DiscardHandler)))
	server.Start()
	return url
}

// runAuthorization runs the suite, and signs in at the URL that it prints.
func runAuthorization(t *testing.T, s suite, c *brokertest.Client, port, revision, out string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.node, s.script, "authorization", "--url", c.Issuer, "--client-id", c.ID, //nolint:gosec // the suite's own options
		"--port", port, "--spec-version", revision, "-o", out)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	b := brokertest.NewBrowser(t, http.DefaultTransport)
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		said.WriteString(line + "\n")
		if strings.HasPrefix(line, c.Issuer+"/oauth/authorize?") {
			back := b.Follow(b.Decide(b.Get(line), "allow"), c.Redirect)
			await(ctx, t, port) // the suite prints the URL before it listens
			b.Get(back)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the suite: %v\n%s", err, &said)
	}
}

// await returns when a program listens on the port.
func await(ctx context.Context, t *testing.T, port string) {
	t.Helper()
	retry := time.NewTicker(20 * time.Millisecond)
	defer retry.Stop()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", "127.0.0.1:"+port)
		if err == nil {
			conn.Close()
			return
		}
		select {
		case <-retry.C:
		case <-ctx.Done():
			t.Fatal("the suite does not listen")
		}
	}
}

// checkAuthorization checks that every scenario has run and has found nothing wrong.
func checkAuthorization(t *testing.T, out string) {
	t.Helper()
	seen := map[string]int{}
	err := filepath.WalkDir(out, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Name() != "checks.json" {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var checks []struct{ ID, Status, ErrorMessage string }
		if err := json.Unmarshal(data, &checks); err != nil {
			return err
		}
		for _, check := range checks {
			if check.Status != "SUCCESS" {
				t.Errorf("%s: %s %s", check.ID, check.Status, check.ErrorMessage)
			}
			for _, scenario := range authorizationScenarios {
				if strings.Contains(path, scenario) {
					seen[scenario]++
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, scenario := range authorizationScenarios {
		if seen[scenario] == 0 {
			t.Errorf("%s has not run: %v", scenario, seen)
		}
	}
}
