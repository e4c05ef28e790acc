package lambda

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// maxMessage bounds what the platform may send at once. An event is at most
// 6 MB.
const maxMessage = 32 << 20

var errStopped = errors.New("stopped")

// A connection takes requests to the platform, one at a time, and is kept
// between them. One goroutine uses it; any may call stop.
//
// With an [http.Transport] in its place, which hands each request and each
// response from one goroutine to another, a warm invocation takes 0.9 to 1.1 of
// the processor time of aws-lambda-go where this one takes 0.6. The peer is one
// server on the same machine.
type connection struct {
	address string
	conn    net.Conn // nil when there is none
	bound   io.LimitedReader
	r       *bufio.Reader
	w       *bufio.Writer

	mu      sync.Mutex
	waiting bool // for an invocation
	stopped bool
}

// stop ends the wait for an invocation, and any later one. An invocation that
// has begun to arrive is under way and not stopped.
func (c *connection) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
	if c.waiting {
		_ = c.conn.SetReadDeadline(time.Unix(1, 0)) // it fails when nothing can be read anyway
	}
}

// long waits for the first byte of a response until there is one or stop is
// called.
func (c *connection) long() error {
	if !c.enter() {
		return errStopped
	}
	err := c.short()
	switch stopped := c.leave(); {
	case !stopped:
		return err
	case err != nil:
		return errStopped
	default: // too late: it is here
		return c.conn.SetReadDeadline(time.Time{})
	}
}

func (c *connection) enter() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = !c.stopped
	return c.waiting
}

func (c *connection) leave() (stopped bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = false
	return c.stopped
}

// short waits for the first byte of a response.
func (c *connection) short() error {
	c.bound.N = maxMessage
	_, err := c.r.Peek(1)
	return err
}

// ask sends a request and returns the response to it, whose body the caller
// hands to done. The request is sent again when the peer turns out to have
// closed a connection that had nothing to do: an invocation has but one answer,
// so that a second one does no harm.
func (c *connection) ask(head, body []byte, wait func() error) (*http.Response, error) {
	reused := c.conn != nil
	err := c.try(head, body, wait)
	if err != nil && reused && !errors.Is(err, errStopped) {
		c.close()
		err = c.try(head, body, wait)
	}
	if err != nil {
		c.close()
		return nil, err
	}
	return c.response()
}

func (c *connection) try(head, body []byte, wait func() error) error {
	if err := c.send(head, body); err != nil {
		return err
	}
	return wait()
}

// send writes a request, or the head of one, and opens the connection if need
// be.
func (c *connection) send(head, body []byte) error {
	if c.conn != nil && c.r.Buffered() > 0 {
		c.close() // what is there answers no request
	}
	if c.conn == nil {
		if err := c.dial(); err != nil {
			return err
		}
	}
	return c.write(head, body)
}

// write writes to the connection that send has opened.
func (c *connection) write(a, b []byte) error {
	// The writer keeps the first error and returns it at the end.
	_, _ = c.w.Write(a)
	_, _ = c.w.Write(b)
	return c.w.Flush()
}

// dial opens the connection. There is no time-out: the platform is on the same
// machine, and it stops this process at any time for as long as it likes.
func (c *connection) dial() error {
	dialer := net.Dialer{KeepAlive: -1}
	conn, err := dialer.DialContext(context.Background(), "tcp", c.address)
	if err != nil {
		return err
	}
	c.use(conn)
	return nil
}

func (c *connection) use(conn net.Conn) {
	c.conn = conn
	c.bound.R = conn
	if c.r == nil {
		c.r, c.w = bufio.NewReaderSize(&c.bound, 8<<10), bufio.NewWriterSize(conn, 8<<10)
		return
	}
	c.r.Reset(&c.bound)
	c.w.Reset(conn)
}

func (c *connection) response() (*http.Response, error) {
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		c.close()
		return nil, fmt.Errorf("read the response: %w", err)
	}
	return resp, nil
}

// done skips what is left of the response, so that the connection is ready for
// the next request.
func (c *connection) done(resp *http.Response) {
	if err := resp.Body.Close(); err != nil || resp.Close {
		c.close()
	}
}

// close closes the connection; the next request opens another.
func (c *connection) close() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}
