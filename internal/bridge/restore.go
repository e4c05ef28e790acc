package bridge

import (
	"maps"
	"slices"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/mcp"
)

// remember records the state of the session between a server and a host of
// handshake versions.
func (x *exchange) remember() {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch uri := jsonrpc.Text(x.req.Params.Get("uri")); x.req.Method {
	case protocol.MethodLoggingSetLevel:
		x.setTo = x.logLevel()
	case protocol.MethodResourcesSubscribe:
		if len(x.updates) < maxSubscriptions {
			x.updates[uri] = 1
		}
	case protocol.MethodResourcesUnsubscribe:
		delete(x.updates, uri)
	}
}

// restore repeats the state of the last session in a new session, and notifies
// the host that anything may have changed in between.
func (b *bridge) restore() {
	c, err := b.server.current()
	if err != nil || c == nil || !c.Handshake() {
		return
	}
	b.mu.Lock()
	level, uris := b.setTo, slices.Sorted(maps.Keys(b.updates))
	b.mu.Unlock()
	if level != "" {
		b.repeat(c, protocol.MethodLoggingSetLevel, jsonrpc.NewObject("level", jsonrpc.AppendString(nil, level)))
	}
	for _, uri := range uris {
		params := jsonrpc.NewObject("uri", jsonrpc.AppendString(nil, uri))
		b.repeat(c, protocol.MethodResourcesSubscribe, params)
		b.unrelated(jsonrpc.Notification{Method: mcp.MethodNotificationsResourcesUpdated, Params: params})
	}
	lists := filter{tools: true, prompts: true, resourceList: true}.honoured(c.Server().Capabilities)
	for _, method := range lists.lists() {
		b.unrelated(jsonrpc.Notification{Method: method, Params: []byte("{}")})
	}
}

func (b *bridge) repeat(c *peer.Conn, method string, params []byte) {
	if _, err := c.Call(b.context, peer.Call{Method: method, Params: params}); err != nil {
		b.config.Logger.Debug("the server does not take a restored subscription", "method", method, "error", err)
	}
}
