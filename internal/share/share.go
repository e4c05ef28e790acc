// Package share divides what callers have in common, such as the connections
// of a server, so that no caller takes all of it.
package share

import (
	"net/netip"
	"strings"
	"sync"
)

// The bounds of what callers share. Each caller's share is part of it.
const (
	// Connections bounds the open connections of an HTTP server. The limit of
	// the system on open files makes it less.
	Connections = 16_384

	// Calls bounds the requests over HTTP that are answered at a time, without
	// subscriptions.
	Calls = 4_096

	// Subscriptions bounds the open subscriptions.
	Subscriptions = 10_000

	// Sessions bounds the sessions of which something is kept.
	Sessions = 10_000

	// StreamsAway bounds the streams that wait for their clients to come back.
	StreamsAway = 1_000

	// SSEConnections bounds the event streams of HTTP+SSE.
	SSEConnections = 1_000
)

// A Caller is what a share belongs to: a verified user, or else the address that
// a connection comes from. The zero value stands for the only client of a
// connection that carries both directions.
type Caller struct{ user, address string }

// CallerOf returns the caller of a request. User is empty for one that is not
// verified. Addresses of one IPv6 network of 64 bits are one caller, because its
// owner has them all.
func CallerOf(user, remoteAddr string) Caller {
	if user != "" {
		return Caller{user: user}
	}
	host := remoteAddr[:max(0, strings.LastIndexByte(remoteAddr, ':'))]
	if !strings.HasPrefix(host, "[") {
		return Caller{address: host}
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	if err != nil || addr.Is4In6() {
		return Caller{address: host}
	}
	network, err := addr.WithZone("").Prefix(64)
	if err != nil {
		return Caller{address: host}
	}
	return Caller{address: network.String()}
}

// A Bound bounds how much is held at a time. A caller may hold no more than is
// free: one alone gets half, two get a third each, and there is always some left
// for another one. So no number has to be found for a share, and a bound that is
// far from reached refuses nobody.
type Bound struct {
	max int

	mu   sync.Mutex
	used int
	held map[Caller]int
}

// NewBound returns a bound of n.
func NewBound(n int) *Bound { return &Bound{max: n, held: make(map[Caller]int)} }

// Take takes one for the caller, who gives it back with [Bound.Release]. It
// reports false when the caller holds its share.
func (b *Bound) Take(c Caller) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := b.held[c]
	if n >= b.max-b.used {
		return false
	}
	b.used++
	b.held[c] = n + 1
	return true
}

// Lend gives one back until the function that it returns is called, for what
// turns out to count elsewhere.
func (b *Bound) Lend(c Caller) (end func()) {
	b.Release(c)
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.used++
		b.held[c]++
	}
}

// Release gives one back.
func (b *Bound) Release(c Caller) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used--
	if n := b.held[c]; n > 1 {
		b.held[c] = n - 1
	} else {
		delete(b.held, c)
	}
}
