package peer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/mcp"
)

// A Conn is a connection to one server. It is safe for concurrent use. When its
// session or process is lost, the next call makes a new one.
type Conn struct {
	config Config
	target target
	lastID atomic.Int64
	owned  ownership

	mu       sync.Mutex
	attempt  *attempt // to connect; may be nil
	binding  *binding // may be nil
	known    Known    // describes the binding, or the last one
	doubted  bool     // known is of a tentative binding
	closed   bool
	closing  chan struct{}
	calls    map[int64]context.CancelCauseFunc
	underWay sync.WaitGroup // counts calls
	wait     sync.WaitGroup // for links that are being closed
}

// ownership has the function that the connection calls at its end.
type ownership struct{ release func() }

// A target opens links to one server.
type target interface {
	// open connects, finding out what the server speaks. Known is what it spoke
	// last time, if its version is not empty.
	open(ctx context.Context, c *Conn, known Known) (*binding, error)

	// server is the key of [Cache], or empty.
	server() string
}

// Address returns the URL of the server without its query, or what stands for it.
func (c *Conn) Address() string { return c.target.server() }

// A link carries messages to and from a server whose transport is known.
type link interface {
	// call sends a request and waits for its result. When ctx ends first, it
	// tells the server that the request is cancelled.
	call(ctx context.Context, f *pendingCall) ([]byte, error)

	// send sends a message that has no answer.
	send(ctx context.Context, message []byte) error

	// quiet returns how long it has been since the server last waited for an
	// answer of the client.
	quiet() time.Duration

	// done is closed when the link is broken.
	done() <-chan struct{}

	// close ends the link and waits for its goroutines.
	close()
}

// A binding is a link with the protocol version that is spoken over it.
type binding struct {
	link         link
	config       *Config
	version      *protocol.Version
	transport    Transport
	result       []byte // of server/discover or initialize
	standardMeta []byte

	// tentative says that the server may speak something else: the next link asks
	// again, and nothing is remembered.
	tentative bool

	begin func() // is called when the link has become the connection's; may be nil
}

// newBinding returns a binding. On 2026-07-28 every request without a "_meta"
// of its own gets the same one.
func newBinding(c *Config, l link, v *protocol.Version, t Transport, result []byte) *binding {
	e := &binding{link: l, config: c, version: v, transport: t, result: result}
	if !v.Handshake {
		e.standardMeta = standardMeta(c, v)
	}
	return e
}

func standardMeta(c *Config, v *protocol.Version) []byte {
	var meta jsonrpc.Builder
	meta.AddString(mcp.MetaProtocolVersion, v.Name)
	meta.Add(mcp.MetaClientInfo, c.ClientInfo)
	meta.Add(mcp.MetaClientCapabilities, c.Capabilities)
	return meta.Object()
}

// refused reports whether the error says that the server does not speak the
// version of the link any more, and so has not acted on the request
// (versioning, "Backward Compatibility").
func (l *binding) refused(err error) bool {
	if status, ok := errors.AsType[*StatusError](err); ok {
		return isNoEndpoint(status.Status)
	}
	rpcErr, ok := errors.AsType[*jsonrpc.Error](err)
	switch {
	case !ok:
		return false
	case l.version.Handshake:
		return rpcErr.Code == mcp.CodeUnsupportedProtocolVersion || rpcErr.Code == mcp.CodeHeaderMismatch
	}
	return rpcErr.Code == mcp.CodeUnsupportedProtocolVersion || saysSessionLost(http.StatusOK, err, false)
}

func newConn(config Config, t target) *Conn {
	c := &Conn{
		config:  config.withDefaults(),
		target:  t,
		closing: make(chan struct{}),
		calls:   make(map[int64]context.CancelCauseFunc),
	}
	if c.config.Cache != nil && t.server() != "" {
		c.known, _ = c.config.Cache.Load(t.server())
	}
	return c
}

// An attempt is an attempt to connect, which all calls that need a link share.
type attempt struct {
	done    chan struct{}
	binding *binding
	err     error
	left    bool // its caller gave up, so that the error is not for others
}

// connected returns the binding. It connects first if necessary.
func (c *Conn) connected(ctx context.Context) (*binding, error) {
	for {
		if l, err := c.current(); l != nil || err != nil {
			return l, err
		}
		c.mu.Lock()
		a := c.attempt
		if a == nil && c.binding == nil {
			a = &attempt{done: make(chan struct{})}
			c.attempt = a
			c.mu.Unlock()
			c.try(ctx, a)
			return a.binding, a.err
		}
		c.mu.Unlock()
		if a == nil {
			continue // somebody has connected
		}
		select {
		case <-a.done:
			if a.err == nil || !a.left {
				return a.binding, a.err
			}
		case <-ctx.Done():
			return nil, fmt.Errorf("connect: %w", context.Cause(ctx))
		}
	}
}

// try makes an attempt.
func (c *Conn) try(ctx context.Context, a *attempt) {
	a.binding, a.err = c.connect(ctx)
	a.left = ctx.Err() != nil
	c.mu.Lock()
	c.attempt = nil
	c.mu.Unlock()
	close(a.done)
}

// current returns the link if there is one that is not broken.
func (c *Conn) current() (*binding, error) {
	c.mu.Lock()
	l, closed := c.binding, c.closed
	c.mu.Unlock()
	if closed {
		return nil, ErrClosed
	}
	if l == nil {
		return nil, nil
	}
	select {
	case <-l.link.done():
		c.drop(l)
		return nil, nil
	default:
		return l, nil
	}
}

