package mcpengine

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/share"
	"github.com/mcpengine/mcpengine/internal/streamable"
	"github.com/mcpengine/mcpengine/internal/uritemplate"
	"github.com/mcpengine/mcpengine/mcp"
)

// maxSubscriptionURIs bounds the resources of one subscription, and
// maxSubscriptionKeys what its fields of extensions honour.
const (
	maxSubscriptionURIs = 1_000
	maxSubscriptionKeys = 1_000
)

// A change is a set of lists that have changed.
type change uint8

const (
	toolsChanged change = 1 << iota
	promptsChanged
	resourcesChanged
)

// listChanges tells which notification reports a change.
var listChanges = []struct {
	change change
	method string
}{
	{toolsChanged, mcp.MethodNotificationsToolsListChanged},
	{promptsChanged, mcp.MethodNotificationsPromptsListChanged},
	{resourcesChanged, mcp.MethodNotificationsResourcesListChanged},
}

// subscriptions are the open subscriptions/listen requests.
type subscriptions struct {
	mu      sync.Mutex
	bound   *share.Bound
	open    map[*subscription]struct{}
	keyed   map[string]map[*subscription]string // the URI as each subscription spells it, by folded URI
	closing chan struct{}                       // closed when the engine closes
	closed  bool
}

// A subscription is one open request. The changes since its last notification
// are a set and not a queue, so that a client that reads slowly needs no more
// memory than one that reads at once.
type subscription struct {
	lists change    // that the client wants to be told about
	uris  []string  // of the resources it wants to be told about, as it spells them
	keys  []string  // the same, folded
	wake  chan bool // has room for one value: something is pending
	from  share.Caller

	awaits bool // extensions have fields in its filter

	// guarded by subscriptions.mu
	pending  change
	features []changedFeature
	updated  []string

	extended map[changeKey]bool // what extensions honour, true when it has changed; nil before that is known
	early    []changeKey        // that have changed before
}

// A changedFeature has been added to a list or removed from it. Only callers
// who may see the feature are told of that.
type changedFeature struct {
	list   change
	policy *policy
}

// maxChangedFeatures bounds the changed features for which the policy is asked
// whether the client sees them in lists. When there are more, the client is
// told that the list has changed.
const maxChangedFeatures = 64

// add adds a subscription, or says why there is no room.
func (s *subscriptions) add(sub *subscription) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.takePlace(sub.from); err != nil {
		return err
	}
	if s.open == nil {
		s.open, s.keyed = make(map[*subscription]struct{}), make(map[string]map[*subscription]string)
	}
	s.open[sub] = struct{}{}
	for i, key := range sub.keys {
		if s.keyed[key] == nil {
			s.keyed[key] = make(map[*subscription]string)
		}
		s.keyed[key][sub] = sub.uris[i]
	}
	return nil
}

// takePlace takes the room of a subscription. The caller holds s.mu.
func (s *subscriptions) takePlace(from share.Caller) error {
	switch {
	case s.closed:
		return errEnding
	case !s.bound.Take(from):
		return jsonrpc.OverLimit(subscriptionWait, "no more subscriptions of this caller are accepted")
	}
	return nil
}

func (s *subscriptions) remove(sub *subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, sub)
	for _, key := range sub.keys {
		if delete(s.keyed[key], sub); len(s.keyed[key]) == 0 {
			delete(s.keyed, key)
		}
	}
	s.bound.Release(sub.from)
}

func (s *subscriptions) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		close(s.closing)
	}
}

// changed notes that a feature with this policy has been added to a list or
// removed from it.
func (s *subscriptions) changed(c change, p *policy) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for sub := range s.open {
		if sub.lists&c == 0 {
			continue
		}
		if len(sub.features) < maxChangedFeatures && p.guarded() {
			sub.features = append(sub.features, changedFeature{c, p})
		} else {
			sub.pending |= c
		}
		sub.signal()
	}
}

// updated notes that a resource has changed.
func (s *subscriptions) updated(uri string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for sub, spelled := range s.keyed[uritemplate.Fold(uri)] {
		if !slices.Contains(sub.updated, spelled) {
			sub.updated = append(sub.updated, spelled)
			sub.signal()
		}
	}
}

