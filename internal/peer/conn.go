package peer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/mcp"
)

// A Conn is a connection to one server. It is safe for concurrent use. What it
// stands on (a session, a process) is made anew by the next call when it is
// lost.
type Conn struct {
	config Config
	target target
	lastID atomic.Int64
	owned  ownership

	connecting chan struct{} // holds a token while somebody connects

	mu      sync.Mutex
	live    *live // nil when there is none
	known   Known // what live was, last time
	closed  bool
	closing chan struct{}
	calls   map[int64]context.CancelCauseFunc
	flying  sync.WaitGroup // of calls
	wait    sync.WaitGroup // of links that are given up
}

// ownership is what the connection releases at the end.
type ownership struct{ release func() }

// A target opens links to one server.
type target interface {
	// open connects, finding out what the server speaks. Known is what it spoke
	// last time, if its version is not empty.
	open(ctx context.Context, c *Conn, known Known) (*live, error)

	// server is the key of [Cache], or empty.
	server() string
}

// A link carries messages to and from a server that has been found out about.
type link interface {
	// call sends a request and waits for its result. When ctx ends first, it sees
	// to it that the server hears of it.
	call(ctx context.Context, f *flight) ([]byte, error)

	// send sends a message that has no answer.
	send(ctx context.Context, message []byte) error

	// quiet returns for how long the server has not waited for an answer of the
	// client.
	quiet() time.Duration

	// done is closed when the link is broken.
	done() <-chan struct{}

	// close ends the link and waits for what it started.
	close()
}

// A live is a link and what is known of the server at its end.
type live struct {
	link         link
	config       *Config
	version      *protocol.Version
	transport    Transport
	result       []byte // of server/discover or initialize
	standardMeta []byte
}

// newLive describes a link. Over a version without a handshake every request
// has the same "_meta" unless it brings its own.
func newLive(c *Config, l link, v *protocol.Version, t Transport, result []byte) *live {
	e := &live{link: l, config: c, version: v, transport: t, result: result}
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
func (l *live) refused(err error) bool {
	if rpcErr, ok := errors.AsType[*jsonrpc.Error](err); ok {
		return rpcErr.Code == jsonrpc.CodeUnsupportedProtocolVersion ||
			l.version.Handshake && rpcErr.Code == jsonrpc.CodeHeaderMismatch
	}
	status, ok := errors.AsType[*StatusError](err)
	return ok && isNoEndpoint(status.Status)
}

// isNoEndpoint reports whether the status says that there is no endpoint of the
// protocol here, or not of that version.
func isNoEndpoint(status int) bool { return status == 400 || status == 404 || status == 405 }

func newConn(config Config, t target) *Conn {
	c := &Conn{
		config:     config.withDefaults(),
		target:     t,
		connecting: make(chan struct{}, 1),
		closing:    make(chan struct{}),
		calls:      make(map[int64]context.CancelCauseFunc),
	}
	if c.config.Cache != nil && t.server() != "" {
		c.known, _ = c.config.Cache.Load(t.server())
	}
	return c
}

// connected returns the link, connecting first when there is none.
func (c *Conn) connected(ctx context.Context) (*live, error) {
	if l, err := c.current(); l != nil || err != nil {
		return l, err
	}
	select {
	case c.connecting <- struct{}{}:
		defer func() { <-c.connecting }()
	case <-ctx.Done():
		return nil, fmt.Errorf("connect: %w", context.Cause(ctx))
	}
	if l, err := c.current(); l != nil || err != nil {
		return l, err
	}
	return c.connect(ctx)
}

// current returns the link if there is one that is not broken.
func (c *Conn) current() (*live, error) {
	c.mu.Lock()
	l, closed := c.live, c.closed
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

// connect opens a link. Only one goroutine is in it at a time.
func (c *Conn) connect(ctx context.Context) (*live, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	id := c.lastID.Add(1)
	if !c.register(id, cancel) {
		return nil, ErrClosed
	}
	defer c.unregister(id)
	timeout := time.AfterFunc(c.config.ConnectTimeout, func() { cancel(ErrIdle) })
	defer timeout.Stop()

	c.mu.Lock()
	known := c.known
	c.mu.Unlock()
	l, err := c.target.open(ctx, c, known)
	if err != nil && known.Version != "" && !isFinal(err) {
		l, err = c.target.open(ctx, c, Known{}) // it is not what it was
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
func (c *Conn) adopt(l *live) error {
	known := Known{Version: l.version.Name, Transport: l.transport, Result: l.result}
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		l.link.close()
		return ErrClosed
	}
	changed := known.Version != c.known.Version || known.Transport != c.known.Transport || string(known.Result) != string(c.known.Result)
	c.live, c.known = l, known
	c.mu.Unlock()
	if changed && c.config.Cache != nil && c.target.server() != "" {
		c.config.Cache.Store(c.target.server(), known)
	}
	if c.config.OnConnect != nil {
		c.config.OnConnect()
	}
	return nil
}

// drop gives up a link, whose session or process is lost.
func (c *Conn) drop(l *live) {
	c.mu.Lock()
	current := c.live == l
	if current {
		c.live = nil
	}
	closed := c.closed
	if current && !closed {
		c.wait.Go(l.link.close)
	}
	c.mu.Unlock()
}

// forget gives up a link and what is known of the server.
func (c *Conn) forget(l *live) {
	c.drop(l)
	c.mu.Lock()
	c.known = Known{}
	c.mu.Unlock()
}

// register keeps the means to end a call, until [Conn.unregister].
func (c *Conn) register(id int64, cancel context.CancelCauseFunc) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.calls[id] = cancel
	c.flying.Add(1)
	return true
}

func (c *Conn) unregister(id int64) {
	c.mu.Lock()
	delete(c.calls, id)
	c.mu.Unlock()
	c.flying.Done()
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

// Version returns the protocol version that is spoken: what was agreed on last.
func (c *Conn) Version() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.known.Version
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

// A Server is what a server says of itself. Its slices are JSON objects, or nil.
type Server struct {
	Info, Capabilities []byte
	Instructions       string

	// Result is the whole result of server/discover or initialize.
	Result []byte
}

// Server returns what the server said of itself last. It is empty when a version
// without a handshake is spoken because of what [Cache] knew without a Result.
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
// and returns when nothing of them is left. So it must not be called by the
// functions of a [Call] or [Config]. It may be called more than once.
func (c *Conn) Close() error {
	c.mu.Lock()
	l := c.live
	if !c.closed {
		close(c.closing)
	}
	c.closed, c.live = true, nil
	for _, cancel := range c.calls {
		cancel(ErrClosed)
	}
	c.mu.Unlock()
	c.flying.Wait() // whoever is connecting among them
	if l != nil {
		l.link.close()
	}
	c.wait.Wait()
	if c.owned.release != nil {
		c.owned.release()
	}
	return nil
}
