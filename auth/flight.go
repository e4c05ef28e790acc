package auth

import (
	"context"
	"errors"
	"sync"
	"time"
)

var errAbandoned = errors.New("the request for it was abandoned")

// A group lets requests that need the same answer ask for it once. The first
// asks in its own goroutine and the others wait for it.
type group[K comparable, V any] struct {
	mu      sync.Mutex
	flights map[K]*flight[V]
}

type flight[V any] struct {
	done  chan struct{}
	value V
	err   error
}

// do returns what ask returns, or what it returned to whoever came first. A
// caller that goes away stops waiting; the one that asks does not stop asking,
// because others depend on it, but has to be done within fetchTimeout.
func (g *group[K, V]) do(ctx context.Context, key K, ask func(context.Context) (V, error)) (V, error) {
	g.mu.Lock()
	if f, ok := g.flights[key]; ok {
		g.mu.Unlock()
		select {
		case <-f.done:
			return f.value, f.err
		case <-ctx.Done():
			var zero V
			return zero, ctx.Err()
		}
	}
	f := &flight[V]{done: make(chan struct{}), err: errAbandoned}
	if g.flights == nil {
		g.flights = make(map[K]*flight[V])
	}
	g.flights[key] = f
	g.mu.Unlock()

	defer func() {
		g.mu.Lock()
		delete(g.flights, key)
		g.mu.Unlock()
		close(f.done)
	}()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTimeout)
	defer cancel()
	f.value, f.err = ask(ctx)
	return f.value, f.err
}

// busy reports whether somebody is asking for the key.
func (g *group[K, V]) busy(key K) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, ok := g.flights[key]
	return ok
}

// within reports whether now lies in the span that began at start. A clock that
// jumped back has left the span.
func within(now, start time.Time, span time.Duration) bool {
	return !start.IsZero() && !now.Before(start) && now.Before(start.Add(span))
}
