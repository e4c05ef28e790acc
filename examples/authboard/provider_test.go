package main

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
)

// Every provider that can be asked for makes a resource of its variables, and
// names each one that is missing.
func TestProviders(t *testing.T) {
	t.Parallel()
	variables := map[string]map[string]string{
		"":         {"OIDC_ISSUER": "https://id.example"},
		"google":   {"GOOGLE_CLIENT_ID": "1-a.apps.googleusercontent.com"},
		"cognito":  {"AWS_REGION": "eu-west-1", "COGNITO_USER_POOL_ID": "eu-west-1_abcdefghi"},
		"auth0":    {"AUTH0_DOMAIN": "example.eu.auth0.com"},
		"okta":     {"OKTA_ISSUER": "https://example.okta.com/oauth2/default"},
		"keycloak": {"KEYCLOAK_URL": "https://id.example", "KEYCLOAK_REALM": "board"},
		"entra":    {"ENTRA_TENANT_ID": "0b0cb6e4-57f5-4e2a-9f0a-2d5d5f1f9b11", "ENTRA_APPLICATION_ID": "9e5f7a0c-3c36-4e0e-8f4e-6a4b2f3f0d22"},
		"github":   {"GITHUB_CLIENT_ID": "Iv1.abc", "GITHUB_CLIENT_SECRET": "hunter2"},
		"workos":   {"WORKOS_DOMAIN": "example.authkit.app"},
	}
	signIn := map[string]map[string]string{}
	for name, own := range variables {
		signIn[name] = map[string]string{"SIGN_IN_CLIENT_SECRET": "hunter2"}
		for variable, value := range own {
			if !slices.Contains([]string{"GOOGLE_CLIENT_ID", "ENTRA_APPLICATION_ID", "GITHUB_CLIENT_ID", "GITHUB_CLIENT_SECRET"}, variable) {
				signIn[name][variable] = value
			}
		}
	}
	checkProviders(t, variables, "")
	checkProviders(t, signIn, "9e5f7a0c-3c36-4e0e-8f4e-6a4b2f3f0d22")
}

// checkProviders makes every provider. With a client the server signs people in.
func checkProviders(t *testing.T, variables map[string]map[string]string, client string) {
	t.Helper()
	for name, own := range variables {
		env := maps.Clone(own)
		env["SIGN_IN_CLIENT_ID"] = client
		env["AUTH_PROVIDER"], env["PUBLIC_URL"] = name, "https://board.example/"
		makeResource := func() (*auth.Resource, error) {
			s, err := mcpengine.ConfigFrom[settings](nil, func(name string) string { return env[name] })
			if err != nil {
				return nil, err
			}
			return protectedResource(s, env["AWS_REGION"])
		}
		resource, err := makeResource()
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		if got, want := resource.URL(), "https://board.example/mcp"; got != want {
			t.Errorf("%q: the resource is %s, want %s", name, got, want)
		}
		if signsIn := len(resource.SignIns()) > 0; signsIn != (client != "") {
			t.Errorf("%q with the client %q signs people in: %t", name, client, signsIn)
		}
		for variable := range own {
			value := env[variable]
			delete(env, variable)
			if _, err := makeResource(); err == nil || !strings.HasPrefix(err.Error(), "set "+variable+": ") || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%q without %s: %v", name, variable, err)
			}
			env[variable] = value
		}
	}
}
