// Package oauth is the OAuth client of an MCP client: it finds the authorization
// server of an MCP server, gets tokens, keeps them, and puts them on requests
// (basic/authorization). Package client, the bridge and the CLI sign in with it.
//
// An [Authorizer] belongs to one MCP server. It puts its token on each request
// and gets another one when the answer is a challenge. It gets tokens by a
// [Grant]: a person in a browser ([AuthorizationCode], [DeviceCode]), a machine
// ([ClientCredentials], [JWTBearer]), or an identity that an enterprise vouches
// for ([EnterpriseManaged]).
//
// A server is believed only where it has authority: metadata must be about the
// server or issuer that was asked, endpoints must be https or on this machine,
// redirects stay within the origin, and credentials go to no other issuer than
// the one that gave them. No token, secret or code is in an error or a log.
package oauth
