package bridge

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/mcpengine/mcpengine/internal/duplex"
	"github.com/mcpengine/mcpengine/internal/handshake"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/mcp"
)

// Accept finds out whether a request needs a handshake: one that names its version
// in "_meta" does not. Requests that change the state of the connection take effect
// here, where their order is known.
func (b *bridge) Accept(_ context.Context, req *jsonrpc.Request, batched bool) *jsonrpc.Error {
	version := req.Meta.Get(mcp.MetaProtocolVersion)
	switch {
	case version != nil && batched:
		return jsonrpc.ErrIsBatch
	case version != nil:
		return checkVersion(version)
	case req.Method == protocol.MethodInitialize:
		return b.introduce(req)
	case req.Method != protocol.MethodPing && b.host.Load() == nil:
		return jsonrpc.Errorf(mcp.CodeInvalidParams, "the request names no protocol version: send initialize first, or params._meta[%q] with every request", mcp.MetaProtocolVersion)
	}
	req.Handshake = true
	req.Asker = b
	if req.Method == protocol.MethodLoggingSetLevel {
		return b.setLevel(req)
	}
	return nil
}

// checkVersion refuses a version that is not known, and a handshake version.
func checkVersion(raw []byte) *jsonrpc.Error {
	if v := protocol.FindJSON(raw); v != nil && !v.Handshake {
		return nil
	}
	return protocol.Unsupported(protocol.Names(nil), jsonrpc.Text(raw))
}

func (b *bridge) introduce(req *jsonrpc.Request) *jsonrpc.Error {
	if b.host.Load() != nil {
		return jsonrpc.Errorf(mcp.CodeInvalidRequest, "the connection is initialized already")
	}
	host, err := handshake.Negotiate(req)
	if err != nil {
		return err
	}
	b.host.Store(&host)
	req.Handshake = true
	return nil
}

func (b *bridge) setLevel(req *jsonrpc.Request) *jsonrpc.Error {
	raw := req.Params.Get("level")
	if !protocol.IsLevel(raw) {
		return jsonrpc.Errorf(mcp.CodeInvalidParams, "params.level is not a log level")
	}
	level := strings.Clone(jsonrpc.UnquoteString(raw))
	b.level.Store(&level)
	return nil
}

func (b *bridge) logLevel() string {
	if level := b.level.Load(); level != nil {
		return *level
	}
	return protocol.DefaultLevel
}

// Batches reports whether the host may send batches: one version has them.
func (b *bridge) Batches() bool {
	host := b.host.Load()
	return host != nil && protocol.Find(host.Version).Batches
}

// Notification handles the end of the handshake. Other notifications are passed
// to a server that has them: progress of its questions, changes of roots, and
// notifications of extensions.
func (b *bridge) Notification(_ context.Context, req *jsonrpc.Request) *jsonrpc.Error {
	if b.host.Load() == nil {
		return jsonrpc.Errorf(mcp.CodeInvalidRequest, "a host without a handshake has no notifications but notifications/cancelled")
	}
	if req.Method == protocol.MethodNotificationsInitialized {
		b.listenToLists()
		return nil
	}
	n := jsonrpc.Notification{Method: strings.Clone(req.Method), Params: bytes.Clone(req.RawParams)}
	select {
	case b.outbox <- n:
		return nil
	default:
		return jsonrpc.Errorf(mcp.CodeInternalError, "%d notifications wait for the server already", outboxSize)
	}
}

// Ask sends a question of the server to the host. It is [jsonrpc.Asker]. An error
// of the host is handed on to the server.
func (b *bridge) Ask(ctx context.Context, method string, params []byte) ([]byte, error) {
	defer peer.AwaitPerson(ctx)()
	result, err := b.questions.Ask(ctx, b.toHost, method, params)
	if refused, ok := errors.AsType[*duplex.AnswerError](err); ok {
		if rpcErr, parseErr := jsonrpc.ParseError(refused.Raw); parseErr == nil {
			return nil, rpcErr
		}
	}
	return result, err //nolint:wrapcheck // it says what was asked
}

