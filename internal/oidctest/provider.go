package oidctest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// A Config says what a provider knows. The zero value knows no resource, and
// registers every client that asks.
type Config struct {
	// Resources are the servers that tokens can be for, by the URI that
	// clients name in the parameter "resource" (RFC 8707).
	Resources map[string]Resource

	// Clients are registered from the start, as client metadata (RFC 7591,
	// section 2) with a client_id and a client_secret where there is one.
	Clients []map[string]any

	// Documents are the metadata of clients that are known by an https URL
	// (client id metadata documents), by that URL. They are never fetched.
	Documents map[string]map[string]any

	// Claims are added to the tokens of an account, by its login.
	Claims map[string]map[string]any

	// NoRegistration leaves out dynamic client registration (RFC 7591).
	NoRegistration bool

	// KeepRefreshTokens lets a refresh token be used again. By default each
	// is good once, and using it twice takes back all that came from it.
	KeepRefreshTokens bool

	// RequireNonce wants a nonce of the provider in each DPoP proof (RFC
	// 9449, section 8).
	RequireNonce bool
}

// A Resource is a server that tokens are for. The zero value gets JWTs signed
// with RS256 that are good for an hour.
type Resource struct {
	// Scopes are the scopes that clients can request.
	Scopes []string

	// Opaque makes tokens that only the provider can read (RFC 7662).
	Opaque bool

	// Algorithm signs the tokens: RS256, ES256 or EdDSA.
	Algorithm string

	// Lifetime is how long a token is good, in whole seconds.
	Lifetime time.Duration
}

// Clients that every provider knows: one that its resource servers are and that
// machines use in [Provider.AccessToken], and one that people use in
// [Provider.UserToken].
const (
	serverID       = "resource-server"
	serverSecret   = "a secret of the resource server"
	personID       = "person"
	personRedirect = "http://127.0.0.1/callback"
)

// A Provider is a running provider. Its methods may be called from several
// goroutines, except Kill and Restart.
type Provider struct {
	tb     testing.TB
	config []byte // as the process reads it
	proc   *process
	ready  ready
}

// Start starts a provider on a free port of this machine, and ends it when the
// test ends. The test is skipped where the provider is not installed.
func Start(tb testing.TB, config Config) *Provider {
	tb.Helper()
	p := &Provider{tb: tb, config: encode(tb, config.settings())}
	p.start()
	tb.Cleanup(p.Kill)
	return p
}

// settings is what node/server.mjs reads.
func (c Config) settings() map[string]any {
	resources := map[string]any{}
	for uri, r := range c.Resources {
		resources[uri] = map[string]any{
			"scopes":    append([]string{}, r.Scopes...),
			"opaque":    r.Opaque,
			"algorithm": r.Algorithm,
			"seconds":   int(r.Lifetime.Seconds()),
		}
	}
	server := map[string]any{
		"client_id": serverID, "client_secret": serverSecret,
		"grant_types": []string{"client_credentials"}, "redirect_uris": []string{}, "response_types": []string{},
	}
	person := map[string]any{
		"client_id": personID, "token_endpoint_auth_method": "none", "application_type": "native",
		"grant_types": []string{"authorization_code"}, "redirect_uris": []string{personRedirect},
	}
	return map[string]any{
		"resources":         resources,
		"clients":           append(slices.Clone(c.Clients), server, person),
		"documents":         c.Documents,
		"claims":            c.Claims,
		"noRegistration":    c.NoRegistration,
		"keepRefreshTokens": c.KeepRefreshTokens,
		"requireNonce":      c.RequireNonce,
	}
}

func encode(tb testing.TB, value any) []byte {
	tb.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		tb.Fatalf("oidctest: encode: %v", err)
	}
	return data
}

// Issuer returns the provider's identifier, which is also its base URL.
func (p *Provider) Issuer() string { return fmt.Sprintf("http://127.0.0.1:%d", p.ready.Port) }

// Introspection returns the endpoint that says what an opaque token is (RFC
// 7662), and credentials to ask it with.
func (p *Provider) Introspection() (endpoint, clientID, clientSecret string) {
	return p.Issuer() + "/token/introspection", serverID, serverSecret
}

