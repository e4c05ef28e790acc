// Package seal makes opaque tokens that only a holder of the same keys can
// make or read. They carry what a server without state hands to its client to
// get back later: request state, cursors, session ids.
//
// There is one scheme. Every key is derived for a purpose and a server, and a
// new kind of value is a new purpose.
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

// Ring holds one or more keys for one server. It is safe for concurrent use.
type Ring struct {
	source *source
	server string

	// aeads caches the ciphers of each purpose, as a []cipher.AEAD in the order
	// of keys.
	aeads sync.Map
}

// A source has the keys of a ring and of all rings made from it. They are
// settled once.
type source struct {
	once   sync.Once
	keys   []key // the first one seals
	random func()
}

type key struct {
	id     [keyIDSize]byte
	secret []byte
}

// NewRing returns a ring whose first key seals and whose keys all open, so
// that a key is rotated by putting the new one in front and removing the old
// one once its tokens have expired. With several replicas the new key goes
// second first, so that all of them can open before any of them seals with it.
// Every key is 32 random bytes. It is an error to give no key, a key of another
// length, or the same key twice.
func NewRing(keys ...[]byte) (*Ring, error) {
	list, err := parse(keys)
	if err != nil {
		return nil, err
	}
	r := LateRing(nil)
	r.source.once.Do(func() { r.source.keys = list })
	return r, nil
}

func parse(keys [][]byte) ([]key, error) {
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
	return ring, nil
}

// RandomRing returns a ring with one new random key. No other process can open
// its tokens, nor this one after a restart.
func RandomRing() *Ring { return LateRing(nil) }

// LateRing returns a ring whose keys [Ring.Use] gives it later. When a key is
// needed before, the ring makes a random one and calls random, which may be nil.
func LateRing(random func()) *Ring {
	return &Ring{source: &source{random: random}}
}

// Use gives the keys to a ring without any, and to all rings made from it. It
// returns an error when the keys are not good, as [NewRing] does, or when the
// ring has keys already.
func (r *Ring) Use(keys ...[]byte) error {
	list, err := parse(keys)
	if err != nil {
		return err
	}
	late := true
	r.source.once.Do(func() { r.source.keys, late = list, false })
	if late {
		return errors.New("a random key is in use already: something was sealed before")
	}
	return nil
}

// For returns a ring with the same keys for one server. A server of another name
// cannot open its tokens, even with the same keys: production does not accept a
// state of a test server. Replicas of a server have one name.
func (r *Ring) For(server string) *Ring { return &Ring{source: r.source, server: server} }

// keys returns the keys, and settles them if they are not.
func (r *Ring) keys() []key {
	s := r.source
	s.once.Do(func() {
		secret := make([]byte, KeySize)
		_, _ = rand.Read(secret) // never fails: it ends the process instead
		s.keys = []key{newKey(secret)}
		if s.random != nil {
			s.random()
		}
	})
	return s.keys
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
		aeads[i] = newAEAD(derive(k.secret, "purpose: "+purpose+"\x00server: "+r.server, KeySize))
	}
	r.aeads.Store(purpose, aeads)
	return aeads
}

// Derive returns a secret of 32 bytes for each key, in their order, for a use
// that Seal does not cover, such as signatures. It follows the purpose and the
// server as sealed values do, and says nothing about the keys or about other
// purposes.
func (r *Ring) Derive(purpose string) [][]byte {
	keys := r.keys()
	secrets := make([][]byte, len(keys))
	for i, k := range keys {
		secrets[i] = derive(k.secret, "derive: "+purpose+"\x00server: "+r.server, KeySize)
	}
	return secrets
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
