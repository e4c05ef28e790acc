package handshake

import (
	"testing"
	"testing/synctest"
	"time"
)

// A client that goes on at another replica, before that replica has heard of the last
// change, has the last word, whatever the names of the replicas.
func TestLaterChangeWins(t *testing.T) {
	t.Parallel()
	for _, names := range [][2]string{{"a", "b"}, {"b", "a"}} {
		synctest.Test(t, func(t *testing.T) {
			var first, second states
			first.init(1)
			second.init(1)
			before := first.set("session", "owner", names[0], listenerItem, "one")
			time.Sleep(time.Millisecond)
			after := second.set("session", "owner", names[1], listenerItem, "two")
			second.merge("session", "owner", before)
			first.merge("session", "owner", after)
			for _, s := range []*states{&first, &second} {
				if got := s.value("session", listenerItem); got != "two" {
					t.Errorf("replicas %s: the value is %q, want the later one", names, got)
				}
			}
		})
	}
}
