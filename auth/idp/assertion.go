package idp

import (
	"time"

	"github.com/mcpengine/mcpengine/auth"
)

// IDToken accepts the ID tokens (OpenID Connect Core, section 2) that an issuer
// gave to one OAuth client. An ID token is meant for that client and names the
// user that logged in there. Package broker reads the identity of users from
// them. As bearer tokens they are for issuers that have no access tokens for
// other servers; [OIDC] is the usual way. An ID token has no scopes.
func IDToken(issuer, clientID string, opts ...Option) auth.Provider {
	return newProfile(profile{
		issuer:    issuer,
		audiences: []string{clientID},
		idToken:   true,
		check: func(claims map[string]any) error {
			// With several audiences the claim azp has to say which of them asked
			// (OpenID Connect Core, section 3.1.3.7).
			azp, present := claims["azp"]
			list, several := claims["aud"].([]any)
			if present && azp != clientID || !present && several && len(list) > 1 {
				return refuse("token was issued to another client")
			}
			return nil
		},
	}, opts)
}

// maxAssertionAge bounds how old an identity assertion may be. They are made for
// one request.
const maxAssertionAge = time.Hour

// IdentityAssertion accepts the identity assertions (ID-JAG) that an enterprise's
// identity provider makes for an authorization server, the audience (the extension
// io.modelcontextprotocol/enterprise-managed-authorization, section 4.3). They are
// grants and no access tokens: package broker takes them in exchange for one. The
// claims client_id, resource and jti must be there, and the user's ClientID is the
// first of them.
func IdentityAssertion(issuer, audience string, opts ...Option) auth.Provider {
	return newProfile(profile{
		issuer:         issuer,
		audiences:      []string{audience},
		strictAudience: true,
		mediaType:      "oauth-id-jag+jwt",
		maxAge:         maxAssertionAge,
		scopes:         [][]string{{"scope"}},
		check: func(claims map[string]any) error {
			for _, name := range []string{"client_id", "resource", "jti"} {
				if text, _ := claims[name].(string); text == "" {
					return refuse("claim %s", name)
				}
			}
			return nil
		},
	}, opts)
}
