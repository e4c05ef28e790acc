// Package oauth is the OAuth client of an MCP client: it finds out who gives
// tokens for a server, gets them, keeps them, and puts them on requests
// (basic/authorization). It is what package client, the bridge and the CLI sign
// in with.
//
// An [Authorizer] belongs to one MCP server. A request goes out with the token
// there is; a challenge in the answer is what makes it get another one. How is a
// [Grant]: a person in a browser ([AuthorizationCode], [DeviceCode]), a machine
// ([ClientCredentials], [JWTBearer]), or an identity that an enterprise vouches
// for ([EnterpriseManaged]).
//
// Nothing that a server says is believed beyond what it can speak for: metadata
// is about the server or issuer that it was asked of, endpoints are https or on
// this machine, redirects stay at home, and credentials never reach another
// issuer than the one that gave them. No token, secret or code is in an error or
// a log.
package oauth
