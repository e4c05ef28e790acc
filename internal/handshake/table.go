package handshake

import (
	"slices"
	"strings"
	"sync"

	"github.com/mcpengine/mcpengine/internal/share"
)

// evictionSample is how many sessions are compared to find one that has not been
// used for long.
const evictionSample = 16

// A table holds the sessions for which this instance keeps state, and remembers
// which sessions have been deleted.
type table struct {
	max  int
	each int // of one caller, 0 for no number of its own

	mu      sync.RWMutex
	live    map[string]*session // by name
	held    map[share.Caller]int
	owned   map[share.Caller][]*session // only where each is set
	deleted deletions
}

func (t *table) init(maxSessions, eachCaller int) {
	t.max, t.each = maxSessions, eachCaller
	t.live, t.held = make(map[string]*session), make(map[share.Caller]int)
	t.owned = make(map[share.Caller][]*session)
	t.deleted.init()
}

// get returns the session with an id, or nil when the table does not have it.
func (t *table) get(token string) *session {
	s := t.named(nameOf(token))
	if s == nil || s.token != token {
		return nil
	}
	return s
}

// named returns the session with a name, or nil when the table does not have it.
func (t *table) named(name string) *session {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.live[name]
}

// add adds a session and returns it. When the table has it already, it returns
// that one; when the session has been deleted, nil. The caller must close the
// evicted session, if there is one.
func (t *table) add(s *session) (known, evicted *session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.deleted.has(s.name) {
		return nil, nil
	}
	if known := t.live[s.name]; known != nil {
		return known, nil
	}
	switch {
	case t.each > 0 && t.held[s.from] >= t.each:
		evicted = t.oldest(s.from)
	case len(t.live) >= t.max:
		evicted = t.victim()
	}
	if evicted != nil {
		t.forget(evicted)
	}
	t.live[s.name] = s
	t.held[s.from]++
	if t.each > 0 {
		t.owned[s.from] = append(t.owned[s.from], s)
	}
	return s, evicted
}

// forget removes a session. The caller holds t.mu.
func (t *table) forget(s *session) {
	if t.live[s.name] != s {
		return
	}
	delete(t.live, s.name)
	if t.held[s.from]--; t.held[s.from] == 0 {
		delete(t.held, s.from)
	}
	if t.each == 0 {
		return
	}
	others := slices.DeleteFunc(t.owned[s.from], func(other *session) bool { return other == s })
	if t.owned[s.from] = others; len(others) == 0 {
		delete(t.owned, s.from)
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

// oldest returns the session of a caller that has not been used for longest.
func (t *table) oldest(from share.Caller) (found *session) {
	for _, s := range t.owned[from] {
		if found == nil || s.idleLonger(found) {
			found = s
		}
	}
	return found
}

func (t *table) remove(s *session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forget(s)
}

// delete remembers that the session with a name was deleted before it expired,
// and removes it. It returns the session, or nil when the table does not have
// it.
func (t *table) delete(name, owner string) *session {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.deleted.add(name, owner)
	s := t.live[name]
	if s != nil {
		t.forget(s)
	}
	return s
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

// maxDeleted bounds the deleted sessions that are remembered. Beyond it, the
// oldest one of the caller with most is forgotten, so that nobody can make
// the server forget another caller's.
const maxDeleted = 100_000

// deletions are the names of deleted sessions.
type deletions struct {
	names  map[string]bool
	owners map[string][]string // names in their order
	most   string              // the owner who had most when a name was added last
}

func (d *deletions) init() {
	d.names, d.owners = make(map[string]bool), make(map[string][]string)
}

func (d *deletions) has(name string) bool { return d.names[name] }

func (d *deletions) add(name, owner string) {
	if d.names[name] {
		return
	}
	if len(d.names) >= maxDeleted {
		d.makeRoom()
	}
	name = strings.Clone(name)
	d.names[name] = true
	d.owners[owner] = append(d.owners[owner], name)
	if len(d.owners[owner]) > len(d.owners[d.most]) {
		d.most = owner
	}
}

// makeRoom forgets a name. It compares the owner who had most with a sample of
// the others, in the order of the map.
func (d *deletions) makeRoom() {
	n := 0
	for owner, names := range d.owners {
		if len(names) > len(d.owners[d.most]) {
			d.most = owner
		}
		if n++; n == evictionSample {
			break
		}
	}
	names := d.owners[d.most]
	delete(d.names, names[0])
	if d.owners[d.most] = names[1:]; len(names) == 1 {
		delete(d.owners, d.most)
	}
}
