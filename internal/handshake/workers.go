package handshake

import "sync"

// maxWaiting bounds the goroutines that wait for work.
const maxWaiting = 64

// workers run functions, each on another goroutine. Between keep and release, a
// goroutine that has run a function waits for the next one. Its stack has grown
// already; to grow the stack of a new goroutine takes longer than a small call.
type workers struct {
	mu      sync.Mutex
	keepers int
	waiting []chan func() // the last one has waited least
	idle    sync.WaitGroup
}

// run runs f on another goroutine.
func (w *workers) run(f func()) {
	w.mu.Lock()
	last := len(w.waiting) - 1
	if last < 0 {
		w.mu.Unlock()
		go w.work(f)
		return
	}
	worker := w.waiting[last]
	w.waiting[last] = nil
	w.waiting = w.waiting[:last]
	w.mu.Unlock()
	worker <- f
}

func (w *workers) work(f func()) {
	next := make(chan func(), 1)
	for f != nil {
		f()
		if !w.wait(next) {
			return
		}
		f = <-next
		w.idle.Done()
	}
}

// wait puts a goroutine among those that wait. It reports false when no more are
// kept.
func (w *workers) wait(next chan func()) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.keepers == 0 || len(w.waiting) == maxWaiting {
		return false
	}
	w.idle.Add(1)
	w.waiting = append(w.waiting, next)
	return true
}

// keep keeps goroutines until release is called. The last release ends those
// that wait.
func (w *workers) keep() (release func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.keepers++
	return w.release
}

func (w *workers) release() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.keepers--; w.keepers > 0 {
		return
	}
	for _, next := range w.waiting {
		close(next)
	}
	w.waiting = nil
	w.idle.Wait() // they do not lock
}
