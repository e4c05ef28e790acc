package handshake

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/share"
	"github.com/mcpengine/mcpengine/internal/uritemplate"
	"github.com/mcpengine/mcpengine/mcp"
)

const (
	// maxSubscriptions bounds the resources that one client subscribes to.
	maxSubscriptions = 256

	// lastWait is how long the engine may take to begin with the lists, and to end
	// a subscription.
	lastWait = time.Second
)

// listFilter asks for the changes of every list. The engine honours it for the
// lists that it has.
const listFilter = `{"toolsListChanged":true,"promptsListChanged":true,"resourcesListChanged":true}`

// subscriptions are the subscriptions of one client: to changes of the lists,
// and to updates of resources. Each is a subscriptions/listen request of
// 2026-07-28 to the engine, so that the engine knows only one kind. Each
// resource has its own request: replacing a common one would lose or repeat the
// changes in between.
//
// The methods begin and end take effect in the order of the calls and do not
// wait for the engine; confirm does.
type subscriptions struct {
	handler jsonrpc.Handler
	from    share.Caller               // to whose share they count
	forward func(jsonrpc.Notification) // sends to the client

	mu        sync.Mutex
	lists     bool
	resources map[string]*listener // by folded URI
	running   map[*listener]bool
	closed    bool
}

func newSubscriptions(h jsonrpc.Handler, from share.Caller, forward func(jsonrpc.Notification)) *subscriptions {
	return &subscriptions{
		handler: h, from: from, forward: forward,
		resources: make(map[string]*listener), running: make(map[*listener]bool),
	}
}

// beginLists subscribes the client to the lists. The request has the values of
// ctx, but only [subscriptions.close] ends it. It returns the request, so that
// the caller can wait for the engine, or nil when there is one already.
func (s *subscriptions) beginLists(ctx context.Context, peer Peer) *listener {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lists || s.closed {
		return nil
	}
	s.lists = true
	return s.start(ctx, peer.listenRequest(listFilter))
}

// begin subscribes the client to a resource, if it has not done so before.
func (s *subscriptions) begin(ctx context.Context, peer Peer, uri string) *jsonrpc.Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := uritemplate.Fold(uri)
	switch {
	case s.closed || s.resources[key] != nil:
		return nil
	case len(s.running) >= maxSubscriptions:
		return jsonrpc.Errorf(mcp.CodeInternalError, "no more than %d subscriptions are accepted", maxSubscriptions)
	}
	filter := fmt.Sprintf(`{"resourceSubscriptions":[%s]}`, jsonrpc.AppendString(nil, uri))
	s.resources[key] = s.start(ctx, peer.listenRequest(filter))
	return nil
}

// confirm waits until the engine has said whether it serves the subscription
// that begin has made, and forgets the subscription when it does not.
func (s *subscriptions) confirm(ctx context.Context, uri string) *jsonrpc.Error {
	key := uritemplate.Fold(uri)
	s.mu.Lock()
	l := s.resources[key]
	s.mu.Unlock()
	if l == nil {
		return nil // it was ended in between
	}
	var err *jsonrpc.Error
	select {
	case <-l.acknowledged:
		if l.honoured {
			return nil
		}
		err = jsonrpc.Errorf(mcp.CodeResourceNotFound, "Resource not found")
		err.Data = fmt.Appendf(nil, `{"uri":%s}`, jsonrpc.AppendString(nil, uri))
	case <-l.ended:
		err = jsonrpc.Errorf(mcp.CodeInternalError, "the subscription is not accepted")
	case <-ctx.Done():
		err = jsonrpc.Errorf(mcp.CodeInternalError, "%v", ctx.Err())
	}
	s.mu.Lock()
	if s.resources[key] == l {
		delete(s.resources, key)
	}
	s.mu.Unlock()
	l.cancel()
	return err
}

// end ends the subscription to a resource, if there is one. The client is not
// told of any further update.
func (s *subscriptions) end(uri string) {
	key := uritemplate.Fold(uri)
	s.mu.Lock()
	l := s.resources[key]
	delete(s.resources, key)
	s.mu.Unlock()
	if l != nil {
		l.cancel()
		l.mute()
	}
}

