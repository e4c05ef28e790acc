package main

import (
	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/broker"
)

// signIn signs people in at the provider itself, by the client that the server is
// there. Their hosts need to know nothing but the URL of the server.
func (e *environment) signIn(name, clientID string) (auth.Provider, error) {
	secret := e.need("SIGN_IN_CLIENT_SECRET")
	config := broker.Config{
		Name:   "Message board",
		Scopes: []broker.Scope{{Name: "messages:delete", Description: "Delete messages, if you are an administrator"}},
	}
	switch name {
	case "":
		return broker.OIDC(e.need("OIDC_ISSUER"), clientID, secret, config), nil
	case "google":
		return broker.Google(clientID, secret, config), nil
	case "cognito":
		return broker.Cognito(e.need("AWS_REGION"), e.need("COGNITO_USER_POOL_ID"), clientID, secret, config), nil
	case "auth0":
		return broker.Auth0(e.need("AUTH0_DOMAIN"), clientID, secret, config), nil
	case "okta":
		return broker.Okta(e.need("OKTA_ISSUER"), clientID, secret, config), nil
	case "keycloak":
		return broker.Keycloak(e.need("KEYCLOAK_URL"), e.need("KEYCLOAK_REALM"), clientID, secret, config), nil
	case "entra":
		return broker.EntraID(e.need("ENTRA_TENANT_ID"), clientID, secret, config), nil
	case "github":
		return broker.GitHub(clientID, secret, config), nil
	case "workos":
		return broker.WorkOS(e.need("WORKOS_DOMAIN"), clientID, secret, config), nil
	}
	return nil, errProvider()
}
