// Package keycloaktest runs a real Keycloak for tests, a server of OpenID Connect by
// another project. It starts with a database in memory, and realms are made through
// its administration API.
//
// scripts/install-keycloak installs it. A test is skipped where it is not
// installed.
package keycloaktest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	admin        = "admin"
	startTimeout = 8 * time.Minute // on a machine that is busy with other tests
)

// A Server is a running Keycloak.
type Server struct {
	tb  testing.TB
	URL string
	log *log
}

// log is what the process prints.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Start starts a Keycloak on a free port of this machine, and ends it when the test
// ends.
func Start(tb testing.TB) *Server {
	tb.Helper()
	home := filepath.Join(repository(tb), ".tools", "keycloak")
	if _, err := os.Stat(filepath.Join(home, "stamp")); err != nil {
		tb.Skip("Keycloak is not installed: run scripts/install-keycloak")
	}
	if _, err := exec.LookPath("java"); err != nil {
		tb.Skip("Java, which Keycloak runs on, is not installed")
	}
	port, management := freePort(tb), freePort(tb)
	s := &Server{tb: tb, URL: "http://127.0.0.1:" + port, log: &log{}}
	// What bin/kc.sh runs. The script would stay in between, and the server would
	// outlive it.
	cmd := exec.CommandContext(context.WithoutCancel(tb.Context()), "java", "-XX:TieredStopAtLevel=1", "-Xms64m", "-Xmx512m", //nolint:gosec // our own installation
		"-Djava.util.concurrent.ForkJoinPool.common.threadFactory=io.quarkus.bootstrap.forkjoin.QuarkusForkJoinWorkerThreadFactory",
		"-Djava.util.logging.manager=org.jboss.logmanager.LogManager", "-Dkc.config.built=true",
		"--add-opens=java.base/java.util=ALL-UNNAMED", "--add-opens=java.base/java.util.concurrent=ALL-UNNAMED", "--add-opens=java.base/java.security=ALL-UNNAMED",
		"-Dkc.home.dir="+home, "-Djboss.server.config.dir="+filepath.Join(home, "conf"),
		"-cp", filepath.Join(home, "lib", "quarkus-run.jar"), "io.quarkus.bootstrap.runner.QuarkusEntryPoint", "start", "--optimized",
		"--http-enabled=true", "--hostname="+s.URL, "--http-host=127.0.0.1", "--http-port="+port, "--http-management-port="+management, "--cache=local")
	cmd.Env = append(os.Environ(), "KC_BOOTSTRAP_ADMIN_USERNAME="+admin, "KC_BOOTSTRAP_ADMIN_PASSWORD="+admin)
	cmd.Stdout, cmd.Stderr = s.log, s.log
	if err := cmd.Start(); err != nil {
		tb.Fatalf("keycloaktest: start: %v", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // it is stopped: the error says no more
	}()
	tb.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	s.await(ended)
	return s
}

// await returns when the server answers.
func (s *Server) await(ended <-chan struct{}) {
	s.tb.Helper()
	ctx, cancel := context.WithTimeout(s.tb.Context(), startTimeout)
	defer cancel()
	retry := time.NewTicker(250 * time.Millisecond)
	defer retry.Stop()
	for {
		status, _, err := send(ctx, http.MethodGet, s.URL+"/realms/master", "", "", nil)
		if err == nil && status == http.StatusOK {
			return
		}
		select {
		case <-retry.C:
		case <-ended:
			s.tb.Fatalf("keycloaktest: the server has ended:\n%s", s.log)
		case <-ctx.Done():
			s.tb.Fatalf("keycloaktest: the server does not answer:\n%s", s.log)
		}
	}
}

func freePort(tb testing.TB) string {
	tb.Helper()
	var config net.ListenConfig
	l, err := config.Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		tb.Fatal(err)
	}
	return port
}

// A Realm is a realm with one client and its users.
type Realm struct {
	Name string

	// Redirect is the redirect URI of the client "server", whose secret is "secret".
	Redirect string

	// Users have their names as passwords, in addition to what the map says: the
	// groups of each.
	Users map[string][]string

	// Rotate lets a refresh token be used once.
	Rotate bool

	// API is the id of a client that stands for an API behind the server, or empty.
	// The client "server" may then exchange tokens for the API, with the scope "api".
	API string

	// Clients are further clients, as the administration API has them.
	Clients []map[string]any
}

