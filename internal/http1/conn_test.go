//go:build unix

package http1_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpengine/mcpengine/internal/http1"
)

// echo answers a POST with its body.
var echo = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	data, _ := io.ReadAll(r.Body) // all of it first: an answer ends the reading
	_, _ = w.Write(data)
})

// Requests one after the other use one connection, whatever frames the body.
func TestReuse(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/chunked":
			w.(http.Flusher).Flush()
		case "/empty":
			w.WriteHeader(http.StatusAccepted)
			return
		case "/none":
			w.WriteHeader(http.StatusNoContent)
			return
		}
		_, _ = io.Copy(w, r.Body)
	}))
	defer server.Close()
	transport, dialed := dialing(t)
	for _, path := range slices.Repeat([]string{"/length", "/chunked", "/empty", "/none"}, 50) {
		ctx, cancel := context.WithCancel(t.Context())
		if _, _, err := send(transport, request(t, ctx, server.URL+path, "{}")); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		cancel() // which is none of the next request's business
	}
	if n := dialed.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
	transport.CloseIdleConnections()
	if _, _, err := send(transport, request(t, t.Context(), server.URL, "{}")); err != nil || dialed.Load() != 2 {
		t.Errorf("after closing: %d connections, want 2 (%v)", dialed.Load(), err)
	}
}

// A connection whose response has not been read to the end, or that the server
// will close, is not used again.
func TestNoReuse(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
		"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
	} {
		var closed sync.WaitGroup
		closed.Add(2)
		url := listen(t, func(c net.Conn) {
			defer closed.Done()
			if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				_, _ = io.WriteString(c, answer)
			}
			_, _ = io.Copy(io.Discard, c) // until the client hangs up
		})
		transport, dialed := dialing(t)
		for range 2 {
			resp, err := transport.RoundTrip(request(t, t.Context(), url, ""))
			if err != nil {
				t.Fatal(err)
			}
			if data, err := io.ReadAll(io.LimitReader(resp.Body, 2)); string(data) != "{}" {
				t.Errorf("%q: body %q (%v)", answer, data, err)
			}
			resp.Body.Close()
		}
		if n := dialed.Load(); n != 2 {
			t.Errorf("%q: %d connections for two requests", answer, n)
		}
		transport.CloseIdleConnections()
		closed.Wait()
	}
}

// A server that was started again between two requests gets both.
func TestRestart(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(echo)
	transport, dialed := dialing(t)
	address := server.Listener.Addr().String()
	for i := range 3 {
		status, body, err := send(transport, request(t, t.Context(), "http://"+address, "{}"))
		if err != nil || status != http.StatusOK || body != "{}" {
			t.Errorf("start %d: %d %q (%v)", i, status, body, err)
		}
		server.Close()
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
		if err != nil {
			t.Skipf("the address has been taken by another: %v", err)
		}
		server = httptest.NewUnstartedServer(echo)
		server.Listener.Close()
		server.Listener = l
		server.Start()
	}
	server.Close()
	if n := dialed.Load(); n != 3 {
		t.Errorf("%d connections, want 3", n)
	}
	_, _, err := send(transport, request(t, t.Context(), "http://"+address, "{}"))
	if op, ok := errors.AsType[*net.OpError](err); !ok || op.Op != "dial" {
		t.Errorf("without a server: %v, want an error of dialing", err)
	}
}

// A request that a server may have seen is not sent again.
func TestNeverTwice(t *testing.T) {
	t.Parallel()
	var seen atomic.Int32
	url := listen(t, func(c net.Conn) {
		reader := bufio.NewReader(c)
		for range 2 {
			r, err := http.ReadRequest(reader)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, r.Body)
			if seen.Add(1) == 2 {
				return // without an answer to the second
			}
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
		}
	})
	transport, dialed := dialing(t)
	if _, _, err := send(transport, request(t, t.Context(), url, "{}")); err != nil {
		t.Fatal(err)
	}
	_, _, err := send(transport, request(t, t.Context(), url, "{}"))
	if !errors.Is(err, io.ErrUnexpectedEOF) || seen.Load() != 2 || dialed.Load() != 1 {
		t.Errorf("the server saw %d requests over %d connections (%v), want 2 over 1", seen.Load(), dialed.Load(), err)
	}
}

