// Package broker lets people sign in to a server at an identity provider that does
// not know their client. Hosts such as Claude or VS Code register by themselves,
// which Google, Microsoft Entra ID, GitHub and most other providers do not
// allow. A broker is an authorization server in front of the provider: clients
// register with the broker, people sign in at the provider, and the broker issues
// the access tokens.
//
//	resource, err := auth.NewResource("https://mcp.example.com/mcp",
//		broker.Google(clientID, clientSecret, broker.Config{Name: "Message board"}))
//	…
//	e := mcpengine.New("board", mcpengine.WithAuth(resource), mcpengine.WithKeys(key))
//
// A broker is an [auth.Provider] like the providers of package idp. Its users have
// the issuer and subject of the provider, so that rules and stored identities are
// the same with and without it. At the provider, register one client for the
// server with the redirect URI https://mcp.example.com/oauth/callback.
//
// Nothing is stored. Client ids of registered clients, authorization codes and
// refresh tokens are sealed with the keys of the server (mcpengine.WithKeys), and
// access tokens are signed with keys derived from them, so that every replica and
// every invocation on AWS Lambda accepts what another one gave out. The provider
// is the memory: the broker redeems its code and its refresh token only when the
// client redeems the broker's, so that a code is good once among all replicas, and
// a user whom the provider has blocked is out when the access token expires.
//
// Before anybody is sent to the provider, a page of the broker says which client
// wants to act for them, where the answer goes, and what the client may do. It is
// shown every time: the provider knows one client for all and would not ask
// (security best practices, "Confused Deputy Problem").
//
// Revocation reaches the provider. An access token stays good until it expires, an
// hour at most.
package broker