// everythingChanged notes that changes may have been missed.
func (s *subscriptions) everythingChanged() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for sub := range s.open {
		sub.pending, sub.updated = sub.lists, slices.Clone(sub.uris)
		for key := range sub.extended {
			sub.extended[key] = true
		}
		if sub.extended == nil && sub.awaits {
			sub.early = make([]changeKey, maxSubscriptionKeys+1) // too much to remember
		}
		sub.signal()
	}
}

// changedKey notes a change of an extension. A subscription whose extensions have
// not said what they honour remembers it.
func (s *subscriptions) changedKey(k changeKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for sub := range s.open {
		if _, ok := sub.extended[k]; ok {
			sub.extended[k] = true
			sub.signal()
		} else if sub.extended == nil && sub.awaits && len(sub.early) <= maxSubscriptionKeys {
			sub.early = append(sub.early, k)
		}
	}
}

// honour notes what extensions honour. What has changed since the subscription was
// added counts, and everything does when that was too much to remember.
func (s *subscriptions) honour(sub *subscription, keys []changeKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sub.extended = make(map[changeKey]bool, len(keys))
	for _, k := range keys {
		changed := len(sub.early) > maxSubscriptionKeys || slices.Contains(sub.early, k)
		if sub.extended[k] = changed; changed {
			sub.signal()
		}
	}
	sub.early = nil
}

// takeKeys returns the changes of extensions and removes them.
func (s *subscriptions) takeKeys(sub *subscription) (keys []changeKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, changed := range sub.extended {
		if changed {
			keys = append(keys, k)
			sub.extended[k] = false
		}
	}
	return keys
}

// enter takes the room of a subscription without being told of changes.
func (s *subscriptions) enter(from share.Caller) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.takePlace(from)
}

func (s *subscriptions) leave(from share.Caller) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bound.Release(from)
}

var errEnding = jsonrpc.Errorf(mcp.CodeInternalError, "the server shuts down: no more subscriptions are accepted")

// subscriptionWait is how long a caller with too many subscriptions is told to wait.
const subscriptionWait = 5 * time.Second

// take returns the pending changes and removes them.
func (s *subscriptions) take(sub *subscription) (change, []changedFeature, []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	pending, features, updated := sub.pending, sub.features, sub.updated
	sub.pending, sub.features, sub.updated = 0, nil, nil
	return pending, features, updated
}

func (sub *subscription) signal() {
	select {
	case sub.wake <- true:
	default:
	}
}

// listen answers subscriptions/listen. It returns when the client goes or the
// engine closes.
func (e *Engine) listen(ctx context.Context, req *Request, dst []byte) ([]byte, error) {
	filter := req.target.filter
	if filter.err != nil {
		return dst, filter.err
	}
	if e.serverless {
		return dst, jsonrpc.Errorf(mcp.CodeMethodNotFound, "subscriptions are not served here: the ttlMs of a list says how long it stays fresh")
	}
	honoured := req.catalog.honour(filter.SubscriptionFilter)
	honoured.ResourceSubscriptions = slices.DeleteFunc(honoured.ResourceSubscriptions, func(uri string) bool {
		return !req.mayHear(ctx, uri)
	})
	sub := newSubscription(honoured)
	sub.from, sub.awaits = req.wire.Caller, len(req.catalog.fields) > 0
	if err := e.subscriptions.add(sub); err != nil {
		return dst, err
	}
	defer e.subscriptions.remove(sub)

	acknowledged, err := encode(honoured)
	if err == nil && sub.awaits {
		var keys []changeKey
		if acknowledged, keys, err = req.catalog.accept(req, ctx, acknowledged); err == nil {
			e.subscriptions.honour(sub, keys)
		}
	}
	if err != nil {
		return dst, err
	}
	req.notifySubscription(mcp.MethodNotificationsSubscriptionsAcknowledged, fmt.Sprintf(`,"notifications":%s`, acknowledged))
	expired, stop := streamable.UntilExpiry(expiry(req.user))
	defer stop()
	for {
		select {
		case <-ctx.Done():
			return dst, ctx.Err()
		case <-expired:
			return req.endSubscription(sub, dst), nil
		case <-e.subscriptions.closing:
			return req.endSubscription(sub, dst), nil
		case <-req.hangup:
			return req.endSubscription(sub, dst), nil
		case <-sub.wake:
			req.deliver(sub)
		}
	}
}

