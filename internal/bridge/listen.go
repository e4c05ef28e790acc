package bridge

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/internal/uritemplate"
	"github.com/mcpengine/mcpengine/mcp"
)

const (
	// maxSubscriptions bounds the resources that a host may subscribe to.
	maxSubscriptions = 256

	// maxListenWait is how long a subscription that is lost waits at most before
	// it is made again.
	maxListenWait = 30 * time.Second

	// maxQueued is how many notifications may wait for one listener.
	maxQueued = 256
)

// keepListening subscribes, and subscribes again whenever the subscription is
// lost. Then it notifies the host that anything may have changed. It calls
// deliver with the first acknowledgement and with the notifications after it.
// It returns when the server refuses, or ends the subscription in good order.
func (b *bridge) keepListening(ctx context.Context, config peer.Config, params []byte, deliver func(jsonrpc.Notification)) ([]byte, error) {
	acknowledged := false
	for failures := 0; ; failures++ {
		call := peer.Call{Method: mcp.MethodSubscriptionsListen, Params: params, OnNotification: func(n jsonrpc.Notification) {
			if n.Method != mcp.MethodNotificationsSubscriptionsAcknowledged {
				deliver(n)
				return
			}
			failures = 0
			if !acknowledged {
				acknowledged = true
				deliver(n)
				return
			}
			for _, change := range everything(n.Params) {
				deliver(change)
			}
		}}
		result, err := b.server.call(ctx, config, call)
		if err == nil || ctx.Err() != nil || !acknowledged || wraps[*jsonrpc.Error](err) || wraps[*peer.AuthError](err) {
			return result, err
		}
		b.config.Logger.Debug("subscribe again", "error", err)
		if err := peer.Sleep(ctx, min(firstRetry<<min(failures, 10), maxListenWait)); err != nil {
			return nil, err
		}
	}
}

// everything returns a notification for each change that a subscription is about.
func everything(params []byte) (changes []jsonrpc.Notification) {
	members, _ := jsonrpc.ParseObject(params)
	filter := parseFilter(members.Get("notifications"))
	for _, list := range filter.lists() {
		changes = append(changes, jsonrpc.Notification{Method: list, Params: []byte("{}")})
	}
	for _, uri := range filter.resources {
		changes = append(changes, jsonrpc.Notification{Method: mcp.MethodNotificationsResourcesUpdated, Params: jsonrpc.NewObject("uri", jsonrpc.AppendString(nil, uri))})
	}
	return changes
}

// A filter names the changes that a subscription is about.
type filter struct {
	tools, prompts, resourceList bool
	resources                    []string
}

func parseFilter(raw []byte) filter {
	members, _ := jsonrpc.ParseObject(raw)
	is := func(name string) bool { return string(members.Get(name)) == "true" }
	f := filter{tools: is("toolsListChanged"), prompts: is("promptsListChanged"), resourceList: is("resourcesListChanged")}
	elements, _ := jsonrpc.ParseArray(members.Get("resourceSubscriptions"))
	for _, e := range elements {
		if uri := jsonrpc.Text(e); uri != "" && len(f.resources) < maxSubscriptions {
			f.resources = append(f.resources, uri)
		}
	}
	return f
}

// lists returns the methods of the notifications for changes of lists.
func (f filter) lists() (methods []string) {
	if f.tools {
		methods = append(methods, mcp.MethodNotificationsToolsListChanged)
	}
	if f.prompts {
		methods = append(methods, mcp.MethodNotificationsPromptsListChanged)
	}
	if f.resourceList {
		methods = append(methods, mcp.MethodNotificationsResourcesListChanged)
	}
	return methods
}

// json returns the filter as it stands in messages.
func (f filter) json() []byte {
	raw := []byte("{}")
	for name, is := range map[string]bool{"toolsListChanged": f.tools, "promptsListChanged": f.prompts, "resourcesListChanged": f.resourceList} {
		if is {
			raw = jsonrpc.Set(raw, name, []byte("true"))
		}
	}
	if len(f.resources) == 0 {
		return raw
	}
	uris := []byte{'['}
	for i, uri := range f.resources {
		if i > 0 {
			uris = append(uris, ',')
		}
		uris = jsonrpc.AppendString(uris, uri)
	}
	return jsonrpc.Set(raw, "resourceSubscriptions", append(uris, ']'))
}

// honoured is the part of the filter that a server with the capabilities tells
// about.
func (f filter) honoured(capabilities []byte) filter {
	members, _ := jsonrpc.ParseObject(capabilities)
	has := func(name, member string) bool {
		capability, _ := jsonrpc.ParseObject(members.Get(name))
		return string(capability.Get(member)) == "true"
	}
	f.tools = f.tools && has("tools", "listChanged")
	f.prompts = f.prompts && has("prompts", "listChanged")
	f.resourceList = f.resourceList && has("resources", "listChanged")
	if !has("resources", "subscribe") {
		f.resources = nil
	}
	return f
}

// isChange reports whether a notification is one that filters are about.
func isChange(method string) bool {
	switch method {
	case mcp.MethodNotificationsToolsListChanged, mcp.MethodNotificationsPromptsListChanged,
		mcp.MethodNotificationsResourcesListChanged, mcp.MethodNotificationsResourcesUpdated:
		return true
	}
	return false
}

