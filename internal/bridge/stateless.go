package bridge

import (
	"bytes"
	"context"
	"strings"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/mcp"
)

// toHandshake sends a request of 2026-07-28 to a server of a handshake version.
func (x *exchange) toHandshake(ctx context.Context, c *peer.Conn) ([]byte, error) {
	switch x.req.Method {
	case mcp.MethodServerDiscover:
		return discoverResult(c.Server().Result), nil
	case mcp.MethodSubscriptionsListen:
		return x.listenHandshake(ctx, c)
	}
	level := jsonrpc.Text(x.req.Meta.Get(mcp.MetaLogLevel))
	if err := x.tellLevel(ctx, c, level); err != nil {
		return nil, err
	}
	result, err := x.callWithInput(ctx, level)
	if err != nil {
		return nil, x.errorOf(err)
	}
	return protocol.Complete(x.req.Method, result), nil
}

// tellLevel sets the server's log level to the level of a request if that is
// lower. The level stays for all requests that follow. Their less severe
// messages are dropped.
func (x *exchange) tellLevel(ctx context.Context, c *peer.Conn, level string) error {
	capabilities, _ := jsonrpc.ParseObject(c.Server().Capabilities)
	if protocol.Severity(level) < 0 || capabilities.Get("logging") == nil {
		return nil
	}
	x.mu.Lock()
	quieter := x.setTo == "" || protocol.Severity(level) < protocol.Severity(x.setTo)
	if quieter {
		x.setTo = level
	}
	x.mu.Unlock()
	if !quieter {
		return nil
	}
	params := jsonrpc.NewObject("level", jsonrpc.AppendString(nil, level))
	_, err := x.server.call(ctx, x.introduction(), peer.Call{Method: protocol.MethodLoggingSetLevel, Params: params, Replay: true})
	return err
}

// declares reports whether a client with the capabilities answers the method.
func declares(capabilities []byte, method string) bool {
	members, err := jsonrpc.ParseObject(capabilities)
	name := protocol.QuestionCapability(method)
	return err == nil && name != "" && members.Get(name) != nil
}

// detached returns the exchange with a copy of its request, which outlives the
// message that the request came in.
func (x *exchange) detached() *exchange {
	req := &jsonrpc.Request{ID: bytes.Clone(x.req.ID), Method: strings.Clone(x.req.Method), RawParams: bytes.Clone(x.req.RawParams), HasMeta: x.req.HasMeta}
	req.Params, _ = jsonrpc.ParseObject(req.RawParams) // it has been read before
	req.Meta, _ = jsonrpc.ParseObject(req.Params.Get("_meta"))
	return &exchange{bridge: x.bridge, req: req, version: x.version}
}
