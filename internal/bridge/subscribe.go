package bridge

import (
	"context"
	"strings"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/internal/uritemplate"
	"github.com/mcpengine/mcpengine/mcp"
)

// listenToLists begins to notify a host of a handshake version of list changes, if
// the server needs a subscription for that.
func (b *bridge) listenToLists() {
	b.mu.Lock()
	begun := b.lists
	b.lists = true
	b.mu.Unlock()
	if begun {
		return
	}
	b.background.Run(func() {
		for {
			result, err := b.describe(b.context, b.introduction(nil))
			c, _ := b.server.current()
			if err != nil || c == nil || c.Handshake() {
				return // a handshake version needs no subscription
			}
			members, _ := jsonrpc.ParseObject(result)
			wanted := filter{tools: true, prompts: true, resourceList: true}.honoured(members.Get("capabilities"))
			if len(wanted.lists()) == 0 {
				return
			}
			params := jsonrpc.NewObject("notifications", wanted.json())
			if capabilities, _ := jsonrpc.ParseObject(members.Get("capabilities")); capabilities.Get("logging") != nil {
				// The log has no other way to the host between two requests.
				params = jsonrpc.SetMeta(params, mcp.MetaLogLevel, jsonrpc.AppendString(nil, b.logLevel()))
			}
			_, err = b.keepListening(b.context, b.introduction(nil), params, b.tell)
			if err != nil {
				b.config.Logger.Debug("changes of lists are not received", "error", err)
				return
			}
			if peer.Sleep(b.context, maxListenWait) != nil {
				return
			}
		}
	})
}

// tell passes a notification of a subscription to a host of a handshake version.
func (b *bridge) tell(n jsonrpc.Notification) {
	if n.Method == mcp.MethodNotificationsSubscriptionsAcknowledged {
		return
	}
	n.Params = jsonrpc.SetMeta(n.Params, mcp.MetaSubscriptionID, nil)
	_ = b.toHost(n.Append(nil)) // when it fails, Serve knows
}

// subscribe begins to notify a host of a handshake version of updates of a resource
// of a server of 2026-07-28.
func (x *exchange) subscribe(ctx context.Context) ([]byte, error) {
	uri := strings.Clone(jsonrpc.Text(x.req.Params.Get("uri")))
	if uri == "" {
		return nil, jsonrpc.Errorf(mcp.CodeInvalidParams, "params.uri must be a string")
	}
	b, config := x.bridge, x.introduction()
	lasting, cancel := context.WithCancel(b.context)
	mine := &subscription{cancel}
	if done, err := b.enter(uri, mine); done || err != nil {
		cancel()
		return []byte("{}"), err
	}
	outcome := make(chan error, 2) // the acknowledgement, and the end
	wanted := filter{resources: []string{uri}}
	running := b.background.Run(func() {
		defer cancel()
		_, err := b.keepListening(lasting, config, jsonrpc.NewObject("notifications", wanted.json()), func(n jsonrpc.Notification) {
			if n.Method != mcp.MethodNotificationsSubscriptionsAcknowledged {
				b.tell(n)
				return
			}
			members, _ := jsonrpc.ParseObject(n.Params)
			var refusal error
			if len(parseFilter(members.Get("notifications")).resources) == 0 {
				refusal = &jsonrpc.Error{Code: x.version.NotFound, Message: "Resource not found", Data: jsonrpc.NewObject("uri", jsonrpc.AppendString(nil, uri))}
			}
			outcome <- refusal
		})
		b.leave(uri, mine)
		if err == nil {
			err = errOver
		}
		outcome <- err
	})
	if !running {
		cancel()
		return nil, errOver
	}
	var err error
	select {
	case err = <-outcome:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err != nil {
		b.leave(uri, mine)
		return nil, err
	}
	return []byte("{}"), nil
}

// A subscription is one to a resource.
type subscription struct{ cancel context.CancelFunc }

// enter takes note of a subscription, and reports whether there is one already.
func (b *bridge) enter(uri string, s *subscription) (already bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := uritemplate.Fold(uri)
	switch {
	case b.resources[key] != nil:
		return true, nil
	case len(b.resources) == maxSubscriptions:
		return false, jsonrpc.Errorf(mcp.CodeInternalError, "no more than %d subscriptions are accepted", maxSubscriptions)
	}
	b.resources[key] = s
	return false, nil
}

// leave ends a subscription, or whichever there is to the resource when it is
// nil.
func (b *bridge) leave(uri string, s *subscription) {
	b.mu.Lock()
	key := uritemplate.Fold(uri)
	current := b.resources[key]
	if s == nil || s == current {
		delete(b.resources, key)
		s = current
	}
	b.mu.Unlock()
	if s != nil {
		s.cancel()
	}
}

func (x *exchange) unsubscribe() ([]byte, error) {
	x.leave(jsonrpc.Text(x.req.Params.Get("uri")), nil)
	return []byte("{}"), nil
}