// broken is a connection that takes count requests and then n bytes.
type broken struct {
	*net.TCPConn
	count, n int
}

func (b *broken) Write(p []byte) (int, error) {
	if b.count > 0 {
		b.count--
		return b.TCPConn.Write(p)
	}
	_, _ = b.TCPConn.Write(p[:b.n])
	b.TCPConn.Close()
	return b.n, &net.OpError{Op: "write", Net: "tcp", Err: net.ErrClosed}
}

// A request of which the system took nothing is sent over another connection,
// and one of which it took a byte is not; nor is one over a new connection.
func TestUnsent(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		conn   broken
		dialed int
		ok     bool
	}{
		{"an idle connection takes nothing", broken{count: 1}, 2, true},
		{"an idle connection takes a byte", broken{count: 1, n: 1}, 1, false},
		{"a new connection takes nothing", broken{}, 1, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(echo)
			defer server.Close()
			dialed := 0
			transport := &http1.Transport{Other: unwanted{}}
			transport.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				c, err := new(net.Dialer).DialContext(ctx, network, address)
				if dialed++; dialed > 1 || err != nil {
					return c, err
				}
				tt.conn.TCPConn = c.(*net.TCPConn)
				return &tt.conn, nil
			}
			defer transport.CloseIdleConnections()
			for range tt.conn.count {
				if _, _, err := send(transport, request(t, t.Context(), server.URL, "{}")); err != nil {
					t.Fatal(err)
				}
			}
			_, body, err := send(transport, request(t, t.Context(), server.URL, "{}"))
			if ok := err == nil && body == "{}"; ok != tt.ok || dialed != tt.dialed {
				t.Errorf("%d connections and %q (%v), want %d", dialed, body, err, tt.dialed)
			}
		})
	}
}

// A server may refuse a request that it has not read, and hang up.
func TestEarlyAnswer(t *testing.T) {
	t.Parallel()
	url := listen(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 10))
		_, _ = io.WriteString(c, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 5\r\n\r\nlarge")
		_ = c.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, c)
	})
	transport, _ := dialing(t)
	status, body, err := send(transport, request(t, t.Context(), url, strings.Repeat("a", 64<<10)))
	if status != http.StatusRequestEntityTooLarge || body != "large" {
		t.Errorf("got %d %q (%v), want 413", status, body, err)
	}
}

// A context that ends is why a request fails, whatever it waits for.
func TestCancel(t *testing.T) {
	t.Parallel()
	stopped := errors.New("stopped")
	for _, phase := range []string{"before", "dial", "write", "head", "body"} {
		t.Run(phase, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			near, far := net.Pipe()
			transport := &http1.Transport{
				Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
					switch phase {
					case "before":
						t.Error("dialed for a request that nobody waits for")
					case "dial":
						cancel(stopped)
						<-ctx.Done()
						return nil, &net.OpError{Op: "dial", Err: ctx.Err()}
					}
					return near, nil
				},
				Other: unwanted{},
			}
			if phase == "before" {
				cancel(stopped)
			}
			var server sync.WaitGroup
			server.Go(func() {
				reader := bufio.NewReader(far)
				switch phase {
				case "write":
					_, _ = reader.ReadByte()
				case "head", "body":
					r, _ := http.ReadRequest(reader)
					_, _ = io.Copy(io.Discard, r.Body)
				default:
					return
				}
				if phase == "body" {
					_, _ = io.WriteString(far, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}")
				}
				cancel(stopped)
				_, _ = io.Copy(io.Discard, far)
			})
			if _, _, err := send(transport, request(t, ctx, "http://server.example", "{}")); !errors.Is(err, stopped) {
				t.Errorf("got %v, want the cause of the context", err)
			}
			server.Wait()
		})
	}
}

