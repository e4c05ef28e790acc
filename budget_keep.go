package mcpengine

import (
	"crypto/rand"
	"sync"
	"time"
)

// maxKept bounds the results that are kept for their rest, in bytes, and
// maxKeptResult one of them.
const (
	maxKept       = 64 << 20
	maxKeptResult = 16 << 20
)

// A keeper keeps results in memory for a time. When there is no room, the oldest
// result of the caller with most goes.
type keeper struct {
	mu     sync.Mutex
	size   int
	byName map[string]*keptResult
	owned  map[string][]*keptResult // in their order
	held   map[string]int           // bytes, by caller
}

type keptResult struct {
	source
	name, owner string
	expires     time.Time
}

func newKeeper() *keeper {
	return &keeper{byName: make(map[string]*keptResult), owned: make(map[string][]*keptResult), held: make(map[string]int)}
}

// keep keeps a result and returns its name, which is empty for one that is too long.
func (k *keeper) keep(owner string, s source) string {
	size := s.size()
	if size > maxKeptResult {
		return ""
	}
	r := &keptResult{s, rand.Text(), owner, time.Now().Add(restTTL)}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.expire(time.Now())
	for k.size+size > maxKept {
		most := owner
		for other, held := range k.held {
			if held > k.held[most] {
				most = other
			}
		}
		k.drop(k.owned[most][0])
	}
	k.byName[r.name] = r
	k.owned[owner] = append(k.owned[owner], r)
	k.held[owner] += size
	k.size += size
	return r.name
}

// get returns a result that is kept.
func (k *keeper) get(name string) (source, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.expire(time.Now())
	r := k.byName[name]
	if r == nil {
		return source{}, false
	}
	return r.source, true
}

// expire drops the results whose time is over. The caller holds k.mu.
func (k *keeper) expire(now time.Time) {
	for _, all := range k.owned {
		for len(all) > 0 && !now.Before(all[0].expires) {
			next := all[1:]
			k.drop(all[0])
			all = next
		}
	}
}

// drop drops the oldest result of its owner. The caller holds k.mu.
func (k *keeper) drop(r *keptResult) {
	delete(k.byName, r.name)
	k.size -= r.size()
	k.held[r.owner] -= r.size()
	if k.owned[r.owner] = k.owned[r.owner][1:]; len(k.owned[r.owner]) == 0 {
		delete(k.owned, r.owner)
		delete(k.held, r.owner)
	}
}