// Handle answers a request.
func (b *bridge) Handle(ctx context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
	ctx, end := b.observe(ctx, req)
	ctx, stop := b.limited(ctx, req.Method)
	defer stop()
	result, err := b.answer(ctx, req, notify)
	if err != nil {
		explained := b.explain(ctx, req.Method, err)
		end(nil, explained)
		return jsonrpc.ErrorResponse(req.ID, explained)
	}
	end(result, nil)
	resp := jsonrpc.NewResponse()
	resp.BeginResult(req.ID)
	resp.Body = append(resp.Body, result...)
	resp.EndResult()
	return resp
}

// limited returns the context of a request that is sent to the server. It
// bounds the silence of the server over the whole request: connecting, signing
// in and sending it again. A subscription may be silent.
func (b *bridge) limited(ctx context.Context, method string) (limited context.Context, stop func()) {
	limit := cmp.Or(b.config.Peer.IdleTimeout, peer.DefaultIdleTimeout)
	if limit > 0 && isUnknown(method) {
		limit = max(limit, unknownIdle)
	}
	if limit < 0 || protocol.MethodOf(method).Lasts {
		return ctx, func() {}
	}
	return peer.WithIdleTimeout(ctx, limit)
}

// answer returns the result of a request.
func (b *bridge) answer(ctx context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) ([]byte, error) {
	switch {
	case req.Handshake && req.Method == protocol.MethodInitialize:
		result, err := b.initialize(ctx, req)
		return b.pinned.instructions(result), err
	case req.Handshake && req.Method == protocol.MethodPing:
		return []byte("{}"), nil
	case !protocol.MethodOf(req.Method).In(req.Handshake):
		return nil, jsonrpc.Errorf(mcp.CodeMethodNotFound, "Method not found: %.64q", req.Method)
	}
	c, err := b.server.connect(ctx, b.introduction(req))
	if err != nil {
		return nil, err
	}
	x := &exchange{bridge: b, req: req, version: b.versionOf(req)}
	x.notify = func(n jsonrpc.Notification) {
		n.Params = x.named(n.Params)
		notify(x.version.Notification(n))
	}
	if err := b.tools.admit(ctx, x); err != nil {
		return nil, err
	}
	defer b.requests.begin(callerOf(ctx).id, x)()
	result, err := x.exchange(ctx, c)
	if req.Method == mcp.MethodServerDiscover {
		result = b.pinned.instructions(result)
	}
	return result, err
}

// exchange sends the request in the form of the server's version, and returns the
// result in the form of the host's.
func (x *exchange) exchange(ctx context.Context, c *peer.Conn) ([]byte, error) {
	switch {
	case x.req.Handshake:
		return x.fromHandshake(ctx, c)
	case c.Handshake():
		return x.toHandshake(ctx, c)
	case x.req.Method == mcp.MethodSubscriptionsListen:
		return x.listen(ctx)
	}
	return x.relay(ctx)
}

// versionOf returns the protocol version of a request of the host.
func (b *bridge) versionOf(req *jsonrpc.Request) *protocol.Version {
	if host := b.host.Load(); host != nil && req.Handshake {
		return protocol.Find(host.Version)
	}
	if v := protocol.FindJSON(req.Meta.Get(mcp.MetaProtocolVersion)); v != nil {
		return v
	}
	return protocol.Versions()[0] // never: Accept has checked it
}

// introduction returns the client that a request is sent for: the host as it has
// introduced itself, or the client that the request names.
func (b *bridge) introduction(req *jsonrpc.Request) peer.Config {
	config := b.config.Peer
	if host := b.host.Load(); host != nil && (req == nil || req.Handshake) {
		config.ClientInfo, config.Capabilities = host.Info, host.Capabilities
		config.Versions = versionsFor(host.Version, config.Versions)
		return config
	}
	if req != nil {
		config.ClientInfo = bytes.Clone(req.Meta.Get(mcp.MetaClientInfo))
		config.Capabilities = bytes.Clone(req.Meta.Get(mcp.MetaClientCapabilities))
	}
	return config
}
