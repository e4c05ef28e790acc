package handshake

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/mcpengine/mcpengine/internal/duplex"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/internal/share"
	"github.com/mcpengine/mcpengine/mcp"
)

// A ConnConfig adjusts a connection. Its zero value is ready to use.
type ConnConfig struct {
	// AskTimeout is how long the client has to answer a request of the server.
	// The default is [duplex.DefaultAskTimeout].
	AskTimeout time.Duration

	// From is the caller whose share of the common limits the client uses.
	From share.Caller

	// Logger is told of messages that are ignored. Optional.
	Logger *slog.Logger
}

// A Conn is one client on a connection that carries messages both ways. Hand it
// to that connection in place of the engine, as a
// [github.com/mcpengine/mcpengine/internal/duplex.Stateful].
//
// A request that names its protocol version in "_meta" goes to the engine
// unchanged. Any other request needs a handshake first, which is valid as long
// as the connection: 2026-07-28 and the handshake versions are served side by
// side (2026-07-28, versioning, "Compatibility Matrix").
type Conn struct {
	handler       jsonrpc.Handler
	methods       protocol.Methods
	config        ConnConfig
	send          func(message []byte) error
	asks          *duplex.Questions
	subscriptions *subscriptions

	// Only the methods that are called one at a time use these two.
	peer  *Peer // nil before the handshake
	level string

	ready atomic.Bool // the client has completed the handshake
}

// NewConn returns a connection whose requests are answered with h.
func NewConn(h jsonrpc.Handler, config ConnConfig) *Conn {
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	c := &Conn{handler: h, methods: protocol.MethodsOf(h), config: config, level: protocol.DefaultLevel, asks: duplex.NewQuestions("s-", config.AskTimeout)}
	c.subscriptions = newSubscriptions(h, config.From, func(n jsonrpc.Notification) {
		// The transport notices by itself when this fails.
		_ = c.send(n.Append(nil))
	})
	return c
}

// Connect takes the function that sends a message to the client.
func (c *Conn) Connect(send func(message []byte) error) { c.send = send }

// Accept adapts a request to what the handshake has established. A request that
// changes the state of the connection takes effect here, because only here is
// the order of the requests known.
func (c *Conn) Accept(ctx context.Context, req *jsonrpc.Request, batched bool) *jsonrpc.Error {
	switch {
	case isStateless(req) && batched:
		return jsonrpc.ErrIsBatch
	case isStateless(req):
		return nil
	case req.Method == protocol.MethodInitialize:
		return c.initialize(req)
	case c.peer == nil && req.Method == protocol.MethodPing:
		// "The client SHOULD NOT send requests other than pings before the
		// server has responded" (2025-11-25, lifecycle, "Initialization").
		(&Peer{Version: versions[0]}).Adapt(req, "")
		return nil
	case c.peer == nil:
		return noVersion()
	}
	c.peer.Adapt(req, c.level)
	req.Asker = c
	if c.methods.Of(req).Local {
		if err := jsonrpc.Authorize(ctx, c.handler, req); err != nil {
			return err
		}
	}
	return c.apply(ctx, req)
}

// FindMethod returns the method of the engine with that name, for
// [protocol.MethodsOf].
func (c *Conn) FindMethod(name string) *protocol.Method { return c.methods.Find(name) }

func noVersion() *jsonrpc.Error {
	return invalid("the request names no protocol version: send initialize first, or params._meta[\"" + mcp.MetaProtocolVersion +
		"\"] with every request; supported protocol versions: " + strings.Join(protocol.Names(nil), ", "))
}

func (c *Conn) initialize(req *jsonrpc.Request) *jsonrpc.Error {
	if c.peer != nil {
		return jsonrpc.Errorf(mcp.CodeInvalidRequest, "the connection is initialized already, with protocol version %s", c.peer.Version)
	}
	peer, err := Negotiate(req)
	if err != nil {
		return err
	}
	c.peer = &peer
	c.peer.Adapt(req, "")
	return nil
}

