package share_test

import (
	"fmt"
	"testing"

	"github.com/mcpengine/mcpengine/internal/share"
)

// take takes as many places as a caller gets.
func take(b *share.Bound, c share.Caller) (n int) {
	for b.Take(c) {
		n++
	}
	return n
}

// A greedy caller leaves room for others, and gets room again when they leave.
func TestBound(t *testing.T) {
	t.Parallel()
	ann, bob, cid := share.CallerOf("ann", ""), share.CallerOf("bob", ""), share.CallerOf("", "192.0.2.1:1")
	b := share.NewBound(1000)
	if got := take(b, ann); got != 500 {
		t.Errorf("the first caller gets %d of 1000, want half", got)
	}
	if got := take(b, bob); got != 250 {
		t.Errorf("the second caller gets %d, want half of the rest", got)
	}
	if got := take(b, ann); got != 0 {
		t.Errorf("the first caller gets %d more", got)
	}
	for range 500 {
		b.Release(ann)
	}
	if got := take(b, cid); got != 375 {
		t.Errorf("the third caller gets %d, want half of what has come free", got)
	}
	for range 250 {
		b.Release(bob)
	}
	for range 375 {
		b.Release(cid)
	}
	if got := take(b, bob); got != 500 {
		t.Errorf("when all have left, a caller gets %d, want half", got)
	}
}

// A number of its own limits a caller where its share is larger.
func TestBoundEach(t *testing.T) {
	t.Parallel()
	b := share.NewBound(10).Each(3)
	if got := take(b, share.CallerOf("ann", "")); got != 3 {
		t.Errorf("the first caller gets %d of 10, want 3", got)
	}
	if got := take(b, share.CallerOf("bob", "")); got != 3 {
		t.Errorf("the second caller gets %d, want 3", got)
	}
	if got := take(b, share.CallerOf("cid", "")); got != 2 {
		t.Errorf("the third caller gets %d of 4, want half", got)
	}
}

// However many callers take their share, one more gets a place, as long as
// there are fewer callers than places.
func TestBoundIsNeverTaken(t *testing.T) {
	t.Parallel()
	b := share.NewBound(1000)
	for i := range 9 {
		if take(b, share.CallerOf(fmt.Sprint(i), "")) == 0 {
			t.Fatalf("caller %d gets nothing", i)
		}
	}
	one := share.NewBound(1)
	if got := take(one, share.Caller{}); got != 1 {
		t.Errorf("%d of 1", got)
	}
	if got := take(share.NewBound(0), share.Caller{}); got != 0 {
		t.Errorf("%d of none", got)
	}
}

func TestCallerOf(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		user, address string
		other         string
		same          bool
	}{
		{"", "192.0.2.1:1000", "192.0.2.1:1001", true},
		{"", "192.0.2.1:1000", "192.0.2.2:1000", false},
		{"", "[2001:db8::1]:1", "[2001:db8::ffff:1]:2", true},
		{"", "[2001:db8::1]:1", "[2001:db8:0:1::1]:1", false},
		{"", "[::ffff:192.0.2.1]:1", "[::ffff:192.0.2.2]:1", false},
		{"", "[fe80::1%eth0]:1", "[fe80::2%eth1]:1", true},
		{"ann", "192.0.2.1:1", "192.0.2.2:1", true},
		{"", "", "", true},
		{"", "@", "pipe", true},
	} {
		if got := share.CallerOf(test.user, test.address) == share.CallerOf(test.user, test.other); got != test.same {
			t.Errorf("%q: %s and %s are one caller: %t, want %t", test.user, test.address, test.other, got, test.same)
		}
	}
	if share.CallerOf("192.0.2.1", "") == share.CallerOf("", "192.0.2.1:1") {
		t.Error("a user is taken for an address")
	}
}
