package oidctest_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/oidctest"
)

const (
	server   = "https://mcp.example.com/mcp"
	opaque   = "https://opaque.example.com/mcp"
	document = "https://host.example.com/client.json"
	redirect = "http://127.0.0.1/callback"
)

// A person signs in with a client that has registered itself, the token is for
// the resource, and a refresh token is good once.
func TestProvider(t *testing.T) {
	t.Parallel()
	p := oidctest.Start(t, oidctest.Config{
		Resources: map[string]oidctest.Resource{
			server: {Scopes: []string{"mcp:read", "mcp:write"}, Algorithm: "EdDSA", Lifetime: time.Minute},
			opaque: {Scopes: []string{"mcp:read"}, Opaque: true},
		},
		Claims:    map[string]map[string]any{"alice": {"groups": []string{"staff"}}},
		Documents: map[string]map[string]any{document: native()},
	})

	var registered struct {
		ID string `json:"client_id"`
	}
	send(t, http.StatusCreated, p.Issuer()+"/reg", "application/json", encode(t, native()), &registered)

	for _, clientID := range []string{registered.ID, document} {
		tokens := signIn(t, p, clientID)
		claims := claimsOf(t, tokens.AccessToken)
		for name, want := range map[string]any{"aud": server, "sub": "alice", "scope": "mcp:read", "groups": []any{"staff"}} {
			if diff := cmp.Diff(want, claims[name]); diff != "" {
				t.Errorf("claim %s (-want +got):\n%s", name, diff)
			}
		}
		if life := claims["exp"].(float64) - claims["iat"].(float64); life != 60 {
			t.Errorf("the token is good for %v seconds, want 60", life)
		}
		refresh := url.Values{"grant_type": {"refresh_token"}, "client_id": {clientID}, "refresh_token": {tokens.RefreshToken}, "resource": {server}}
		token(t, p, http.StatusOK, refresh)
		token(t, p, http.StatusBadRequest, refresh)
	}

	endpoint, id, secret := p.Introspection()
	var said map[string]any
	form := url.Values{"token": {p.AccessToken(opaque, "mcp:read")}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
	answer(t, req, http.StatusOK, &said)
	if said["active"] != true || said["aud"] != opaque {
		t.Errorf("introspection said %v", said)
	}
}

// Tokens stay valid while keys change, and a restarted provider has the same
// keys and URL.
func TestProviderKeys(t *testing.T) {
	t.Parallel()
	p := oidctest.Start(t, oidctest.Config{Resources: map[string]oidctest.Resource{server: {}}})
	issuer, before := p.Issuer(), keysOf(t, p)
	p.Rotate()
	both := keysOf(t, p)
	if len(before) != 3 || len(both) != 6 {
		t.Fatalf("%d keys, and %d after rotation", len(before), len(both))
	}
	p.Retire()
	after := keysOf(t, p)
	if diff := cmp.Diff(both[:3], after); diff != "" {
		t.Errorf("keys after the old ones were retired (-want +got):\n%s", diff)
	}
	p.Kill()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, issuer+"/jwks", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := http.DefaultClient.Do(req); err == nil {
		resp.Body.Close()
		t.Error("a killed provider answers")
	}
	p.Restart()
	if diff := cmp.Diff(after, keysOf(t, p)); diff != "" || p.Issuer() != issuer {
		t.Errorf("it came back at %s with other keys (-want +got):\n%s", p.Issuer(), diff)
	}
}

// The device grant: the person confirms the code in a browser.
func TestConfirm(t *testing.T) {
	t.Parallel()
	client := native()
	client["client_id"] = "device"
	client["grant_types"] = []string{"urn:ietf:params:oauth:grant-type:device_code"}
	client["redirect_uris"], client["response_types"] = []string{}, []string{}
	p := oidctest.Start(t, oidctest.Config{
		Resources: map[string]oidctest.Resource{server: {Scopes: []string{"mcp:read"}}},
		Clients:   []map[string]any{client},
	})
	var device struct {
		Code string `json:"device_code"`
		URL  string `json:"verification_uri_complete"`
	}
	form := url.Values{"client_id": {"device"}, "resource": {server}, "scope": {"mcp:read"}}
	send(t, http.StatusOK, p.Issuer()+"/device/auth", "application/x-www-form-urlencoded", []byte(form.Encode()), &device)
	if err := p.Confirm(t.Context(), device.URL); err != nil {
		t.Fatal(err)
	}
	token(t, p, http.StatusOK, url.Values{
		"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "client_id": {"device"}, "device_code": {device.Code},
	})
	if err := p.Confirm(t.Context(), device.URL); err == nil {
		t.Error("a code was confirmed twice")
	}
}

// A revoked refresh token is refused.
func TestRevokeRefreshTokens(t *testing.T) {
	t.Parallel()
	client := native()
	client["client_id"] = "person's program"
	p := oidctest.Start(t, oidctest.Config{
		Resources: map[string]oidctest.Resource{server: {Scopes: []string{"mcp:read"}}},
		Clients:   []map[string]any{client},
	})
	refresh := func(status int, with string) tokens {
		return token(t, p, status, url.Values{
			"grant_type": {"refresh_token"}, "client_id": {"person's program"}, "refresh_token": {with},
		})
	}
	got := refresh(http.StatusOK, signIn(t, p, "person's program").RefreshToken)
	p.RevokeRefreshTokens()
	refresh(http.StatusBadRequest, got.RefreshToken)
}

// native is the metadata of a program on somebody's machine.
func native() map[string]any {
	return map[string]any{
		"client_name": "test", "application_type": "native", "redirect_uris": []string{redirect},
		"grant_types": []string{"authorization_code", "refresh_token"}, "token_endpoint_auth_method": "none",
	}
}

type tokens struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
}

