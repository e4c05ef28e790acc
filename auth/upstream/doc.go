// Package upstream gets tokens for the APIs behind a server, for auth.WithUpstream:
//
//	client := upstream.EntraID(tenantID, applicationID, upstream.SecretFromEnv("ENTRA_SECRET"))
//	resource, err := auth.NewResource("https://mcp.example.com/mcp",
//		idp.EntraID(tenantID, applicationID),
//		auth.WithUpstream(upstream.OnBehalfOf("https://graph.microsoft.com", client)))
//
// A handler then calls the API as its caller:
//
//	resp, err := auth.UpstreamClient("https://graph.microsoft.com").Do(req)
//
// There are four ways to a token. [ProviderToken] is the token that the identity
// provider gave when the caller signed in through package broker. [OnBehalfOf] is the
// flow of Microsoft Entra ID, and [TokenExchange] the standard one (RFC 8693) of
// Keycloak, Okta and others: both exchange the token that stands for the caller for one
// that the API accepts. [ClientCredentials] is a token of the server itself.
//
// No way sends the API the token that the caller sent to the server. Only the token
// endpoint of the provider that has issued that token sees it, as the proof of who the
// caller is. Tokens are kept in memory until shortly before they expire, and nowhere
// else.
//
// A server that does not import this package links none of it.
package upstream
