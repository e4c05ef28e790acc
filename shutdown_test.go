package mcpengine_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/mcp"
)

// A request that takes too long gets an error as its answer, not a broken
// connection, even if its handler ignores its context. Run returns nil.
func TestRunCutsOff(t *testing.T) {
	const session = "2025-11-25"
	for _, test := range []struct {
		name            string
		ignores, notify bool
		version         string
	}{
		{"heeds its context", false, false, ""},
		{"ignores its context", true, false, ""},
		{"ignores its context, as a stream", true, true, ""},
		{"heeds its context, in a session", false, false, session},
		{"ignores its context, in a session", true, false, session},
		{"ignores its context, as a stream in a session", true, true, session},
	} {
		if test.version != "" && !servesHandshake {
			continue
		}
		t.Run(test.name, func(t *testing.T) {
			started, leave := make(chan struct{}), make(chan struct{})
			t.Cleanup(func() { close(leave) })
			r := run(t, func(opts ...mcpengine.Option) *mcpengine.Engine {
				e := mcpengine.New("test", opts...)
				mcpengine.AddTool(e, "endless", "", func(ctx context.Context, _ none) (string, error) {
					if test.notify {
						mcpengine.Log(ctx, mcp.LoggingLevelError, "", "here")
					}
					close(started)
					if test.ignores {
						ctx = context.WithoutCancel(ctx)
					}
					select {
					case <-leave:
					case <-ctx.Done():
					}
					return "", ctx.Err()
				})
				return e
			}, mcpengine.WithHTTP(mcpengine.HTTPConfig{ShutdownTimeout: 50 * time.Millisecond}))
			answer := make(chan string, 1)
			req := newRequest(t.Context(), r.url+"/mcp", call("endless"))
			if test.version != "" {
				req = sessionRequest(t, r.url+"/mcp", test.version)
			}
			go func() {
				_, body, _ := roundTrip(req) // a stream may break off after the answer
				answer <- body
			}()
			<-started
			r.stop()
			if err := <-r.result; err != nil {
				t.Errorf("Run() = %v, want nil", err)
			}
			if got := <-answer; !strings.Contains(got, `"id":1`) || !strings.Contains(got, "the server shut down before") {
				t.Errorf("the answer is %q, want an error", got)
			}
		})
	}
}

// A server under load loses no request when it shuts down: each request that
// has reached it is answered, directly and behind a proxy.
func TestRunLosesNoRequest(t *testing.T) {
	for _, proxied := range []bool{false, true} {
		for range 3 {
			r := run(t, subscriptionEngine)
			address, front := r.url, http.Handler(nil)
			if proxied {
				target, err := url.Parse(r.url)
				if err != nil {
					t.Fatal(err)
				}
				proxy := httputil.NewSingleHostReverseProxy(target)
				proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, err error) {
					if isDialError(err) {
						w.WriteHeader(http.StatusTeapot) // the server has gone
						return
					}
					http.Error(w, err.Error(), http.StatusBadGateway)
				}
				front = proxy
				server := httptest.NewServer(front)
				defer server.Close()
				address = server.URL
			}
			var answered atomic.Int64
			var clients sync.WaitGroup
			for range 8 {
				clients.Go(func() { load(t, address, &answered) })
			}
			for answered.Load() < 200 {
				<-time.After(time.Millisecond)
			}
			r.stop()
			if err := <-r.result; err != nil {
				t.Errorf("Run() = %v, want nil", err)
			}
			clients.Wait()
		}
	}
}

// load sends requests until the server accepts no connection.
func load(t *testing.T, address string, answered *atomic.Int64) {
	client := &http.Client{Transport: new(http.Transport)}
	defer client.CloseIdleConnections()
	for {
		resp, err := client.Do(newRequest(t.Context(), address+"/mcp", call("tool")))
		if isDialError(err) {
			return
		}
		if err != nil {
			t.Errorf("a request was lost: %v", err)
			return
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode == http.StatusTeapot {
			return
		}
		if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(body), "done") {
			t.Errorf("a request was lost: HTTP %d %s %v", resp.StatusCode, body, err)
			return
		}
		answered.Add(1)
	}
}

func isDialError(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// A server that is told to stop is not ready before it refuses connections.
func TestRunIsNotReadyFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const delay = 10 * time.Second
		e := subscriptionEngine(mcpengine.WithHTTP(mcpengine.HTTPConfig{DrainDelay: delay}), mcpengine.WithLogger(slog.New(slog.DiscardHandler)))
		listener := newPipeListener()
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: listener.dial}}
		status := func(r *http.Request) int {
			resp, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			_, _ = io.Copy(io.Discard, resp.Body)
			return resp.StatusCode
		}
		ready, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/readyz", nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		result := make(chan error, 1)
		go func() { result <- e.Serve(ctx, listener) }()

		if got := status(ready); got != http.StatusOK {
			t.Errorf("GET /readyz = %d, want 200", got)
		}
		stop()
		synctest.Wait()
		if got := status(ready); got != http.StatusServiceUnavailable {
			t.Errorf("GET /readyz = %d after the server was told to stop, want 503", got)
		}
		time.Sleep(delay - 1)
		if got := status(newRequest(t.Context(), "http://localhost/mcp", call("tool"))); got != http.StatusOK {
			t.Errorf("a request within the delay = %d, want its answer", got)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if _, err := listener.dial(ctx, "", ""); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a connection after the delay: %v, want %v", err, net.ErrClosed)
		}
		if err := <-result; err != nil {
			t.Errorf("Serve() = %v, want nil", err)
		}
	})
}

// A pipeListener accepts connections in memory, so that a test with a clock of
// its own can use them.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	close  func()
}

func newPipeListener() *pipeListener {
	l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	l.close = sync.OnceFunc(func() { close(l.closed) })
	return l
}

func (l *pipeListener) dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case l.conns <- far:
		return near, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.close()
	return nil
}

func (*pipeListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// sessionRequest begins a session and returns a call in it.
func sessionRequest(t *testing.T, address, version string) *http.Request {
	t.Helper()
	post := func(session, message string) *http.Request {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(message))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "application/json, text/event-stream")
		if session != "" {
			r.Header.Set("Mcp-Session-Id", session)
		}
		return r
	}
	resp, err := http.DefaultClient.Do(post("", `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"`+version+
		`","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return post(resp.Header.Get("Mcp-Session-Id"), `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"endless","arguments":{}}}`)
}
