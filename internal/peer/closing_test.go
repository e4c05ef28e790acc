package peer_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/peer"
)

// A closer is an HTTP server that closes connections without announcing it.
type closer struct {
	net.Listener

	// Answer returns the status and the result of a request, and whether the
	// connection is closed: after the response, or in its place when the status
	// is 0.
	answer func(c *connection, method string) (status int, result string, close bool)

	// Reset closes connections with a reset in place of an orderly end.
	reset bool

	mu       sync.Mutex
	requests []string
	wait     sync.WaitGroup
}

// A connection counts its requests.
type connection struct {
	number, requests int
}

func newCloser(t *testing.T, reset bool, answer func(*connection, string) (int, string, bool)) *closer {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &closer{Listener: l, answer: answer, reset: reset}
	s.wait.Go(func() {
		for number := 1; ; number++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.wait.Go(func() { s.serve(c, &connection{number: number}) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		s.wait.Wait()
	})
	return s
}

func (s *closer) serve(nc net.Conn, c *connection) {
	defer nc.Close()
	reader := bufio.NewReader(nc)
	for {
		r, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		data, _ := io.ReadAll(r.Body)
		var m jsonrpc.Message
		_ = m.Parse(data)
		c.requests++
		s.mu.Lock()
		s.requests = append(s.requests, fmt.Sprint(c.number, " ", m.Method))
		status, result, end := s.answer(c, m.Method)
		s.mu.Unlock()
		if status != 0 {
			text := fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":%s}`, m.ID, result)
			if m.ID == nil || status >= 300 {
				text = result
			}
			fmt.Fprintf(nc, "HTTP/1.1 %d x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", status, len(text), text)
		}
		if !end {
			continue
		}
		if tcp, ok := nc.(*net.TCPConn); ok && s.reset {
			_ = tcp.SetLinger(0)
		}
		return
	}
}

func (s *closer) log() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.requests, ", ")
}

// A server that closes the connection after the refusal of server/discover gets
// the handshake over another one.
func TestClosedAfterProbe(t *testing.T) {
	t.Parallel()
	for _, reset := range []bool{false, true} {
		s := newCloser(t, reset, func(c *connection, method string) (int, string, bool) {
			switch {
			case method == "server/discover":
				return 500, "Internal Server Error", false
			case c.number == 1:
				return 0, "", true // it was closing
			case method == "initialize":
				return 200, initialized, false
			case method == "notifications/initialized":
				return 202, "", false
			}
			return 200, `{}`, false
		})
		c, err := peer.Dial(t.Context(), "http://"+s.Addr().String(), peer.Config{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Call(t.Context(), peer.Call{Method: "tools/call"}); err != nil {
			t.Errorf("reset %v: %v", reset, err)
		}
		c.Close()
		if want := "1 server/discover, 2 initialize, 2 notifications/initialized, 2 server/discover, 3 tools/call"; s.log() != want {
			t.Errorf("reset %v: got %s, want %s", reset, s.log(), want)
		}
	}
}

// If the server is closing the connection, a request that only reads is sent
// again. Another request is not: the server may have acted on it.
func TestClosedWhenReused(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"2026-07-28", "2025-06-18"} {
		for _, reset := range []bool{false, true} {
			for _, replay := range []bool{false, true} {
				t.Run(fmt.Sprint(version, reset, replay), func(t *testing.T) {
					t.Parallel()
					testClosedWhenReused(t, version, reset, replay)
				})
			}
		}
	}
}

func testClosedWhenReused(t *testing.T, version string, reset, replay bool) {
	s := newCloser(t, reset, func(c *connection, method string) (int, string, bool) {
		switch method {
		case "server/discover":
			return 200, discovered, false
		case "initialize":
			return 200, initialized, false
		case "notifications/initialized":
			return 202, "", false
		case "again":
			if c.number == 1 {
				return 0, "", true
			}
		}
		return 200, `{}`, false
	})
	c, err := peer.Dial(t.Context(), "http://"+s.Addr().String(), peer.Config{Versions: []string{version}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, err = c.Call(t.Context(), peer.Call{Method: "again", Replay: replay})
	if !replay {
		unreachable, ok := errors.AsType[*peer.UnreachableError](err)
		if got := strings.Count(s.log(), "again"); !ok || !unreachable.Sent || got != 1 {
			t.Errorf("Call: %v after %d requests, want an error after one", err, got)
		}
		return
	}
	if err != nil || strings.Count(s.log(), "again") != 2 {
		t.Errorf("Call: %v (%s), want an answer to the second request", err, s.log())
	}
}

// A fresh connection that the server closes is no reason to send the same request
// again.
func TestClosedAtOnce(t *testing.T) {
	t.Parallel()
	s := newCloser(t, false, func(*connection, string) (int, string, bool) { return 0, "", true })
	_, err := peer.Dial(t.Context(), "http://"+s.Addr().String(), peer.Config{})
	if kind(err) != "unreachable" || s.log() != "1 server/discover, 2 initialize" {
		t.Errorf("Dial: %v after %s", err, s.log())
	}
}

// Servers close connections that have been idle for 5 seconds. The client does
// not use such a connection.
func TestIdleConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		listener := make(pipes)
		server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: stateless(func(w http.ResponseWriter, _ *http.Request, id string) {
			reply(w, id, `{}`)
		})}
		go func() { _ = server.Serve(listener) }()
		client := peer.NewHTTPClient(peer.TLSConfig{})
		transport, ok := client.Transport.(*http.Transport)
		if !ok {
			t.Fatalf("the transport is a %T", client.Transport)
		}
		dialed := 0
		transport.Proxy = nil
		transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
			dialed++
			near, far := net.Pipe()
			listener <- far
			return near, nil
		}
		c, err := peer.Dial(t.Context(), "http://server.example/mcp", peer.Config{HTTPClient: client})
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			idle time.Duration
			want int
		}{{0, 1}, {3 * time.Second, 1}, {4900 * time.Millisecond, 2}} {
			time.Sleep(step.idle) // of the bubble's clock
			if _, err := c.Call(t.Context(), peer.Call{Method: "tools/call"}); err != nil || dialed != step.want {
				t.Errorf("after %v: %v over connection %d, want %d", step.idle, err, dialed, step.want)
			}
		}
		c.Close()
		client.CloseIdleConnections()
		close(listener)
		server.Close()
	})
}