func newSubscription(honoured mcp.SubscriptionFilter) *subscription {
	sub := &subscription{lists: listsOf(honoured), uris: honoured.ResourceSubscriptions, wake: make(chan bool, 1)}
	for _, uri := range sub.uris {
		sub.keys = append(sub.keys, uritemplate.Fold(uri))
	}
	return sub
}

// endSubscription delivers the pending changes and appends the result that
// tells a client that its subscription has ended in good order (subscriptions,
// "Graceful Closure").
func (r *Request) endSubscription(sub *subscription, dst []byte) []byte {
	r.deliver(sub)
	return fmt.Appendf(dst, `{"resultType":%q,"_meta":{%q:%s,%q:%s}}`, mcp.ResultTypeComplete,
		mcp.MetaSubscriptionID, r.wire.ID, mcp.MetaServerInfo, r.engine.encodedInfo)
}

func (r *Request) deliver(sub *subscription) {
	lists, features, uris := r.engine.subscriptions.take(sub)
	for _, f := range features {
		if lists&f.list == 0 && r.mayList(&r.ctx, f.policy) {
			lists |= f.list
		}
	}
	for _, l := range listChanges {
		if lists&l.change != 0 {
			r.notifySubscription(l.method, "")
		}
	}
	for _, uri := range uris {
		if !r.mayHear(&r.ctx, uri) {
			continue
		}
		r.notifySubscription(mcp.MethodNotificationsResourcesUpdated, `,"uri":`+string(jsonrpc.AppendString(nil, uri)))
	}
	if !sub.awaits {
		return
	}
	for _, k := range r.engine.subscriptions.takeKeys(sub) {
		r.catalog.notify(r, k)
	}
}

// notifySubscription sends a notification that names its subscription, which is
// the id of the request (subscriptions, "Receiving Notifications").
func (r *Request) notifySubscription(method, members string) {
	params := fmt.Appendf(nil, `{"_meta":{%q:%s}%s}`, mcp.MetaSubscriptionID, r.wire.ID, members)
	r.send(jsonrpc.Notification{Method: method, Params: params})
}

// A requestedFilter is the filter of a client, or the reason why it cannot be
// read.
type requestedFilter struct {
	mcp.SubscriptionFilter
	members jsonrpc.Object // all, with the extensions' own
	err     error
}

func subscriptionFilter(raw []byte) (filter mcp.SubscriptionFilter, err error) {
	if !jsonrpc.IsObject(raw) {
		return filter, jsonrpc.Errorf(mcp.CodeInvalidParams, "params.notifications must be an object")
	}
	if err := unmarshal(raw, &filter); err != nil {
		return filter, jsonrpc.Errorf(mcp.CodeInvalidParams, "params.notifications must hold booleans and a list of URIs")
	}
	if len(filter.ResourceSubscriptions) > maxSubscriptionURIs {
		return filter, jsonrpc.Errorf(mcp.CodeInvalidParams, "more than %d resourceSubscriptions", maxSubscriptionURIs)
	}
	return filter, nil
}

// honour returns the part of the filter that the server can serve
// (subscriptions, "Acknowledgment").
func (c *catalog) honour(filter mcp.SubscriptionFilter) (honoured mcp.SubscriptionFilter) {
	honoured.ToolsListChanged = filter.ToolsListChanged && c.hasTools()
	honoured.PromptsListChanged = filter.PromptsListChanged && c.hasPrompts()
	honoured.ResourcesListChanged = filter.ResourcesListChanged && c.hasResources()
	seen := make(map[string]bool)
	for _, uri := range filter.ResourceSubscriptions {
		key := uritemplate.Fold(uri)
		if r, _ := c.findResource(uri); r != nil && !seen[key] {
			seen[key] = true
			honoured.ResourceSubscriptions = append(honoured.ResourceSubscriptions, uri)
		}
	}
	return honoured
}

func listsOf(filter mcp.SubscriptionFilter) (lists change) {
	if filter.ToolsListChanged {
		lists |= toolsChanged
	}
	if filter.PromptsListChanged {
		lists |= promptsChanged
	}
	if filter.ResourcesListChanged {
		lists |= resourcesChanged
	}
	return lists
}
