package conn_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/nettest"

	"github.com/mcpengine/mcpengine/internal/conn"
)

// It is a connection like any other.
func TestConn(t *testing.T) {
	t.Parallel()
	for _, network := range []string{"tcp", "unix"} {
		if !nettest.TestableNetwork(network) {
			continue
		}
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			nettest.TestConn(t, func() (server, client net.Conn, stop func(), err error) {
				l, err := nettest.NewLocalListener(network)
				if err != nil {
					return nil, nil, nil, err
				}
				defer l.Close()
				if client, err = new(net.Dialer).DialContext(t.Context(), network, l.Addr().String()); err != nil {
					return nil, nil, nil, err
				}
				if server, err = conn.Wrap(l).Accept(); err != nil {
					return nil, nil, nil, err
				}
				if _, ok := server.(*conn.Conn); !ok {
					t.Errorf("Accept returns a %T", server)
				}
				return server, client, func() { server.Close(); client.Close() }, nil
			})
		})
	}
}

// A probe is a connection that notes what it is asked to do.
type probe struct {
	net.Conn
	mu     sync.Mutex
	armed  int      // deadlines set
	writes []string // by call
}

func (p *probe) SetReadDeadline(t time.Time) error  { return p.arm(p.Conn.SetReadDeadline, t) }
func (p *probe) SetWriteDeadline(t time.Time) error { return p.arm(p.Conn.SetWriteDeadline, t) }

func (p *probe) arm(set func(time.Time) error, t time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.armed++
	return set(t)
}

func (p *probe) Write(b []byte) (int, error) {
	p.writes = append(p.writes, string(b))
	return len(b), nil
}

func (p *probe) arms() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.armed
}

func pipe(t *testing.T) (c *conn.Conn, beneath *probe, other net.Conn) {
	t.Helper()
	near, far := net.Pipe()
	t.Cleanup(func() { near.Close(); far.Close() })
	beneath = &probe{Conn: near}
	return conn.New(beneath), beneath, far
}

// A deadline that is moved with each of a thousand requests ends a read when it
// is over, not before, and is rarely that of the connection beneath.
func TestMovingDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, beneath, other := pipe(t)
		go func() {
			for range 1000 {
				time.Sleep(time.Second) // of the bubble's clock
				other.Write([]byte("x"))
			}
		}()
		b := make([]byte, 1)
		for i := range 1000 {
			c.SetReadDeadline(time.Now().Add(30 * time.Second))
			if _, err := c.Read(b); err != nil {
				t.Fatalf("read %d: %v", i, err)
			}
			c.SetReadDeadline(time.Time{})
		}
		if n := beneath.arms(); n > 40 {
			t.Errorf("%d deadlines set, want about two a minute", n)
		}
		start := time.Now()
		c.SetReadDeadline(start.Add(30 * time.Second))
		_, err := c.Read(b)
		if took := time.Since(start); !errors.Is(err, os.ErrDeadlineExceeded) || took != 30*time.Second {
			t.Errorf("Read: %v after %v, want the end after 30s", err, took)
		}
	})
}

// What is set while a read waits counts for it.
func TestDeadlineWhileReading(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name        string
		first, then time.Duration // zero for none
		want        time.Duration
	}{
		{"earlier", time.Hour, time.Minute, time.Minute},
		{"later", time.Minute, time.Hour, time.Hour},
		{"set", 0, time.Minute, time.Minute},
		{"past", time.Hour, -time.Second, time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, _, _ := pipe(t)
				start := time.Now()
				in := func(d time.Duration) time.Time {
					if d == 0 {
						return time.Time{}
					}
					return start.Add(d)
				}
				c.SetReadDeadline(in(test.first))
				go func() {
					time.Sleep(time.Second) // of the bubble's clock
					c.SetReadDeadline(in(test.then))
				}()
				_, err := c.Read(make([]byte, 1))
				if took := time.Since(start); !errors.Is(err, os.ErrDeadlineExceeded) || took != test.want {
					t.Errorf("Read: %v after %v, want the end after %v", err, took, test.want)
				}
			})
		})
	}
}

// A deadline that is lifted while a read waits does not end it, even when that
// of the connection beneath has passed.
func TestLiftedDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, _, other := pipe(t)
		c.SetReadDeadline(time.Now().Add(time.Minute))
		go func() {
			time.Sleep(time.Second) // of the bubble's clock
			c.SetReadDeadline(time.Time{})
			time.Sleep(time.Hour)
			other.Write([]byte("x"))
		}()
		if n, err := c.Read(make([]byte, 1)); n != 1 || err != nil {
			t.Errorf("Read = %d, %v", n, err)
		}
	})
}

// A deadline in the past stops a read at once, without a timer.
func TestPastDeadline(t *testing.T) {
	t.Parallel()
	c, beneath, _ := pipe(t)
	c.SetReadDeadline(time.Unix(1, 0))
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Read: %v", err)
	}
	if n := beneath.arms(); n != 0 {
		t.Errorf("%d deadlines set, want none", n)
	}
}

