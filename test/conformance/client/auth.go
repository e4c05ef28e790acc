package main

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"

	"github.com/mcpengine/mcpengine/client"
)

const (
	// authPrefix is how the names of scenarios with authorization begin.
	authPrefix = "auth/"

	// metadataURL is the client id for an authorization server of the suite that
	// supports client id metadata documents. The document is never fetched.
	metadataURL = "https://conformance-test.local/client-metadata.json"

	// redirectURI is a URI at which nobody listens.
	redirectURI = "http://localhost:3000/callback"
)

// credentials are what the suite gives to the client of some scenarios.
type credentials struct {
	ClientID      string `json:"client_id"`
	ClientSecret  string `json:"client_secret"`
	PrivateKeyPEM string `json:"private_key_pem"`

	IDPClientID      string `json:"idp_client_id"`
	IDPIDToken       string `json:"idp_id_token"`
	IDPTokenEndpoint string `json:"idp_token_endpoint"`

	ValidJWT string `json:"valid_jwt"`
}

// authorization says how the client gets its token in a scenario.
func (c credentials) authorization(scenario string) (client.OAuth, error) {
	o := client.OAuth{
		Grant:        client.AuthorizationCode{Visit: visit, RedirectURI: redirectURI},
		ClientID:     c.ClientID,
		ClientSecret: c.ClientSecret,
		MetadataURL:  metadataURL,
	}
	switch scenario {
	case "auth/client-credentials-basic":
		o.Grant = client.ClientCredentials{}
	case "auth/client-credentials-jwt":
		key, err := parseKey(c.PrivateKeyPEM)
		if err != nil {
			return o, fmt.Errorf("read private_key_pem: %w", err)
		}
		o.Grant, o.Key = client.ClientCredentials{}, key
	case "auth/enterprise-managed-authorization":
		o.Grant = client.EnterpriseManaged{
			TokenEndpoint: c.IDPTokenEndpoint,
			ClientID:      c.IDPClientID,
			IDToken:       func(context.Context) (string, error) { return c.IDPIDToken, nil },
		}
	case "auth/wif-jwt-bearer":
		o.Grant = client.JWTBearer{Assertion: func(context.Context, string) (string, error) { return c.ValidJWT, nil }}
	case "auth/dpop", "auth/dpop-nonce":
		o.DPoP = true
	}
	return o, nil
}

// parseKey reads a key as OpenSSL writes it (PKCS #8).
func parseKey(text string) (crypto.Signer, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("not PEM")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errors.New("a key that does not sign")
	}
	return signer, nil
}

// visit acts as a browser whose user agrees at once. The suite's authorization
// server redirects without asking, and nobody listens at the redirect URI.
func visit(ctx context.Context, authorizationURL string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, authorizationURL, http.NoBody)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultTransport.RoundTrip(req) // which follows no redirect
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	location, err := resp.Location()
	if err != nil {
		return "", fmt.Errorf("HTTP status %d: %w", resp.StatusCode, err)
	}
	return location.String(), nil
}
