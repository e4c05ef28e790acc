// Package stdio is the stdio transport: one message a line, in both directions,
// over one pair of byte streams.
//
// One goroutine reads lines (line.go) and hands each message to the connection
// (internal/duplex), which answers them concurrently. This file starts the
// reader and ends it and the connection in good order.
package stdio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/mcpengine/mcpengine/internal/duplex"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/mcp"
)

// A Config adjusts the transport. Its zero value is ready to use.
type Config struct {
	// MaxMessage bounds a message in bytes, the end of its line not counted. A
	// longer line is skipped and answered with an error. The default is 4 MiB.
	MaxMessage int

	// MaxConcurrent bounds the requests that are served at once, as in
	// [duplex.Config]. The default is 128.
	MaxConcurrent int

	// Grace is how long requests under way may go on after the end of the input.
	// The default is 5 seconds.
	Grace time.Duration

	// Closing is called once, when the input or the context of [Serve] has
	// ended or the output has failed. Subscriptions should end then. Optional.
	Closing func()

	// Logger is told of cancellations and their reasons, of messages that are
	// ignored or refused, and of requests that do not end. Optional.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.MaxMessage <= 0 {
		c.MaxMessage = 4 << 20
	}
	if c.Grace <= 0 {
		c.Grace = 5 * time.Second
	}
	if c.Closing == nil {
		c.Closing = func() {}
	}
	return c
}

// lastWait is how long the reader may take to notice that the input is
// interrupted.
const lastWait = 250 * time.Millisecond

// Serve answers the requests on in with h. It writes only messages to out, each
// with one call of Write.
//
// It returns nil when the input has ended, [context.Cause] of ctx when ctx has
// ended, and otherwise the error of the Read or Write that failed. After the
// end of the input, requests under way have Config.Grace to finish. Then, or as
// soon as ctx ends or a Write fails, their contexts are cancelled. Requests
// that are still not done 1.2 seconds later are abandoned: their answers are
// dropped. So Serve returns at most 1.5 seconds after the end of ctx. Hosts
// expect that: they kill a server 2 seconds after they have sent SIGTERM.
//
// When ctx ends, Serve cannot wait for a Read that does not return. It ends the
// Read if in has a working method SetReadDeadline, as network connections and
// most pipes have. Otherwise the Read stays behind and may take input that
// comes after Serve has returned. Serve does not wait for a Write that blocks
// either.
func Serve(ctx context.Context, h jsonrpc.Handler, in io.Reader, out io.Writer, config Config) error {
	config = config.withDefaults()
	r := &reader{
		conn:  duplex.New(h, out, duplex.Config{MaxConcurrent: config.MaxConcurrent, Logger: config.Logger}),
		lines: NewLineReader(in, config.MaxMessage),
		ended: make(chan struct{}),
	}
	go r.read(context.WithoutCancel(ctx))
	var err error
	select {
	case <-r.ended:
		err = r.err
		r.conn.EndInput()
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-r.conn.Broken():
	}
	config.Closing()
	r.conn.Close(ctx, config.Grace)
	r.interrupt(in)
	if werr := r.conn.Err(); werr != nil {
		return fmt.Errorf("write message: %w", werr)
	}
	return err
}

// A reader receives the messages of one call of [Serve].
type reader struct {
	conn  *duplex.Conn
	lines *LineReader
	ended chan struct{} // closed when the input has ended
	err   error         // nil for io.EOF
}

// read receives messages until the input ends or the connection is closed.
// Requests get contexts derived from ctx.
func (r *reader) read(ctx context.Context) {
	defer close(r.ended)
	for !r.conn.Closed() {
		m := r.conn.Message()
		var err error
		m.Text, err = r.lines.Next(m.Text)
		switch {
		case errors.Is(err, ErrTooLong):
			r.conn.Refuse(jsonrpc.Errorf(mcp.CodeInvalidRequest, "the message is longer than %d bytes", r.lines.max))
		case err != nil:
			if !errors.Is(err, io.EOF) {
				r.err = fmt.Errorf("read message: %w", err)
			}
			return
		case len(m.Text) > 0:
			r.conn.Receive(ctx, m)
			continue
		}
		r.conn.Release(m)
	}
}

// interrupt ends the reader if the input has read deadlines.
func (r *reader) interrupt(in io.Reader) {
	select {
	case <-r.ended:
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
	case <-r.ended:
		_ = file.SetReadDeadline(time.Time{}) // others may read on
	case <-last.C: // the reader is blocked in a Write
	}
}
