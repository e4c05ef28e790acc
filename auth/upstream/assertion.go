package upstream

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha256" // the hashes of the algorithms
	_ "crypto/sha512"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"time"
)

const (
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

	// assertionLife is how long an assertion is good. It is used at once.
	assertionLife = time.Minute

	minRSABits = 2048
)

var base64url = base64.RawURLEncoding

// An assertionKey signs the assertions of a client.
type assertionKey struct {
	signer crypto.Signer
	opts   crypto.SignerOpts
	size   int // of one half of a signature of ECDSA
	header map[string]string
}

func newAssertionKey(signer crypto.Signer, pss bool) (*assertionKey, error) {
	if signer == nil {
		return nil, errors.New("no private key")
	}
	k := &assertionKey{signer: signer, header: map[string]string{"typ": "JWT"}}
	switch public := signer.Public().(type) {
	case *rsa.PublicKey:
		if public.N.BitLen() < minRSABits {
			return nil, fmt.Errorf("an RSA key of %d bits is too short", public.N.BitLen())
		}
		k.header["alg"], k.opts = "RS256", crypto.SHA256
		if pss {
			k.header["alg"], k.opts = "PS256", &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
		}
	case *ecdsa.PublicKey:
		size := public.Params().BitSize
		k.size = (size + 7) / 8
		switch size {
		case 256:
			k.header["alg"], k.opts = "ES256", crypto.SHA256
		case 384:
			k.header["alg"], k.opts = "ES384", crypto.SHA384
		case 521:
			k.header["alg"], k.opts = "ES512", crypto.SHA512
		default:
			return nil, errors.New("the curve of the key has no algorithm")
		}
	case ed25519.PublicKey:
		k.header["alg"], k.opts = "EdDSA", crypto.Hash(0)
	default:
		return nil, fmt.Errorf("a key of the type %T cannot sign assertions", public)
	}
	return k, nil
}

// sign makes an assertion about a client (RFC 7523, section 3). Each has an id of its
// own, because a provider takes each once.
func (k *assertionKey) sign(client, audience string, now time.Time) (string, error) {
	header, _ := json.Marshal(k.header)       // strings can be encoded
	claims, _ := json.Marshal(map[string]any{ // as above
		"iss": client, "sub": client, "aud": audience, "jti": rand.Text(),
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(assertionLife).Unix(),
	})
	signed := base64url.EncodeToString(header) + "." + base64url.EncodeToString(claims)
	signature, err := k.signature([]byte(signed))
	if err != nil {
		return "", fmt.Errorf("sign the assertion of the client: %w", err)
	}
	return signed + "." + base64url.EncodeToString(signature), nil
}

func (k *assertionKey) signature(text []byte) ([]byte, error) {
	digest := text
	if h := k.opts.HashFunc(); h != 0 {
		hash := h.New()
		hash.Write(text)
		digest = hash.Sum(nil)
	}
	signature, err := k.signer.Sign(rand.Reader, digest, k.opts)
	if err != nil || k.size == 0 {
		return signature, err
	}
	// Signers return ASN.1, and a JWS has both numbers side by side (RFC 7518,
	// section 3.4).
	var numbers struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(signature, &numbers); err != nil {
		return nil, err
	}
	pair := make([]byte, 2*k.size)
	numbers.R.FillBytes(pair[:k.size])
	numbers.S.FillBytes(pair[k.size:])
	return pair, nil
}