// wants reports whether a notification is one that the filter is about. A change
// of a part of a resource is told under the part's URI.
func (f filter) wants(n jsonrpc.Notification) bool {
	switch n.Method {
	case mcp.MethodNotificationsToolsListChanged:
		return f.tools
	case mcp.MethodNotificationsPromptsListChanged:
		return f.prompts
	case mcp.MethodNotificationsResourcesListChanged:
		return f.resourceList
	case mcp.MethodNotificationsResourcesUpdated:
		params, _ := jsonrpc.ParseObject(n.Params)
		updated := uritemplate.Fold(jsonrpc.Text(params.Get("uri")))
		return slices.ContainsFunc(f.resources, func(uri string) bool { return isPart(updated, uritemplate.Fold(uri)) })
	}
	return false
}

// isPart reports whether a URI names a resource or a part of it. Both URIs are
// folded.
func isPart(uri, resource string) bool {
	rest, ok := strings.CutPrefix(uri, resource)
	return ok && (rest == "" || strings.HasSuffix(resource, "/") || strings.ContainsAny(rest[:1], "/?#"))
}

// A listener is a subscription of a host of 2026-07-28 to a server of a handshake
// version.
type listener struct {
	filter filter
	queue  chan jsonrpc.Notification
}

// listeners are the listeners of a bridge.
type listeners struct {
	mu      sync.Mutex
	all     map[*listener]bool
	once    sync.Once
	closing chan struct{} // closed when the host has closed its end
}

func (l *listeners) close() { l.once.Do(func() { close(l.closing) }) }

func (l *listeners) add(one *listener) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = make(map[*listener]bool)
	}
	l.all[one] = true
}

func (l *listeners) remove(one *listener) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.all, one)
}

// deliver queues a notification for the listeners that want it, or for all of
// them. It drops the notification for a listener whose queue is full.
func (l *listeners) deliver(n jsonrpc.Notification, all bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for one := range l.all {
		if !all && !one.filter.wants(n) {
			continue
		}
		select {
		case one.queue <- jsonrpc.Notification{Method: n.Method, Params: append([]byte(nil), n.Params...)}:
		default:
		}
	}
}

// errClosing ends a subscription because the host has closed its end.
var errClosing = errors.New("the host is going")

// untilClosing returns a context that also ends when listeners have to.
func (x *exchange) untilClosing(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-x.listeners.closing:
			cancel(errClosing)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil); <-done }
}

// own adds the host's id of the subscription to parameters or a result.
func (x *exchange) own(params []byte) []byte {
	return jsonrpc.SetMeta(params, mcp.MetaSubscriptionID, x.req.ID)
}

// over is the result that ends a subscription in good order (subscriptions,
// "Graceful Closure").
func (x *exchange) over() []byte { return x.own([]byte(`{"resultType":"complete"}`)) }

// listen relays a subscription to a server of 2026-07-28.
func (x *exchange) listen(ctx context.Context) ([]byte, error) {
	ctx, cancel := x.untilClosing(ctx)
	defer cancel()
	result, err := x.keepListening(ctx, x.introduction(), x.call().Params, func(n jsonrpc.Notification) {
		n.Params = x.own(n.Params)
		x.notify(n)
	})
	switch {
	case errors.Is(context.Cause(ctx), errClosing):
		return x.over(), nil
	case err != nil:
		return nil, err
	}
	return x.own(result), nil
}

// listenHandshake serves a subscription by the means of a handshake version.
func (x *exchange) listenHandshake(ctx context.Context, c *peer.Conn) ([]byte, error) {
	wanted := parseFilter(x.req.Params.Get("notifications")).honoured(c.Server().Capabilities)
	l := &listener{filter: wanted, queue: make(chan jsonrpc.Notification, maxQueued)}
	x.listeners.add(l)
	defer x.listeners.remove(l)
	for i, uri := range wanted.resources {
		if err := x.hold(ctx, uri); err != nil {
			x.release(wanted.resources[:i])
			return nil, err
		}
	}
	defer x.release(wanted.resources)
	x.notify(jsonrpc.Notification{
		Method: mcp.MethodNotificationsSubscriptionsAcknowledged,
		Params: x.own(jsonrpc.NewObject("notifications", wanted.json())),
	})
	for {
		select {
		case n := <-l.queue:
			n.Params = x.own(n.Params)
			x.notify(n)
		case <-x.listeners.closing:
			return x.over(), nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// hold subscribes to a resource for one more listener.
func (x *exchange) hold(ctx context.Context, uri string) error {
	params := jsonrpc.NewObject("uri", jsonrpc.AppendString(nil, uri))
	if _, err := x.server.call(ctx, x.introduction(), peer.Call{Method: protocol.MethodResourcesSubscribe, Params: params, Replay: true}); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.updates[uri]++
	return nil
}

// release ends the subscriptions without a listener. The server need not know: an
// update without a listener is dropped.
func (x *exchange) release(uris []string) {
	b, config := x.bridge, x.introduction()
	for _, uri := range uris {
		b.mu.Lock()
		b.updates[uri]--
		unused := b.updates[uri] == 0
		if unused {
			delete(b.updates, uri)
		}
		b.mu.Unlock()
		if unused {
			params := jsonrpc.NewObject("uri", jsonrpc.AppendString(nil, uri))
			b.background.Run(func() {
				_, _ = b.server.call(b.context, config, peer.Call{Method: protocol.MethodResourcesUnsubscribe, Params: params})
			})
		}
	}
}