// Create makes a realm.
func (s *Server) Create(r Realm) {
	s.tb.Helper()
	groups, users := []map[string]any{}, []map[string]any{}
	seen := map[string]bool{}
	for name, member := range r.Users {
		users = append(users, map[string]any{
			"username": name, "enabled": true, "email": name + "@example.com", "emailVerified": true, "firstName": name, "lastName": "Example",
			"credentials": []map[string]any{{"type": "password", "value": name, "temporary": false}}, "groups": member,
		})
		for _, group := range member {
			if !seen[group] {
				seen[group] = true
				groups = append(groups, map[string]any{"name": group})
			}
		}
	}
	server := map[string]any{
		"clientId": "server", "secret": "secret", "redirectUris": []string{r.Redirect}, "standardFlowEnabled": true, "publicClient": false,
		"attributes": map[string]string{"pkce.code.challenge.method": "S256"},
		"protocolMappers": []map[string]any{{
			"name": "groups", "protocol": "openid-connect", "protocolMapper": "oidc-group-membership-mapper",
			"config": map[string]string{"claim.name": "groups", "full.path": "false", "id.token.claim": "true", "access.token.claim": "true"},
		}},
	}
	clients := append([]map[string]any{server}, r.Clients...)
	realm := map[string]any{
		"realm": r.Name, "enabled": true, "revokeRefreshToken": r.Rotate, "refreshTokenMaxReuse": 0, "sslRequired": "none",
		"groups": groups, "users": users, "clients": clients,
	}
	s.Admin(http.MethodPost, "", realm)
	if r.API != "" {
		s.addAPI(r.Name, r.API)
	}
}

// addAPI adds a client for an API, and lets the client "server" exchange tokens for it
// (standard token exchange).
func (s *Server) addAPI(realm, api string) {
	s.tb.Helper()
	s.Admin(http.MethodPost, "/"+realm+"/clients", map[string]any{"clientId": api, "secret": "secret", "publicClient": false, "standardFlowEnabled": false})
	s.Admin(http.MethodPost, "/"+realm+"/client-scopes", map[string]any{
		"name": "api", "protocol": "openid-connect", "attributes": map[string]string{"include.in.token.scope": "true"},
		"protocolMappers": []map[string]any{{
			"name": "audience", "protocol": "openid-connect", "protocolMapper": "oidc-audience-mapper",
			"config": map[string]string{"included.client.audience": api, "access.token.claim": "true", "introspection.token.claim": "true"},
		}},
	})
	scope, server := s.idOf("/"+realm+"/client-scopes", "name", "api"), s.idOf("/"+realm+"/clients", "clientId", "server")
	s.Admin(http.MethodPut, "/"+realm+"/clients/"+server, map[string]any{
		"clientId": "server", "attributes": map[string]string{"standard.token.exchange.enabled": "true"},
	})
	s.Admin(http.MethodPut, "/"+realm+"/clients/"+server+"/optional-client-scopes/"+scope, nil)
}

// idOf returns the id of the entry of a list that has a member of a value.
func (s *Server) idOf(path, member, value string) string {
	s.tb.Helper()
	var list []map[string]any
	if err := json.Unmarshal(s.Admin(http.MethodGet, path, nil), &list); err != nil {
		s.tb.Fatalf("keycloaktest: %s: %v", path, err)
	}
	for _, entry := range list {
		if entry[member] == value {
			return fmt.Sprint(entry["id"])
		}
	}
	s.tb.Fatalf("keycloaktest: %s has no %s %q", path, member, value)
	return ""
}

// SetEnabled says whether a user of a realm may go on.
func (s *Server) SetEnabled(realm, user string, enabled bool) {
	s.tb.Helper()
	var found []struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(s.Admin(http.MethodGet, "/"+realm+"/users?exact=true&username="+url.QueryEscape(user), nil), &found); err != nil || len(found) != 1 {
		s.tb.Fatalf("keycloaktest: %d users %s, %v", len(found), user, err)
	}
	s.Admin(http.MethodPut, "/"+realm+"/users/"+found[0].ID, map[string]any{"enabled": enabled})
}

// Admin sends a request to the administration API and returns the answer.
func (s *Server) Admin(method, path string, body any) []byte {
	s.tb.Helper()
	form := url.Values{"grant_type": {"password"}, "client_id": {"admin-cli"}, "username": {admin}, "password": {admin}}
	_, answer, err := send(s.tb.Context(), http.MethodPost, s.URL+"/realms/master/protocol/openid-connect/token", "application/x-www-form-urlencoded", "", strings.NewReader(form.Encode()))
	var token struct {
		Access string `json:"access_token"`
	}
	if err != nil || json.Unmarshal(answer, &token) != nil || token.Access == "" {
		s.tb.Fatalf("keycloaktest: no token for the administration: %v: %s", err, answer)
	}
	var text io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			s.tb.Fatal(err)
		}
		text = bytes.NewReader(encoded)
	}
	status, answer, err := send(s.tb.Context(), method, s.URL+"/admin/realms"+path, "application/json", token.Access, text)
	if err != nil || status >= http.StatusBadRequest {
		s.tb.Fatalf("keycloaktest: %s %s: HTTP status %d, %v: %s", method, path, status, err, answer)
	}
	return answer
}

func send(ctx context.Context, method, target, contentType, token string, body io.Reader) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return 0, nil, err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, fmt.Errorf("send: %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

// repository returns the folder with the script that installs Keycloak. It is the
// folder of the test's module or one above.
func repository(tb testing.TB) string {
	tb.Helper()
	folder, err := os.Getwd()
	for ; err == nil; folder = filepath.Dir(folder) {
		if _, missing := os.Stat(filepath.Join(folder, "scripts", "install-keycloak")); missing == nil {
			return folder
		}
		if folder == filepath.Dir(folder) {
			err = errors.New("no scripts/install-keycloak in any folder above")
		}
	}
	tb.Fatalf("keycloaktest: find the repository: %v", err)
	return ""
}