func signIn(t *testing.T, p *oidctest.Provider, clientID string) tokens {
	t.Helper()
	// The challenge of the verifier in RFC 7636, appendix B.
	const verifier, challenge = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
	callback, err := p.Login(t.Context(), p.Issuer()+"/auth?"+url.Values{
		"client_id": {clientID}, "redirect_uri": {redirect}, "response_type": {"code"}, "scope": {"mcp:read"}, "state": {"s"},
		"resource": {server}, "code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}.Encode())
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(callback)
	if err != nil || !strings.HasPrefix(callback, redirect+"?") || u.Query().Get("iss") != p.Issuer() || u.Query().Get("state") != "s" {
		t.Fatalf("sent to %s", callback)
	}
	return token(t, p, http.StatusOK, url.Values{
		"grant_type": {"authorization_code"}, "client_id": {clientID}, "redirect_uri": {redirect},
		"code": {u.Query().Get("code")}, "code_verifier": {verifier}, "resource": {server},
	})
}

func token(t *testing.T, p *oidctest.Provider, status int, form url.Values) tokens {
	t.Helper()
	var answer tokens
	send(t, status, p.Issuer()+"/token", "application/x-www-form-urlencoded", []byte(form.Encode()), &answer)
	return answer
}

func send(t *testing.T, status int, target, contentType string, body []byte, result any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	answer(t, req, status, result)
}

func answer(t *testing.T, req *http.Request, status int, result any) {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var body json.RawMessage
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil || resp.StatusCode != status {
		t.Fatalf("%s: HTTP status %d, want %d: %s %v", req.URL.Path, resp.StatusCode, status, body, err)
	}
	if err := json.Unmarshal(body, result); err != nil {
		t.Fatal(err)
	}
}

func keysOf(t *testing.T, p *oidctest.Provider) []any {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.Issuer()+"/jwks", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	var set struct {
		Keys []any `json:"keys"`
	}
	answer(t, req, http.StatusOK, &set)
	return set.Keys
}

func claimsOf(t *testing.T, token string) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatal("the token is no JWT")
	}
	data, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(data, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

func encode(t *testing.T, value any) []byte {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
