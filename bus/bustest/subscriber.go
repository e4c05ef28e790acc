package bustest

import (
	"context"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/bus"
)

// A subscriber is one call of Subscribe.
type subscriber struct {
	ready    chan struct{}
	messages chan string
	ended    chan error
	cancel   context.CancelFunc
}

func subscribe(t *testing.T, b bus.Bus) *subscriber {
	t.Helper()
	return subscribeWith(t, b, func() func() { return func() {} })
}

// subscribeWith calls enter at the beginning of each call of receive, and what
// enter returns at the end.
func subscribeWith(t *testing.T, b bus.Bus, enter func() (leave func())) *subscriber {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	s := &subscriber{make(chan struct{}, 10), make(chan string, 1000), make(chan error, 1), cancel}
	returned := make(chan struct{})
	go func() {
		defer close(returned)
		s.ended <- b.Subscribe(ctx, func() { s.ready <- struct{}{} }, func(message []byte) {
			defer enter()()
			s.messages <- string(message)
		})
	}()
	t.Cleanup(func() {
		cancel()
		await(t, returned, "Subscribe to return when its context ends")
	})
	return s
}

// resubscribe subscribes as an engine does: again, for as long as that fails. A
// client may first find out that its connections are lost.
func resubscribe(t *testing.T, b bus.Bus) *subscriber {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		s := subscribe(t, b)
		select {
		case <-s.ready:
			return s
		case err := <-s.ended:
			if time.Now().After(deadline) {
				t.Fatalf("Subscribe after the server has started again: %v", err)
			}
		}
	}
}

func (s *subscriber) awaitReady(t *testing.T, replica int) {
	t.Helper()
	select {
	case <-s.ready:
	case err := <-s.ended:
		t.Fatalf("Subscribe of replica %d returns before it is ready: %v", replica, err)
	case <-time.After(patience):
		t.Fatalf("Subscribe of replica %d does not become ready", replica)
	}
}

func (s *subscriber) next(t *testing.T) string {
	t.Helper()
	return await(t, s.messages, "a message")
}

func (s *subscriber) awaitEnd(t *testing.T) error {
	t.Helper()
	return await(t, s.ended, "Subscribe to return")
}

func await[T any](t *testing.T, c <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatalf("waited %s in vain for %s", patience, what)
	}
	return v
}
