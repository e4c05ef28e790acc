package duplex

import (
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// A Config adjusts a connection. Its zero value is ready to use.
type Config struct {
	// MaxConcurrent bounds the requests that are served at once. When that many
	// are under way [Conn.Receive] waits until one of them has ended. Requests
	// for subscriptions last and are counted apart, up to the same number; one
	// more is refused. So are requests that wait for the client to answer a
	// question, or else nobody would read the answers. The default is 128.
	MaxConcurrent int

	// Logger is told what the peer is not: cancellations and their reasons,
	// messages that are ignored or refused, requests that do not end. Optional.
	Logger *slog.Logger
}

// lastWait is how long requests may take to notice that their context is done.
const lastWait = time.Second

// What [context.Cause] tells a handler whose context is done.
var (
	errCancelled = errors.New("the client cancelled the request")
	errShutdown  = errors.New("the server is shutting down")
)

var errClosed = errors.New("the connection is closed")

// A Conn is a connection to one client.
type Conn struct {
	handler  jsonrpc.Handler
	stateful Stateful // the same, or nil
	config   Config
	out      output
	messages sync.Pool     // of *Message
	slots    chan struct{} // holds one for each request but subscriptions
	endInput sync.Once

	mu        sync.Mutex
	calls     map[string]*call // admitted and not yet answered, by idKey
	listening int              // the subscriptions among the active
	active    int              // requests whose response is not yet written
	draining  bool             // no more are admitted
	idle      chan struct{}    // closed when draining and none is active
}

// New returns a connection whose requests are answered with h, which may be
// [Stateful]. It writes to out nothing but messages, each as one line and with
// one call of Write.
func New(h jsonrpc.Handler, out io.Writer, config Config) *Conn {
	if config.MaxConcurrent <= 0 {
		config.MaxConcurrent = 128
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	c := &Conn{
		handler: h,
		config:  config,
		out:     output{w: out, broken: make(chan struct{})},
		slots:   make(chan struct{}, config.MaxConcurrent),
		calls:   make(map[string]*call),
		idle:    make(chan struct{}),
	}
	c.messages.New = func() any { return new(Message) }
	if stateful, ok := h.(Stateful); ok {
		c.stateful = stateful
		stateful.Connect(c.out.raw)
	}
	return c
}

// EndInput says that no more messages come in, so that whoever waits for one
// need not wait any longer. Requests under way go on.
func (c *Conn) EndInput() {
	if c.stateful != nil {
		c.endInput.Do(c.stateful.Close)
	}
}

// Close refuses further requests, lets those under way finish for as long as
// grace, and then cancels them; those that are still not done a second later
// are abandoned. When the output has failed it cancels them at once, because
// nobody would hear the answer. After Close nothing is written any more, but a
// Write that blocks is left alone.
func (c *Conn) Close(grace time.Duration) {
	defer c.out.closed.Store(true)
	defer c.EndInput()
	c.mu.Lock()
	c.draining = true
	if c.active == 0 {
		close(c.idle)
	}
	c.mu.Unlock()

	patience := time.NewTimer(grace)
	defer patience.Stop()
	select {
	case <-c.idle:
		return
	case <-c.out.broken:
	case <-patience.C:
	}
	c.cancelAll()
	last := time.NewTimer(lastWait)
	defer last.Stop()
	select {
	case <-c.idle:
	case <-last.C:
		c.mu.Lock()
		defer c.mu.Unlock()
		c.config.Logger.Warn("abandon requests that do not end", "requests", c.active)
	}
}

// Closed reports whether [Conn.Close] has returned.
func (c *Conn) Closed() bool { return c.out.closed.Load() }

// Broken is closed when a Write has failed.
func (c *Conn) Broken() <-chan struct{} { return c.out.broken }

// Err returns the error of the Write that has failed, if one has.
func (c *Conn) Err() error { return c.out.failure() }

func (c *Conn) cancelAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, x := range c.calls {
		x.cancel(errShutdown)
	}
}
