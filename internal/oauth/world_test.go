package oauth_test

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/mcpengine/mcpengine/internal/oauth"
)

// A world is a server and an authorization server that do as the test says, and
// well by default.
type world struct {
	mcp, as *httptest.Server
	t       *testing.T

	mu       sync.Mutex
	requests []request // to the authorization server

	metadataAt string         // path of the resource metadata
	resource   map[string]any // changes to it
	metadata   map[string]any // changes to the authorization server's; nil takes out
	client     map[string]any // changes to the registration response
	tokens     map[string]any // changes to the token response
	callback   url.Values     // changes to the callback

	// refuse answers a request to the MCP server, unless it returns false.
	refuse func(w http.ResponseWriter, r *http.Request) bool

	// token answers a token request, unless it returns false.
	token func(w http.ResponseWriter, form url.Values) bool
}

// A request is one to the authorization server.
type request struct {
	path   string
	form   url.Values // or the JSON of a registration, as strings
	header http.Header
}

const goodToken = "good-token"

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, metadataAt: "/.well-known/oauth-protected-resource/mcp"}
	w.mcp = httptest.NewServer(http.HandlerFunc(w.serveMCP))
	w.as = httptest.NewServer(http.HandlerFunc(w.serveAS))
	t.Cleanup(w.mcp.Close)
	t.Cleanup(w.as.Close)
	return w
}

func (w *world) url() string { return w.mcp.URL + "/mcp" }

// merged returns the defaults with changes made to them.
func merged(defaults, changes map[string]any) map[string]any {
	all := maps.Clone(defaults)
	for name, value := range changes {
		if all[name] = value; value == nil {
			delete(all, name)
		}
	}
	return all
}

func answerJSON(rw http.ResponseWriter, status int, value any) {
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(status)
	_ = json.NewEncoder(rw).Encode(value)
}

func (w *world) serveMCP(rw http.ResponseWriter, r *http.Request) {
	if r.URL.Path == w.metadataAt {
		answerJSON(rw, http.StatusOK, merged(map[string]any{
			"resource": w.url(), "authorization_servers": []string{w.as.URL}, "scopes_supported": []string{"mcp:read"},
		}, w.resource))
		return
	}
	if r.URL.Path != "/mcp" {
		http.NotFound(rw, r)
		return
	}
	if w.refuse != nil && w.refuse(rw, r) {
		return
	}
	if !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer "+goodToken) {
		rw.Header().Set("WWW-Authenticate", "Bearer")
		rw.WriteHeader(http.StatusUnauthorized)
		return
	}
	_, _ = io.WriteString(rw, "hello")
}

func (w *world) serveAS(rw http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	seen := request{path: r.URL.Path, form: r.Form, header: r.Header}
	if r.URL.Path == "/register" {
		var body map[string]any
		_ = json.NewDecoder(r.Body).Decode(&body)
		seen.form = url.Values{}
		for name, value := range body {
			text, _ := json.Marshal(value)
			seen.form.Set(name, string(text))
		}
	}
	w.mu.Lock()
	w.requests = append(w.requests, seen)
	w.mu.Unlock()
	switch r.URL.Path {
	case "/.well-known/oauth-authorization-server":
		answerJSON(rw, http.StatusOK, merged(map[string]any{
			"issuer":                           w.as.URL,
			"authorization_endpoint":           w.as.URL + "/authorize",
			"token_endpoint":                   w.as.URL + "/token",
			"registration_endpoint":            w.as.URL + "/register",
			"code_challenge_methods_supported": []string{"S256"},
		}, w.metadata))
	case "/register":
		answerJSON(rw, http.StatusCreated, merged(map[string]any{"client_id": "registered-client"}, w.client))
	case "/token":
		if w.token == nil || !w.token(rw, r.Form) {
			answerJSON(rw, http.StatusOK, merged(map[string]any{
				"access_token": goodToken, "token_type": "Bearer", "expires_in": 3600, "refresh_token": "refresh-token",
			}, w.tokens))
		}
	default:
		http.NotFound(rw, r)
	}
}

// to returns the requests for a path.
func (w *world) to(path string) []request {
	w.mu.Lock()
	defer w.mu.Unlock()
	var found []request
	for _, r := range w.requests {
		if r.path == path {
			found = append(found, r)
		}
	}
	return found
}

// visit is a person who agrees at once.
func (w *world) visit(_ context.Context, target string) (string, error) {
	u, err := url.Parse(target)
	if err != nil {
		return "", err
	}
	w.mu.Lock()
	w.requests = append(w.requests, request{path: u.Path, form: u.Query()})
	w.mu.Unlock()
	q := url.Values{"code": {"secret-code"}, "state": {u.Query().Get("state")}}
	for name, values := range w.callback {
		if q[name] = values; values == nil {
			q.Del(name)
		}
	}
	return u.Query().Get("redirect_uri") + "?" + q.Encode(), nil
}

func (w *world) config() oauth.Config {
	return oauth.Config{Server: w.url(), Grant: oauth.AuthorizationCode{Visit: w.visit, RedirectURI: redirectURI}}
}

// call makes one call with a new authorizer.
func (w *world) call(change ...func(*oauth.Config)) error {
	w.t.Helper()
	config := w.config()
	for _, c := range change {
		c(&config)
	}
	a, err := oauth.New(config)
	if err != nil {
		return err
	}
	_, err = call(w.t.Context(), a, w.url())
	return err
}
