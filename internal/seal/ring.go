// Package seal makes opaque tokens that only a holder of the same keys can
// make or read. They carry what a server without state hands to its client to
// get back later: request state, cursors, session ids.
package seal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"sync"
)

// KeySize is the length of a key in bytes.
const KeySize = 32

const keyIDSize = 4

// Ring holds one or more keys. It is immutable and safe for concurrent use.
type Ring struct {
	keys func() []key // the first one seals

	// aeads caches the ciphers of each purpose, as a []cipher.AEAD in the order
	// of keys.
	aeads sync.Map
}

type key struct {
	id     [keyIDSize]byte
	secret []byte
}

// NewRing returns a ring whose first key seals and whose keys all open, so
// that a key is rotated by putting the new one in front and removing the old
// one once its tokens have expired. With several replicas the new key goes
// second first, so that all of them can open before any of them seals with it.
// Every key is 32 random bytes. A missing key, one of another length and one
// that is given twice are errors.
func NewRing(keys ...[]byte) (*Ring, error) {
	if len(keys) == 0 {
		return nil, errors.New("make key ring: no key")
	}
	var ring []key
	for i, secret := range keys {
		if len(secret) != KeySize {
			return nil, fmt.Errorf("make key ring: key %d has %d bytes, not %d", i+1, len(secret), KeySize)
		}
		k := newKey(secret)
		// Different keys share an id once in 2^32 pairs; that key is refused too.
		if find(ring, k.id[:]) >= 0 {
			return nil, fmt.Errorf("make key ring: key %d is given twice", i+1)
		}
		ring = append(ring, k)
	}
	return &Ring{keys: func() []key { return ring }}, nil
}

// RandomRing returns a ring with one new random key. No other process can open
// its tokens, nor this one after a restart. The key is made when it is needed:
// many servers never seal anything.
func RandomRing() *Ring {
	return &Ring{keys: sync.OnceValue(func() []key {
		secret := make([]byte, KeySize)
		_, _ = rand.Read(secret) // never fails: it ends the process instead
		return []key{newKey(secret)}
	})}
}

// Format prints the name of the type instead of the keys, whatever the verb.
func (r *Ring) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "seal.Ring") }

func newKey(secret []byte) key {
	k := key{secret: bytes.Clone(secret)}
	copy(k.id[:], derive(secret, "key id", keyIDSize))
	return k
}

// find returns the index of the key with the id, or -1.
func find(keys []key, id []byte) int {
	for i, k := range keys {
		if bytes.Equal(k.id[:], id) {
			return i
		}
	}
	return -1
}

// ciphers returns the purpose's AEAD for each key. Two goroutines may both
// derive them at first; the results are the same.
func (r *Ring) ciphers(purpose string) []cipher.AEAD {
	if cached, ok := r.aeads.Load(purpose); ok {
		return cached.([]cipher.AEAD)
	}
	keys := r.keys()
	aeads := make([]cipher.AEAD, len(keys))
	for i, k := range keys {
		aeads[i] = newAEAD(derive(k.secret, "purpose: "+purpose, KeySize))
	}
	r.aeads.Store(purpose, aeads)
	return aeads
}

// newAEAD returns AES-256-GCM that draws and prepends a random 96-bit nonce.
// NIST SP 800-38D, section 8.3, allows 2^32 messages under one key with such
// nonces: for each key and purpose, a thousand tokens a second for 49 days.
// A busier server has to rotate its keys sooner.
func newAEAD(subkey []byte) cipher.AEAD {
	block, err := aes.NewCipher(subkey)
	if err != nil {
		panic(err) // only for a wrong key length
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // only for another block cipher
	}
	return aead
}

// derive returns a subkey (HKDF, RFC 5869). The label carries the version of
// the token format, so that no version can read another's tokens.
func derive(secret []byte, label string, size int) []byte {
	subkey, err := hkdf.Key(sha256.New, secret, nil, "mcpengine seal v1 "+label, size)
	if err != nil {
		panic(err) // only for more than 255 hashes of output
	}
	return subkey
}
