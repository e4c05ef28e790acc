package main

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/idp"
)

// protectedResource is the server as its callers know it, and who vouches for
// them, by the environment. It fails when that is not said: a server that lets
// everybody in because a variable is missing would be worse than none.
func protectedResource(getenv func(string) string) (*auth.Resource, error) {
	e := environment{getenv: getenv}
	url := strings.TrimSuffix(e.need("PUBLIC_URL"), "/") + "/mcp"
	provider, err := e.provider(url)
	switch {
	case err != nil:
		return nil, err
	case len(e.missing) > 0:
		return nil, fmt.Errorf("set %s: callers are let in by OIDC_ISSUER, an OpenID Connect provider, or by AUTH_PROVIDER=%s; PUBLIC_URL is where they find the server, without /mcp",
			strings.Join(e.missing, " and "), strings.Join(providers(), "|"))
	}
	return auth.NewResource(url, provider, auth.WithLogger(slog.Default()))
}

func providers() []string {
	return []string{"google", "cognito", "auth0", "okta", "keycloak", "entra", "github", "workos"}
}

// An environment remembers which variables were needed and not there.
type environment struct {
	getenv  func(string) string
	missing []string
}

func (e *environment) need(name string) string {
	value := e.getenv(name)
	if value == "" {
		e.missing = append(e.missing, name)
	}
	return value
}

func (e *environment) provider(resource string) (auth.Provider, error) {
	// What the provider calls this server.
	audience := cmp.Or(e.getenv("OIDC_AUDIENCE"), resource)
	name := e.getenv("AUTH_PROVIDER")
	if client := e.getenv("SIGN_IN_CLIENT_ID"); client != "" {
		return e.signIn(name, client)
	}
	switch name {
	case "":
		return idp.OIDC(e.need("OIDC_ISSUER"), audience), nil
	case "google":
		return idp.Google(e.need("GOOGLE_CLIENT_ID")), nil
	case "cognito":
		var options []idp.Option
		if client := e.getenv("COGNITO_CLIENT_ID"); client != "" {
			// Without resource binding the client is all that a token names.
			options = append(options, idp.WithClients(client))
		}
		return idp.Cognito(e.need("AWS_REGION"), e.need("COGNITO_USER_POOL_ID"), options...), nil
	case "auth0":
		return idp.Auth0(e.need("AUTH0_DOMAIN"), audience), nil
	case "okta":
		return idp.Okta(e.need("OKTA_ISSUER"), audience), nil
	case "keycloak":
		return idp.Keycloak(e.need("KEYCLOAK_URL"), e.need("KEYCLOAK_REALM"), audience), nil
	case "entra":
		return idp.EntraID(e.need("ENTRA_TENANT_ID"), e.need("ENTRA_APPLICATION_ID")), nil
	case "github":
		return idp.GitHub(e.need("GITHUB_CLIENT_ID"), e.need("GITHUB_CLIENT_SECRET")), nil
	case "workos":
		return idp.WorkOS(e.need("WORKOS_DOMAIN")), nil
	default:
		return nil, errProvider()
	}
}

func errProvider() error {
	return errors.New("AUTH_PROVIDER is not one of " + strings.Join(providers(), ", "))
}
