package broker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/broker"
	"github.com/mcpengine/mcpengine/auth/idp"
)

// Mistakes in the configuration are reported when the resource is made, and without
// the secret.
func TestConfigMistakes(t *testing.T) {
	t.Parallel()
	oidc := func(c broker.Config) auth.Provider { return broker.OIDC("https://id.example", "server", "hunter2", c) }
	for name, test := range map[string]struct {
		provider auth.Provider
		want     string
	}{
		"no client":         {broker.OIDC("https://id.example", "", "hunter2", broker.Config{}), "no client id"},
		"no issuer":         {broker.OIDC("", "server", "hunter2", broker.Config{}), "no issuer"},
		"http":              {broker.OIDC("http://id.example", "server", "hunter2", broker.Config{}), "https"},
		"tenant":            {broker.EntraID("common", "9e5f7a0c-3c36-4e0e-8f4e-6a4b2f3f0d22", "hunter2", broker.Config{}), "tenant id"},
		"region":            {broker.Cognito("Europe", "eu-west-1_abcdefghi", "server", "hunter2", broker.Config{}), "region"},
		"realm":             {broker.Keycloak("https://id.example", "a b", "server", "hunter2", broker.Config{}), "realm"},
		"domain":            {broker.Auth0("https://example.eu.auth0.com", "server", "hunter2", broker.Config{}), "domain"},
		"no GitHub client":  {broker.GitHub("", "hunter2", broker.Config{}), "no client id"},
		"GitHub's ID token": {broker.GitHub("server", "hunter2", broker.Config{Identity: []idp.Option{idp.RequireClaim("a", "b")}}), "no ID tokens"},
		"scope":             {oidc(broker.Config{Scopes: []broker.Scope{{Name: "a b"}}}), "scope"},
		"offline_access":    {oidc(broker.Config{Scopes: []broker.Scope{{Name: "offline_access"}}}), "scope"},
		"long token":        {oidc(broker.Config{AccessTokenLifetime: 2 * time.Hour}), "AccessTokenLifetime"},
		"long session":      {oidc(broker.Config{SessionLifetime: 1000 * 24 * time.Hour}), "SessionLifetime"},
		"logo":              {oidc(broker.Config{Logo: []byte("<svg/>")}), "Logo"},
		"claim":             {oidc(broker.Config{Claims: []string{"sub"}}), "claim"},
		"parameter":         {oidc(broker.Config{ProviderParameters: map[string]string{"redirect_uri": "x"}}), "parameter"},
		"provider scope":    {oidc(broker.Config{ProviderScopes: []string{"a b"}}), "scope"},
		"path":              {oidc(broker.Config{Path: "board/"}), "Path"},
		"enterprise":        {oidc(broker.Config{Enterprises: []string{"corp.example"}}), "enterprise"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := auth.NewResource(resource, test.provider)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("NewResource: %v, want an error about %q", err, test.want)
			}
		})
	}
}

// Two providers of one resource have different sources of tokens. A broker and the
// provider behind it are two sources for the same users.
func TestProvidersOfOneResource(t *testing.T) {
	t.Parallel()
	front := broker.OIDC("https://id.example", "server", "secret", broker.Config{})
	if _, err := auth.NewResource(resource, front, auth.WithProvider(idp.OIDC("https://id.example", resource))); err != nil {
		t.Errorf("a broker and its provider: %v", err)
	}
	if _, err := auth.NewResource(resource, front, auth.WithProvider(front)); err == nil {
		t.Error("the same broker twice is accepted")
	}
}
