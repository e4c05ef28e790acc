package bridge

import (
	"sync"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/mcp"
)

// requests are the requests under way, which log messages may belong to.
type requests struct {
	mu  sync.Mutex
	all map[*inflight]bool
}

// An inflight is a request under way.
type inflight struct {
	caller string
	level  string // of the log messages that it asks for, or ""

	mu     sync.Mutex // held while a notification is sent
	notify func(jsonrpc.Notification)
	ended  bool
}

// begin adds a request, until end is called. No notification is sent after that
// has returned.
func (r *requests) begin(caller string, x *exchange) (end func()) {
	one := &inflight{caller: caller, level: jsonrpc.Text(x.req.Meta.Get(mcp.MetaLogLevel)), notify: x.notify}
	if x.req.Method == mcp.MethodSubscriptionsListen {
		return func() {} // it has no log messages
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all == nil {
		r.all = make(map[*inflight]bool)
	}
	r.all[one] = true
	return func() {
		r.mu.Lock()
		delete(r.all, one)
		r.mu.Unlock()
		one.mu.Lock()
		defer one.mu.Unlock()
		one.ended = true
	}
}

// deliver sends a notification with one of the requests that may have it, and
// reports whether one may. The server does not say which request the
// notification belongs to. A caller must not receive another caller's
// notifications, so it is dropped while requests of several callers are under
// way.
func (r *requests) deliver(n jsonrpc.Notification, may func(*inflight) bool) bool {
	found, sole := r.find(may)
	if found == nil {
		return !sole
	}
	found.mu.Lock()
	defer found.mu.Unlock()
	if !found.ended {
		found.notify(n)
	}
	return true
}

// find returns one of the requests, if all of them are of the same caller.
func (r *requests) find(may func(*inflight) bool) (found *inflight, sole bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var first *inflight
	for one := range r.all {
		if first == nil {
			first = one
		}
		if one.caller != first.caller {
			return nil, false
		}
		if may(one) {
			found = one
		}
	}
	return found, true
}
