package http1

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"
)

// A conn is a connection. It serves one request at a time.
type conn struct {
	net.Conn
	host   string
	pool   *pool
	reused bool
	since  time.Time // when it became idle

	reader *bufio.Reader
	block  []byte // of the last head
	abort  func() // closes the connection

	raw    syscall.RawConn // nil when it cannot be asked whether it is alive
	probe  func(fd uintptr) bool
	quiet  bool // what probe found out
	unread [1]byte
}

func newConn(nc net.Conn, host string, p *pool) *conn {
	c := &conn{Conn: nc, host: host, pool: p, reader: bufio.NewReader(nc)}
	c.abort = func() { nc.Close() }
	c.prepareProbe()
	return c
}

// alive reports whether a connection that has been idle can be used: the server
// has neither closed it nor sent anything.
func (c *conn) alive() bool {
	c.reused, c.quiet = true, false
	return c.raw != nil && c.raw.Read(c.probe) == nil && c.quiet
}

// release gives the connection back after a response, if it can be used again.
func (c *conn) release(again bool) {
	if !again || c.raw == nil || c.reader.Buffered() > 0 || !c.pool.put(c) {
		c.Close()
	}
}

// exchange sends a request and reads the head of its response. It owns the
// connection until the body of the response ends.
func (c *conn) exchange(r *http.Request, message []byte) (*http.Response, error) {
	x := new(exchanged)
	x.stop = context.AfterFunc(r.Context(), c.abort)
	n, sendErr := c.Write(message)
	if sendErr != nil && n == 0 && c.reused {
		x.stop()
		c.Close()
		return nil, fmt.Errorf("%w: %w", errUnsent, sendErr)
	}
	// A server may refuse a request before it has read all of it, and close the
	// connection: what it says tells more than the error of the write.
	h, err := c.readHead()
	if err != nil {
		x.stop()
		c.Close()
		if sendErr != nil {
			return nil, sendErr
		}
		return nil, fmt.Errorf("read the response: %w", err)
	}
	h.close = h.close || sendErr != nil
	return x.begin(c, r, h), nil
}

// readHead reads the head of the response, and passes over those before it that
// only say that it will come.
func (c *conn) readHead() (head, error) {
	for range maxInterim + 1 {
		var err error
		if c.block, err = readBlock(c.reader, c.block[:0], maxHead); err != nil {
			return head{}, err
		}
		h, err := parseHead(string(c.block))
		switch {
		case err != nil || h.code >= 200:
			return h, err
		case h.code == http.StatusSwitchingProtocols:
			return h, errors.New("the server changes the protocol, which nobody asked for")
		}
	}
	return head{}, fmt.Errorf("more than %d responses come before the response", maxInterim)
}
