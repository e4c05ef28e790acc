package oauth

import (
	"bytes"
	"context"
	"sync"
)

// A Store keeps tokens and registrations, which are secrets. Its methods may be
// called from several goroutines.
type Store interface {
	// Load returns the value of the key, and nil if it has none.
	Load(ctx context.Context, key string) ([]byte, error)

	// Save replaces the value of the key, atomically.
	Save(ctx context.Context, key string, value []byte) error

	// Delete removes the value of the key, if it has one.
	Delete(ctx context.Context, key string) error

	// Reserve makes room for values of size bytes together, so that saving them
	// later cannot fail for want of it. An error says that nothing can be saved.
	Reserve(ctx context.Context, size int) (Reservation, error)

	// Lock waits until no other holder has the key locked, in any process, and
	// returns the function that unlocks it.
	Lock(ctx context.Context, key string) (unlock func(), err error)
}

// A Reservation is room in a [Store]. It is for one goroutine.
type Reservation interface {
	// Save replaces the value of a key, in the reserved room. It may be called
	// once.
	Save(ctx context.Context, key string, value []byte) error

	// Release gives back unused room.
	Release()
}

// A MemoryStore is a [Store] for one process.
type MemoryStore struct {
	mu     sync.Mutex
	values map[string][]byte
	locks  map[string]chan struct{}
}

// NewMemoryStore returns an empty store.
func NewMemoryStore() *MemoryStore {
	return &MemoryStore{values: map[string][]byte{}, locks: map[string]chan struct{}{}}
}

// Load implements [Store].
func (m *MemoryStore) Load(_ context.Context, key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return bytes.Clone(m.values[key]), nil
}

// Save implements [Store].
func (m *MemoryStore) Save(_ context.Context, key string, value []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.values[key] = bytes.Clone(value)
	return nil
}

// Delete implements [Store].
func (m *MemoryStore) Delete(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.values, key)
	return nil
}

// Reserve implements [Store].
func (m *MemoryStore) Reserve(context.Context, int) (Reservation, error) { return unlimited{m}, nil }

// An unlimited store needs no reservation.
type unlimited struct{ Store }

// Release does nothing.
func (unlimited) Release() {}

// Lock implements [Store].
func (m *MemoryStore) Lock(ctx context.Context, key string) (func(), error) {
	m.mu.Lock()
	lock, ok := m.locks[key]
	if !ok {
		lock = make(chan struct{}, 1)
		m.locks[key] = lock
	}
	m.mu.Unlock()
	select {
	case lock <- struct{}{}:
		return func() { <-lock }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
