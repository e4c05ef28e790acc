package authtest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
)

// A key is one that the provider signs with.
type key struct {
	id, alg string
	private crypto.Signer
}

// newKey makes a key for RS256, ES256 or EdDSA.
func newKey(id, alg string) (*key, error) {
	k := &key{id: id, alg: alg}
	var err error
	switch alg {
	case "RS256":
		k.private, err = rsa.GenerateKey(rand.Reader, 2048)
	case "ES256":
		k.private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "EdDSA":
		_, k.private, err = ed25519.GenerateKey(rand.Reader)
	default:
		err = fmt.Errorf("algorithm %q: want RS256, ES256 or EdDSA", alg)
	}
	return k, err
}

// jwk is the public half as a JSON Web Key.
func (k *key) jwk() map[string]any {
	jwk := map[string]any{"kid": k.id, "alg": k.alg, "use": "sig"}
	switch public := k.private.Public().(type) {
	case *rsa.PublicKey:
		jwk["kty"] = "RSA"
		jwk["n"] = encode(public.N.Bytes())
		jwk["e"] = encode(big.NewInt(int64(public.E)).Bytes())
	case *ecdsa.PublicKey:
		point, _ := public.Bytes() // a generated key is on its curve
		jwk["kty"], jwk["crv"] = "EC", "P-256"
		jwk["x"], jwk["y"] = encode(point[1:33]), encode(point[33:])
	case ed25519.PublicKey:
		jwk["kty"], jwk["crv"] = "OKP", "Ed25519"
		jwk["x"] = encode(public)
	}
	return jwk
}

// sign makes a compact JWS (RFC 7515, section 7.1).
func (k *key) sign(header, claims map[string]any) (string, error) {
	h, err := json.Marshal(header)
	if err != nil {
		return "", fmt.Errorf("encode header: %w", err)
	}
	c, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("encode claims: %w", err)
	}
	return k.signRaw(h, c)
}

func (k *key) signRaw(header, claims []byte) (string, error) {
	input := encode(header) + "." + encode(claims)
	signature, err := k.signature([]byte(input))
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	return input + "." + encode(signature), nil
}

func (k *key) signature(input []byte) ([]byte, error) {
	switch private := k.private.(type) {
	case *ecdsa.PrivateKey:
		sum := sha256.Sum256(input)
		r, s, err := ecdsa.Sign(rand.Reader, private, sum[:])
		if err != nil {
			return nil, err
		}
		return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...), nil
	case *rsa.PrivateKey:
		sum := sha256.Sum256(input)
		return rsa.SignPKCS1v15(rand.Reader, private, crypto.SHA256, sum[:])
	}
	return k.private.Sign(rand.Reader, input, crypto.Hash(0))
}

func encode(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }
