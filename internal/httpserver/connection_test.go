package httpserver

import (
	"bufio"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/mcpengine/mcpengine/internal/share"
)

// An address gets its share of the connections. One more is told so, and a
// connection that has ended makes room.
func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	c := newConnections()
	c.bound = share.NewBound(4)
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ConnState = c.track
	server.Start()
	t.Cleanup(server.Close)
	ask := func() (net.Conn, int) {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = req.Write(conn) // a refused connection may have been closed
		resp, err := http.ReadResponse(bufio.NewReader(conn), req)
		if err != nil {
			return conn, 0 // what it was told may have been lost with it
		}
		defer resp.Body.Close()
		return conn, resp.StatusCode
	}
	first, status := ask()
	if _, second := ask(); status != http.StatusNotFound || second != http.StatusNotFound {
		t.Errorf("HTTP %d and %d, want 404", status, second)
	}
	if _, status := ask(); status != http.StatusServiceUnavailable && status != 0 {
		t.Errorf("over the share: HTTP %d, want 503 or nothing", status)
	}
	first.Close()
	for { // the server notices the end of the first connection
		if _, status := ask(); status == http.StatusNotFound {
			return
		}
	}
}