// connect opens a link. One goroutine at a time calls it.
func (c *Conn) connect(ctx context.Context) (*binding, error) {
	connecting := startIdleTimer(ctx, c.config.ConnectTimeout)
	defer connecting.stop()
	ctx = connecting
	id := c.lastID.Add(1)
	if !c.register(id, connecting.cancel) {
		return nil, ErrClosed
	}
	defer c.unregister(id)

	c.mu.Lock()
	known := c.known
	if c.doubted {
		known = Known{}
	}
	c.mu.Unlock()
	l, err := c.target.open(ctx, c, known)
	if err != nil && known.Version != "" && !isFinal(err) && ctx.Err() == nil {
		l, err = c.target.open(ctx, c, Known{}) // the server may have changed
	}
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, fmt.Errorf("connect: %w", err)
	}
	return l, c.adopt(l)
}

// adopt makes l the link of the connection.
func (c *Conn) adopt(l *binding) error {
	known := Known{Version: l.version.Name, Transport: l.transport, Result: l.result}
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		l.link.close()
		return ErrClosed
	}
	changed := c.doubted || known.Version != c.known.Version || known.Transport != c.known.Transport || string(known.Result) != string(c.known.Result)
	c.binding, c.known, c.doubted = l, known, l.tentative
	c.mu.Unlock()
	if l.begin != nil {
		l.begin()
	}
	if changed && !l.tentative && c.config.Cache != nil && c.target.server() != "" {
		c.config.Cache.Store(c.target.server(), known)
	}
	if c.config.OnConnect != nil {
		c.config.OnConnect()
	}
	return nil
}

// drop closes a link whose session or process is lost.
func (c *Conn) drop(l *binding) {
	c.mu.Lock()
	current := c.binding == l
	if current {
		c.binding = nil
	}
	closed := c.closed
	if current && !closed {
		c.wait.Go(l.link.close)
	}
	c.mu.Unlock()
}

// forget drops a link, and with it what is known of the server.
func (c *Conn) forget(l *binding) {
	c.drop(l)
	c.mu.Lock()
	c.known = Known{}
	c.mu.Unlock()
}

// register makes Close end a call, until [Conn.unregister]. It reports false when
// the connection is closed.
func (c *Conn) register(id int64, cancel context.CancelCauseFunc) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.calls[id] = cancel
	c.underWay.Add(1)
	return true
}

func (c *Conn) unregister(id int64) {
	c.mu.Lock()
	delete(c.calls, id)
	c.mu.Unlock()
	c.underWay.Done()
}

// Notify sends a notification.
func (c *Conn) Notify(ctx context.Context, method string, params []byte) error {
	l, err := c.connected(ctx)
	if err != nil {
		return err
	}
	var members jsonrpc.Object
	if params != nil {
		if members, err = jsonrpc.ParseObject(params); err != nil {
			return fmt.Errorf("read the parameters of %s: %w", method, err)
		}
	}
	return l.link.send(ctx, appendRequest(nil, nil, method, members, members.Get("_meta")))
}

// Version returns the protocol version that was agreed on last.
func (c *Conn) Version() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.known.Version
}

// SessionID returns the id of the session over HTTP, and "" without one.
func (c *Conn) SessionID() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.binding == nil {
		return ""
	}
	return c.binding.session()
}

// session returns the id of the session over HTTP, and "" without one.
func (l *binding) session() string {
	if s, ok := l.link.(*session); ok {
		return s.id()
	}
	return ""
}

// Mirrors reports whether arguments that a tool mirrors are sent as header
// fields: a [Call] needs no Mirror where they are not.
func (c *Conn) Mirrors() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	v := protocol.Find(c.known.Version)
	return v != nil && !v.Handshake && c.known.Transport == TransportStreamable
}

// Handshake reports whether the version that is spoken has a handshake.
func (c *Conn) Handshake() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return isHandshake(c.known)
}

// A Server describes a server in its own words. Its slices are JSON objects, or
// nil.
type Server struct {
	Info, Capabilities []byte
	Instructions       string

	// Result is the whole result of server/discover or initialize.
	Result []byte
}

// Server returns how the server described itself last. It is empty when the
// version comes from a [Cache] entry without a Result.
func (c *Conn) Server() Server {
	c.mu.Lock()
	result := json.RawMessage(c.known.Result)
	c.mu.Unlock()
	return serverOf(result)
}

func serverOf(result []byte) Server {
	s := Server{Result: result}
	members, err := jsonrpc.ParseObject(result)
	if err != nil {
		return s
	}
	s.Capabilities = members.Get("capabilities")
	if s.Info = members.Get("serverInfo"); s.Info == nil {
		meta, _ := jsonrpc.ParseObject(members.Get("_meta"))
		s.Info = meta.Get(mcp.MetaServerInfo)
	}
	if text := members.Get("instructions"); len(text) > 0 && text[0] == '"' {
		s.Instructions = jsonrpc.UnquoteString(text)
	}
	return s
}

// Done returns a channel that is closed when [Conn.Close] is called.
func (c *Conn) Done() <-chan struct{} { return c.closing }

// Close ends the calls under way with [ErrClosed], the session and the process,
// and returns when all of their goroutines have ended. So the functions of a
// [Call] or [Config] must not call it. It may be called more than once.
func (c *Conn) Close() error {
	c.mu.Lock()
	l := c.binding
	if !c.closed {
		close(c.closing)
	}
	c.closed, c.binding = true, nil
	for _, cancel := range c.calls {
		cancel(ErrClosed)
	}
	c.mu.Unlock()
	c.underWay.Wait() // for an attempt to connect, too
	if l != nil {
		l.link.close()
	}
	c.wait.Wait()
	if c.owned.release != nil {
		c.owned.release()
	}
	return nil
}
