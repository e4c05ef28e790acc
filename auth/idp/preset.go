package idp

import (
	"regexp"
	"strings"

	"github.com/mcpengine/mcpengine/auth"
)

var (
	awsRegion  = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-[0-9]+$`)
	userPool   = regexp.MustCompile(`^[a-z0-9-]+_[0-9A-Za-z]+$`)
	guid       = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	hostName   = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`)
	oktaServer = regexp.MustCompile(`^https?://[^/]+/oauth2/[^/]+$`)
	realmName  = regexp.MustCompile(`^[A-Za-z0-9._~-]+$`)
)

func (p *profile) want(format *regexp.Regexp, what, value string) {
	if !format.MatchString(value) {
		p.fault("%s %q is malformed", what, value)
	}
}

// Cognito accepts access tokens of an Amazon Cognito user pool. They must be for
// this server, which takes resource binding (the client sends the URL of the
// resource, and a resource server of that identifier exists), or else come from
// a client that [WithClients] allows: without resource binding Cognito's access
// tokens have no audience.
//
// Scopes are requested as identifier/scope. The identifier is the URL of the
// resource unless [WithScopePrefix] says otherwise. Groups are the user pool's.
func Cognito(region, userPoolID string, opts ...Option) auth.Provider {
	p := newProfile(profile{
		issuer:           "https://cognito-idp." + region + ".amazonaws.com/" + userPoolID,
		resourceAudience: true,
		resourcePrefix:   true,
		clientAudience:   true,
		scopes:           [][]string{{"scope"}},
		groups:           []string{"cognito:groups"},
		check: func(claims map[string]any) error {
			if claims["token_use"] != "access" {
				return refuse("token_use is not access")
			}
			return nil
		},
		describe: func(claims map[string]any, u *auth.User) {
			if u.Name == "" {
				u.Name = firstString(claims, "username")
			}
		},
	}, opts)
	p.want(awsRegion, "region", region)
	p.want(userPool, "user pool id", userPoolID)
	return p
}

// Auth0 accepts access tokens of an Auth0 tenant, given as its domain such as
// example.eu.auth0.com, for the API with the given identifier. Make the
// identifier the URL of the resource. Roles are the "permissions" of Auth0's
// role-based access control: what the user may do, where scopes are what the
// client was granted.
func Auth0(domain, audience string, opts ...Option) auth.Provider {
	p := newProfile(profile{
		issuer:    "https://" + domain + "/", // the slash is part of it
		audiences: []string{audience},
		scopes:    [][]string{{"scope"}},
		roles:     []string{"permissions"},
		describe: func(claims map[string]any, u *auth.User) {
			u.Machine = u.Machine || claims["gty"] == "client-credentials"
		},
	}, opts)
	p.want(hostName, "domain", domain)
	return p
}

// Okta accepts access tokens of a custom authorization server of Okta, whose
// issuer is https://example.okta.com/oauth2/ and its id, such as "default". The
// org authorization server, which has no such path, issues tokens for Okta's own
// API and is refused.
func Okta(issuer, audience string, opts ...Option) auth.Provider {
	p := newProfile(profile{
		issuer:    issuer,
		audiences: []string{audience},
		scopes:    [][]string{{"scp"}},
		check: func(claims map[string]any) error {
			if firstString(claims, "cid") == "" {
				return refuse("claim cid is missing: no access token")
			}
			return nil
		},
	}, opts)
	if !oktaServer.MatchString(issuer) {
		p.fault("the issuer is not a custom authorization server: want https://…/oauth2/<id>")
	}
	return p
}

// Keycloak accepts access tokens of a realm of the Keycloak server at baseURL.
// Keycloak puts the audience into tokens only when told to: add an audience
// mapper to a client scope. Roles are realm roles; for the roles of a client,
// point [WithClaims] at resource_access.
func Keycloak(baseURL, realm, audience string, opts ...Option) auth.Provider {
	p := newProfile(profile{
		issuer:    strings.TrimSuffix(baseURL, "/") + "/realms/" + realm,
		audiences: []string{audience},
		scopes:    [][]string{{"scope"}},
		roles:     []string{"realm_access", "roles"},
		check: func(claims map[string]any) error {
			if claims["typ"] != "Bearer" {
				return refuse("claim typ is not Bearer")
			}
			return nil
		},
		describe: func(claims map[string]any, u *auth.User) {
			// A user may take such a name, but has a session.
			_, session := claims["sid"]
			account := "service-account-" + strings.ToLower(u.ClientID)
			u.Machine = !session && u.ClientID != "" && claims["preferred_username"] == account
		},
	}, opts)
	p.want(realmName, "realm", realm)
	return p
}

// EntraID accepts v2.0 access tokens of one tenant of Microsoft Entra ID for one
// application registration, both given by their GUIDs in lower case; the tenant
// cannot be "common". Scopes are requested with the application ID URI before
// them, which is api:// and the application's id unless [WithScopePrefix] says
// otherwise; tokens hold the bare names.
//
// The subject is the object id of the caller, the same in all applications of
// the tenant. An e-mail address counts as verified only with the optional claim
// xms_edov. A user with very many groups gets a token without groups, and is in no
// group here.
func EntraID(tenantID, applicationID string, opts ...Option) auth.Provider {
	p := newProfile(profile{
		issuer: "https://login.microsoftonline.com/" + tenantID + "/v2.0",
		prefix: "api://" + applicationID,
		scopes: [][]string{{"scp"}},
		check: func(claims map[string]any) error {
			switch {
			case claims["ver"] != "2.0" || claims["tid"] != tenantID:
				return refuse("another version or tenant")
			case firstString(claims, "azp") == "":
				return refuse("claim azp is missing: no access token")
			case !isGUID(claims["oid"]):
				return refuse("claim oid")
			}
			return nil
		},
		describe: func(claims map[string]any, u *auth.User) {
			u.Subject = firstString(claims, "oid")
			_, delegated := claims["scp"]
			u.Machine = !delegated || claims["idtyp"] == "app"
			u.EmailVerified = u.Email != "" && (claims["xms_edov"] == true || claims["xms_edov"] == "1")
		},
	}, opts)
	p.audiences = []string{applicationID, p.prefix}
	p.want(guid, "tenant id", tenantID)
	p.want(guid, "application id", applicationID)
	return p
}

func isGUID(claim any) bool {
	s, _ := claim.(string)
	return guid.MatchString(s)
}

// WorkOS accepts access tokens of WorkOS AuthKit, given as its domain such as
// example.authkit.app. The audience is the URL of the resource, which has to be
// among the resource indicators that AuthKit is configured with.
func WorkOS(domain string, opts ...Option) auth.Provider {
	p := newProfile(profile{
		issuer:           "https://" + domain,
		resourceAudience: true,
		describe: func(claims map[string]any, u *auth.User) {
			if role := firstString(claims, "role"); role != "" && len(u.Roles) == 0 {
				u.Roles = []string{role}
			}
		},
	}, opts)
	p.want(hostName, "domain", domain)
	return p
}
