package locallambda

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// A pool holds an entry for each invocation that may run: its environment.
type pool struct {
	slots chan struct{} // one for each entry of free
	warm  bool          // the entry that was put back last is taken first

	mu   sync.Mutex
	free []*environment
}

func newPool(environments []*environment, concurrency int, warm bool) *pool {
	p := &pool{slots: make(chan struct{}, len(environments)*concurrency), warm: warm}
	for range concurrency {
		for _, e := range environments {
			p.put(e)
		}
	}
	if warm {
		slices.Reverse(p.free) // the first environment is the first to start
	}
	return p
}

// take waits for an environment that is free.
func (p *pool) take(ctx context.Context) (*environment, error) {
	select {
	case <-p.slots:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for a free environment: %w", ctx.Err())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	at := 0
	if p.warm {
		at = len(p.free) - 1
	}
	e := p.free[at]
	p.free = slices.Delete(p.free, at, at+1)
	return e, nil
}

func (p *pool) put(e *environment) {
	p.mu.Lock()
	p.free = append(p.free, e)
	p.mu.Unlock()
	p.slots <- struct{}{}
}

// drain waits until no invocation runs, and lets no other begin.
func (p *pool) drain() {
	for range cap(p.slots) {
		<-p.slots
	}
}
