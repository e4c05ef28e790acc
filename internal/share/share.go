// Package share divides limited resources, such as the connections of a server,
// among callers, so that no caller takes all of them.
package share

import (
	"crypto/sha256"
	"encoding/base64"
	"net/netip"
	"strings"
	"sync"
)

// The bounds that all callers share. Each caller gets a part of a bound.
const (
	// Connections bounds the open connections of an HTTP server. The limit of
	// the system on open files may be lower.
	Connections = 16_384

	// Calls bounds the requests over HTTP that run at the same time, without
	// subscriptions.
	Calls = 4_096

	// Subscriptions bounds the open subscriptions.
	Subscriptions = 10_000

	// Sessions bounds the sessions for which an instance keeps state.
	Sessions = 10_000

	// StreamsDisconnected bounds the streams that wait for their clients to come back.
	StreamsDisconnected = 1_000

	// SSEConnections bounds the event streams of HTTP+SSE.
	SSEConnections = 1_000
)

// A Caller is the owner of a share: a verified user, or else the address that a
// connection comes from. The zero value stands for the only client of a
// connection that carries messages both ways.
type Caller struct{ user, address string }

// Address returns the address that stands for the caller, if it is not verified.
func (c Caller) Address() string { return c.address }

// CallerOf returns the caller of a request. User is empty when the caller is
// not verified. All addresses of one IPv6 /64 network are one caller, because
// they have the same owner.
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

// Key returns a short name for the caller, which is the same on every replica and
// does not say who the caller is.
func (c Caller) Key() string {
	sum := sha256.Sum256([]byte(c.user + "\x00" + c.address))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// A Bound bounds how many places are taken at a time. A caller may hold no more
// places than are free: a single caller gets half, two callers get a third
// each, and another caller always finds a free place. So nobody has to choose
// the size of a share, and a bound that is far from reached refuses nobody.
type Bound struct {
	max  int
	each int // of one caller at most, 0 for no number of its own

	mu   sync.Mutex
	used int
	held map[Caller]*int // also of some callers that hold none now
}

// maxIdle bounds the callers without a place that a bound remembers. A caller
// that sends one request after another is not forgotten in between.
const maxIdle = 64

// NewBound returns a bound of n places.
func NewBound(n int) *Bound { return &Bound{max: n, held: make(map[Caller]*int)} }

// Each limits a caller to n places where its share is larger, unless n is 0. It
// returns b.
func (b *Bound) Each(n int) *Bound {
	b.each = n
	return b
}

// Take takes a place for the caller. [Bound.Release] gives it back. It reports
// false when the caller already holds its share.
func (b *Bound) Take(c Caller) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	held := b.held[c]
	switch free := b.max - b.used; {
	case held == nil && free <= 0:
		return false
	case held == nil:
		held = new(int)
		b.held[c] = held
	case *held >= free, b.each > 0 && *held >= b.each:
		return false
	}
	b.used++
	*held++
	return true
}

// Lend gives a place back until the returned function is called. It is for a
// request that turns out to count towards another bound.
func (b *Bound) Lend(c Caller) (end func()) {
	b.Release(c)
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.used++
		if b.held[c] == nil {
			b.held[c] = new(int)
		}
		*b.held[c]++
	}
}

// Release gives a place back.
func (b *Bound) Release(c Caller) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used--
	held := b.held[c]
	if *held--; *held == 0 && len(b.held) > maxIdle {
		delete(b.held, c)
	}
}
