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
	one := &inflight{caller: caller, level: text(x.req.Meta.Get(mcp.MetaLogLevel)), notify: x.notify}
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

// log sends a log message with one of the requests that ask for it. The server
// does not say which request the message belongs to. Requests of several callers
// must not hear of each other, so that the message is dropped then.
func (r *requests) log(n jsonrpc.Notification) {
	var found *inflight
	r.mu.Lock()
	for one := range r.all {
		if found != nil && one.caller != found.caller {
			r.mu.Unlock()
			return
		}
		if found == nil || isLoud(n.Params, one.level) {
			found = one
		}
	}
	r.mu.Unlock()
	if found == nil || !isLoud(n.Params, found.level) {
		return
	}
	found.mu.Lock()
	defer found.mu.Unlock()
	if !found.ended {
		found.notify(n)
	}
}
