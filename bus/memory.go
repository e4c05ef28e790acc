package bus

import (
	"bytes"
	"context"
	"sync"
)

// memoryBacklog is how many messages wait for a receiver that is slow.
const memoryBacklog = 1024

// Memory returns a bus between the engines of one process. It is for tests, and
// for programs that serve several engines with the same features.
func Memory() Bus { return &memory{receivers: make(map[*memoryReceiver]bool)} }

type memory struct {
	mu        sync.Mutex
	receivers map[*memoryReceiver]bool
}

type memoryReceiver struct {
	messages chan []byte
	gone     chan struct{}
}

// Publish implements [Bus]. It waits while the backlog of a receiver is full.
func (m *memory) Publish(ctx context.Context, message []byte) error {
	message = bytes.Clone(message)
	m.mu.Lock()
	defer m.mu.Unlock()
	for r := range m.receivers {
		select {
		case r.messages <- message:
		case <-r.gone:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Subscribe implements [Bus].
func (m *memory) Subscribe(ctx context.Context, ready func(), receive func([]byte)) error {
	r := &memoryReceiver{messages: make(chan []byte, memoryBacklog), gone: make(chan struct{})}
	m.mu.Lock()
	m.receivers[r] = true
	m.mu.Unlock()
	defer func() {
		close(r.gone) // before the lock, which a publisher may hold
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.receivers, r)
	}()
	ready()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case message := <-r.messages:
			receive(message)
		}
	}
}
