package handshake

import (
	"strconv"
	"testing"
)

// Beyond the bound the caller who has deleted most sessions pays, so that nobody
// can revive another caller's deleted session.
func TestDeletedAreBounded(t *testing.T) {
	t.Parallel()
	var d deletions
	d.init()
	for i := range 100 {
		d.add("quiet "+strconv.Itoa(i), "caller "+strconv.Itoa(i))
	}
	for i := range 2 * maxDeleted {
		d.add("flood "+strconv.Itoa(i), "flood")
	}
	for i := range 100 {
		if !d.has("quiet " + strconv.Itoa(i)) {
			t.Errorf("the deletion of caller %d is forgotten", i)
		}
	}
	first, last := d.has("flood 0"), d.has("flood "+strconv.Itoa(2*maxDeleted-1))
	if len(d.names) != maxDeleted || first || !last {
		t.Errorf("%d deletions are remembered, the first of the flood: %t, the last: %t; want %d, false, true", len(d.names), first, last, maxDeleted)
	}
}
