package handshake

import (
	"strings"
	"sync"
	"time"
)

// An item is one value of the state of a session. The value with the highest
// version counts. When versions are equal, the names of the replicas decide, so
// that all replicas agree.
type item struct {
	value   string
	version uint64
	from    string
}

func (i item) wins(other item) bool {
	return i.version > other.version || i.version == other.version && i.from > other.from
}

// A keyed item has its name beside it.
type keyed struct {
	key string
	item
}

// A state is what clients have set in one session, on any replica.
type state struct {
	owner string
	clock uint64 // the highest version so far: microseconds since 1970, or more
	items map[string]item
	asked time.Time // when the other replicas were asked last
}

// states are what this replica knows of sessions, whether they are here or not.
type states struct {
	max int

	mu     sync.Mutex
	byName map[string]*state
	owned  map[string]int
	forgot time.Time // when a state was dropped to make room, last
}

func (s *states) init(most int) {
	s.max, s.byName, s.owned = most, make(map[string]*state), make(map[string]int)
}

// of returns the state of a session. The caller holds s.mu.
func (s *states) of(name, owner string) *state {
	known := s.byName[name]
	if known == nil {
		if len(s.byName) >= s.max {
			s.makeRoom()
		}
		known = &state{owner: owner, items: make(map[string]item)}
		s.byName[strings.Clone(name)] = known // a name shares the memory of its session id
		s.owned[owner]++
	}
	return known
}

// makeRoom drops a state of the owner who has most, among a sample in the order
// of the map.
func (s *states) makeRoom() {
	victim, n := "", 0
	for name, st := range s.byName {
		if victim == "" || s.owned[st.owner] > s.owned[s.byName[victim].owner] {
			victim = name
		}
		if n++; n == evictionSample {
			break
		}
	}
	owner := s.byName[victim].owner
	delete(s.byName, victim)
	if s.owned[owner]--; s.owned[owner] == 0 {
		delete(s.owned, owner)
	}
	s.forgot = time.Now()
}

// set changes an item on this replica, whose name is from.
func (s *states) set(name, owner, from, key, value string) keyed {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.of(name, owner)
	// The time, too, because a client may go on at another replica before that has
	// heard of its last request.
	known.clock = max(known.clock+1, uint64(max(0, time.Now().UnixMicro())))
	known.makeRoom(key)
	changed := item{value, known.clock, from}
	known.items[key] = changed
	return keyed{key, changed}
}

// merge takes an item of another replica, and reports whether it counts.
func (s *states) merge(name, owner string, i keyed) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.of(name, owner)
	known.clock = max(known.clock, i.version)
	if here, ok := known.items[i.key]; ok && !i.wins(here) {
		return false
	}
	known.makeRoom(i.key)
	known.items[i.key] = i.item
	return true
}

// maxItems bounds the items of a session: its subscriptions, some that have
// ended, and the rest.
const maxItems = 2 * maxSubscriptions

// makeRoom makes room for an item. A subscription that has ended goes first; a
// client has no more than maxSubscriptions others.
func (s *state) makeRoom(key string) {
	if _, ok := s.items[key]; ok || len(s.items) < maxItems {
		return
	}
	victim := ""
	for key, i := range s.items {
		if victim = key; i.value == "" {
			break
		}
	}
	delete(s.items, victim)
}

func (s *states) value(name, key string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.byName[name]; known != nil {
		return known.items[key].value
	}
	return ""
}

func (s *states) items(name string) (owner string, items []keyed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.byName[name]
	if known == nil {
		return "", nil
	}
	for key, i := range known.items {
		items = append(items, keyed{key, i})
	}
	return known.owner, items
}

// asked notes that the other replicas have been asked for the state.
func (s *states) asked(name, owner string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of(name, owner).asked = time.Now()
}

// complete reports whether nothing can be missing from the state of a session
// that began at the given time, on a replica that has been connected since
// another.
func (s *states) complete(name string, issued, connected time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.byName[name]; known != nil && known.asked.After(connected) {
		return true
	}
	return issued.After(connected.Add(clockMargin)) && issued.After(s.forgot.Add(clockMargin))
}
