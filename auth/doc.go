// Package auth identifies callers: it reads access tokens, serves the metadata
// that clients need to log in, and checks rules about a caller. It implements
// the resource server of OAuth 2.1 as the Model Context Protocol uses it
// (basic/authorization), and knows nothing of tools or methods.
//
//	resource, err := auth.NewResource("https://mcp.example.com/mcp",
//		idp.OIDC("https://id.example.com", "https://mcp.example.com/mcp"),
//		auth.WithScopes("mcp:read", "mcp:write"),
//		auth.WithHierarchy("mcp:write", "mcp:read"))
//
// A [Provider] is one identity provider and decides which tokens are good:
// package idp has the providers that issue JSON Web Tokens or are asked about a
// token, and this package has [StaticTokens] and [Custom]. A [Resource] is the
// server: it reads the Authorization header, asks the provider, and words the
// refusals 400, 401, 403 and 503. A [Rule] is a condition on a [User] beyond
// scopes.
//
// A provider takes one kind of token, set by configuration. A token that fails
// is refused and not tried in another way.
//
// Tokens never appear in errors, logs or headers, and a [User] does not hold
// its token: a server must not pass it on (security-considerations, "Access
// Token Privilege Restriction").
//
// The package needs nothing but the standard library and a little of
// golang.org/x/sync. Only a server that imports package idp links the code that
// verifies signatures.
package auth
