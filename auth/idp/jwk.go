package idp

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
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
	id         string
	algorithms []string // that its signatures may be made by
	public     crypto.PublicKey
}

// fits reports whether a signature by the named algorithm can be checked with
// the key.
func (k *key) fits(name string) bool { return slices.Contains(k.algorithms, name) }

// A keySet is the keys of one issuer. It does not change.
type keySet struct {
	keys []key
	text string // that it was parsed from
}

// find returns the keys to try a token with: the keys with its key id, or all that
// fit when it names no key (RFC 7515, section 4.1.4). Known tells whether the set
// has keys for the token, so that a bad signature is not the fault of an old set.
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
// others down. A set without keys is one, too: its issuer has withdrawn them.
func parseKeySet(data []byte) (*keySet, error) {
	members, err := jsonrpc.ParseObject(data) // refuses duplicate names
	if err != nil {
		return nil, fmt.Errorf("decode object: %w", err)
	}
	var list []json.RawMessage
	for _, m := range members {
		if string(m.Name) == "keys" {
			err = json.Unmarshal(m.Value, &list)
		}
	}
	switch {
	case err != nil || list == nil:
		return nil, errors.New("no list of keys")
	case len(list) > maxKeys:
		return nil, fmt.Errorf("more than %d keys", maxKeys)
	}
	set := &keySet{text: string(data)}
	for _, jwk := range list {
		if k, err := parseKey(jwk); err == nil {
			set.keys = append(set.keys, k)
		}
	}
	return set, nil
}

// parseKey reads a JSON Web Key (RFC 7517, section 4) and decides whether its
// signatures count.
func parseKey(data []byte) (key, error) {
	var jwk jose.JSONWebKey
	members, err := decodeObject(data)
	if err != nil {
		return key{}, err
	}
	// A key is trusted because of the place it was found at. Certificates beside
	// it are not evidence, and a bad one does no harm.
	for _, name := range [...]string{"x5c", "x5u", "x5t", "x5t#S256"} {
		delete(members, name)
	}
	data, _ = json.Marshal(members) // came from JSON
	if err := jwk.UnmarshalJSON(data); err != nil {
		return key{}, fmt.Errorf("parse key: %w", err)
	}
	k := key{id: jwk.KeyID, public: jwk.Key}
	use, hasUse := members["use"]
	operations, hasOperations := members["key_ops"]
	list, _ := operations.([]any)
	id, hasID := members["kid"]
	switch {
	case !jwk.IsPublic():
		return k, errors.New("private key in public")
	case hasUse && use != "sig" || hasOperations && !slices.Contains(list, any("verify")):
		return k, errors.New("not a key for signatures")
	case hasID && (id == "" || len(jwk.KeyID) > maxKidBytes):
		return k, errors.New("bad kid")
	}
	if k.algorithms, err = algorithmsOf(jwk.Key); err != nil {
		return k, err
	}
	if _, named := members["alg"]; named {
		if !k.fits(jwk.Algorithm) {
			return k, errors.New("the algorithm does not fit the key")
		}
		k.algorithms = []string{jwk.Algorithm}
	}
	return k, nil
}

// algorithmsOf returns the algorithms that fit a key, or why it is not good
// enough for any.
func algorithmsOf(public crypto.PublicKey) ([]string, error) {
	switch public := public.(type) {
	case *rsa.PublicKey:
		bits := public.N.BitLen()
		if bits < minRSABits || bits > maxRSABits || public.N.Bit(0) == 0 || public.E < 3 || public.E%2 == 0 {
			return nil, errors.New("bad modulus or exponent")
		}
		return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}, nil
	case *ecdsa.PublicKey:
		if name, ok := curves[public.Curve.Params().Name]; ok {
			return []string{name}, nil
		}
	case ed25519.PublicKey:
		return []string{"EdDSA", "Ed25519"}, nil // RFC 8037, RFC 9864
	}
	return nil, errors.New("unsupported kind of key")
}
