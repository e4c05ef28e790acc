package auth

import (
	_ "crypto/sha256" // for golang-jwt, which looks hashes up
	_ "crypto/sha512"

	"github.com/golang-jwt/jwt/v5"
)

// An algorithm is a way of signing, and the keys that fit it (RFC 7518, section
// 3; RFC 8037, section 3.1; RFC 9864 for Ed25519).
type algorithm struct {
	method   jwt.SigningMethod
	kty, crv string
}

// algorithms are those that a token may use: asymmetric ones, each tied to one
// kind of key (RFC 8725, section 3.1). From golang-jwt comes the arithmetic
// alone. Everything around the signature is checked here.
var algorithms = map[string]algorithm{
	"RS256":   {jwt.SigningMethodRS256, "RSA", ""},
	"RS384":   {jwt.SigningMethodRS384, "RSA", ""},
	"RS512":   {jwt.SigningMethodRS512, "RSA", ""},
	"PS256":   {jwt.SigningMethodPS256, "RSA", ""},
	"PS384":   {jwt.SigningMethodPS384, "RSA", ""},
	"PS512":   {jwt.SigningMethodPS512, "RSA", ""},
	"ES256":   {jwt.SigningMethodES256, "EC", "P-256"},
	"ES384":   {jwt.SigningMethodES384, "EC", "P-384"},
	"ES512":   {jwt.SigningMethodES512, "EC", "P-521"},
	"EdDSA":   {jwt.SigningMethodEdDSA, "OKP", "Ed25519"},
	"Ed25519": {jwt.SigningMethodEdDSA, "OKP", "Ed25519"},
}
