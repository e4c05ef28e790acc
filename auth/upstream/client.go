package upstream

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/mcpengine/mcpengine/internal/weburl"
)

// A Client is the registration of the server at an identity provider. It is the
// client for which the provider issues tokens for APIs. All fields but
// AssertionAudience are required. [EntraID], [Keycloak] and [Okta] fill in what
// follows from the provider.
type Client struct {
	// Issuer is the provider. Tokens of callers are sent only to the provider that
	// has issued them.
	Issuer string

	// TokenEndpoint is the URL of the provider's token endpoint, as its metadata
	// names it.
	TokenEndpoint string

	// ID is the client id.
	ID string

	// Authentication proves that the server is the client.
	Authentication Authentication

	// AssertionAudience is the audience of the client's own assertions, where
	// Authentication makes them. The default is the token endpoint.
	AssertionAudience string

	// scopes are part of every exchange.
	scopes []string
	faults []error
}

var (
	guid       = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	oktaServer = regexp.MustCompile(`^https?://[^/]+(/oauth2/[^/]+)?$`)
	realmName  = regexp.MustCompile(`^[A-Za-z0-9._~-]+$`)
)

func (c *Client) want(format *regexp.Regexp, what, value string) {
	if !format.MatchString(value) {
		c.faults = append(c.faults, fmt.Errorf("%s %q is malformed", what, value))
	}
}

// EntraID is an application registration in a tenant of Microsoft Entra ID, both given
// by their GUIDs in lower case.
func EntraID(tenantID, applicationID string, a Authentication) Client {
	const base = "https://login.microsoftonline.com/"
	c := Client{
		Issuer:        base + tenantID + "/v2.0",
		TokenEndpoint: base + tenantID + "/oauth2/v2.0/token",
		ID:            applicationID, Authentication: a.InForm(), // as its documentation has it
	}
	c.want(guid, "tenant id", tenantID)
	c.want(guid, "application id", applicationID)
	return c
}

// Keycloak is a client of a realm of the Keycloak server at baseURL, with client
// authentication on. For [TokenExchange] the client also needs the capability
// "Standard token exchange".
func Keycloak(baseURL, realm, clientID string, a Authentication) Client {
	issuer := strings.TrimSuffix(baseURL, "/") + "/realms/" + realm
	c := Client{Issuer: issuer, TokenEndpoint: issuer + "/protocol/openid-connect/token", ID: clientID, Authentication: a}
	// The session of the user keeps the scopes of the last exchange. Without openid
	// among them, package broker gets no ID token when it renews.
	c.scopes = []string{"openid"}
	c.want(realmName, "realm", realm)
	return c
}

// Okta is a service application at an authorization server of Okta, given by its
// issuer, such as https://example.okta.com/oauth2/default.
func Okta(issuer, clientID string, a Authentication) Client {
	endpoint := issuer + "/v1/token"
	if !strings.Contains(strings.TrimPrefix(issuer, "https://"), "/") { // the organization's own
		endpoint = issuer + "/oauth2/v1/token"
	}
	c := Client{Issuer: issuer, TokenEndpoint: endpoint, ID: clientID, Authentication: a}
	c.want(oktaServer, "issuer", issuer)
	return c
}

// check reports the mistakes in a client.
func (c *Client) check() error {
	if err := errors.Join(c.faults...); err != nil {
		return err
	}
	issuer, err := weburl.ParseIssuer(c.Issuer)
	if err != nil {
		return fmt.Errorf("issuer: %w", err)
	}
	endpoint, err := weburl.ParseSecure(c.TokenEndpoint)
	switch {
	case err != nil:
		return fmt.Errorf("token endpoint: %w", err)
	case issuer.Scheme == "https" && endpoint.Scheme != "https":
		return errors.New("token endpoint: not an https URL, as the issuer is")
	case c.ID == "":
		return errors.New("no client id")
	}
	return c.Authentication.check()
}
