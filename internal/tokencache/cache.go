// Package tokencache remembers what was found out about tokens. It keeps their
// digests and never the tokens.
package tokencache

import (
	"crypto/sha256"
	"sync"
	"time"
)

// A Digest names a token.
type Digest = [sha256.Size]byte

// Of returns the digest of a token. Most tokens fit into the buffer, which stays
// on the stack.
func Of(token string) Digest {
	var buf [2 << 10]byte
	return sha256.Sum256(append(buf[:0], token...))
}

// A Cache keeps a bounded number of values, each for a limited time.
type Cache[V any] struct {
	size int

	mu      sync.Mutex
	entries map[Digest]entry[V]
}

type entry[V any] struct {
	value V
	at    time.Time
	span  time.Duration
}

// New returns a cache of at most size values. With a size of 0 or less it stays
// empty.
func New[V any](size int) *Cache[V] { return &Cache[V]{size: size} }

// Get returns the value of a token, unless its time is over.
func (c *Cache[V]) Get(token Digest, now time.Time) (value V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[token]
	if !ok || !Within(now, e.at, e.span) {
		return value, false
	}
	return e.value, true
}

// Put keeps a value for the span.
func (c *Cache[V]) Put(token Digest, value V, now time.Time, span time.Duration) {
	if c.size <= 0 || span <= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries == nil {
		c.entries = make(map[Digest]entry[V])
	}
	if _, known := c.entries[token]; !known && len(c.entries) >= c.size {
		c.evict(now)
	}
	c.entries[token] = entry[V]{value, now, span}
}

// Delete forgets a token.
func (c *Cache[V]) Delete(token Digest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.entries, token)
}

// evict makes room for one entry. Maps are walked in random order: among eight
// entries there is an expired one when most are expired, and otherwise any entry
// has to go.
func (c *Cache[V]) evict(now time.Time) {
	var victim Digest
	looked := 0
	for token, e := range c.entries {
		victim = token
		if looked++; looked == 8 || !Within(now, e.at, e.span) {
			break
		}
	}
	delete(c.entries, victim)
}

// Within reports whether now lies in the span that began at start. A clock that
// was set back has left the span.
func Within(now, start time.Time, span time.Duration) bool {
	return !start.IsZero() && !now.Before(start) && now.Before(start.Add(span))
}
