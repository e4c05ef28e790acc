// Package limit counts the requests of callers: how many they make in a time, and
// how many are under way.
package limit

import (
	"sync"
	"time"
)

// A Rate is how many requests a caller may make: Requests in each Per, evenly or at
// once.
type Rate struct {
	Requests int
	Per      time.Duration
}

// interval is the time in which one request is earned.
func (r Rate) interval() time.Duration { return r.Per / time.Duration(r.Requests) }

// Rates count requests by key in memory, by the generic cell rate algorithm: all
// that is kept of a key is when its requests so far will have been earned.
type Rates struct {
	max int

	mu     sync.Mutex
	earned map[string]time.Time
	sweep  int       // the number of keys at which the old ones are dropped
	swept  time.Time // when they were last
}

// minSweep is how many keys are kept without looking for old ones, and sweepPause
// how long it takes at least until they are looked for again.
const (
	minSweep   = 1024
	sweepPause = time.Second
)

// NewRates returns rates of at most max keys. Further keys are counted as one, so
// that callers who can make up keys take memory from nobody.
func NewRates(max int) *Rates {
	return &Rates{max: max, earned: make(map[string]time.Time), sweep: minSweep}
}

// Take counts a request, or returns how long to wait for the next one.
func (r *Rates) Take(key string, rate Rate, now time.Time) (wait time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	earned, known := r.earned[key]
	if !known && len(r.earned) >= r.sweep {
		if now.Sub(r.swept) >= sweepPause {
			r.drop(now)
		}
		if len(r.earned) >= r.max {
			key = "" // of all that do not fit
			earned = r.earned[key]
		}
	}
	if earned.Before(now) {
		earned = now
	}
	if last := now.Add(rate.Per); earned.After(last) {
		earned = last // the clock has stepped back: nobody waits for what it has lost
	}
	earned = earned.Add(rate.interval())
	if wait = earned.Sub(now) - rate.Per; wait > 0 {
		return wait
	}
	r.earned[key] = earned
	return 0
}

// Len returns how many keys are remembered.
func (r *Rates) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.earned)
}

// drop drops the keys that have earned all their requests.
func (r *Rates) drop(now time.Time) {
	for key, earned := range r.earned {
		if !earned.After(now) {
			delete(r.earned, key)
		}
	}
	r.swept = now
	r.sweep = min(max(2*len(r.earned), minSweep), r.max)
}

// Places count the requests under way by key.
type Places struct {
	mu    sync.Mutex
	taken map[string]int
}

// NewPlaces returns places of which none is taken.
func NewPlaces() *Places { return &Places{taken: make(map[string]int)} }

// Take takes a place unless max are taken. [Places.Release] gives it back.
func (p *Places) Take(key string, max int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.taken[key] >= max {
		return false
	}
	p.taken[key]++
	return true
}

// Release gives a place back.
func (p *Places) Release(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.taken[key]--; p.taken[key] <= 0 {
		delete(p.taken, key)
	}
}
