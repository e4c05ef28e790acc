package limit_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/internal/limit"
)

func TestRates(t *testing.T) {
	t.Parallel()
	r, now := limit.NewRates(100), time.Now()
	rate := limit.Rate{Requests: 3, Per: time.Minute}
	for i := range 3 {
		if wait := r.Take("ann", rate, now); wait != 0 {
			t.Errorf("request %d waits for %v, want none", i, wait)
		}
	}
	if wait := r.Take("ann", rate, now); wait != 20*time.Second {
		t.Errorf("the fourth request waits for %v, want 20s", wait)
	}
	if wait := r.Take("ben", rate, now); wait != 0 {
		t.Errorf("another caller waits for %v", wait)
	}
	now = now.Add(20 * time.Second)
	if wait := r.Take("ann", rate, now); wait != 0 {
		t.Errorf("after the time it was told, the request waits for %v", wait)
	}
	if wait := r.Take("ann", rate, now); wait <= 0 {
		t.Error("a second request is let pass")
	}
	now = now.Add(-time.Hour) // a clock that steps back
	if wait := r.Take("cleo", rate, now); wait != 0 {
		t.Errorf("with a clock that has stepped back a new caller waits for %v", wait)
	}
	if wait := r.Take("ann", rate, now); wait != 20*time.Second {
		t.Errorf("with a clock that has stepped back a known caller waits for %v, want 20s", wait)
	}
}

// Ten thousand callers have counts of their own, which are forgotten when they have
// gone.
func TestRatesOfManyCallers(t *testing.T) {
	t.Parallel()
	const tenants = 10_000
	r, now := limit.NewRates(1_000_000), time.Now()
	rate := limit.Rate{Requests: 2, Per: time.Minute}
	for range 2 {
		for i := range tenants {
			if wait := r.Take(strconv.Itoa(i), rate, now); wait != 0 {
				t.Fatalf("caller %d waits for %v", i, wait)
			}
		}
	}
	if wait := r.Take("0", rate, now); wait != 30*time.Second {
		t.Errorf("a third request waits for %v, want 30s", wait)
	}
	if n := r.Len(); n != tenants {
		t.Errorf("%d callers are remembered, want %d", n, tenants)
	}
	now = now.Add(time.Minute)
	for i := range tenants {
		r.Take("new "+strconv.Itoa(i), rate, now)
	}
	if n := r.Len(); n > tenants {
		t.Errorf("%d callers are remembered when the first have gone, want %d", n, tenants)
	}
}

// Keys beyond the bound share one count, and old ones make room.
func TestRatesBound(t *testing.T) {
	t.Parallel()
	const most = 2000
	r, now := limit.NewRates(most), time.Now()
	rate := limit.Rate{Requests: 1, Per: time.Minute}
	refused := 0
	for i := range 3 * most {
		if r.Take(strconv.Itoa(i), rate, now) > 0 {
			refused++
		}
	}
	if refused < most || refused >= 2*most+1 {
		t.Errorf("%d of %d callers are refused, want those beyond %d", refused, 3*most, most)
	}
	now = now.Add(2 * time.Minute)
	if wait := r.Take("new", rate, now); wait != 0 {
		t.Errorf("when the others are gone, a new caller waits for %v", wait)
	}
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	p := limit.NewPlaces()
	for i, want := range []bool{true, true, false} {
		if got := p.Take("ann", 2); got != want {
			t.Errorf("place %d: %v, want %v", i+1, got, want)
		}
	}
	if !p.Take("ben", 2) {
		t.Error("another caller gets no place")
	}
	p.Release("ann")
	if !p.Take("ann", 2) {
		t.Error("a place that was given back is not free")
	}
}
