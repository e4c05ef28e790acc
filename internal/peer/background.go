package peer

import "sync"

// A Background owns goroutines until it is closed. Its zero value is ready to
// use.
type Background struct {
	mu     sync.Mutex
	closed bool
	wait   sync.WaitGroup
}

// Run runs f in a goroutine, and reports whether it does: not after
// [Background.Close].
func (b *Background) Run(f func()) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.wait.Go(f)
	}
	return !b.closed
}

// Close waits for the functions that run.
func (b *Background) Close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.wait.Wait()
}