// apply changes the state of the connection if the request asks for it.
func (c *Conn) apply(ctx context.Context, req *jsonrpc.Request) *jsonrpc.Error {
	switch req.Method {
	case protocol.MethodLoggingSetLevel:
		level, err := logLevel(req)
		if err != nil {
			return err
		}
		c.level = level
	case protocol.MethodResourcesSubscribe:
		uri, err := resourceURI(req)
		if err != nil {
			return err
		}
		return c.subscriptions.begin(ctx, *c.peer, uri)
	case protocol.MethodResourcesUnsubscribe:
		uri, err := resourceURI(req)
		if err != nil {
			return err
		}
		c.subscriptions.end(uri)
	}
	if !c.methods.Of(req).In(true) {
		return notFound(req.Method)
	}
	return nil
}

// Handle answers a request that has been accepted.
func (c *Conn) Handle(ctx context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
	if !req.Handshake {
		return c.handler.Handle(ctx, req, notify)
	}
	switch req.Method {
	case protocol.MethodLoggingSetLevel:
		return emptyResult(req.ID)
	case protocol.MethodResourcesUnsubscribe:
		return emptyResult(req.ID)
	case protocol.MethodResourcesSubscribe:
		uri, err := resourceURI(req)
		if err == nil {
			err = c.subscriptions.confirm(ctx, uri)
		}
		if err != nil {
			return jsonrpc.ErrorResponse(req.ID, err)
		}
		return emptyResult(req.ID)
	}
	return c.handler.Handle(ctx, req, notify)
}

var errNotReady = errors.New("the client cannot be asked before it has sent notifications/initialized")

// Ask implements [jsonrpc.Asker]. Before the handshake is complete "the server
// SHOULD NOT send requests other than pings" (2025-11-25, lifecycle,
// "Initialization").
func (c *Conn) Ask(ctx context.Context, method string, params []byte) ([]byte, error) {
	if !c.ready.Load() {
		return nil, errNotReady
	}
	return c.asks.Ask(ctx, c.send, method, params)
}

// Version returns the version of the handshake, or "" when there was none. It must
// not be called while messages are received.
func (c *Conn) Version() string {
	if c.peer == nil {
		return ""
	}
	return c.peer.Version
}

// Batches reports whether the client may send batches.
func (c *Conn) Batches() bool { return c.peer != nil && c.peer.traits().Batches }

// Notification takes the end of the handshake. From then on the client is told
// of changes. The server ignores every other notification: the progress of its
// own requests, and changes of roots, which it asks for anew each time.
func (c *Conn) Notification(ctx context.Context, req *jsonrpc.Request) *jsonrpc.Error {
	if req.Method != protocol.MethodNotificationsInitialized {
		return jsonrpc.Errorf(mcp.CodeMethodNotFound, "nothing depends on it")
	}
	if c.peer == nil {
		return jsonrpc.Errorf(mcp.CodeInvalidRequest, "initialize comes first")
	}
	c.ready.Store(true)
	if lists := c.subscriptions.beginLists(ctx, *c.peer); lists != nil {
		// The client must be told of every change after the list it asks for
		// next.
		patience := time.NewTimer(lastWait)
		defer patience.Stop()
		select {
		case <-lists.acknowledged:
		case <-lists.ended:
		case <-patience.C: // the engine is stuck; the client must not wait for it
		}
	}
	return nil
}

// Reply takes the client's response to a request of the server. It ignores a
// malformed response, because an error would not help the client. Before the
// handshake there is nothing to respond to.
func (c *Conn) Reply(message []byte) *jsonrpc.Error {
	if c.peer == nil {
		return jsonrpc.ErrIsResponse
	}
	reply, err := jsonrpc.ParseReply(message)
	switch {
	case err != nil:
		c.config.Logger.Debug("ignore response", "error", err)
	case !c.asks.Resolve(reply):
		c.config.Logger.Debug("ignore response: nobody waits for it", "id", string(reply.ID))
	}
	return nil
}

var errGone = errors.New("the client is gone")

// Close fails the requests to the client that are still waiting, and ends its
// subscriptions.
func (c *Conn) Close() {
	c.asks.Close(errGone)
	c.subscriptions.close()
}
