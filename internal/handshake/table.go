package handshake

import (
	"sync"

	"github.com/mcpengine/mcpengine/internal/share"
)

const (
	// maxDeleted bounds the deleted sessions that are remembered. Beyond it,
	// the session that was deleted first is forgotten.
	maxDeleted = 10_000

	// evictionSample is how many sessions are compared to find one that has not
	// been used for long.
	evictionSample = 16
)

// A table holds the sessions for which this instance keeps state, and remembers
// which sessions have been deleted.
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

// get returns the session with an id, or nil when the table does not have it.
func (t *table) get(token string) *session {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.live[token]
}

// add adds a session and returns it. When the table has it already, it returns
// that one; when the session has been deleted, nil. The caller must close the
// evicted session, if there is one.
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

// victim returns the session that makes room for another one: a session of the
// caller who has most that has not been used for long. It only looks at a
// sample, in the order of the map. An exact order would need a list that every
// request has to lock.
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

// delete removes a session and remembers that it was deleted before it expired.
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
