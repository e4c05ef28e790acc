package broker

import (
	"net/http"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/internal/share"
)

// Requests in a minute, of all callers. A caller has a share: no more than is
// free.
const (
	maxAuthorize = 1200
	maxTokens    = 2400
	maxRegister  = 240
	maxRevoke    = 600
	maxFetches   = 120 // of metadata documents that are not remembered
)

// limits bound the requests to each endpoint.
type limits struct{ authorize, token, register, revoke, documents *rate }

func newLimits() *limits {
	return &limits{
		authorize: newRate(maxAuthorize), token: newRate(maxTokens), register: newRate(maxRegister),
		revoke: newRate(maxRevoke), documents: newRate(maxFetches),
	}
}

// A rate bounds the requests in a minute.
type rate struct {
	mu    sync.Mutex
	bound *share.Bound
	taken []taken // the oldest first
}

type taken struct {
	at     time.Time
	caller share.Caller
}

func newRate(perMinute int) *rate { return &rate{bound: share.NewBound(perMinute)} }

// takeFor takes a place for the sender of a request.
func (r *rate) takeFor(req *http.Request, now time.Time) bool { return r.take(req.RemoteAddr, now) }

// take takes a place for an address for the next minute.
func (r *rate) take(address string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	over := 0
	for over < len(r.taken) && (now.Sub(r.taken[over].at) >= time.Minute || now.Before(r.taken[over].at)) {
		r.bound.Release(r.taken[over].caller)
		over++
	}
	r.taken = r.taken[over:]
	caller := share.CallerOf("", address)
	if !r.bound.Take(caller) {
		return false
	}
	r.taken = append(r.taken, taken{now, caller})
	return true
}
