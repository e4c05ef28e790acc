// Package authtest is an identity provider for tests. It runs in the process of
// the test, publishes its keys as real ones do, and issues whatever tokens the
// test asks for, good and bad.
//
//	provider := authtest.NewProvider(t)
//	resource, err := auth.NewResource("https://mcp.example.com/mcp",
//		idp.OIDC(provider.Issuer(), "https://mcp.example.com/mcp"))
//	…
//	req.Header.Set("Authorization", "Bearer "+provider.AccessToken("https://mcp.example.com/mcp", authtest.Claims{
//		"sub":   "alice",
//		"scope": "mcp:read",
//	}))
//
// It also signs people in, by the authorization code grant with PKCE: the person
// that [Provider.SignIn] names, at once and without a page.
//
// It trusts everybody and must not be reachable by anybody but tests.
package authtest
