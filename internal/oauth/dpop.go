package oauth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/mcpengine/mcpengine/internal/weburl"
)

// dpopAlgorithm signs proofs: the one that every server has.
const dpopAlgorithm = "ES256"

// A proofKey is the key that tokens are bound to (RFC 9449).
type proofKey struct{ private *ecdsa.PrivateKey }

func newProofKey() (*proofKey, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make DPoP key: %w", err)
	}
	return &proofKey{private}, nil
}

// parseProofKey reads the output of encode.
func parseProofKey(data []byte) (*proofKey, error) {
	key, err := x509.ParsePKCS8PrivateKey(data)
	if err != nil {
		return nil, errors.New("parse DPoP key")
	}
	private, ok := key.(*ecdsa.PrivateKey)
	if !ok || private.Curve != elliptic.P256() {
		return nil, errors.New("parse DPoP key: not a P-256 key")
	}
	return &proofKey{private}, nil
}

func (k *proofKey) encode() ([]byte, error) { return x509.MarshalPKCS8PrivateKey(k.private) }

// jwk is the public half, with its members in the order that a thumbprint takes
// them in (RFC 7638, section 3.2).
func (k *proofKey) jwk() (x, y string, err error) {
	point, err := k.private.PublicKey.Bytes()
	if err != nil {
		return "", "", fmt.Errorf("encode DPoP key: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(point[1:33]), base64.RawURLEncoding.EncodeToString(point[33:]), nil
}

// thumbprint names the key in an authorization request (RFC 9449, section 10).
func (k *proofKey) thumbprint() (string, error) {
	x, y, err := k.jwk()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(`{"crv":"P-256","kty":"EC","x":"` + x + `","y":"` + y + `"}`))
	return base64.RawURLEncoding.EncodeToString(sum[:]), nil
}

// proof signs that a request is ours (RFC 9449, section 4.2). The access token
// and the nonce are empty when there is none. A proof is good for one request.
func (k *proofKey) proof(method, target, access, nonce string, now time.Time) (string, error) {
	u, err := url.Parse(target)
	if err != nil {
		return "", errors.New("sign DPoP proof: not a URL")
	}
	u.RawQuery, u.ForceQuery, u.Fragment = "", false, ""
	x, y, err := k.jwk()
	if err != nil {
		return "", err
	}
	claims := map[string]any{"jti": rand.Text(), "htm": method, "htu": u.String(), "iat": now.Unix()}
	if access != "" {
		sum := sha256.Sum256([]byte(access))
		claims["ath"] = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	if nonce != "" {
		claims["nonce"] = nonce
	}
	header := new(jose.SignerOptions).WithType("dpop+jwt").
		WithHeader("jwk", map[string]string{"kty": "EC", "crv": "P-256", "x": x, "y": y})
	signed, err := sign(jose.ES256, k.private, header, claims)
	if err != nil {
		return "", fmt.Errorf("sign DPoP proof: %w", err)
	}
	return signed, nil
}

// nonces are the latest that each server gave (RFC 9449, sections 8 and 9).
type nonces struct {
	mu       sync.Mutex
	byOrigin map[string]string
}

func (n *nonces) get(target string) string {
	u, err := url.Parse(target)
	if err != nil {
		return ""
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.byOrigin[weburl.Origin(u)]
}

// keep remembers the nonce of a response and reports whether it is a new one.
func (n *nonces) keep(target string, h http.Header) bool {
	const maxNonce = 1 << 10
	u, err := url.Parse(target)
	nonce := h.Get("DPoP-Nonce")
	if err != nil || nonce == "" || len(nonce) > maxNonce || !validToken(nonce) {
		return false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.byOrigin[weburl.Origin(u)] == nonce {
		return false
	}
	if n.byOrigin == nil {
		n.byOrigin = map[string]string{}
	}
	n.byOrigin[weburl.Origin(u)] = nonce
	return true
}
