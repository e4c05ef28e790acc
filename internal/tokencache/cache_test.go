package tokencache_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/internal/tokencache"
)

var start = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestSpan(t *testing.T) {
	t.Parallel()
	c := tokencache.New[int](10)
	name := tokencache.Of("token")
	c.Put(name, 1, start, time.Minute)
	for _, test := range []struct {
		at time.Duration
		ok bool
	}{
		{0, true},
		{time.Minute - 1, true},
		{time.Minute, false},
		{-1, false}, // the clock was set back
	} {
		if v, ok := c.Get(name, start.Add(test.at)); ok != test.ok || ok != (v == 1) {
			t.Errorf("after %s: %d, %t, want %t", test.at, v, ok, test.ok)
		}
	}
	if _, ok := c.Get(tokencache.Of("token "), start); ok {
		t.Error("another token has the value")
	}
	c.Put(name, 2, start, 0)
	if v, _ := c.Get(name, start); v != 1 {
		t.Errorf("a value without a span was kept: %d", v)
	}
	c.Delete(name)
	if _, ok := c.Get(name, start); ok {
		t.Error("a deleted value is there")
	}
}

// However many tokens come, no more than the size are kept, and the newest one
// is among them.
func TestSize(t *testing.T) {
	t.Parallel()
	for _, size := range []int{-1, 0, 1, 8, 100} {
		c := tokencache.New[int](size)
		for i := range 1000 {
			name := tokencache.Of(fmt.Sprint(i))
			c.Put(name, i, start, time.Minute)
			if v, ok := c.Get(name, start); ok != (size > 0) || ok && v != i {
				t.Fatalf("size %d: the newest value is %d, %t", size, v, ok)
			}
		}
		kept := 0
		for i := range 1000 {
			if _, ok := c.Get(tokencache.Of(fmt.Sprint(i)), start); ok {
				kept++
			}
		}
		if kept != max(size, 0) {
			t.Errorf("size %d: %d values are kept", size, kept)
		}
	}
}
