package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/internal/stdio"
)

// A Command is a server that is started as a process.
type Command struct {
	Path string // found as [exec.Command] does
	Args []string

	// Env is the environment. The default is the one of this process. The program
	// gets MCPENGINE_TRANSPORT=stdio besides: a variable such as PORT, which would
	// make it serve HTTP, is meant for this process.
	Env []string

	// Dir is the working directory. The default is the one of this process.
	Dir string

	// Stderr gets what the server writes to its standard error. The default
	// drops it.
	Stderr io.Writer

	// Wrap returns the streams to use in place of the two of a process. Optional.
	Wrap func(in io.ReadCloser, out io.WriteCloser) (io.ReadCloser, io.WriteCloser)

	// Key is the key of [Config].Cache, so that a program that ends at a message
	// before the handshake does not get that message the next time. Without a key
	// nothing is remembered beyond the connection.
	Key string
}

// Start starts the command and connects to it over its standard streams. The
// process and those that it has started end when the connection is closed: its
// input is closed, then it is asked to end, then it is killed. On Linux it is
// killed when this program ends without closing the connection. A process that
// ends by itself is started again by the next call.
func Start(ctx context.Context, command Command, config Config) (*Conn, error) {
	return open(ctx, config, &streamTarget{start: func() (*streams, error) { return startProcess(command) }, key: command.Key})
}

// Attach connects to a server at the other end of two streams, with a message on
// each line. Closing the connection closes both.
func Attach(ctx context.Context, in io.ReadCloser, out io.WriteCloser, config Config) (*Conn, error) {
	used := false
	return open(ctx, config, &streamTarget{start: func() (*streams, error) {
		if used {
			return nil, &UnreachableError{Err: io.ErrClosedPipe}
		}
		used = true
		return &streams{in: in, out: out}, nil
	}})
}

