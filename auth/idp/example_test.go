package idp_test

import (
	"fmt"
	"os"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/idp"
)

// open stands for what a program does with a provider.
func open(p auth.Provider) {
	_, err := auth.NewResource("https://mcp.example.com/mcp", p)
	fmt.Fprintln(os.Stdout, p.Issuer(), err)
}

func ExampleOIDC() {
	open(idp.OIDC("https://id.example.com", "https://mcp.example.com/mcp", idp.WithAlgorithms("RS256", "ES256")))
	open(idp.OIDC("https://id.example.com", os.Getenv("AUDIENCE_THAT_IS_NOT_SET")))
	// Output:
	// https://id.example.com <nil>
	// https://id.example.com provider "https://id.example.com": no audience: without one, tokens for any other server would be good here
}

func ExampleGoogle() {
	open(idp.Google("123-abc.apps.googleusercontent.com", idp.RequireClaim("hd", "example.com")))
	// Output: https://accounts.google.com <nil>
}

func ExampleGoogleAccessToken() {
	open(idp.GoogleAccessToken("123-abc.apps.googleusercontent.com"))
	// Output: https://accounts.google.com <nil>
}

func ExampleCognito() {
	open(idp.Cognito("eu-west-1", "eu-west-1_AbCdEf123", idp.WithClients("5abc"), idp.WithScopePrefix("board")))
	// Output: https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf123 <nil>
}

func ExampleAuth0() {
	open(idp.Auth0("example.eu.auth0.com", "https://mcp.example.com/mcp"))
	// Output: https://example.eu.auth0.com/ <nil>
}

func ExampleOkta() {
	open(idp.Okta("https://example.okta.com/oauth2/default", "https://mcp.example.com/mcp"))
	// Output: https://example.okta.com/oauth2/default <nil>
}

func ExampleKeycloak() {
	open(idp.Keycloak("https://sso.example.com", "staff", "https://mcp.example.com/mcp",
		idp.WithClaims(idp.Claims{Roles: []string{"resource_access", "board", "roles"}})))
	// Output: https://sso.example.com/realms/staff <nil>
}

func ExampleEntraID() {
	open(idp.EntraID("11111111-2222-3333-4444-555555555555", "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"))
	// Output: https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0 <nil>
}

func ExampleWorkOS() {
	open(idp.WorkOS("example.authkit.app"))
	// Output: https://example.authkit.app <nil>
}

func ExampleGitHub() {
	open(idp.GitHub("Iv1.0123456789abcdef", "the secret, from a file or the environment"))
	// Output: https://github.com/login/oauth <nil>
}

func ExampleIntrospection() {
	open(idp.Introspection("https://id.example.com", "https://mcp.example.com/mcp", idp.IntrospectionEndpoint{
		URL:          "https://id.example.com/introspect",
		ClientID:     "mcp",
		ClientSecret: "the secret, from a file or the environment",
	}))
	// Output: https://id.example.com <nil>
}
