package bus_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpengine/mcpengine/bus"
)

func ExampleMemory() {
	b := bus.Memory()
	ctx, cancel := context.WithCancel(context.Background())
	ready := func() { _ = b.Publish(ctx, []byte("hello")) }
	err := b.Subscribe(ctx, ready, func(message []byte) {
		fmt.Println(string(message))
		cancel()
	})
	fmt.Println(err)
	// Output:
	// hello
	// context canceled
}

// A receiver that takes nothing holds up a publisher only until it leaves, or
// until the publisher gives up.
func TestMemoryBacklog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bus.Memory()
		ctx, cancel := context.WithCancel(t.Context())
		stuck, ended := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(ended)
			_ = b.Subscribe(ctx, func() {}, func([]byte) { <-stuck })
		}()
		synctest.Wait()
		publish := func() error {
			patience, stop := context.WithTimeout(t.Context(), time.Second)
			defer stop()
			return b.Publish(patience, []byte("x"))
		}
		var err error
		for range 2000 {
			if err = publish(); err != nil {
				break
			}
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Publish to a receiver that is stuck = %v, want %v", err, context.DeadlineExceeded)
		}
		cancel()
		close(stuck)
		<-ended
		if err := publish(); err != nil {
			t.Errorf("Publish after the receiver has left = %v", err)
		}
	})
}
