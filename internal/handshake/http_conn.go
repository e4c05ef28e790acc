package handshake

import (
	"io"
	"net"
	"net/http"
	"time"
)

// endResponse ends an HTTP response while its handler goes on, and reports
// whether it could. A handler cannot tell its server to do so, so that the
// connection is taken from the server, the response ended, and the connection
// given back. That is possible with HTTP/1.1 only; on others the response stays
// open, as it may (2025-11-25, transports, "Sending Messages to the Server").
func (h *HTTP) endResponse(c *carrier) bool {
	server, ok := c.r.Context().Value(http.ServerContextKey).(*http.Server)
	if !ok || !c.r.ProtoAtLeast(1, 1) || c.r.ProtoMajor != 1 || !h.release() {
		return false
	}
	conn, buffered, err := c.events.control.Hijack()
	if err != nil {
		h.released.Done()
		return false
	}
	c.taken = true
	// The chunk that ends a body (RFC 9112, section 7.1).
	_ = conn.SetWriteDeadline(time.Now().Add(h.config.IOTimeout))
	_, err = io.WriteString(conn, "0\r\n\r\n")
	if err != nil || buffered.Reader.Buffered() > 0 {
		conn.Close()
		return true
	}
	_ = conn.SetWriteDeadline(time.Time{})
	// Clients may use the connection again, and would take it for a failure of
	// their next request if it were closed.
	l := &oneConn{conn: conn, addr: conn.LocalAddr()}
	_ = server.Serve(l) // returns when there is no further connection
	if l.conn != nil {
		l.conn.Close() // the server is shutting down
	}
	return true
}

// oneConn is a listener with one connection.
type oneConn struct {
	conn net.Conn
	addr net.Addr
}

func (l *oneConn) Accept() (net.Conn, error) {
	if l.conn == nil {
		return nil, net.ErrClosed
	}
	conn := l.conn
	l.conn = nil
	return conn, nil
}

func (*oneConn) Close() error     { return nil }
func (l *oneConn) Addr() net.Addr { return l.addr }
