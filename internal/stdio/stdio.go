// Package stdio is the stdio transport of protocol version 2026-07-28: one
// message a line, in both directions, over one pair of byte streams.
//
// One goroutine reads (line.go), parses and admits messages (receive.go); every
// request is then answered in a goroutine of its own (call.go), and all of them
// write whole lines to the one output (output.go). This file starts the reader
// and ends everything in good order.
package stdio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// A Config adjusts the transport. Its zero value is ready to use.
type Config struct {
	// MaxMessage bounds a message in bytes, the end of its line not counted. A
	// longer line is skipped and answered with an error. The default is 4 MiB.
	MaxMessage int

	// MaxConcurrent bounds the requests that are served at once. When that many
	// are under way nothing is read until one of them has ended. Requests for
	// subscriptions last and are counted apart, up to the same number; one more
	// is refused. The default is 128.
	MaxConcurrent int

	// Grace is how long requests under way may go on after the end of the input
	// or of the context of [Serve]. The default is 5 seconds.
	Grace time.Duration

	// Closing is called once, when the input or the context of [Serve] has
	// ended or the output has failed. It is the sign to end subscriptions.
	// Optional.
	Closing func()

	// Logger is told what the peer is not: cancellations and their reasons,
	// messages that are ignored or refused, requests that do not end. Optional.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.MaxMessage <= 0 {
		c.MaxMessage = 4 << 20
	}
	if c.MaxConcurrent <= 0 {
		c.MaxConcurrent = 128
	}
	if c.Grace <= 0 {
		c.Grace = 5 * time.Second
	}
	if c.Closing == nil {
		c.Closing = func() {}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// lastWait is how long requests may take to notice that their context is done.
const lastWait = time.Second

// What [context.Cause] tells a handler whose context is done.
var (
	errCancelled = errors.New("the client cancelled the request")
	errShutdown  = errors.New("the server is shutting down")
)

// Serve answers the requests on in with h, and writes to out nothing but
// messages, each with one call of Write.
//
// It returns nil when the input has ended, [context.Cause] of ctx when ctx has,
// and otherwise the error that reading or writing met. Before it returns, the
// requests under way have Config.Grace to finish; then their contexts are
// cancelled, and those that are still not done a second later are abandoned:
// what they answer is dropped. A failed Write cancels them at once, because
// nobody would hear the answer.
//
// When ctx ends, Serve cannot wait for a Read that does not return. It ends the
// Read where in has a method SetReadDeadline that works, as network connections
// and most pipes do; elsewhere the Read stays behind and may take input that
// comes after Serve has returned. Likewise a Write that blocks is left alone.
func Serve(ctx context.Context, h jsonrpc.Handler, in io.Reader, out io.Writer, config Config) error {
	config = config.withDefaults()
	base, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	c := &conn{
		handler: h,
		config:  config,
		out:     output{w: out, broken: make(chan struct{})},
		slots:   make(chan struct{}, config.MaxConcurrent),
		calls:   make(map[string]*call),
		ended:   make(chan struct{}),
		idle:    make(chan struct{}),
	}
	c.messages.New = func() any { return new(message) }

	go c.read(base, newLineReader(in, config.MaxMessage))
	var err error
	select {
	case <-c.ended:
		err = c.readErr
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-c.out.broken:
	}
	c.drain(cancel)
	c.out.closed.Store(true)
	c.interrupt(in)
	if werr := c.out.failure(); werr != nil {
		return fmt.Errorf("write message: %w", werr)
	}
	return err
}

// A conn is one call of [Serve].
type conn struct {
	handler  jsonrpc.Handler
	config   Config
	out      output
	messages sync.Pool     // of *message
	slots    chan struct{} // holds one for each request but subscriptions

	ended   chan struct{} // closed by the reader when it ends
	readErr error         // why, if not for the end of the input

	mu        sync.Mutex
	calls     map[string]*call // admitted and not yet answered, by idKey
	listening int              // the subscriptions among the active
	active    int              // requests whose response is not yet written
	draining  bool             // no more are admitted
	idle      chan struct{}    // closed when draining and none is active
}

// drain lets the requests under way finish and cancels those that do not.
func (c *conn) drain(cancel context.CancelCauseFunc) {
	defer cancel(errShutdown)
	c.mu.Lock()
	c.draining = true
	if c.active == 0 {
		close(c.idle)
	}
	c.mu.Unlock()
	c.config.Closing()

	grace := time.NewTimer(c.config.Grace)
	defer grace.Stop()
	select {
	case <-c.idle:
		return
	case <-c.out.broken:
	case <-grace.C:
	}
	cancel(errShutdown)
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

// interrupt makes the reader end if the input can be told to.
func (c *conn) interrupt(in io.Reader) {
	select {
	case <-c.ended:
		return
	default:
	}
	file, ok := in.(interface{ SetReadDeadline(time.Time) error })
	if !ok || file.SetReadDeadline(time.Unix(1, 0)) != nil {
		return
	}
	last := time.NewTimer(lastWait)
	defer last.Stop()
	select {
	case <-c.ended:
		file.SetReadDeadline(time.Time{}) // for whoever reads on
	case <-last.C: // it is stuck in a Write
	}
}
