package auth

import (
	"crypto/sha256"
	"sync"
	"time"
)

// cacheTime is how long a verified token is remembered at most. A token that
// its issuer takes back stays good for as long.
const cacheTime = 60 * time.Second

type digest = [sha256.Size]byte

// digestOf returns that of a token. Most tokens fit into the buffer, which
// stays on the stack.
func digestOf(token string) digest {
	var buf [2 << 10]byte
	return sha256.Sum256(append(buf[:0], token...))
}

// A tokenCache remembers verified tokens by their digest. The zero tokenCache
// remembers none.
type tokenCache struct {
	size int

	mu      sync.Mutex
	entries map[digest]cached
}

type cached struct {
	user *User
	keys *keySet // that the token was verified with, if any
	at   time.Time
	span time.Duration
}

// get returns the user of a token that was verified with these keys.
func (c *tokenCache) get(token digest, keys *keySet, now time.Time) *User {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[token]
	if !ok || e.keys != keys || !within(now, e.at, e.span) {
		return nil
	}
	return e.user
}

func (c *tokenCache) put(token digest, keys *keySet, now time.Time, u *User) {
	span := cacheTime
	if !u.Expiry.IsZero() {
		span = min(span, u.Expiry.Sub(now))
	}
	if c.size <= 0 || span <= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries == nil {
		c.entries = make(map[digest]cached)
	}
	if _, known := c.entries[token]; !known && len(c.entries) >= c.size {
		c.evict(now)
	}
	c.entries[token] = cached{user: u, keys: keys, at: now, span: span}
}

// evict makes room for one entry. A map is walked in random order: a look at a
// few entries finds an expired one in a cache full of them, and otherwise any
// has to go.
func (c *tokenCache) evict(now time.Time) {
	var any digest
	looked := 0
	for token, e := range c.entries {
		any = token
		if looked++; looked == 8 || !within(now, e.at, e.span) {
			break
		}
	}
	delete(c.entries, any)
}
