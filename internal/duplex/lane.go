package duplex

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
)

const (
	// maxWaiting and maxWaitingBytes bound the requests of a lane that wait for
	// a slot.
	maxWaiting      = 1024
	maxWaitingBytes = 16 << 20

	// maxStall is how long a full lane may go without freeing a slot before its
	// requests are refused. Until then the reader waits. So a client that sends
	// many requests at once is slowed down, and a client whose requests all
	// block is told so.
	maxStall = time.Second
)

// The lanes of a connection. Each has slots of its own: calls run code of the
// server's author and may block, but must not delay requests that only look
// something up. Neither may delay a ping.
const (
	laneCalls      = iota // everything else
	laneLists             // lists, and requests that change the state of the connection
	laneExtensions        // methods of extensions, such as those that look after a running call
	lanePings
	lanes
)

func laneOf(m *protocol.Method) int {
	switch {
	case m.Name == protocol.MethodPing:
		return lanePings
	case m.Extension:
		return laneExtensions
	case m.Local || m.About == protocol.AboutServer:
		return laneLists
	}
	return laneCalls
}

// A lane bounds the requests of one kind that run at once. The others wait in
// their order.
type lane struct {
	max int

	mu      sync.Mutex
	running int
	waiting []*waiter
	bytes   int           // of the messages that wait
	changed time.Time     // when a slot was freed last, or the last one was taken
	room    chan struct{} // gets a token when a waiter has left the queue
}

// A waiter is a request that waits for a slot.
type waiter struct {
	start func() // is called once the slot is there; must not block
	size  int    // of the message
}

func newLane(slots int) *lane { return &lane{max: slots, room: make(chan struct{}, 1)} }

// enter starts t, now or when a slot is free. When the queue is full, it blocks
// for as long as slots are being freed, and then returns an error. It also
// returns an error when closing is closed.
func (l *lane) enter(t *waiter, closing <-chan struct{}) error {
	for {
		entered, patience := l.tryEnter(t)
		switch {
		case entered:
			return nil
		case patience <= 0:
			return fmt.Errorf("%d requests are under way, none of them ends, and no more can wait: try again later", l.max)
		}
		timer := time.NewTimer(patience)
		select {
		case <-l.room:
		case <-timer.C:
		case <-closing:
			timer.Stop()
			return errShutdown
		}
		timer.Stop()
	}
}

// tryEnter is like enter but does not block. When the queue is full, it returns
// how long enter may still wait.
func (l *lane) tryEnter(t *waiter) (entered bool, patience time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.running < l.max {
		if l.running++; l.running == l.max {
			l.changed = time.Now()
		}
		t.start()
		return true, 0
	}
	if n := len(l.waiting); n > 0 && (n >= maxWaiting || l.bytes+t.size > maxWaitingBytes) {
		return false, maxStall - time.Since(l.changed)
	}
	l.waiting = append(l.waiting, t)
	l.bytes += t.size
	return true, 0
}

// leave frees a slot, which the next waiter takes.
func (l *lane) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.running >= l.max {
		l.changed = time.Now()
	}
	if len(l.waiting) == 0 {
		l.running--
		return
	}
	l.drop(0).start()
}

// regain starts t before all others.
func (l *lane) regain(t *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.running < l.max {
		l.running++
		t.start()
		return
	}
	l.waiting = slices.Insert(l.waiting, 0, t)
}

// remove takes t out of the queue and reports whether it was still there.
func (l *lane) remove(t *waiter) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.Index(l.waiting, t)
	if i >= 0 {
		l.drop(i)
	}
	return i >= 0
}

// drop removes a waiter from the queue. The caller holds l.mu.
func (l *lane) drop(i int) *waiter {
	t := l.waiting[i]
	l.waiting = slices.Delete(l.waiting, i, i+1)
	l.bytes -= t.size
	select {
	case l.room <- struct{}{}:
	default:
	}
	return t
}

// A slot is the place of one call in its lane.
type slot struct {
	lane *lane

	mu     sync.Mutex
	held   bool
	asking int  // questions of the call that wait for the client
	left   bool // the call has ended
}

// A slotAsker asks the client, and gives the slot of the call to another call
// while it waits. Otherwise calls that wait for answers could take all slots.
type slotAsker struct {
	slot  *slot
	asker jsonrpc.Asker
}

// Ask implements [jsonrpc.Asker].
func (l slotAsker) Ask(ctx context.Context, method string, params []byte) ([]byte, error) {
	l.slot.give()
	defer l.slot.regain(ctx)
	return l.asker.Ask(ctx, method, params)
}

func (s *slot) give() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asking++
	s.free()
}

// regain waits for a slot after the last question of the call is answered. A
// cancelled call goes on without a slot, because it is about to end.
func (s *slot) regain(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asking--; s.asking > 0 || s.left {
		return
	}
	granted := make(chan struct{})
	t := &waiter{start: func() { close(granted) }}
	s.lane.regain(t)
	select {
	case <-granted:
	case <-ctx.Done():
		if s.lane.remove(t) {
			return
		}
		<-granted
	}
	s.held = true
}

// leave frees the slot for good.
func (s *slot) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left = true
	s.free()
}

func (s *slot) free() {
	if s.held {
		s.held = false
		s.lane.leave()
	}
}
