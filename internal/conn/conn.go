// Package conn makes the connections of an HTTP server cheaper to use: deadlines
// that every request sets anew cost no timer of the system, and an answer longer
// than the buffer of net/http leaves with one system call.
package conn

import (
	"context"
	"net"
	"sync"
)

// Wrap returns a listener whose TCP and Unix connections are a [Conn]. Others
// stay what they are: net/http looks for those of TLS.
func Wrap(l net.Listener) net.Listener { return listener{l} }

type listener struct{ net.Listener }

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	switch c.(type) {
	case *net.TCPConn, *net.UnixConn:
		return New(c), nil
	}
	return c, nil
}

type contextKey struct{}

// Context is for [net/http.Server.ConnContext].
func Context(ctx context.Context, c net.Conn) context.Context {
	if c, ok := c.(*Conn); ok {
		return context.WithValue(ctx, contextKey{}, c)
	}
	return ctx
}

// Expect says that an answer of at least n bytes comes, to the request whose
// context it is given: what net/http sends when its buffer is full waits for the
// rest. Without a [Conn] it does nothing.
func Expect(ctx context.Context, n int) {
	if c, ok := ctx.Value(contextKey{}).(*Conn); ok {
		c.expect(n)
	}
}

// A Conn is a connection around another one.
type Conn struct {
	net.Conn
	reading, writing deadline

	mu       sync.Mutex // held while writing
	held     []byte     // what waits for the rest
	expected int        // how much that is
}

// New returns a connection around c.
func New(c net.Conn) *Conn {
	return &Conn{Conn: c, reading: deadline{set: c.SetReadDeadline}, writing: deadline{set: c.SetWriteDeadline}}
}

// Read is that of [net.Conn].
func (c *Conn) Read(b []byte) (n int, err error) {
	err = c.reading.during(func() error {
		n, err = c.Conn.Read(b)
		return err
	})
	return n, err
}

// maxHeld bounds what waits for the rest. The buffer of net/http is as large.
const maxHeld = 4 << 10

var buffers = sync.Pool{New: func() any { return new([maxHeld]byte) }}

func (c *Conn) expect(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expected = n
}

// Write is that of [net.Conn]. An error may be about what an earlier Write has
// been given.
func (c *Conn) Write(b []byte) (n int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.hold(b):
		return len(b), nil
	case len(c.held) > 0:
		return c.writeBoth(b)
	}
	err = c.writing.during(func() error {
		m, err := c.Conn.Write(b[n:])
		n += m
		return err
	})
	return n, err
}

// hold keeps b for the next Write, and reports false when it is to be written.
func (c *Conn) hold(b []byte) bool {
	c.expected -= len(b)
	if c.expected <= 0 || len(c.held)+len(b) > maxHeld {
		c.expected = 0
		return false
	}
	if c.held == nil {
		c.held = buffers.Get().(*[maxHeld]byte)[:0]
	}
	c.held = append(c.held, b...)
	return true
}

// writeBoth writes what was held and b.
func (c *Conn) writeBoth(b []byte) (n int, err error) {
	held := c.held
	c.held = nil
	parts, written := net.Buffers{held, b}, int64(0)
	err = c.writing.during(func() error {
		m, err := parts.WriteTo(c.Conn)
		written += m
		return err
	})
	buffers.Put((*[maxHeld]byte)(held[:maxHeld]))
	return max(0, int(written)-len(held)), err
}

// CloseWrite closes the direction in which the server sends, if the connection
// can: net/http does so before it closes a connection of which it has not read
// everything.
func (c *Conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return c.Close()
}
