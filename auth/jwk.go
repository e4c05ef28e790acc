package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
	"slices"
)

const (
	maxKeys     = 100
	maxKidBytes = 256

	// A token is tried with this many keys: more than one happens when keys
	// have no ids.
	maxCandidates = 4

	minRSABits = 2048 // RFC 7518, section 3.3
	maxRSABits = 8192 // beyond it one signature costs milliseconds
)

// A key is one public key of an issuer.
type key struct {
	id       string
	alg      string // "" when the issuer does not say
	kty, crv string
	public   crypto.PublicKey
}

// fits reports whether a signature by the named algorithm can be checked with
// the key.
func (k *key) fits(name string) bool {
	alg := algorithms[name]
	return alg.kty == k.kty && alg.crv == k.crv && (k.alg == "" || k.alg == name)
}

// A keySet is the keys of one issuer. It does not change.
type keySet struct {
	keys []key
	text string // that it was parsed from
}

// find returns the keys to try a token with: those of its key id, or those that
// fit where it names none (RFC 7515, section 4.1.4). Known tells whether the
// set has anything to say about the token.
func (s *keySet) find(kid, alg string) (keys []key, known bool) {
	for _, k := range s.keys {
		if kid != "" && k.id != kid {
			continue
		}
		known = known || kid != ""
		if k.fits(alg) && len(keys) < maxCandidates {
			keys = append(keys, k)
		}
	}
	return keys, known || len(keys) > 0
}

// parseKeySet reads a JSON Web Key Set (RFC 7517, section 5). Keys that cannot
// be used are passed over, as the RFC asks; one bad key must not take the
// others down.
func parseKeySet(data []byte) (*keySet, error) {
	object, err := decodeObject(data)
	if err != nil {
		return nil, err
	}
	list, ok := object["keys"].([]any)
	switch {
	case !ok:
		return nil, errors.New("no list of keys")
	case len(list) > maxKeys:
		return nil, fmt.Errorf("more than %d keys", maxKeys)
	}
	set := &keySet{text: string(data)}
	for _, entry := range list {
		jwk, ok := entry.(map[string]any)
		if !ok {
			continue
		}
		if k, err := parseKey(jwk); err == nil {
			set.keys = append(set.keys, k)
		}
	}
	if len(set.keys) == 0 {
		return nil, errors.New("no usable key")
	}
	return set, nil
}

// parseKey reads a JSON Web Key (RFC 7517, section 4). Where it came from is
// why it is trusted: x5c, x5u and their kin are not looked at.
func parseKey(jwk map[string]any) (key, error) {
	var k key
	if jwk["d"] != nil || jwk["k"] != nil {
		return k, errors.New("private key in public")
	}
	for _, field := range [...]struct {
		name string
		to   *string
	}{{"kid", &k.id}, {"alg", &k.alg}, {"kty", &k.kty}, {"crv", &k.crv}} {
		s, ok := optionalName(jwk, field.name)
		if !ok {
			return k, fmt.Errorf("bad %s", field.name)
		}
		*field.to = s
	}
	if !forSignatures(jwk) {
		return k, errors.New("not a key for signatures")
	}
	var err error
	switch k.kty {
	case "RSA":
		k.crv = ""
		k.public, err = parseRSA(jwk)
	case "EC":
		k.public, err = parseEC(jwk, k.crv)
	case "OKP":
		k.public, err = parseOKP(jwk, k.crv)
	default:
		err = errors.New("unsupported kind of key")
	}
	if err == nil && k.alg != "" && !k.fits(k.alg) {
		err = errors.New("the algorithm does not fit the key")
	}
	return k, err
}

// forSignatures reports whether "use" and "key_ops" allow verifying.
func forSignatures(jwk map[string]any) bool {
	if use, present := jwk["use"]; present && use != "sig" {
		return false
	}
	ops, present := jwk["key_ops"]
	list, _ := ops.([]any)
	return !present || slices.Contains(list, any("verify"))
}

func member(jwk map[string]any, name string) ([]byte, error) {
	s, _ := jwk[name].(string)
	data, err := decodePart(s)
	if err != nil || len(data) == 0 {
		return nil, fmt.Errorf("bad %s", name)
	}
	return data, nil
}

func parseRSA(jwk map[string]any) (*rsa.PublicKey, error) {
	n, err := member(jwk, "n")
	if err != nil {
		return nil, err
	}
	e, err := member(jwk, "e")
	if err != nil {
		return nil, err
	}
	modulus, exponent := new(big.Int).SetBytes(n), new(big.Int).SetBytes(e)
	switch {
	case modulus.BitLen() < minRSABits || modulus.BitLen() > maxRSABits || modulus.Bit(0) == 0:
		return nil, errors.New("bad modulus")
	case exponent.BitLen() > 31 || exponent.Cmp(big.NewInt(3)) < 0 || exponent.Bit(0) == 0:
		return nil, errors.New("bad exponent")
	}
	return &rsa.PublicKey{N: modulus, E: int(exponent.Int64())}, nil
}

func parseEC(jwk map[string]any, crv string) (*ecdsa.PublicKey, error) {
	var curve elliptic.Curve
	switch crv {
	case "P-256":
		curve = elliptic.P256()
	case "P-384":
		curve = elliptic.P384()
	case "P-521":
		curve = elliptic.P521()
	default:
		return nil, errors.New("unsupported curve")
	}
	point := []byte{4} // uncompressed, as in SEC 1, section 2.3.3
	for _, name := range []string{"x", "y"} {
		c, err := member(jwk, name)
		if err != nil {
			return nil, err
		}
		// Full length, with leading zeros (RFC 7518, section 6.2.1.2).
		if len(c) != (curve.Params().BitSize+7)/8 {
			return nil, fmt.Errorf("bad length of %s", name)
		}
		point = append(point, c...)
	}
	public, err := ecdsa.ParseUncompressedPublicKey(curve, point)
	if err != nil {
		return nil, fmt.Errorf("parse point: %w", err)
	}
	return public, nil
}

func parseOKP(jwk map[string]any, crv string) (ed25519.PublicKey, error) {
	x, err := member(jwk, "x")
	switch {
	case err != nil:
		return nil, err
	case crv != "Ed25519":
		return nil, errors.New("unsupported curve")
	case len(x) != ed25519.PublicKeySize:
		return nil, errors.New("bad length of x")
	case smallOrder(x):
		return nil, errors.New("point of small order")
	}
	return x, nil
}

// smallOrder reports whether a point of edwards25519 has an order of 1, 2, 4 or
// 8. Anybody can sign for such a key. Doubling the point three times must not
// end at (0, 1), which is a condition on y alone:
//
//	y (y² - 1) (d y⁴ + 2y² - 1) = 0  mod p
//
// (RFC 8032, section 5.1, for p, d and the encoding.) The sign of x does not
// matter, and a y of p or more is taken modulo p as verifiers do.
func smallOrder(encoded []byte) bool {
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	d := new(big.Int).ModInverse(big.NewInt(121666), p)
	d.Mul(d, big.NewInt(-121665)).Mod(d, p)

	bytes := slices.Clone(encoded)
	bytes[len(bytes)-1] &= 0x7f
	slices.Reverse(bytes) // the encoding is little-endian
	y := new(big.Int).SetBytes(bytes)
	one := big.NewInt(1)
	y2 := new(big.Int).Mul(y, y)
	last := new(big.Int).Mul(y2, y2)
	last.Mul(last, d).Add(last, y2).Add(last, y2).Sub(last, one)
	product := new(big.Int).Sub(y2, one)
	product.Mul(product, y).Mul(product, last)
	return product.Mod(product, p).Sign() == 0
}
