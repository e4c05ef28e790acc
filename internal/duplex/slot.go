package duplex

import (
	"context"
	"sync"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// A slot is the share of one call in [Config.MaxConcurrent].
type slot struct {
	mu     sync.Mutex
	held   bool
	asking int  // questions of the call that wait for the client
	left   bool // the call has ended
}

// take waits for a free slot and reports whether there was one before ctx
// ended.
func (s *slot) take(ctx context.Context, slots chan<- struct{}) bool {
	select {
	case slots <- struct{}{}:
		s.held = true
		return true
	case <-ctx.Done():
		return false
	}
}

// A lender asks the client such that another call has the slot while this one
// waits. Otherwise calls that wait could take all slots, and nobody would read
// the answers they wait for.
type lender struct {
	slot  *slot
	slots chan struct{}
	asker jsonrpc.Asker
}

// Ask is that of [jsonrpc.Asker].
func (l lender) Ask(ctx context.Context, method string, params []byte) ([]byte, error) {
	l.slot.give(l.slots)
	defer l.slot.regain(ctx, l.slots)
	return l.asker.Ask(ctx, method, params)
}

func (s *slot) give(slots <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asking++
	s.free(slots)
}

// regain waits for a slot once the last question of the call is answered. A
// call that is cancelled goes on without: it is about to end.
func (s *slot) regain(ctx context.Context, slots chan<- struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asking--; s.asking == 0 && !s.left {
		s.take(ctx, slots)
	}
}

// leave frees the slot for good.
func (s *slot) leave(slots <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left = true
	s.free(slots)
}

func (s *slot) free(slots <-chan struct{}) {
	if s.held {
		<-slots
		s.held = false
	}
}
