package oauth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// How clients authenticate at a token endpoint (RFC 7591, section 2; RFC 7523).
const (
	methodNone  = "none"
	methodBasic = "client_secret_basic"
	methodPost  = "client_secret_post"
	methodKey   = "private_key_jwt"

	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	assertionLife = time.Minute
)

// credentials identify the client to one authorization server.
type credentials struct {
	ID     string `json:"id"`
	Secret string `json:"secret,omitempty"`
	Method string `json:"method"`

	// RedirectURI is the one that was registered, and Expires when the secret
	// does; zero for never.
	RedirectURI string    `json:"redirect_uri,omitempty"`
	Expires     time.Time `json:"expires,omitzero"`

	key   crypto.Signer
	keyID string
}

// configured are the credentials of a client that was registered beforehand.
// The method is one that the authorization server supports; without a list that
// is HTTP Basic (RFC 8414, section 2).
func configured(c Client, s *server) (credentials, error) {
	found := credentials{ID: c.ID, Secret: c.Secret, key: c.Key, keyID: c.KeyID}
	switch {
	case c.Key != nil && (s.AuthMethods == nil || supports(s.AuthMethods, methodKey)):
		found.Method = methodKey
	case c.Secret != "" && (s.AuthMethods == nil || supports(s.AuthMethods, methodBasic)):
		found.Method = methodBasic
	case c.Secret != "" && supports(s.AuthMethods, methodPost):
		found.Method = methodPost
	case c.Secret == "" && c.Key == nil:
		found.Method = methodNone
	default:
		return credentials{}, errors.New("the authorization server does not support the kind of credentials that the client has")
	}
	return found, nil
}

// authenticate puts the client's credentials on a token request. The server is
// named by its issuer, so that the signature is valid nowhere else.
func (c *credentials) authenticate(form url.Values, h http.Header, s *server, now time.Time) error {
	switch c.Method {
	case methodBasic:
		// Both are form-encoded first (RFC 6749, section 2.3.1).
		req := http.Request{Header: h}
		req.SetBasicAuth(url.QueryEscape(c.ID), url.QueryEscape(c.Secret))
		// The id alone is not a second way to authenticate. The
		// authorization server of the Python SDK refuses a form without it.
		form.Set("client_id", c.ID)
	case methodPost:
		form.Set("client_id", c.ID)
		form.Set("client_secret", c.Secret)
	case methodKey:
		assertion, err := c.assertion(s, now)
		if err != nil {
			return fmt.Errorf("sign client assertion: %w", err)
		}
		form.Set("client_id", c.ID)
		form.Set("client_assertion_type", assertionType)
		form.Set("client_assertion", assertion)
	case methodNone:
		form.Set("client_id", c.ID)
	}
	return nil
}

// assertion returns a signed assertion of the client's identity (RFC 7523,
// section 3).
func (c *credentials) assertion(s *server, now time.Time) (string, error) {
	alg, err := algorithmOf(c.key)
	if err != nil {
		return "", err
	}
	if s.AuthAlgorithms != nil && !supports(s.AuthAlgorithms, string(alg)) {
		return "", fmt.Errorf("the authorization server does not support %s", alg)
	}
	header := new(jose.SignerOptions).WithType("JWT")
	if c.keyID != "" {
		header.WithHeader("kid", c.keyID)
	}
	return sign(alg, c.key, header, map[string]any{
		"iss": c.ID, "sub": c.ID, "aud": s.Issuer, "jti": rand.Text(),
		"iat": now.Unix(), "exp": now.Add(assertionLife).Unix(),
	})
}

// sign makes a JSON Web Token (RFC 7519) of the claims.
func sign(alg jose.SignatureAlgorithm, key crypto.Signer, header *jose.SignerOptions, claims map[string]any) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, header)
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

func algorithmOf(key crypto.Signer) (jose.SignatureAlgorithm, error) {
	switch k := key.(type) {
	case *ecdsa.PrivateKey:
		switch k.Curve.Params().BitSize {
		case 256:
			return jose.ES256, nil
		case 384:
			return jose.ES384, nil
		}
	case ed25519.PrivateKey:
		return jose.EdDSA, nil
	case *rsa.PrivateKey:
		return jose.RS256, nil
	}
	return "", errors.New("a key that is not P-256, P-384, Ed25519 or RSA")
}
