package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/mcpengine/mcpengine/internal/weburl"
)

const (
	wellKnownServer = "/.well-known/oauth-authorization-server" // RFC 8414, section 3
	wellKnownOpenID = "/.well-known/openid-configuration"       // OpenID Connect Discovery, section 4
)

// A server is the metadata of an authorization server (RFC 8414, section 2).
type server struct {
	Issuer              string   `json:"issuer"`
	Authorize           string   `json:"authorization_endpoint"`
	Token               string   `json:"token_endpoint"`
	Register            string   `json:"registration_endpoint"`
	Device              string   `json:"device_authorization_endpoint"`
	Revoke              string   `json:"revocation_endpoint"`
	Scopes              []string `json:"scopes_supported"`
	AuthMethods         []string `json:"token_endpoint_auth_methods_supported"`
	AuthAlgorithms      []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	ChallengeMethods    []string `json:"code_challenge_methods_supported"`
	DPoPAlgorithms      []string `json:"dpop_signing_alg_values_supported"`
	SendsIssuer         bool     `json:"authorization_response_iss_parameter_supported"`
	ClientDocumentsRead bool     `json:"client_id_metadata_document_supported"`

	// assumed says that there is no metadata.
	assumed bool
}

// checkIssuer returns an error unless s can identify an issuer (RFC 8414,
// section 2).
func checkIssuer(s string) error {
	u, err := parseEndpoint(s)
	if err == nil && (u.RawQuery != "" || u.ForceQuery) {
		err = errors.New("a URL with a query")
	}
	if err != nil {
		return fmt.Errorf("issuer: %w", err)
	}
	return nil
}

// metadataURLs returns where the metadata of an issuer may be, in the order of
// authorization-server-discovery, "Authorization Server Metadata Discovery".
func metadataURLs(issuer string) ([]string, error) {
	u, err := url.Parse(issuer)
	if err != nil {
		return nil, errors.New("issuer: not a URL")
	}
	base, path := u.Scheme+"://"+u.Host, strings.TrimSuffix(u.EscapedPath(), "/")
	if path == "" {
		return []string{base + wellKnownServer, base + wellKnownOpenID}, nil
	}
	return []string{base + wellKnownServer + path, base + wellKnownOpenID + path, base + path + wellKnownOpenID}, nil
}

// discoverServer reads the metadata of an authorization server.
func (f fetcher) discoverServer(ctx context.Context, issuer string) (*server, error) {
	locations, err := metadataURLs(issuer)
	if err != nil {
		return nil, err
	}
	for _, location := range locations {
		a, err := f.get(ctx, StepMetadata, location)
		if err != nil {
			return nil, fmt.Errorf("discover %s: %w", issuer, err)
		}
		if a != nil {
			s, err := parseServer(a.body, issuer)
			if err != nil {
				return nil, fmt.Errorf("discover %s: %w", issuer, err)
			}
			f.trace.decide("it is about the issuer; sign-in at %s, tokens from %s", shown(s.Authorize), shown(s.Token))
			return s, nil
		}
	}
	return nil, fmt.Errorf("discover %s: %w", issuer, errNoMetadata)
}

var errNoMetadata = errors.New("the authorization server publishes no metadata")

// parseServer reads metadata, which must be about that issuer (RFC 8414, section
// 3.3).
func parseServer(data []byte, issuer string) (*server, error) {
	var s server
	if err := decode(data, &s); err != nil {
		return nil, err
	}
	if !weburl.SameIssuer(s.Issuer, issuer) {
		return nil, fmt.Errorf("metadata of %s names %.256q as its issuer: %w", issuer, s.Issuer, ErrIssuer)
	}
	home, err := url.Parse(issuer)
	if err != nil {
		return nil, errors.New("issuer: not a URL")
	}
	for name, endpoint := range map[string]string{
		"authorization": s.Authorize, "token": s.Token, "registration": s.Register,
		"device authorization": s.Device, "revocation": s.Revoke,
	} {
		if endpoint == "" {
			continue
		}
		u, err := parseEndpoint(endpoint)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s endpoint: %w", name, err)
		case u.Scheme == "http" && home.Scheme == "https":
			return nil, fmt.Errorf("%s endpoint: http, where the issuer is https", name)
		}
	}
	if s.Token == "" {
		return nil, errors.New("metadata: no token endpoint")
	}
	return &s, nil
}

// handshakeServer is the authorization server of a server that has no metadata of
// any kind: endpoints at fixed paths of its root (2025-03-26,
// basic/authorization, "Fallbacks for Servers without Metadata Discovery").
// Every such server has to support PKCE.
func handshakeServer(base string) *server {
	return &server{
		Issuer:           base,
		Authorize:        base + "/authorize",
		Token:            base + "/token",
		Register:         base + "/register",
		ChallengeMethods: []string{"S256"},
		assumed:          true,
	}
}

// metadata returns the metadata of an authorization server. A server without
// resource metadata may have none; its endpoints are then assumed.
func (f fetcher) metadata(ctx context.Context, issuer string, handshake bool) (*server, error) {
	s, err := f.discoverServer(ctx, issuer)
	if handshake && errors.Is(err, errNoMetadata) {
		return handshakeServer(issuer), nil
	}
	return s, err
}

// supports reports whether a list of the metadata holds the value.
func supports(list []string, value string) bool { return slices.Contains(list, value) }
