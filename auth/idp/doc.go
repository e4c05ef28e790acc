// Package idp has the identity providers whose tokens a server can accept: any
// issuer of OpenID Connect or OAuth ([OIDC]), well-known issuers by name, and
// issuers of opaque tokens, which are asked about each token.
//
//	resource, err := auth.NewResource("https://mcp.example.com/mcp",
//		idp.Google("1234-abcd.apps.googleusercontent.com"))
//
// No token is accepted without an issuer, an audience and an expiry that match,
// except where the issuer's own answer about a token takes their place
// ([GitHub]).
//
// An issuer is compared byte for byte (RFC 8414, section 3.3), except that an
// empty path and "/" are one: https://id.example.com and https://id.example.com/
// are the same issuer, and every [auth.User] has the spelling that the program
// gave.
package idp