// Close ends a Read that waits.
func TestCloseWhileReading(t *testing.T) {
	t.Parallel()
	url := listen(t, func(c net.Conn) {
		_, _ = http.ReadRequest(bufio.NewReader(c))
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}")
		_, _ = io.Copy(io.Discard, c)
	})
	transport, _ := dialing(t)
	resp, err := transport.RoundTrip(request(t, t.Context(), url, ""))
	if err != nil {
		t.Fatal(err)
	}
	// The first chunk is there though the server has not ended it.
	if _, err := io.ReadFull(resp.Body, make([]byte, 2)); err != nil {
		t.Fatal(err)
	}
	var reading sync.WaitGroup
	reading.Go(func() {
		if _, err := resp.Body.Read(make([]byte, 1)); err == nil {
			t.Error("Read returns no error after Close")
		}
	})
	resp.Body.Close()
	resp.Body.Close()
	reading.Wait()
}

// A thousand calls at once get their own answers, and leave nothing behind.
func TestConcurrent(t *testing.T) {
	server := httptest.NewUnstartedServer(echo)
	var open atomic.Int32
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			open.Add(1)
		case http.StateClosed:
			open.Add(-1)
		}
	}
	server.Start()
	defer server.Close()
	transport, _ := dialing(t)
	var calls sync.WaitGroup
	for i := range 1000 {
		calls.Go(func() {
			want := strings.Repeat("x", i+1)
			if _, got, err := send(transport, request(t, t.Context(), server.URL, want)); got != want {
				t.Errorf("call %d: %d bytes (%v), want %d", i, len(got), err, len(want))
			}
		})
	}
	calls.Wait()
	for n := open.Load(); n > 128; n = open.Load() {
		runtime.Gosched() // until the server has seen that the others are closed
	}
	transport.CloseIdleConnections()
	for open.Load() > 0 {
		runtime.Gosched()
	}
	stacks := make([]byte, 1<<20)
	if ours := regexp.MustCompile(`internal/http1\.\(`).Find(stacks[:runtime.Stack(stacks, true)]); ours != nil {
		t.Errorf("a goroutine is left:\n%s", stacks)
	}
}

// A connection that is not used for 90 seconds is closed.
func TestIdle(t *testing.T) {
	t.Parallel()
	pipe := quietFile(t)
	synctest.Test(t, func(t *testing.T) {
		var dialed, closed atomic.Int32
		transport := &http1.Transport{Other: unwanted{}}
		transport.Dial = func(context.Context, string, string) (net.Conn, error) {
			dialed.Add(1)
			near, far := net.Pipe()
			go func() {
				reader := bufio.NewReader(far)
				for {
					r, err := http.ReadRequest(reader)
					if err != nil {
						closed.Add(1)
						return
					}
					_, _ = io.Copy(io.Discard, r.Body)
					_, _ = io.WriteString(far, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
				}
			}()
			return quietConn{near, pipe}, nil
		}
		for _, wait := range []time.Duration{0, 60 * time.Second, 89 * time.Second} {
			time.Sleep(wait) // of the bubble's clock
			if _, _, err := send(transport, request(t, t.Context(), "http://server.example", "{}")); err != nil {
				t.Fatal(err)
			}
		}
		if dialed.Load() != 1 || closed.Load() != 0 {
			t.Errorf("%d connections, %d closed, want one that is open", dialed.Load(), closed.Load())
		}
		time.Sleep(91 * time.Second) // of the bubble's clock
		synctest.Wait()
		if closed.Load() != 1 {
			t.Errorf("%d connections are closed, want 1", closed.Load())
		}
	})
}
