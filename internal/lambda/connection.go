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

// maxMessage bounds a response of the platform. An event has at most 6 MB.
const maxMessage = 32 << 20

var errStopped = errors.New("stopped")

// A connection sends requests to the platform, one at a time, and is kept open
// between them. One goroutine uses it; any goroutine may call stop.
//
// It replaces [http.Transport], which hands each request and each response from
// one goroutine to another. With that, a warm invocation takes 0.9 to 1.1 times
// the processor time of aws-lambda-go; with this, 0.6 times. The peer is one
// server on the same machine.
type connection struct {
	address string
	conn    net.Conn // nil when it is not open
	bound   io.LimitedReader
	r       *bufio.Reader
	w       *bufio.Writer

	mu      sync.Mutex
	waiting bool // for an invocation
	stopped bool
}

// stop ends the wait for an invocation, now and in future. An invocation that
// has begun to arrive is under way and is not stopped.
func (c *connection) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
	if c.waiting {
		_ = c.conn.SetReadDeadline(time.Unix(1, 0)) // when this fails, the connection is broken anyway
	}
}

// long waits for the first byte of a response until it arrives or stop is
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
	default: // stopped too late: the response is here
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

// ask sends a request and returns the response. The caller passes it to done.
// When the platform has closed an idle connection, ask sends the request again.
// That does no harm: the platform takes only one answer to an invocation.
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

// send writes a request, or its head. It opens the connection first if that is
// not open.
func (c *connection) send(head, body []byte) error {
	if c.conn != nil && c.r.Buffered() > 0 {
		c.close() // the buffered bytes answer no request
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

// dial opens the connection. It has no timeout: the platform is on the same
// machine, and may freeze this process for any time.
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

// done reads the rest of the response, so that the connection is ready for the
// next request.
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