func open(ctx context.Context, config Config, t target) (*Conn, error) {
	c := newConn(config, t)
	if _, err := c.connected(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// streams are the two streams to a server, and its process if it is one of ours.
type streams struct {
	in      io.ReadCloser
	out     io.WriteCloser
	process *process
}

// close ends the process, with the time for each step, and closes the streams.
func (s *streams) close(grace time.Duration) {
	s.out.Close()
	if s.process != nil {
		s.process.end(grace)
	}
	s.in.Close()
}

// A streamTarget is a server on two streams.
type streamTarget struct {
	start func() (*streams, error)
	key   string // of [Cache]
}

func (t *streamTarget) server() string { return t.key }

// open asks with server/discover first, because there is no status to tell by
// (stdio, "Backward Compatibility"). A server that ends at the question, at once
// or with the next message, is started again for the handshake.
func (t *streamTarget) open(ctx context.Context, c *Conn, known Known) (*binding, error) {
	link, err := t.link(c)
	if err != nil {
		return nil, err
	}
	stateless, handshake := protocol.Latest(false, c.config.Versions, nil), protocol.Latest(true, c.config.Versions, nil)
	if stateless == nil || isHandshake(known) {
		return orClose(c.handshake(ctx, link, handshake, TransportDetect))(link)
	}
	if handshake == nil {
		return orClose(c.discover(ctx, stateless, opened(link), TransportDetect))(link)
	}
	l, refused := c.probe(ctx, link, stateless)
	if refused == nil {
		return l, nil
	}
	if ctx.Err() != nil || errors.Is(refused, errNoVersion) {
		link.close()
		return nil, refused
	}
	if !isBroken(link) {
		l, err = c.handshake(ctx, link, handshake, TransportDetect)
		if err == nil {
			l.tentative = !isVerdict(refused)
			return l, nil
		}
		if !isBroken(link) {
			return orClose(t.late(ctx, c, link, err))(link)
		}
	}
	link.close()
	if ctx.Err() != nil {
		return nil, refused
	}
	if link, err = t.link(c); err != nil {
		return nil, err
	}
	return orClose(c.handshake(ctx, link, handshake, TransportDetect))(link)
}

// late asks a second time what a server speaks that refuses the handshake: it may
// have been too slow to answer the first time. Refused is the error of the handshake.
func (t *streamTarget) late(ctx context.Context, c *Conn, link link, refused error) (*binding, error) {
	if ctx.Err() != nil {
		return nil, refused
	}
	v := protocol.Latest(false, c.config.Versions, supportedBy(nil, refused))
	if v == nil {
		return nil, refused
	}
	l, err := c.discover(ctx, v, opened(link), TransportDetect)
	if err != nil {
		return nil, refused
	}
	return l, nil
}

// orClose closes a link unless it has become of use.
func orClose(l *binding, err error) func(link) (*binding, error) {
	return func(link link) (*binding, error) {
		if err != nil {
			link.close()
		}
		return l, err
	}
}

func isBroken(l link) bool {
	select {
	case <-l.done():
		return true
	default:
		return false
	}
}

// probe asks which versions the server speaks. Its time is short, because a
// server of a handshake version may ignore messages before the handshake.
func (c *Conn) probe(ctx context.Context, l link, v *protocol.Version) (*binding, error) {
	probing := startIdleTimer(ctx, c.config.ProbeTimeout)
	defer probing.stop()
	return c.discover(probing, v, opened(l), TransportDetect)
}

// A streamLink is a link over two streams.
type streamLink struct {
	*duplex
	streams *streams
	grace   time.Duration
	outbox  chan []byte
	written chan struct{}  // closed when writing has ended
	ended   sync.WaitGroup // reading and writing
}

func (t *streamTarget) link(c *Conn) (link, error) {
	s, err := t.start()
	if err != nil {
		return nil, err
	}
	l := &streamLink{streams: s, grace: c.config.CloseTimeout, outbox: make(chan []byte), written: make(chan struct{})}
	l.duplex = newDuplex(&c.config, l.write)
	l.ended.Go(l.writeAll)
	l.ended.Go(func() { l.fail(l.readAll(c.config.MaxMessage)) })
	return l, nil
}

// write hands a message to the writer, which may have to wait for the server
// to read.
func (l *streamLink) write(ctx context.Context, message []byte) error {
	select {
	case l.outbox <- message:
		return nil
	case <-l.done():
		return unsent(l.failure())
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// unsent is the error for a message that came after the link broke.
func unsent(err error) error {
	if unreachable, ok := errors.AsType[*UnreachableError](err); ok {
		return &UnreachableError{Err: unreachable.Err}
	}
	return err
}

func (l *streamLink) writeAll() {
	defer close(l.written)
	for {
		select {
		case message := <-l.outbox:
			if _, err := l.streams.out.Write(line(message)); err != nil {
				// Reading ends, too, and may yet find an answer.
				return
			}
		case <-l.done():
			return
		}
	}
}

// line returns a message on one line.
func line(message []byte) []byte {
	if bytes.IndexByte(message, '\n') >= 0 || bytes.IndexByte(message, '\r') >= 0 {
		// Line breaks stand only between the tokens of JSON.
		message = bytes.ReplaceAll(message, []byte("\n"), []byte(" "))
		message = bytes.ReplaceAll(message, []byte("\r"), []byte(" "))
	}
	return append(slices.Clip(message), '\n')
}

func (l *streamLink) readAll(limit int) error {
	lines := stdio.NewLineReader(l.streams.in, limit)
	for {
		// Messages keep their bytes, so that each has bytes of its own.
		text, err := lines.Next(nil)
		switch {
		case errors.Is(err, stdio.ErrTooLong):
			return protocolErrorf("a message has more than %d bytes", limit)
		case err != nil:
			return &UnreachableError{Sent: true, Err: l.reason(err)}
		case len(text) > 0:
			l.receive(text)
		}
	}
}

// reason says why reading ended.
func (l *streamLink) reason(err error) error {
	if p := l.streams.process; p != nil {
		if state := p.stateWithin(l.grace); state != nil {
			return fmt.Errorf("the server ended: %v", state)
		}
	}
	if errors.Is(err, io.EOF) {
		return errors.New("the server closed its output")
	}
	return err
}

func (l *streamLink) close() {
	l.end()
	within(l.written, l.grace) // longer only where the server does not read
	l.streams.close(l.grace)
	l.ended.Wait()
}

// A process is a server's process.
type process struct {
	cmd    *exec.Cmd
	exited chan struct{}
}

func startProcess(command Command) (*streams, error) {
	cmd := exec.Command(command.Path, command.Args...) //nolint:noctx // it lasts as long as the connection
	cmd.Env, cmd.Dir, cmd.Stderr = command.Env, command.Dir, command.Stderr
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = append(slices.Clip(cmd.Env), "MCPENGINE_TRANSPORT=stdio")
	cmd.WaitDelay = time.Second // for its standard error
	setGroup(cmd)
	// Not StdoutPipe: waiting for the process would close it under the reader.
	in, stdout, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start the server: %w", err)
	}
	defer stdout.Close()
	cmd.Stdout = stdout
	out, err := cmd.StdinPipe()
	if err != nil {
		in.Close()
		return nil, fmt.Errorf("start the server: %w", err)
	}
	p := &process{cmd: cmd, exited: make(chan struct{})}
	if err := p.start(); err != nil {
		in.Close()
		out.Close()
		return nil, &UnreachableError{Err: fmt.Errorf("start the server: %w", err)}
	}
	s := &streams{in: in, out: out, process: p}
	if command.Wrap != nil {
		s.in, s.out = command.Wrap(in, out)
	}
	return s, nil
}

// start starts the process. Its parent is the thread that does, as far as
// [setGroup] is concerned: the thread is kept for as long as the process lasts,
// which it spends waiting for it.
func (p *process) start() error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err != nil {
			return
		}
		defer close(p.exited)
		_ = p.cmd.Wait() // the state says it
		// What the server has started would keep the output open.
		killGroup(p.cmd)
	}()
	return <-started
}

// stateWithin returns how the process ended, or nil when it does not in time.
func (p *process) stateWithin(d time.Duration) *os.ProcessState {
	if !within(p.exited, d) {
		return nil
	}
	return p.cmd.ProcessState
}

// within waits for a channel to be closed and reports whether it was in time.
func within(closed <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-closed:
		return true
	case <-timer.C:
		return false
	}
}

// end waits for the process to end by itself, then asks it to, then kills it
// (stdio, "Shutdown").
func (p *process) end(grace time.Duration) {
	if within(p.exited, grace) {
		return
	}
	terminateGroup(p.cmd)
	if within(p.exited, grace) {
		return
	}
	killGroup(p.cmd)
	<-p.exited
}
