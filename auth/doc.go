// Package auth answers who is calling: it reads access tokens, says what a server
// owes its clients about itself, and states rules over a caller. It implements
// the resource server of OAuth 2.1 as the Model Context Protocol uses it
// (basic/authorization), and knows nothing of tools or methods.
//
//	resource, err := auth.NewResource("https://mcp.example.com/mcp",
//		idp.OIDC("https://id.example.com", "https://mcp.example.com/mcp"),
//		auth.WithScopes("mcp:read", "mcp:write"),
//		auth.WithHierarchy("mcp:write", "mcp:read"))
//
// A [Provider] is one identity provider and decides which tokens are good:
// package idp has those that issue JSON Web Tokens or are asked about a token,
// and this package [StaticTokens] and [Custom]. A [Resource] is the server: it
// reads the Authorization header, asks the provider, and makes the answers 400,
// 401, 403 and 503. A [Rule] is what the server asks of a [User] beyond scopes.
//
// There is one kind of token for a provider, set by configuration. A token that
// fails is refused; nothing else is tried with it.
//
// Tokens never appear in errors, logs or headers, and a [User] does not hold
// its token: a server must not pass it on (security-considerations, "Access
// Token Privilege Restriction").
//
// The package needs nothing but the standard library and a little of
// golang.org/x/sync. Only a server that imports package idp links the code that
// verifies signatures.
package auth
