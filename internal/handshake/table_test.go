package handshake

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/mcpengine/mcpengine/internal/share"
)

// A caller with a number of its own loses its own least used session, and no other
// caller loses any.
func TestSessionsOfACaller(t *testing.T) {
	t.Parallel()
	var table table
	table.init(1000, 2)
	h := NewHTTP(nil, HTTPConfig{})
	add := func(caller string, n int64) (evicted *session) {
		s := newSession(h, claims{}, share.CallerOf(caller, ""))
		s.name = fmt.Sprint(caller, n)
		s.used.Store(n)
		_, evicted = table.add(s)
		return evicted
	}
	for n := range int64(2) {
		if add("ann", n) != nil || add("bob", n) != nil {
			t.Fatal("a session is evicted before the caller has its number")
		}
	}
	for n := int64(2); n < 5; n++ {
		if evicted := add("ann", n); evicted == nil || evicted.name != fmt.Sprint("ann", n-2) {
			t.Errorf("session %d of ann evicts %v", n, evicted)
		}
	}
	for _, s := range table.all() {
		table.remove(s)
	}
	if len(table.held) > 0 || len(table.owned) > 0 {
		t.Errorf("%d and %d callers are left", len(table.held), len(table.owned))
	}
}

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
