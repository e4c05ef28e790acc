package broker_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/broker"
	"github.com/mcpengine/mcpengine/auth/idp"
	"github.com/mcpengine/mcpengine/auth/upstream"
	"github.com/mcpengine/mcpengine/internal/brokertest"
	"github.com/mcpengine/mcpengine/internal/keycloaktest"
)

// A keyed client authenticates by a key.
func keyedClient(t *testing.T) (*ecdsa.PrivateKey, map[string]any) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "key-1", Algorithm: "ES256", Use: "sig"}}})
	if err != nil {
		t.Fatal(err)
	}
	return key, map[string]any{
		"clientId": "keyed", "publicClient": false, "serviceAccountsEnabled": true, "standardFlowEnabled": false, "clientAuthenticatorType": "client-jwt",
		"attributes": map[string]string{"use.jwks.string": "true", "jwks.string": string(set), "token.endpoint.auth.signing.alg": "ES256"},
	}
}

// directHost is a client whose tokens are for the MCP server, and may be exchanged by
// the client "server".
func directHost() map[string]any {
	audience := func(name, kind, value string) map[string]any {
		return map[string]any{
			"name": name, "protocol": "openid-connect", "protocolMapper": "oidc-audience-mapper",
			"config": map[string]string{kind: value, "access.token.claim": "true"},
		}
	}
	return map[string]any{
		"clientId": "host", "publicClient": true, "directAccessGrantsEnabled": true,
		"protocolMappers": []map[string]any{
			audience("resource", "included.custom.audience", resource), audience("server", "included.client.audience", "server"),
		},
	}
}

// upstreamRealms makes two realms with an API each.
func upstreamRealms(t *testing.T, k *keycloaktest.Server) *ecdsa.PrivateKey {
	t.Helper()
	key, keyed := keyedClient(t)
	for _, name := range []string{"retail", "wholesale"} {
		k.Create(keycloaktest.Realm{
			Name: name, Redirect: issuer + "/oauth/callback", Users: map[string][]string{"alice": {"staff"}, "bob": nil},
			API: "orders", Clients: []map[string]any{keyed, directHost()},
		})
	}
	return key
}

// keycloakUpstream gets tokens for an API by every way, from users of two realms.
func keycloakUpstream(t *testing.T, k *keycloaktest.Server) {
	key := upstreamRealms(t, k)
	var apis []auth.UpstreamAPI
	for _, realm := range []string{"retail", "wholesale"} {
		apis = append(apis,
			upstream.TokenExchange("orders", upstream.Keycloak(k.URL, realm, "server", upstream.Secret("secret")), upstream.WithScopes("api")))
	}
	apis = append(apis,
		upstream.TokenExchange("no such API", upstream.Keycloak(k.URL, "retail", "server", upstream.Secret("secret"))),
		upstream.TokenExchange("bad secret", upstream.Keycloak(k.URL, "retail", "server", upstream.Secret("guess"))),
		upstream.ClientCredentials("service", upstream.Keycloak(k.URL, "retail", "keyed", upstream.PrivateKey("key-1", key))))
	r, err := auth.NewResource(resource, idp.Keycloak(k.URL, "retail", resource),
		auth.WithProvider(idp.Keycloak(k.URL, "wholesale", resource)), auth.WithUpstream(apis...))
	if err != nil {
		t.Fatal(err)
	}
	subjects := map[string]bool{}
	for _, realm := range []string{"retail", "wholesale"} {
		for _, user := range []string{"alice", "bob"} {
			sent := password(t, k, realm, user)
			ctx := callerOf(t, r, sent)
			token, err := auth.Upstream(ctx, "orders")
			if err != nil {
				t.Errorf("%s of %s: %v", user, realm, err)
				continue
			}
			claims := brokertest.Claims(token.Secret())
			if claims["iss"] != k.URL+"/realms/"+realm || claims["aud"] != "orders" || claims["azp"] != "server" || claims["preferred_username"] != user ||
				claims["sub"] != auth.UserFrom(ctx).Subject || token.Secret() == sent || token.Expiry.IsZero() {
				t.Errorf("%s of %s: claims %v", user, realm, claims)
			}
			subjects[token.Secret()] = true
			if again, err := auth.Upstream(ctx, "orders"); err != nil || again.Secret() != token.Secret() {
				t.Errorf("%s of %s: another token the second time, %v", user, realm, err)
			}
		}
	}
	if len(subjects) != 4 {
		t.Errorf("%d tokens for 4 users", len(subjects))
	}
	sent := password(t, k, "retail", "alice")
	for audience, want := range map[string]string{"no such API": "invalid_client", "bad secret": "unauthorized_client"} {
		_, err := auth.Upstream(callerOf(t, r, sent), audience)
		if failed, ok := errors.AsType[*auth.UpstreamError](err); !ok || failed.Code != want || failed.SignIn || failed.Temporary {
			t.Errorf("%s: %+v", audience, err)
		}
	}
	token, err := auth.Upstream(callerOf(t, r, sent), "service")
	if claims := brokertest.Claims(token.Secret()); err != nil || claims["preferred_username"] != "service-account-keyed" {
		t.Errorf("client credentials by a key: claims %v, %v", claims, err)
	}
	// Keycloak gives nothing for a user who is signed out.
	id, _ := brokertest.Claims(sent)["sub"].(string)
	k.Admin(http.MethodPost, "/retail/users/"+id+"/logout", nil)
	fresh, err := auth.NewResource(resource, idp.Keycloak(k.URL, "retail", resource), auth.WithUpstream(apis[0]))
	if err != nil {
		t.Fatal(err)
	}
	_, err = auth.Upstream(callerOf(t, fresh, sent), "orders")
	// The code of RFC 8693, section 2.2.2, for a subject token that is not good.
	if failed, ok := errors.AsType[*auth.UpstreamError](err); !ok || failed.Temporary || failed.Code != "invalid_request" {
		t.Errorf("signed out: %+v", err)
	}
}

