package broker

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/idp"
)

var (
	awsRegion  = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-[0-9]+$`)
	userPool   = regexp.MustCompile(`^[a-z0-9-]+_[0-9A-Za-z]+$`)
	guid       = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	hostName   = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`)
	oktaServer = regexp.MustCompile(`^https?://[^/]+(/oauth2/[^/]+)?$`)
	realmName  = regexp.MustCompile(`^[A-Za-z0-9._~-]+$`)
)

func (u *upstream) want(format *regexp.Regexp, what, value string) {
	if !format.MatchString(value) {
		u.faults = append(u.faults, fmt.Errorf("%s %q is malformed", what, value))
	}
}

func newBroker(u *upstream, clientID, clientSecret string, config Config) auth.Provider {
	u.clientID, u.secret = clientID, clientSecret
	if u.scopes == nil {
		u.scopes = []string{"openid", "profile", "email"}
	}
	return &broker{upstream: u, config: config}
}

// OIDC signs people in at any provider of OpenID Connect that publishes metadata.
// The client is registered there for the server; its secret is empty for a public
// client. A refresh token is asked for by the scope offline_access where the
// metadata has it.
func OIDC(issuer, clientID, clientSecret string, config Config) auth.Provider {
	name := issuer
	if u, err := url.Parse(issuer); err == nil {
		name = cmp.Or(u.Host, issuer)
	}
	return newBroker(&upstream{issuer: issuer, name: name, offline: true}, clientID, clientSecret, config)
}

// Google signs people in with Google, by a client of the type Web application. To
// admit one Workspace domain only, set Config.Identity to
// idp.RequireClaim("hd", "example.com").
func Google(clientID, clientSecret string, config Config) auth.Provider {
	return newBroker(&upstream{
		issuer: idp.GoogleIssuer,
		name:   "Google",
		// Without these Google sends a refresh token the first time only.
		parameters: map[string]string{"access_type": "offline", "prompt": "consent"},
	}, clientID, clientSecret, config)
}

// EntraID signs people in at one tenant of Microsoft Entra ID, by an application
// registration with the platform Web. Both are given by their GUIDs in lower case.
// The subject of a user is the object id, as with idp.EntraID.
func EntraID(tenantID, applicationID, clientSecret string, config Config) auth.Provider {
	u := &upstream{
		issuer: "https://login.microsoftonline.com/" + tenantID + "/v2.0",
		name:   "Microsoft",
		scopes: []string{"openid", "profile", "email", offlineAccess},
		accept: func(u *auth.User) error {
			oid, _ := u.Claims["oid"].(string)
			if u.Claims["tid"] != tenantID || !guid.MatchString(oid) {
				return &auth.InvalidTokenError{Reason: "another tenant, or no object id"}
			}
			u.Subject = oid
			u.EmailVerified = u.Email != "" && (u.Claims["xms_edov"] == true || u.Claims["xms_edov"] == "1")
			return nil
		},
	}
	u.want(guid, "tenant id", tenantID)
	u.want(guid, "application id", applicationID)
	return newBroker(u, applicationID, clientSecret, config)
}

// Cognito signs people in at an Amazon Cognito user pool, by an app client with the
// authorization code grant. The user pool needs a domain for its pages. Groups are
// the user pool's.
func Cognito(region, userPoolID, clientID, clientSecret string, config Config) auth.Provider {
	u := &upstream{
		issuer:   "https://cognito-idp." + region + ".amazonaws.com/" + userPoolID,
		name:     "Amazon Cognito",
		identity: []idp.Option{idp.WithClaims(idp.Claims{Groups: []string{"cognito:groups"}}), idp.RequireClaim("token_use", "id")},
		accept: func(u *auth.User) error {
			if name, _ := u.Claims["cognito:username"].(string); u.Name == "" {
				u.Name = name
			}
			return nil
		},
	}
	u.want(awsRegion, "region", region)
	u.want(userPool, "user pool id", userPoolID)
	return newBroker(u, clientID, clientSecret, config)
}

// Okta signs people in at Okta, by a web application. The issuer is the one of the
// organization, https://example.okta.com, or of a custom authorization server.
func Okta(issuer, clientID, clientSecret string, config Config) auth.Provider {
	u := &upstream{issuer: issuer, name: "Okta", scopes: []string{"openid", "profile", "email", offlineAccess}}
	u.want(oktaServer, "issuer", issuer)
	return newBroker(u, clientID, clientSecret, config)
}

// Auth0 signs people in at an Auth0 tenant, given as its domain such as
// example.eu.auth0.com, by a regular web application.
func Auth0(domain, clientID, clientSecret string, config Config) auth.Provider {
	u := &upstream{
		issuer: "https://" + domain + "/", // the slash is part of it
		name:   "Auth0",
		scopes: []string{"openid", "profile", "email", offlineAccess},
	}
	u.want(hostName, "domain", domain)
	return newBroker(u, clientID, clientSecret, config)
}

// Keycloak signs people in at a realm of the Keycloak server at baseURL, by a client
// with the standard flow. Roles are realm roles; the mapper of the client scope
// "roles" puts them into ID tokens only when told to.
func Keycloak(baseURL, realm, clientID, clientSecret string, config Config) auth.Provider {
	u := &upstream{
		issuer:   strings.TrimSuffix(baseURL, "/") + "/realms/" + realm,
		name:     "Keycloak",
		identity: []idp.Option{idp.WithClaims(idp.Claims{Roles: []string{"realm_access", "roles"}})},
	}
	u.want(realmName, "realm", realm)
	return newBroker(u, clientID, clientSecret, config)
}

// WorkOS signs people in at WorkOS AuthKit, given as its domain such as
// example.authkit.app. AuthKit registers clients by itself, so that idp.WorkOS is
// enough unless the consent page and the tokens have to be the server's own.
func WorkOS(domain, clientID, clientSecret string, config Config) auth.Provider {
	u := &upstream{issuer: "https://" + domain, name: "WorkOS", offline: true}
	u.want(hostName, "domain", domain)
	return newBroker(u, clientID, clientSecret, config)
}

// GitHub signs people in with GitHub, by an OAuth App or a GitHub App. The subject of
// a user is the numeric id of the account. GitHub has no ID tokens: it is asked about
// its access token, which the client can renew with as long as GitHub keeps it.
func GitHub(clientID, clientSecret string, config Config) auth.Provider {
	const base = idp.GitHubIssuer
	return newBroker(&upstream{
		issuer: base,
		name:   "GitHub",
		scopes: []string{"read:user", "user:email"},
		opaque: idp.GitHub(clientID, clientSecret),
		endpoints: &endpoints{
			issuer:    base,
			authorize: &url.URL{Scheme: "https", Host: "github.com", Path: "/login/oauth/authorize"},
			token:     base + "/access_token",
		},
	}, clientID, clientSecret, config)
}
