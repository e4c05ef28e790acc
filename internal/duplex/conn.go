package duplex

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
)

// A Config adjusts a connection. Its zero value is ready to use.
type Config struct {
	// MaxConcurrent bounds the requests that are served at once. The default is
	// 128. Further ones wait in their order, up to 1,024 of them and 16 MiB;
	// beyond that [Conn.Receive] blocks while requests keep ending, and refuses
	// the request when none has ended for a second. Lists, and pings, are
	// counted apart from calls and have as many slots. So are subscriptions,
	// but one too many is refused at once. A request that waits for the client
	// to answer a question does not count.
	MaxConcurrent int

	// Logger is told of cancellations and their reasons, of messages that are
	// ignored or refused, and of requests that do not end. Optional.
	Logger *slog.Logger
}

const (
	// lastWait is how long requests may take to notice that their context is
	// done.
	lastWait = time.Second

	// lastSubscription is how long subscriptions may take to end with a result
	// after the other requests have been cancelled.
	lastSubscription = 200 * time.Millisecond
)

// The causes of the contexts of requests ([context.Cause]).
var (
	errCancelled = errors.New("the client cancelled the request")
	errShutdown  = errors.New("the server is shutting down")
)

var errClosed = errors.New("the connection is closed")

// A Conn is a connection to one client.
type Conn struct {
	handler  jsonrpc.Handler
	methods  protocol.Methods
	stateful Stateful // the same handler, or nil
	config   Config
	out      output
	messages sync.Pool     // of *Message
	lanes    [lanes]*lane  // of all requests except subscriptions
	closing  chan struct{} // closed when the connection has to end
	endInput sync.Once

	mu        sync.Mutex
	calls     map[string]*call // admitted and not yet answered, by idKey
	listening int              // the subscriptions among the active
	active    int              // requests whose response is not yet written
	draining  bool             // no more are admitted
	idle      chan struct{}    // closed when draining and none is active
}

// New returns a connection whose requests are answered with h, which may be
// [Stateful]. It writes only messages to out, each as one line and with one
// call of Write.
func New(h jsonrpc.Handler, out io.Writer, config Config) *Conn {
	if config.MaxConcurrent <= 0 {
		config.MaxConcurrent = 128
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	c := &Conn{
		handler: h, methods: protocol.MethodsOf(h),
		config:  config,
		out:     output{w: out, broken: make(chan struct{})},
		closing: make(chan struct{}),
		calls:   make(map[string]*call),
		idle:    make(chan struct{}),
	}
	for i := range c.lanes {
		c.lanes[i] = newLane(config.MaxConcurrent)
	}
	c.messages.New = func() any { return new(Message) }
	if stateful, ok := h.(Stateful); ok {
		c.stateful = stateful
		stateful.Connect(c.out.raw)
	}
	return c
}

// EndInput says that no more messages come in. Questions to the client then
// fail. Requests under way go on.
func (c *Conn) EndInput() {
	if c.stateful != nil {
		c.endInput.Do(c.stateful.Close)
	}
}

// Close refuses further requests, lets those under way finish for as long as
// grace, and then cancels them. The end of ctx cancels them at once, and so
// does a failure of the output, because the client could not receive the
// answers. Requests that are still not done 1.2 seconds later are abandoned.
// After Close nothing is written any more. Close does not wait for a Write that
// blocks.
func (c *Conn) Close(ctx context.Context, grace time.Duration) {
	defer c.out.closed.Store(true)
	defer c.EndInput()
	c.mu.Lock()
	c.draining = true
	close(c.closing)
	if c.active == 0 {
		close(c.idle)
	}
	c.mu.Unlock()

	patience := time.NewTimer(grace)
	defer patience.Stop()
	select {
	case <-c.idle:
		return
	case <-ctx.Done():
		// Subscriptions have been told to end, and do so with their result.
		c.cancelAll(false)
		if c.idleWithin(lastSubscription) {
			return
		}
	case <-c.out.broken:
	case <-patience.C:
	}
	c.cancelAll(true)
	if !c.idleWithin(lastWait) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.config.Logger.Warn("abandon requests that do not end", "requests", c.active)
	}
}

// idleWithin waits until no request is under way, for d at most, and reports
// whether that happened.
func (c *Conn) idleWithin(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-c.idle:
		return true
	case <-timer.C:
		return false
	}
}

// Closed reports whether [Conn.Close] has returned.
func (c *Conn) Closed() bool { return c.out.closed.Load() }

// Broken is closed when a Write has failed.
func (c *Conn) Broken() <-chan struct{} { return c.out.broken }

// Err returns the error of the Write that has failed, if one has.
func (c *Conn) Err() error { return c.out.failure() }

// cancelAll cancels the requests under way. Subscriptions are left out unless
// all is set.
func (c *Conn) cancelAll(all bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, x := range c.calls {
		if all || !x.listen {
			x.cancel(errShutdown)
		}
	}
}