// close ends all subscriptions and waits for them, for lastWait at most. A
// subscription that takes longer is stuck in a handler, or its client reads
// nothing.
func (s *subscriptions) close() {
	s.mu.Lock()
	s.closed = true
	running := make([]*listener, 0, len(s.running))
	for l := range s.running {
		running = append(running, l)
		l.cancel()
	}
	s.mu.Unlock()
	patience := time.NewTimer(lastWait)
	defer patience.Stop()
	for _, l := range running {
		select {
		case <-l.ended:
		case <-patience.C:
			return
		}
	}
}

// start runs a request. The caller holds s.mu.
func (s *subscriptions) start(ctx context.Context, req *jsonrpc.Request) *listener {
	req.Caller = s.from
	l := &listener{forward: s.forward, acknowledged: make(chan struct{}), ended: make(chan struct{})}
	ctx, l.cancel = context.WithCancel(context.WithoutCancel(ctx))
	s.running[l] = true
	go func() {
		defer close(l.ended)
		s.handler.Handle(ctx, req, l.notify).Release()
		l.cancel()
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.running, l)
	}()
	return l
}

// A listener is one subscriptions/listen request.
type listener struct {
	forward      func(jsonrpc.Notification)
	cancel       context.CancelFunc
	acknowledged chan struct{}          // closed when the engine has acknowledged the request
	honoured     bool                   // the engine serves the resource; set before acknowledged is closed
	all          []jsonrpc.Notification // all that the request can be told; set before acknowledged is closed
	once         sync.Once
	ended        chan struct{}

	mu    sync.Mutex // held while a notification is sent
	muted bool
}

func (l *listener) notify(n jsonrpc.Notification) {
	params, err := jsonrpc.ParseObject(n.Params)
	if err != nil {
		return // cannot happen: the engine has encoded them
	}
	if n.Method == mcp.MethodNotificationsSubscriptionsAcknowledged {
		l.once.Do(func() { l.acknowledge(params.Get("notifications")) })
		return
	}
	// The handshake versions have the same notification, but without the id of
	// a subscription.
	n.Params = []byte("{}")
	if uri := params.Get("uri"); uri != nil {
		n.Params = fmt.Appendf(nil, `{"uri":%s}`, uri)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.muted {
		l.forward(n)
	}
}

func (l *listener) acknowledge(filter []byte) {
	honoured, err := jsonrpc.ParseObject(filter)
	uris, _ := jsonrpc.ParseArray(honoured.Get("resourceSubscriptions"))
	l.honoured = err == nil && len(uris) > 0
	for _, list := range changedLists {
		if string(honoured.Get(list.member)) == "true" {
			l.all = append(l.all, jsonrpc.Notification{Method: list.method, Params: []byte("{}")})
		}
	}
	for _, uri := range uris {
		l.all = append(l.all, jsonrpc.Notification{Method: mcp.MethodNotificationsResourcesUpdated, Params: fmt.Appendf(nil, `{"uri":%s}`, uri)})
	}
	close(l.acknowledged)
}

// changedLists are the members of listFilter and the notifications that they ask
// for.
var changedLists = []struct{ member, method string }{
	{"toolsListChanged", mcp.MethodNotificationsToolsListChanged},
	{"promptsListChanged", mcp.MethodNotificationsPromptsListChanged},
	{"resourcesListChanged", mcp.MethodNotificationsResourcesListChanged},
}

// everything tells the client all that the engine has agreed to tell it, because
// it may have missed some.
func (s *subscriptions) everything() {
	s.mu.Lock()
	running := slices.Collect(maps.Keys(s.running))
	s.mu.Unlock()
	for _, l := range running {
		select {
		case <-l.acknowledged:
			l.everything()
		default: // it is told of all that comes
		}
	}
}

func (l *listener) everything() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range l.all {
		if !l.muted {
			l.forward(n)
		}
	}
}

func (l *listener) mute() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.muted = true
}

// listenRequest is the request for a subscription on behalf of the peer.
func (p *Peer) listenRequest(filter string) *jsonrpc.Request {
	req := &jsonrpc.Request{
		ID:        []byte(`"subscription"`),
		Method:    mcp.MethodSubscriptionsListen,
		Params:    jsonrpc.Object{{Name: []byte("notifications"), Value: []byte(filter)}},
		RawParams: fmt.Appendf(nil, `{"notifications":%s}`, filter),
		Own:       true,
	}
	p.describe(req, mcp.LatestProtocolVersion, "")
	return req
}
