package handshake

import (
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine/internal/replicas"
)

// Items of the state of a session. The item of a resource is its URI behind
// uriItem.
const (
	levelItem    = "level"
	deletedItem  = "deleted"
	listenerItem = "listener" // the stream of changes that the client opened last
	uriItem      = "uri "

	isSet = "1"
)

const (
	// askPatience is how long a request waits for what other replicas know of
	// its session. A replica that knows answers within milliseconds.
	askPatience = 200 * time.Millisecond

	// clockMargin is how far the clocks of replicas may differ before a replica
	// takes a session for younger than its connection to the bus.
	clockMargin = 2 * time.Second

	maxAsked = 500 // sessions of one message
)

// set changes an item of the state of a session on every replica.
func (r *remote) set(ctx context.Context, s *session, key, value string) {
	changed := r.states.set(s.name, s.from.Key(), r.link.Name(), key, value)
	if key == levelItem {
		r.applyLevel(s)
	}
	r.link.Post(ctx, s.from.Key(), replicas.KindState, stateFields(s.name, s.from.Key(), false, changed)...)
}

// stateFields are the fields of a message about the state of a session. All says
// that the sender knows everything, and has told it with this message.
func stateFields(name, owner string, all bool, items ...keyed) [][]byte {
	fields := [][]byte{[]byte(name), []byte(owner), nil}
	if all {
		fields[2] = []byte(isSet)
	}
	for _, i := range items {
		fields = append(fields, []byte(i.key), []byte(i.value), binary.AppendUvarint(nil, i.version), []byte(i.from))
	}
	return fields
}

func (r *remote) receiveState(fields [][]byte) {
	if len(fields) < 3 {
		return
	}
	name, owner, all := string(fields[0]), string(fields[1]), len(fields[2]) > 0
	for items := range slices.Chunk(fields[3:], 4) {
		version := uint64(0)
		if len(items) == 4 {
			version, _ = binary.Uvarint(items[2])
		}
		if version == 0 {
			return
		}
		i := keyed{string(items[0]), item{string(items[1]), version, string(items[3])}}
		if r.states.merge(name, owner, i) {
			r.apply(name, owner, i.key)
		}
	}
	if all {
		r.answered(name)
	}
}

// apply makes an item count for the session with a name, if it is here. It does
// not wait for the engine.
func (r *remote) apply(name, owner, key string) {
	if key == deletedItem {
		if s := r.http.sessions.delete(name, owner); s != nil {
			r.http.spawn(func() { s.end(errDeleted) })
		}
		return
	}
	if s := r.http.sessions.named(name); s != nil {
		if key == levelItem {
			r.applyLevel(s)
		} else {
			r.http.spawn(func() { r.applyListening(s, key) })
		}
	}
}

// applyLevel makes the latest log level count. It reads the level under the lock
// of the session, so that an earlier one cannot overwrite it.
func (r *remote) applyLevel(s *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	level := r.states.value(s.name, levelItem)
	if _, ok := levelMembers[level]; ok { // a later release may have others
		s.level = level
	}
}

// applyListening makes an item count for the stream of changes. It asks for the
// value as late as possible, because items may be applied in any order.
func (r *remote) applyListening(s *session, key string) {
	s.listenMu.Lock()
	defer s.listenMu.Unlock()
	value := r.states.value(s.name, key)
	if key == listenerItem {
		if s.listening != nil && s.listening.id != value {
			s.stopLocked() // the client listens on another replica now
		}
		return
	}
	uri, ok := strings.CutPrefix(key, uriItem)
	has := slices.Contains(s.uris, uri)
	switch {
	case !ok: // an item of a later release
	case value != isSet:
		s.unsubscribeLocked(uri)
	case !has && len(s.uris) < maxSubscriptions:
		s.uris = append(s.uris, uri)
		if s.watch != nil {
			s.watch(uri)
		}
	}
}

// learn finds out what other replicas know of a session that is new here. It
// asks them only when this replica may have missed something: when it has not
// been connected for as long as the session exists.
func (r *remote) learn(ctx context.Context, s *session) {
	issued := s.expires.Add(-r.http.config.SessionTTL)
	if state := r.link.State(); state.Connected && !r.states.complete(s.name, issued, state.Since) {
		r.ask(ctx, s.name, issued)
		r.states.asked(s.name, s.from.Key())
	}
	r.adopt(s)
}

// ask asks for the state of a session and waits until a replica that knows
// everything has answered.
func (r *remote) ask(ctx context.Context, name string, issued time.Time) {
	answered := make(chan struct{})
	r.mu.Lock()
	r.waiting[name] = append(r.waiting[name], answered)
	r.mu.Unlock()
	patience := time.NewTimer(askPatience)
	defer patience.Stop()
	if r.link.Send(ctx, replicas.KindWho, []byte(name), binary.AppendVarint(nil, issued.UnixMilli())) == nil {
		select {
		case <-answered:
		case <-patience.C: // nobody knows everything, or nobody is there
		case <-ctx.Done():
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting[name] = slices.DeleteFunc(r.waiting[name], func(c chan struct{}) bool { return c == answered })
	if len(r.waiting[name]) == 0 {
		delete(r.waiting, name)
	}
}

// answered wakes the requests that wait for the state of a session.
func (r *remote) answered(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.waiting[name] {
		close(c)
	}
	delete(r.waiting, name)
}

// adopt makes what is known of a session count.
func (r *remote) adopt(s *session) {
	_, items := r.states.items(s.name)
	for _, i := range items {
		switch i.key {
		case levelItem:
			r.applyLevel(s)
		case deletedItem:
			r.http.sessions.delete(s.name, s.from.Key())
		case listenerItem:
		default:
			r.applyListening(s, i.key)
		}
	}
}

// receiveWho tells what this replica knows of sessions. The fields are a name
// and the time at which the session began, which is missing when the sender has
// the session already and does not wait.
func (r *remote) receiveWho(fields [][]byte) {
	asked := make([]string, 0, len(fields))
	for _, f := range fields {
		asked = append(asked, string(f))
	}
	r.http.spawn(func() {
		for pair := range slices.Chunk(asked, 2) {
			if len(pair) == 2 {
				r.tell(pair[0], pair[1])
			}
		}
	})
}

func (r *remote) tell(name, issued string) {
	all := false
	if at, n := binary.Varint([]byte(issued)); n > 0 {
		state := r.link.State()
		all = state.Connected && r.states.complete(name, time.UnixMilli(at), state.Since)
	}
	owner, items := r.states.items(name)
	size, first := 0, 0
	for i, it := range items {
		if size += len(it.key) + len(it.value); size > replicas.MaxContent/2 || i-first == maxAsked {
			_ = r.link.Send(context.Background(), replicas.KindState, stateFields(name, owner, false, items[first:i]...)...)
			first, size = i, 0
		}
	}
	if all || len(items) > 0 {
		_ = r.link.Send(context.Background(), replicas.KindState, stateFields(name, owner, all, items[first:]...)...)
	}
}

// returned asks for the state of the sessions that are here, because messages
// about them may have been missed.
func (r *remote) returned() {
	sessions := r.http.sessions.all()
	r.http.spawn(func() {
		for some := range slices.Chunk(sessions, maxAsked) {
			var fields [][]byte
			for _, s := range some {
				fields = append(fields, []byte(s.name), nil)
			}
			_ = r.link.Send(context.Background(), replicas.KindWho, fields...)
		}
	})
}
