package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/mcpengine/mcpengine/internal/tokencache"
)

// StaticIssuer is the issuer of the users of [StaticTokens].
const StaticIssuer = "urn:mcpengine:static"

// StaticTokens accepts a fixed set of tokens, for the simplest deployments: a
// few programs whose tokens are distributed by hand. The keys are the tokens'
// hashes by [HashToken], so that the configuration holds nothing to steal; each
// user needs a Subject. Make tokens of at least 128 random bits, because a hash
// of anything shorter can be guessed.
//
// There is no authorization server, so the resource has no metadata and clients
// cannot log in. No cache is involved: a token that is removed from the
// configuration is refused.
func StaticTokens(users map[string]User) Provider {
	p := &static{}
	for hash, user := range users {
		sum, err := hex.DecodeString(hash)
		if err != nil || len(sum) != sha256.Size {
			p.err = errors.New("a key is not the hash of a token: use HashToken")
			continue
		}
		if user.Subject == "" {
			p.err = errors.New("a user has no subject")
		}
		user.Issuer = StaticIssuer
		p.entries = append(p.entries, staticEntry{hash: tokencache.Digest(sum), user: &user})
	}
	if len(users) == 0 {
		p.err = errors.New("no tokens")
	}
	return p
}

// HashToken returns the hexadecimal SHA-256 of a token, as [StaticTokens] takes
// it and as `printf %s "$TOKEN" | sha256sum` prints it.
func HashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

type static struct {
	entries []staticEntry
	err     error
}

type staticEntry struct {
	hash tokencache.Digest
	user *User
}

// Issuer implements [Provider].
func (*static) Issuer() string { return StaticIssuer }

// Open implements [Provider].
func (p *static) Open(env Environment) (*Verifier, error) {
	if p.err != nil {
		return nil, fmt.Errorf("static tokens: %w", p.err)
	}
	verify := func(_ context.Context, token string) (*User, error) {
		u := p.find(token)
		switch {
		case u == nil:
			return nil, &InvalidTokenError{Reason: "unknown token"}
		case !u.Expiry.IsZero() && !env.Now().Before(u.Expiry):
			return nil, &InvalidTokenError{Reason: "token has expired", Expired: true}
		}
		return u, nil
	}
	return &Verifier{Verify: verify}, nil
}

// find compares with every entry and in constant time: how long it takes tells
// nothing about how close a guess was.
func (p *static) find(token string) *User {
	hash := tokencache.Of(token)
	found := -1
	for i := range p.entries {
		same := subtle.ConstantTimeCompare(p.entries[i].hash[:], hash[:])
		found = subtle.ConstantTimeSelect(same, i, found)
	}
	if found < 0 {
		return nil
	}
	return p.entries[found].user
}