// password gets a token as a host does, without the pages.
func password(t *testing.T, k *keycloaktest.Server, realm, user string) string {
	t.Helper()
	form := url.Values{"grant_type": {"password"}, "client_id": {"host"}, "username": {user}, "password": {user}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, k.URL+"/realms/"+realm+"/protocol/openid-connect/token", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	var answer struct {
		Access string `json:"access_token"`
	}
	if err != nil || json.Unmarshal(text, &answer) != nil || answer.Access == "" {
		t.Fatalf("no token for %s of %s: %s, %v", user, realm, text, err)
	}
	return answer.Access
}

// callerOf is the context of a request with a token.
func callerOf(t *testing.T, r *auth.Resource, token string) context.Context {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, resource, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	u, refused := r.Authenticate(req)
	if refused != nil {
		t.Fatal(refused.Message)
	}
	return auth.ContextWithUser(r.ContextWithUpstream(t.Context(), req, u), u)
}

// keycloakProviderToken signs people in through a broker that keeps Keycloak's token:
// handlers get it as it is, and exchange it.
func keycloakProviderToken(t *testing.T, k *keycloaktest.Server) {
	provider, log := k.URL+"/realms/retail", &syncBuffer{}
	r, err := auth.NewResource(resource, broker.Keycloak(k.URL, "retail", "server", "secret", broker.Config{ProviderToken: true}),
		auth.WithLogger(slog.New(slog.NewTextHandler(log, nil))),
		auth.WithUpstream(
			upstream.ProviderToken(provider, "own"),
			upstream.TokenExchange("orders", upstream.Keycloak(k.URL, "retail", "server", upstream.Secret("secret")), upstream.WithScopes("api"))))
	if err != nil {
		t.Fatal(err)
	}
	internet := brokertest.Internet{"rs.example": mcpengine.New("board", mcpengine.WithAuth(r), mcpengine.WithKeys(keyA))}
	c := brokertest.NewClient(t, internet, issuer, redirect, resource)
	c.Register(registration(nil))
	tokens := c.Redeem(signIn(c, brokertest.NewBrowser(t, internet), "alice").Get("code"), nil)
	for range 2 {
		access := tokens.Text("access_token")
		ctx := callerOf(t, r, access)
		own, err := auth.Upstream(ctx, "own")
		if err != nil {
			t.Fatalf("%v: %d %s", err, tokens.Status, tokens.Body)
		}
		exchanged, err := auth.Upstream(ctx, "orders")
		if err != nil {
			t.Fatal(err)
		}
		for what, claims := range map[string]map[string]any{"own": brokertest.Claims(own.Secret()), "exchanged": brokertest.Claims(exchanged.Secret())} {
			if claims["iss"] != provider || claims["sub"] != auth.UserFrom(ctx).Subject || claims["azp"] != "server" || (claims["aud"] == "orders") != (what == "exchanged") {
				t.Errorf("%s: claims %v", what, claims)
			}
		}
		// The broker's own would live longer. Seconds may pass before it is made.
		if life, _ := tokens.JSON["expires_in"].(float64); life < 1 || life > 300 {
			t.Errorf("the access token lives %v s, and Keycloak's 300", life)
		}
		t.Logf("Keycloak's token has %d bytes, and the broker's with it %d", len(own.Secret()), len(access))
		if tokens = c.Refresh(tokens.Text("refresh_token"), nil); tokens.Status != http.StatusOK {
			t.Fatalf("renew: %d %s\n%s", tokens.Status, tokens.Body, log)
		}
	}
}
