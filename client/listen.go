package client

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/go-json-experiment/json"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/mcp"
)

// A Change is one notification of a subscription.
type Change struct {
	// Method is the method of the notification. The first one is
	// [mcp.MethodNotificationsSubscriptionsAcknowledged].
	Method string

	// URI is the resource that was updated, or a part of one.
	URI string

	// Honoured is the part of the filter that the server accepted. The first
	// Change has it.
	Honoured mcp.SubscriptionFilter
}

// Listen subscribes and returns changes, an acknowledgement first, until the
// loop ends or the server ends the subscription. An error, such as the cause of
// ctx, ends the iteration: listen again, and assume that anything may have
// changed. Handshake versions have no acknowledgement, so that the client makes
// one.
func (c *Client) Listen(ctx context.Context, filter mcp.SubscriptionFilter) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		left := false
		deliver := func(n jsonrpc.Notification) {
			c.invalidate(n)
			if change, ok := changeOf(n); ok && !left && !yield(change, nil) {
				left = true
				cancel()
			}
		}
		var err error
		if c.conn.Handshake() {
			err = c.listenHandshake(ctx, filter, deliver)
		} else {
			err = c.listen(ctx, filter, deliver)
		}
		if err != nil && !left {
			yield(Change{}, err)
		}
	}
}

func changeOf(n jsonrpc.Notification) (Change, bool) {
	change := Change{Method: n.Method}
	switch n.Method {
	case mcp.MethodNotificationsToolsListChanged, mcp.MethodNotificationsPromptsListChanged, mcp.MethodNotificationsResourcesListChanged:
		return change, true
	case mcp.MethodNotificationsResourcesUpdated:
		var p mcp.ResourceUpdatedNotificationParams
		err := json.Unmarshal(n.Params, &p)
		change.URI = p.URI
		return change, err == nil
	case mcp.MethodNotificationsSubscriptionsAcknowledged:
		var p mcp.SubscriptionsAcknowledgedNotificationParams
		err := json.Unmarshal(n.Params, &p)
		change.Honoured = p.Notifications
		return change, err == nil
	}
	return change, false
}

func (c *Client) listen(ctx context.Context, filter mcp.SubscriptionFilter, deliver func(jsonrpc.Notification)) error {
	params, err := json.Marshal(mcp.SubscriptionsListenRequestParams{Notifications: filter})
	if err != nil {
		return fmt.Errorf("encode the filter: %w", err)
	}
	_, err = c.conn.Call(ctx, peer.Call{Method: mcp.MethodSubscriptionsListen, Params: params, OnNotification: deliver})
	return public(err)
}

// A listener receives the notifications of one Listen on a handshake version.
type listener struct {
	filter mcp.SubscriptionFilter
	queue  chan jsonrpc.Notification
}

// receive queues a notification that matches the filter. A full queue drops it:
// the listener is about to handle others that say the same of lists, and nearly
// the same of resources.
func (l *listener) receive(n jsonrpc.Notification) {
	wanted := false
	switch n.Method {
	case mcp.MethodNotificationsToolsListChanged:
		wanted = l.filter.ToolsListChanged
	case mcp.MethodNotificationsPromptsListChanged:
		wanted = l.filter.PromptsListChanged
	case mcp.MethodNotificationsResourcesListChanged:
		wanted = l.filter.ResourcesListChanged
	case mcp.MethodNotificationsResourcesUpdated:
		wanted = len(l.filter.ResourceSubscriptions) > 0
	}
	if !wanted {
		return
	}
	n.Params = slices.Clone(n.Params)
	select {
	case l.queue <- n:
	default:
	}
}

// listenHandshake is [Client.listen] for handshake versions.
func (c *Client) listenHandshake(ctx context.Context, filter mcp.SubscriptionFilter, deliver func(jsonrpc.Notification)) error {
	filter = c.honoured(filter)
	l := &listener{filter: filter, queue: make(chan jsonrpc.Notification, 256)}
	c.mu.Lock()
	c.listeners[l] = struct{}{}
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.listeners, l)
		c.mu.Unlock()
	}()
	for _, uri := range filter.ResourceSubscriptions {
		if _, err := c.conn.Call(ctx, peer.Call{Method: protocol.MethodResourcesSubscribe, Params: object("uri", uri), Replay: true}); err != nil {
			return fmt.Errorf("subscribe: %w", public(err))
		}
	}
	acknowledged, err := json.Marshal(mcp.SubscriptionsAcknowledgedNotificationParams{Notifications: filter})
	if err != nil {
		return fmt.Errorf("encode the filter: %w", err)
	}
	deliver(jsonrpc.Notification{Method: mcp.MethodNotificationsSubscriptionsAcknowledged, Params: acknowledged})
	for {
		select {
		case n := <-l.queue:
			deliver(n)
		case <-ctx.Done():
			c.unsubscribe(context.WithoutCancel(ctx), filter.ResourceSubscriptions)
			return context.Cause(ctx)
		case <-c.conn.Done():
			return ErrClosed
		}
	}
}

// unsubscribe spares the server updates that would be dropped.
func (c *Client) unsubscribe(ctx context.Context, uris []string) {
	for _, uri := range uris {
		_, _ = c.conn.Call(ctx, peer.Call{Method: protocol.MethodResourcesUnsubscribe, Params: object("uri", uri), Replay: true})
	}
}

// honoured is the part of the filter that the server's capabilities cover.
func (c *Client) honoured(filter mcp.SubscriptionFilter) mcp.SubscriptionFilter {
	has := c.Capabilities()
	filter.ToolsListChanged = filter.ToolsListChanged && has.Tools != nil && has.Tools.ListChanged
	filter.PromptsListChanged = filter.PromptsListChanged && has.Prompts != nil && has.Prompts.ListChanged
	filter.ResourcesListChanged = filter.ResourcesListChanged && has.Resources != nil && has.Resources.ListChanged
	if has.Resources == nil || !has.Resources.Subscribe {
		filter.ResourceSubscriptions = nil
	}
	return filter
}
