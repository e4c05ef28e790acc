package idp

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	_ "crypto/sha256" // for crypto.Hash
	_ "crypto/sha512"
	"math/big"
	"slices"
)

// An algorithm is a way of signing (RFC 7518, section 3; RFC 8037, section 3.1;
// RFC 9864 for Ed25519).
type algorithm struct {
	hash crypto.Hash
	pss  bool
}

// algorithms are those that a token may use: asymmetric ones, each tied to one
// kind of key (RFC 8725, section 3.1).
var algorithms = map[string]algorithm{
	"RS256":   {hash: crypto.SHA256},
	"RS384":   {hash: crypto.SHA384},
	"RS512":   {hash: crypto.SHA512},
	"PS256":   {hash: crypto.SHA256, pss: true},
	"PS384":   {hash: crypto.SHA384, pss: true},
	"PS512":   {hash: crypto.SHA512, pss: true},
	"ES256":   {hash: crypto.SHA256},
	"ES384":   {hash: crypto.SHA384},
	"ES512":   {hash: crypto.SHA512},
	"EdDSA":   {},
	"Ed25519": {},
}

// curves names the algorithm of each elliptic curve (RFC 7518, section 3.4).
var curves = map[string]string{"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}

// signedBy reports whether one of the keys made the signature. The keys fit the
// algorithm.
func (t *token) signedBy(keys []key) bool {
	return slices.ContainsFunc(keys, func(k key) bool {
		return algorithms[t.alg].verify(k.public, []byte(t.signed), t.signature)
	})
}

func (a algorithm) verify(public crypto.PublicKey, signed, signature []byte) bool {
	if public, ok := public.(ed25519.PublicKey); ok {
		return ed25519.Verify(public, signed, signature)
	}
	h := a.hash.New()
	h.Write(signed)
	digest := h.Sum(nil)
	switch public := public.(type) {
	case *rsa.PublicKey:
		if a.pss {
			return rsa.VerifyPSS(public, a.hash, digest, signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
		}
		return rsa.VerifyPKCS1v15(public, a.hash, digest, signature) == nil
	case *ecdsa.PublicKey:
		// Two numbers of full length (RFC 7518, section 3.4).
		size := (public.Curve.Params().BitSize + 7) / 8
		if len(signature) != 2*size {
			return false
		}
		r, s := new(big.Int).SetBytes(signature[:size]), new(big.Int).SetBytes(signature[size:])
		return ecdsa.Verify(public, digest, r, s)
	}
	return false
}
