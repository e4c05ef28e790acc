package httpserver

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/internal/share"
)

// connections are the open connections of an HTTP server. They are bounded, each
// address by its share, so that the server never runs out of files.
type connections struct {
	bound *share.Bound

	mu      sync.Mutex
	open    map[net.Conn]*bool // whether it carries a request
	active  int                // that carry a request
	last    time.Time          // when one came, ended or became idle
	changed chan struct{}      // has room for one
}

func newConnections() *connections {
	return &connections{
		bound: share.NewBound(min(share.Connections, maxFiles()/4*3)), // the rest is for handlers
		open:  make(map[net.Conn]*bool), changed: make(chan struct{}, 1),
	}
}

// track is for [net/http.Server.ConnState].
func (c *connections) track(conn net.Conn, state http.ConnState) {
	if state == http.StateNew && !c.bound.Take(callerOfConn(conn)) {
		refuseConnection(conn)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if state == http.StateNew {
		c.open[conn] = new(bool)
	}
	busy := c.open[conn]
	if busy == nil {
		return // it was refused
	}
	if *busy {
		c.active--
	}
	if *busy = state == http.StateActive; *busy {
		c.active++
	} else {
		c.last = time.Now()
	}
	if state == http.StateClosed || state == http.StateHijacked {
		delete(c.open, conn)
		c.bound.Release(callerOfConn(conn))
	}
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

func callerOfConn(conn net.Conn) share.Caller {
	return share.CallerOf("", conn.RemoteAddr().String())
}

// refuseConnection tells a client that there is no room, and closes the
// connection. It does not wait: so few bytes fit into the buffer of a new one.
func refuseConnection(conn net.Conn) {
	const refusal = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n"
	_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = io.WriteString(conn, refusal) // the client sees the end when this fails
	conn.Close()
}

// drained waits until no connection is left. Connections that carry no request,
// and have not for the time of grace, count as none: a request may have been on
// its way on them before. It returns how many carry a request when ctx ends.
func (c *connections) drained(ctx context.Context, grace time.Duration) (active int) {
	for {
		c.mu.Lock()
		open, active, quiet := len(c.open), c.active, time.Since(c.last)
		c.mu.Unlock()
		if open == 0 || active == 0 && quiet >= grace {
			return 0
		}
		var quietEnough <-chan time.Time
		if active == 0 {
			quietEnough = time.After(grace - quiet)
		}
		select {
		case <-c.changed:
		case <-quietEnough:
		case <-ctx.Done():
			return active
		}
	}
}