// Rotate makes new keys and signs with them from now on. The previous keys stay
// published until [Provider.Retire].
func (p *Provider) Rotate() { p.command("rotate") }

// Retire removes all keys except the keys that sign.
func (p *Provider) Retire() { p.command("retire") }

// RevokeRefreshTokens revokes every refresh token, as for people who have left.
// Access tokens stay valid until they expire.
func (p *Provider) RevokeRefreshTokens() { p.command("revoke") }

// Kill ends the provider at once, as a crash would.
func (p *Provider) Kill() { p.proc.kill() }

// Restart starts a killed provider again at the same URL and with the same
// keys. It has forgotten registered clients, grants and opaque tokens.
func (p *Provider) Restart() {
	p.tb.Helper()
	p.Kill()
	settings := map[string]any{}
	if err := json.Unmarshal(p.config, &settings); err != nil {
		p.tb.Fatalf("oidctest: decode: %v", err)
	}
	settings["port"], settings["keys"] = p.ready.Port, p.ready.Keys
	p.config = encode(p.tb, settings)
	p.start()
}

// AccessToken returns a token for a resource that belongs to a machine and to
// no person, by the client credentials grant.
func (p *Provider) AccessToken(resource string, scopes ...string) string {
	p.tb.Helper()
	return p.token(serverID, serverSecret, url.Values{
		"grant_type": {"client_credentials"},
		"resource":   {resource},
		"scope":      {strings.Join(scopes, " ")},
	})
}

// UserToken returns a token for a resource that belongs to a person, who has
// signed in and agreed. Every login is an account.
func (p *Provider) UserToken(login, resource string, scopes ...string) string {
	p.tb.Helper()
	verifier := rand.Text() + rand.Text()
	challenge := sha256.Sum256([]byte(verifier))
	callback, err := p.LoginAs(p.tb.Context(), login, p.Issuer()+"/auth?"+url.Values{
		"client_id": {personID}, "redirect_uri": {personRedirect}, "response_type": {"code"},
		"resource": {resource}, "scope": {strings.Join(scopes, " ")}, "code_challenge_method": {"S256"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])},
	}.Encode())
	if err != nil {
		p.tb.Fatalf("oidctest: %v", err)
	}
	u, err := url.Parse(callback)
	if err != nil {
		p.tb.Fatalf("oidctest: %v", err)
	}
	return p.token(personID, "", url.Values{
		"grant_type": {"authorization_code"}, "code": {u.Query().Get("code")}, "resource": {resource},
		"redirect_uri": {personRedirect}, "code_verifier": {verifier},
	})
}

// Revoke revokes a token. The client of a refresh token has to be public, and
// must be named.
func (p *Provider) Revoke(ctx context.Context, clientID, token string) error {
	body := url.Values{"client_id": {clientID}, "token": {token}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.Issuer()+"/token/revocation", strings.NewReader(body.Encode()))
	if err != nil {
		return fmt.Errorf("revoke: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("revoke: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("revoke: HTTP status %d", resp.StatusCode)
	}
	return nil
}

// token sends a token request.
func (p *Provider) token(clientID, secret string, form url.Values) string {
	p.tb.Helper()
	if secret == "" {
		form.Set("client_id", clientID)
	}
	req, err := http.NewRequestWithContext(p.tb.Context(), http.MethodPost, p.Issuer()+"/token", strings.NewReader(form.Encode()))
	if err != nil {
		p.tb.Fatalf("oidctest: %v", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if secret != "" {
		req.SetBasicAuth(url.QueryEscape(clientID), url.QueryEscape(secret))
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.tb.Fatalf("oidctest: %v", err)
	}
	defer resp.Body.Close()
	var answer struct {
		AccessToken string `json:"access_token"`
		Error       string `json:"error_description"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.AccessToken == "" {
		p.tb.Fatalf("oidctest: get a token: HTTP status %d: %s, %v", resp.StatusCode, answer.Error, err)
	}
	return answer.AccessToken
}
