package handshake

import (
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
)

// While goroutines are kept, the next function runs on one of them. The bubble
// ends only when all of them have.
func TestWorkers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var w workers
		run := func(n int) {
			var all, none sync.WaitGroup
			all.Add(n)
			for range n {
				none.Add(1)
				w.run(func() {
					all.Done()
					all.Wait() // each function has a goroutine of its own
					none.Done()
				})
			}
			none.Wait()
			synctest.Wait()
		}
		waiting := func(want int) {
			t.Helper()
			w.mu.Lock()
			defer w.mu.Unlock()
			if got := len(w.waiting); got != want {
				t.Errorf("%d goroutines wait, want %d", got, want)
			}
		}
		run(3)
		waiting(0)
		release := w.keep()
		releaseSecond := w.keep()
		run(3)
		waiting(3)
		run(2)
		waiting(3)
		run(2 * maxWaiting)
		waiting(maxWaiting)
		release()
		waiting(maxWaiting)
		releaseSecond()
		waiting(0)
		run(3)
		waiting(0)
	})
}

// A function that ends its goroutine does not take the place of another.
func TestWorkersGoexit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(*testing.T) {
		var w workers
		release := w.keep()
		defer release()
		w.run(runtime.Goexit)
		synctest.Wait()
		done := make(chan struct{})
		w.run(func() { close(done) })
		<-done
	})
}
