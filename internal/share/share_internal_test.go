package share

import (
	"fmt"
	"testing"
)

// A bound does not remember everybody who ever held a place.
func TestBoundForgets(t *testing.T) {
	t.Parallel()
	b := NewBound(10)
	for i := range 10 * maxIdle {
		c := CallerOf(fmt.Sprint(i), "")
		if !b.Take(c) {
			t.Fatalf("caller %d gets nothing", i)
		}
		b.Release(c)
	}
	if n := len(b.held); n > maxIdle {
		t.Errorf("%d callers are remembered, want at most %d", n, maxIdle)
	}
	if b.used != 0 {
		t.Errorf("%d places are taken", b.used)
	}
}
