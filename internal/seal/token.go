package seal

import (
	"encoding/base64"
	"errors"
	"strings"
)

// ErrInvalid is the answer to every token that does not open. It does not say
// why, so that an attacker who tries tokens learns nothing.
var ErrInvalid = errors.New("invalid token")

// A token is the unpadded base64url encoding of
//
//	version (1 byte) | key id (4) | nonce (12) | ciphertext | tag (16)
//
// Version and key id need no authentication of their own: both decide which
// subkey opens the token, and only the right one does.
const (
	version    = 1
	headerSize = 1 + keyIDSize
	overhead   = headerSize + 12 + 16
)

// MaxToken is the length of the longest token that [Ring.Open] looks at.
const MaxToken = 64 << 10

// MaxPlaintext is the length of the longest plaintext whose token is at most
// [MaxToken] long.
const MaxPlaintext = MaxToken/4*3 - overhead

// Strict refuses unused bits behind the last byte: a token has one spelling.
var encoding = base64.RawURLEncoding.Strict()

// Seal returns a token of the plaintext that only [Ring.Open] with the same
// purpose and associated data can read. The token shows the length of the
// plaintext and which key made it, and stays valid as long as the key does: put
// an expiry into the plaintext. One of more than [MaxPlaintext] bytes makes a
// token that Open refuses.
//
// The ring remembers each purpose, so purposes are constants of the program.
// What comes from outside, such as the caller's name, is associated data. Its
// parts must be joined so that different parts never give the same bytes.
func (r *Ring) Seal(purpose string, plaintext, associated []byte) string {
	token := make([]byte, 0, overhead+len(plaintext))
	token = append(token, version)
	token = append(token, r.keys()[0].id[:]...)
	token = r.ciphers(purpose)[0].Seal(token, nil, plaintext, associated)
	return encoding.EncodeToString(token)
}

// Open returns the plaintext of a token that [Ring.Seal] made, or [ErrInvalid]
// when the token is not from one of the ring's keys, was changed, or belongs to
// another purpose or other associated data.
func (r *Ring) Open(purpose, token string, associated []byte) ([]byte, error) {
	// The decoder skips line ends even when strict.
	if len(token) > MaxToken || strings.ContainsAny(token, "\r\n") {
		return nil, ErrInvalid
	}
	raw, err := encoding.DecodeString(token)
	if err != nil || len(raw) < overhead || raw[0] != version {
		return nil, ErrInvalid
	}
	i := find(r.keys(), raw[1:headerSize])
	if i < 0 {
		return nil, ErrInvalid
	}
	sealed := raw[headerSize:]
	plaintext, err := r.ciphers(purpose)[i].Open(nil, nil, sealed, associated)
	if err != nil {
		return nil, ErrInvalid
	}
	return plaintext, nil
}
