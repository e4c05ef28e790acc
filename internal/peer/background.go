package peer

import "sync"

// A background owns goroutines until it is closed.
type background struct {
	mu     sync.Mutex
	closed bool
	wait   sync.WaitGroup
}

// run runs f in a goroutine, unless the background is closed.
func (b *background) run(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.wait.Go(f)
	}
}

// close waits for what runs.
func (b *background) close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.wait.Wait()
}
