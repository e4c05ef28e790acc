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

// A Change is what a server says has changed.
type Change struct {
	// Method is that of the notification. The first one is
	// [mcp.MethodNotificationsSubscriptionsAcknowledged].
	Method string

	// URI is the resource that was updated, or a part of one.
	URI string

	// Honoured is what the server agrees to tell, with the first Change.
	Honoured mcp.SubscriptionFilter
}

// Listen subscribes and returns what changes, an acknowledgement first, until
// the loop is left or the server ends the subscription in good order. An error,
// such as that of ctx, ends the iteration: after it, listen again, and take it
// that anything may have changed. On a version with a handshake, where nothing is
// acknowledged, the client does that itself.
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

// A listener hears what belongs to no call.
type listener struct {
	filter mcp.SubscriptionFilter
	heard  chan jsonrpc.Notification
}

// hear takes a notification that the listener wants. When it has many to work on
// already, one more says nothing new about lists, and little about resources.
func (l *listener) hear(n jsonrpc.Notification) {
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
	case l.heard <- n:
	default:
	}
}

// listenHandshake does with the means of a version with a handshake what listen
// does.
func (c *Client) listenHandshake(ctx context.Context, filter mcp.SubscriptionFilter, deliver func(jsonrpc.Notification)) error {
	filter = c.honoured(filter)
	l := &listener{filter: filter, heard: make(chan jsonrpc.Notification, 256)}
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
		case n := <-l.heard:
			deliver(n)
		case <-ctx.Done():
			c.unsubscribe(context.WithoutCancel(ctx), filter.ResourceSubscriptions)
			return context.Cause(ctx)
		case <-c.conn.Done():
			return ErrClosed
		}
	}
}

// unsubscribe is a courtesy: an update that nobody listens to is dropped.
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
