// Package bustest tests an implementation of [bus.Bus]: it checks the promises
// on which an engine relies, and none that the interface does not make.
package bustest

import (
	"cmp"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/bus"
)

// patience bounds the wait for something that should happen at once.
const patience = 3 * time.Minute

// A Server is what the bus under test connects to.
type Server struct {
	// Connect returns a bus for one replica. Buses of the same channel exchange
	// messages; buses of different channels do not. What the bus needs, such as
	// a pool of connections, is its own, and is closed in [testing.T.Cleanup].
	// Required.
	Connect func(t *testing.T, channel string) bus.Bus

	// Stop breaks all connections and refuses new ones, as a crash of the server
	// would, until Start. A bus that cannot lose its connection has neither
	// function.
	Stop, Start func(t *testing.T)
}

// Run runs the tests, each as a subtest of t. Those that stop the server run
// last, and none runs beside them.
func Run(t *testing.T, s Server) {
	t.Helper()
	t.Run("messages", func(t *testing.T) { testMessages(t, s) })
	t.Run("channels", func(t *testing.T) { testChannels(t, s) })
	t.Run("concurrency", func(t *testing.T) { testConcurrency(t, s) })
	t.Run("end", func(t *testing.T) { testEnd(t, s) })
	if s.Stop != nil {
		t.Run("lost connection", func(t *testing.T) { testLostConnection(t, s) })
	}
}

// Messages of every length reach every other replica, unchanged and in order.
func testMessages(t *testing.T, s Server) {
	sender := s.Connect(t, "board")
	receivers := []*subscriber{subscribe(t, s.Connect(t, "board")), subscribe(t, s.Connect(t, "board"))}
	for i, r := range receivers {
		r.awaitReady(t, i)
	}
	messages := []string{"", "short"}
	// Buses split messages, or add to them: the lengths around powers of two and
	// around 8,000, the limit of NOTIFY, are where that goes wrong.
	for _, length := range []int{255, 256, 4096, 7899, 7900, 7901, 7999, 8000, 16384, bus.MaxMessage - 1, bus.MaxMessage} {
		messages = append(messages, strings.Repeat(string(rune('a'+len(messages))), length))
	}
	messages = append(messages, "short")
	for _, message := range messages {
		buffer := []byte(message)
		if err := sender.Publish(t.Context(), buffer); err != nil {
			t.Fatalf("Publish of %d bytes: %v", len(message), err)
		}
		clear(buffer) // Publish has returned: the message belongs to its caller again
	}
	for _, want := range messages {
		for i, r := range receivers {
			if got := r.next(t); got != want {
				t.Fatalf("replica %d receives %.20q (%d bytes), want %.20q (%d bytes)", i, got, len(got), want, len(want))
			}
		}
	}
}

// A message stays in its channel, whose name may have any characters.
func testChannels(t *testing.T, s Server) {
	names := []string{"board", `the "other" channel`, "it's"}
	senders, receivers := make([]bus.Bus, len(names)), make([]*subscriber, len(names))
	for i, name := range names {
		senders[i], receivers[i] = s.Connect(t, name), subscribe(t, s.Connect(t, name))
		receivers[i].awaitReady(t, i)
	}
	const end = "the end"
	for _, message := range []string{"", end} {
		for i, name := range names {
			if err := senders[i].Publish(t.Context(), []byte(cmp.Or(message, name))); err != nil {
				t.Fatalf("Publish to %q: %v", name, err)
			}
		}
	}
	for i, name := range names {
		for _, want := range []string{name, end} {
			if got := receivers[i].next(t); got != want {
				t.Errorf("a replica of %q receives %q, want %q", name, got, want)
			}
		}
	}
}

// Publish may be called concurrently. Every message arrives, and receive is
// called for one at a time: the first call of it goes on for as long as messages
// are published.
func testConcurrency(t *testing.T, s Server) {
	const publishers, each = 4, 10
	sender, receiver := s.Connect(t, "board"), s.Connect(t, "board")
	var running atomic.Int32
	published, overlap := make(chan struct{}), make(chan struct{}, publishers*each)
	r := subscribeWith(t, receiver, func() (leave func()) {
		if running.Add(1) > 1 {
			overlap <- struct{}{}
		} else {
			select {
			case <-published:
			case <-overlap:
				overlap <- struct{}{}
			case <-time.After(time.Second): // the bus holds up publishers: it may
			}
		}
		return func() { running.Add(-1) }
	})
	r.awaitReady(t, 0)
	var group sync.WaitGroup
	for p := range publishers {
		group.Go(func() {
			for i := range each {
				if err := sender.Publish(t.Context(), fmt.Appendf(nil, "%d/%d", p, i)); err != nil {
					t.Errorf("Publish: %v", err)
				}
			}
		})
	}
	group.Wait()
	close(published)
	got := map[string]bool{}
	for range publishers * each {
		got[r.next(t)] = true
	}
	if len(got) != publishers*each {
		t.Errorf("%d different messages arrive, want %d", len(got), publishers*each)
	}
	if len(overlap) > 0 {
		t.Error("receive is called while another call of it runs")
	}
}

// Subscribe returns an error when its context ends; other replicas go on.
func testEnd(t *testing.T, s Server) {
	one, two := s.Connect(t, "board"), s.Connect(t, "board")
	first, second := subscribe(t, one), subscribe(t, two)
	first.awaitReady(t, 0)
	second.awaitReady(t, 1)
	first.cancel()
	if err := first.awaitEnd(t); err == nil {
		t.Error("Subscribe returns nil when its context ends")
	}
	if err := one.Publish(t.Context(), []byte("hello")); err != nil {
		t.Errorf("Publish after the end of the subscription: %v", err)
	}
	if got := second.next(t); got != "hello" {
		t.Errorf("the other replica receives %q", got)
	}
	again := subscribe(t, one)
	again.awaitReady(t, 0)
	if err := two.Publish(t.Context(), []byte("again")); err != nil {
		t.Errorf("Publish: %v", err)
	}
	if got := again.next(t); got != "again" {
		t.Errorf("the second subscription receives %q", got)
	}
}

// A subscription ends with its connection, and does not come back by itself: the
// engine has to know that it may have missed messages.
func testLostConnection(t *testing.T, s Server) {
	b := s.Connect(t, "board")
	first := subscribe(t, b)
	first.awaitReady(t, 0)
	s.Stop(t)
	if err := first.awaitEnd(t); err == nil {
		t.Error("Subscribe returns nil when the connection is lost")
	}
	if err := b.Publish(t.Context(), []byte("lost")); err == nil {
		t.Error("Publish returns nil without a server")
	}
	if err := subscribe(t, b).awaitEnd(t); err == nil {
		t.Error("Subscribe returns nil without a server")
	}
	s.Start(t)
	second := resubscribe(t, b)
	if len(first.ready) > 0 {
		t.Error("the first subscription has called ready twice")
	}
	if err := b.Publish(t.Context(), []byte("again")); err != nil {
		t.Fatalf("Publish over the new connection: %v", err)
	}
	if got := second.next(t); got != "again" {
		t.Errorf("the new subscription receives %q", got)
	}
}
