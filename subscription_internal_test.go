package mcpengine

import (
	"fmt"
	"testing"

	"github.com/mcpengine/mcpengine/internal/share"
)

// What a change costs depends on who has subscribed to it, and not on how many
// subscriptions there are.
func BenchmarkResourceUpdated(b *testing.B) {
	for _, n := range []int{10, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := subscriptions{bound: share.NewBound(2 * n)}
			for i := range n {
				uri := fmt.Sprintf("state:%d", i)
				if err := s.add(&subscription{wake: make(chan bool, 1), uris: []string{uri}, keys: []string{uri}}); err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				s.updated("state:7")
			}
		})
	}
}
