package main

import (
	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/broker"
)

// signIn signs people in at the provider itself, by the client that the server is
// there. Their hosts need to know nothing but the URL of the server.
func (c *choice) signIn() auth.Provider {
	client, secret := c.SignInClientID, c.need("SIGN_IN_CLIENT_SECRET", c.SignInClientSecret)
	config := broker.Config{
		Name:   "Message board",
		Scopes: []broker.Scope{{Name: "messages:delete", Description: "Delete messages, if you are an administrator"}},
	}
	switch c.AuthProvider {
	case "google":
		return broker.Google(client, secret, config)
	case "cognito":
		return broker.Cognito(c.need("AWS_REGION", c.region), c.need("COGNITO_USER_POOL_ID", c.CognitoUserPoolID), client, secret, config)
	case "auth0":
		return broker.Auth0(c.need("AUTH0_DOMAIN", c.Auth0Domain), client, secret, config)
	case "okta":
		return broker.Okta(c.need("OKTA_ISSUER", c.OktaIssuer), client, secret, config)
	case "keycloak":
		return broker.Keycloak(c.need("KEYCLOAK_URL", c.KeycloakURL), c.need("KEYCLOAK_REALM", c.KeycloakRealm), client, secret, config)
	case "entra":
		return broker.EntraID(c.need("ENTRA_TENANT_ID", c.EntraTenantID), client, secret, config)
	case "github":
		return broker.GitHub(client, secret, config)
	case "workos":
		return broker.WorkOS(c.need("WORKOS_DOMAIN", c.WorkOSDomain), client, secret, config)
	default:
		return broker.OIDC(c.need("OIDC_ISSUER", c.OIDCIssuer), client, secret, config)
	}
}
