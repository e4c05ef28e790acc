package client

import (
	"strconv"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// A cache keeps results for as long as the server says that they are fresh
// (caching). It belongs to one client, and so to one caller: private results are
// not shared. Its zero value is ready to use.
type cache struct {
	mu      sync.Mutex
	entries map[cacheKey]cacheEntry
	bytes   int
	changes uint64 // how often something was dropped
}

// A cacheKey is a method and the parameters that the result depends on.
type cacheKey struct{ method, params string }

type cacheEntry struct {
	raw     []byte
	expires time.Time
}

// maxTTL bounds how long a result is kept.
const maxTTL = 24 * time.Hour

// load returns a fresh result, or nil. It must not be changed.
func (c *cache) load(method string, params []byte) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := cacheKey{method, string(params)}
	e, ok := c.entries[key]
	if !ok {
		return nil
	}
	if !time.Now().Before(e.expires) {
		c.remove(key)
		return nil
	}
	return e.raw
}

// generation tells a later store whether something has been dropped since.
func (c *cache) generation() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changes
}

// store keeps a result if the server allows it and nothing has changed since it
// was asked for.
func (c *cache) store(method string, params, raw []byte, generation uint64, limit int) {
	members, err := jsonrpc.ParseObject(raw)
	if err != nil {
		return
	}
	ms, err := strconv.ParseInt(string(members.Get("ttlMs")), 10, 64)
	if err != nil || ms <= 0 {
		return
	}
	ttl := time.Duration(min(ms, int64(maxTTL/time.Millisecond))) * time.Millisecond
	key, e := cacheKey{method, string(params)}, cacheEntry{raw: raw, expires: time.Now().Add(ttl)}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changes != generation || len(raw) > limit/2 {
		return
	}
	c.remove(key)
	c.makeRoom(limit - size(key, e))
	if c.entries == nil {
		c.entries = make(map[cacheKey]cacheEntry)
	}
	c.entries[key] = e
	c.bytes += size(key, e)
}

// size is roughly the memory that an entry takes.
func size(key cacheKey, e cacheEntry) int { return len(e.raw) + len(key.params) + 256 }

// makeRoom removes expired entries, and then others, until at most limit bytes
// are left.
func (c *cache) makeRoom(limit int) {
	if c.bytes <= limit {
		return
	}
	now := time.Now()
	for key, e := range c.entries {
		if !now.Before(e.expires) {
			c.remove(key)
		}
	}
	for key := range c.entries {
		if c.bytes <= limit {
			return
		}
		c.remove(key)
	}
}

func (c *cache) remove(key cacheKey) {
	if e, ok := c.entries[key]; ok {
		c.bytes -= size(key, e)
		delete(c.entries, key)
	}
}

// drop forgets the results of a method.
func (c *cache) drop(method string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes++
	for key := range c.entries {
		if key.method == method {
			c.remove(key)
		}
	}
}
