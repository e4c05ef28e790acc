package handshake

import (
	"sync"

	"github.com/mcpengine/mcpengine/internal/share"
)

const (
	// maxDeleted bounds the deleted sessions that are remembered. Beyond it the
	// one deleted first is forgotten.
	maxDeleted = 10_000

	// evictionSample is how many sessions are looked at to find one that has
	// not been used for long.
	evictionSample = 16
)

// A table holds the sessions of which this instance knows something, and which
// have been deleted.
type table struct {
	max int

	mu      sync.RWMutex
	live    map[string]*session // by id
	held    map[share.Caller]int
	deleted map[string]bool // by name
	order   []string        // of deleted, from index first on
	first   int
}

func (t *table) init(maxSessions int) {
	t.max = maxSessions
	t.live, t.held, t.deleted = make(map[string]*session), make(map[share.Caller]int), make(map[string]bool)
}

// get returns a session that is known.
func (t *table) get(token string) *session {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.live[token]
}

// add makes a session known, unless it is already or has been deleted, which
// returns nil. The session that had to make room for it is to be closed.
func (t *table) add(s *session) (known, evicted *session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.deleted[s.name] {
		return nil, nil
	}
	if known := t.live[s.token]; known != nil {
		return known, nil
	}
	if len(t.live) >= t.max {
		evicted = t.victim()
		t.forget(evicted)
	}
	t.live[s.token] = s
	t.held[s.from]++
	return s, evicted
}

// forget removes a session. The caller holds t.mu.
func (t *table) forget(s *session) {
	if t.live[s.token] != s {
		return
	}
	delete(t.live, s.token)
	if t.held[s.from]--; t.held[s.from] == 0 {
		delete(t.held, s.from)
	}
}

// victim returns the session that makes room for another one: of the caller who
// has most, one that has not been used for long. It looks at a sample, in
// whatever order the map has them: exactness would cost every request a turn at
// one list.
func (t *table) victim() (found *session) {
	n := 0
	for _, s := range t.live {
		if found == nil || t.held[s.from] > t.held[found.from] || t.held[s.from] == t.held[found.from] && s.idleLonger(found) {
			found = s
		}
		if n++; n == evictionSample {
			break
		}
	}
	return found
}

func (t *table) remove(s *session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forget(s)
}

// delete remembers that a session has ended before it has expired.
func (t *table) delete(s *session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forget(s)
	if t.deleted[s.name] {
		return
	}
	t.deleted[s.name] = true
	if len(t.order) < maxDeleted {
		t.order = append(t.order, s.name)
		return
	}
	delete(t.deleted, t.order[t.first])
	t.order[t.first] = s.name
	t.first = (t.first + 1) % maxDeleted
}

func (t *table) all() []*session {
	t.mu.RLock()
	defer t.mu.RUnlock()
	sessions := make([]*session, 0, len(t.live))
	for _, s := range t.live {
		sessions = append(sessions, s)
	}
	return sessions
}
