package client

import (
	"context"
	stdjson "encoding/json"
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

	// Honoured is the part of the filter that the server accepted, and Fields what
	// it accepted of the fields of extensions. The first Change has them.
	Honoured mcp.SubscriptionFilter
	Fields   map[string]stdjson.RawMessage

	// Params are the parameters of a notification that an extension defines.
	Params stdjson.RawMessage
}

// Listen subscribes and returns changes, an acknowledgement first, until the
// loop ends or the server ends the subscription. An error, such as the cause of
// ctx, ends the iteration: listen again, and assume that anything may have
// changed. Handshake versions have no acknowledgement, so that the client makes
// one.
//
// [WithListenField] adds fields of extensions to the filter, and [Declare] declares
// their extensions; a field that the server does not have is missing in the
// acknowledgement. Of the other options, [WithMeta] has an effect.
func (c *Client) Listen(ctx context.Context, filter mcp.SubscriptionFilter, opts ...CallOption) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		left := false
		deliver := func(n jsonrpc.Notification) {
			c.invalidate(n)
			c.extended(n)
			if change, ok := changeOf(n); ok && !left && !yield(change, nil) {
				left = true
				cancel()
			}
		}
		var err error
		if c.conn.Handshake() {
			err = c.listenHandshake(ctx, filter, deliver)
		} else {
			err = c.listen(ctx, filter, opts, deliver)
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
		change.Honoured, change.Fields = p.Notifications, fieldsOf(n.Params)
		return change, err == nil
	}
	change.Params = slices.Clone(n.Params)
	return change, !protocol.IsNotification(n.Method)
}

// fieldsOf returns the fields of extensions in an acknowledgement.
func fieldsOf(params []byte) map[string]stdjson.RawMessage {
	members, _ := jsonrpc.ParseObject(params)
	filter, _ := jsonrpc.ParseObject(members.Get("notifications"))
	var fields map[string]stdjson.RawMessage
	for _, m := range filter {
		switch string(m.Name) {
		case "toolsListChanged", "promptsListChanged", "resourcesListChanged", "resourceSubscriptions":
			continue
		}
		if fields == nil {
			fields = make(map[string]stdjson.RawMessage)
		}
		fields[string(m.Name)] = slices.Clone(m.Value)
	}
	return fields
}

func (c *Client) listen(ctx context.Context, filter mcp.SubscriptionFilter, opts []CallOption, deliver func(jsonrpc.Notification)) error {
	var own callConfig
	for _, o := range opts {
		o(&own)
	}
	call, err := c.listenCall(filter, &own)
	if err != nil {
		return err
	}
	call.OnNotification = deliver
	_, err = c.conn.Call(ctx, call)
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
