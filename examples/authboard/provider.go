package main

import (
	"cmp"
	"fmt"
	"log/slog"
	"strings"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/idp"
	"github.com/mcpengine/mcpengine/examples/internal/messages"
)

// settings are what the user of the board gives it.
type settings struct {
	PublicURL string `json:"public_url" format:"uri" jsonschema:"where callers find the server, without /mcp"`

	AuthProvider string `json:"auth_provider,omitempty" enum:"google,cognito,auth0,okta,keycloak,entra,github,workos" jsonschema:"who vouches for callers, in place of oidc_issuer"`
	OIDCIssuer   string `json:"oidc_issuer,omitempty" jsonschema:"an OpenID Connect provider, which vouches for callers"`
	OIDCAudience string `json:"oidc_audience,omitempty" jsonschema:"what the provider calls this server, if not by its URL"`

	SignInClientID     string `json:"sign_in_client_id,omitempty" jsonschema:"a client at the provider, by which the server signs people in itself"`
	SignInClientSecret string `json:"sign_in_client_secret,omitempty" sensitive:"true"`

	GoogleClientID     string `json:"google_client_id,omitempty"`
	CognitoUserPoolID  string `json:"cognito_user_pool_id,omitempty"`
	CognitoClientID    string `json:"cognito_client_id,omitempty"`
	Auth0Domain        string `json:"auth0_domain,omitempty"`
	OktaIssuer         string `json:"okta_issuer,omitempty"`
	KeycloakURL        string `json:"keycloak_url,omitempty"`
	KeycloakRealm      string `json:"keycloak_realm,omitempty"`
	EntraTenantID      string `json:"entra_tenant_id,omitempty"`
	EntraApplicationID string `json:"entra_application_id,omitempty"`
	GitHubClientID     string `json:"github_client_id,omitempty"`
	GitHubClientSecret string `json:"github_client_secret,omitempty" sensitive:"true"`
	WorkOSDomain       string `json:"workos_domain,omitempty"`

	messages.Settings
}

// protectedResource is the server as its callers know it, and who vouches for
// them, by the settings and the region of AWS. It fails when that is not said: a
// server that lets everybody in because a setting is missing would be worse than
// none.
func protectedResource(s settings, region string) (*auth.Resource, error) {
	c := choice{settings: s, region: region}
	url := strings.TrimSuffix(s.PublicURL, "/") + "/mcp"
	provider := c.provider(url)
	if len(c.missing) > 0 {
		return nil, fmt.Errorf("set %s: callers are let in by OIDC_ISSUER, an OpenID Connect provider, or by AUTH_PROVIDER and its variables (--help lists them)",
			strings.Join(c.missing, " and "))
	}
	return auth.NewResource(url, provider, auth.WithLogger(slog.Default()))
}

// A choice of a provider remembers which variables were needed and not there.
type choice struct {
	settings
	region  string
	missing []string
}

func (c *choice) need(variable, value string) string {
	if value == "" {
		c.missing = append(c.missing, variable)
	}
	return value
}

func (c *choice) provider(resource string) auth.Provider {
	if c.SignInClientID != "" {
		return c.signIn()
	}
	// What the provider calls this server.
	audience := cmp.Or(c.OIDCAudience, resource)
	switch c.AuthProvider {
	case "google":
		return idp.Google(c.need("GOOGLE_CLIENT_ID", c.GoogleClientID))
	case "cognito":
		var options []idp.Option
		if c.CognitoClientID != "" {
			// Without resource binding the client is all that a token names.
			options = append(options, idp.WithClients(c.CognitoClientID))
		}
		return idp.Cognito(c.need("AWS_REGION", c.region), c.need("COGNITO_USER_POOL_ID", c.CognitoUserPoolID), options...)
	case "auth0":
		return idp.Auth0(c.need("AUTH0_DOMAIN", c.Auth0Domain), audience)
	case "okta":
		return idp.Okta(c.need("OKTA_ISSUER", c.OktaIssuer), audience)
	case "keycloak":
		return idp.Keycloak(c.need("KEYCLOAK_URL", c.KeycloakURL), c.need("KEYCLOAK_REALM", c.KeycloakRealm), audience)
	case "entra":
		return idp.EntraID(c.need("ENTRA_TENANT_ID", c.EntraTenantID), c.need("ENTRA_APPLICATION_ID", c.EntraApplicationID))
	case "github":
		return idp.GitHub(c.need("GITHUB_CLIENT_ID", c.GitHubClientID), c.need("GITHUB_CLIENT_SECRET", c.GitHubClientSecret))
	case "workos":
		return idp.WorkOS(c.need("WORKOS_DOMAIN", c.WorkOSDomain))
	default:
		return idp.OIDC(c.need("OIDC_ISSUER", c.OIDCIssuer), audience)
	}
}
