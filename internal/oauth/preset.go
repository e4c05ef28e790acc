package oauth

import (
	"net/url"
	"strings"
)

// A preset describes behaviour of an authorization server that its metadata does
// not declare, as verified in November 2026.
type preset struct {
	name string

	// assumePKCE: it supports PKCE with S256 and does not say so.
	assumePKCE bool

	// params are added to the authorization request.
	params map[string]string

	// scopes are always asked for.
	scopes []string

	// idToken: the server takes the ID token, because access tokens are opaque
	// and meant for the provider's own services.
	idToken bool
}

// presetOf returns the preset of an issuer. Only hosts of the
// provider count: the rest of an issuer is up to the publisher of the metadata.
func presetOf(issuer string) preset {
	u, err := url.Parse(issuer)
	if err != nil || u.Scheme != "https" {
		return preset{}
	}
	host := strings.ToLower(u.Host)
	switch {
	case host == "accounts.google.com":
		return preset{
			name:    "Google",
			params:  map[string]string{"access_type": "offline", "prompt": "consent"},
			scopes:  []string{"openid", "email"},
			idToken: true,
		}
	case strings.HasPrefix(host, "cognito-idp.") && strings.HasSuffix(host, ".amazonaws.com"):
		return preset{name: "Cognito", assumePKCE: true}
	case host == "login.microsoftonline.com":
		return preset{name: "Entra ID", assumePKCE: true}
	}
	return preset{}
}