// What is announced leaves when it is there, or when there is no room for what
// waits.
func TestExpect(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", 4<<10)
	tests := []struct {
		name           string
		expected       int
		writes, beyond []string // beyond: what arrives beneath
	}{
		{"nothing announced", 0, []string{"a", "b"}, []string{"a", "b"}},
		{"in two", 2, []string{"a", "b", "c"}, []string{"a", "b", "c"}},
		{"more than announced", 3, []string{"a", "bcd"}, []string{"a", "bcd"}},
		{"full", 10 << 10, []string{"a", large, "b", "c"}, []string{"a", large, "b", "c"}},
		{"exactly full", 4<<10 + 1, []string{large, "b"}, []string{large, "b"}},
	}
	for _, test := range tests {
		c, beneath, _ := pipe(t)
		ctx := conn.Context(t.Context(), c)
		conn.Expect(ctx, test.expected)
		sum := 0
		for i, b := range test.writes {
			if n, err := c.Write([]byte(b)); n != len(b) || err != nil {
				t.Errorf("%s: Write %d = %d, %v", test.name, i, n, err)
			}
			if sum += len(b); sum < test.expected && sum <= 4<<10 && len(beneath.writes) > 0 {
				t.Errorf("%s: %d bytes leave early", test.name, sum)
			}
		}
		if got, want := strings.Join(beneath.writes, "|"), strings.Join(test.beyond, "|"); got != want {
			t.Errorf("%s: %.80s is written, want %.80s", test.name, got, want)
		}
	}
}

// A write that ends in the middle says how much of what it was given has left.
func TestExpectCut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer near.Close()
		c := conn.New(near)
		conn.Expect(conn.Context(t.Context(), c), 10)
		c.SetWriteDeadline(time.Now().Add(time.Minute))
		go io.ReadFull(far, make([]byte, 7))
		first, err := c.Write([]byte("01234"))
		if first != 5 || err != nil {
			t.Errorf("first Write = %d, %v", first, err)
		}
		second, err := c.Write([]byte("56789"))
		if second != 2 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("second Write = %d, %v, want 2 and the end of the time", second, err)
		}
	})
}

// Expect knows no other connections.
func TestExpectElsewhere(t *testing.T) {
	t.Parallel()
	near, _ := net.Pipe()
	defer near.Close()
	conn.Expect(conn.Context(t.Context(), near), 10)
	conn.Expect(t.Context(), 10)
}

// An HTTP server answers over it as it does otherwise: what is long, what comes
// in pieces, and after a request it has not read.
func TestHTTP(t *testing.T) {
	t.Parallel()
	body := bytes.Repeat([]byte("0123456789"), 3000)
	server := &http.Server{
		ReadHeaderTimeout: time.Minute, IdleTimeout: time.Minute, ConnContext: conn.Context,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/refused" {
				http.Error(w, "no", http.StatusTeapot)
				return
			}
			io.Copy(io.Discard, r.Body)
			if r.URL.Path == "/long" {
				w.Header().Set("Content-Length", "30000")
				conn.Expect(r.Context(), len(body))
			}
			for part := body; len(part) > 0; part = part[min(len(part), 11_000):] {
				w.Write(part[:min(len(part), 11_000)])
			}
		}),
	}
	l, err := nettest.NewLocalListener("tcp")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(conn.Wrap(l)) }()
	client := &http.Client{Transport: &http.Transport{}}
	for range 3 {
		for path, want := range map[string]string{"/long": string(body), "/chunks": string(body), "/refused": "no\n"} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+l.Addr().String()+path, bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			resp, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || string(got) != want {
				t.Errorf("%s: %d bytes, %v, want %d", path, len(got), err, len(want))
			}
		}
	}
	server.Close()
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}

// The limits of an HTTP server hold: on the time between requests, for a head,
// and for a body and an answer.
func TestHTTPLimits(t *testing.T) {
	t.Parallel()
	for name, sent := range map[string]string{
		"nothing":           "",
		"a part of a head":  "POST / HTTP/1.1\r\nHost: server.example\r\n",
		"a part of a body":  "POST / HTTP/1.1\r\nHost: server.example\r\nContent-Length: 10\r\n\r\nfive.",
		"a request, no end": "GET / HTTP/1.1\r\nHost: server.example\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { testHTTPLimits(t, sent) })
		})
	}
}

func testHTTPLimits(t *testing.T, sent string) {
	server := &http.Server{
		ReadHeaderTimeout: time.Minute, IdleTimeout: time.Minute, ConnContext: conn.Context,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.NewResponseController(w).SetReadDeadline(time.Now().Add(time.Minute))
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				w.Header().Set("Connection", "close")
			}
		}),
	}
	near, far := net.Pipe()
	l := &oneConn{conn: conn.New(near), done: make(chan struct{})}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	defer func() {
		server.Close()
		<-served
	}()
	start := time.Now()
	go io.WriteString(far, sent)
	io.Copy(io.Discard, far)
	if took := time.Since(start); took < time.Minute || took > 2*time.Minute {
		t.Errorf("the connection is closed after %v, want a minute", took)
	}
}

// oneConn is a listener with one connection.
type oneConn struct {
	conn net.Conn
	done chan struct{}
	once sync.Once
}

func (l *oneConn) Accept() (net.Conn, error) {
	if c := l.conn; c != nil {
		l.conn = nil
		return c, nil
	}
	<-l.done
	return nil, net.ErrClosed
}

func (l *oneConn) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *oneConn) Addr() net.Addr { return &net.TCPAddr{} }
