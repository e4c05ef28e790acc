package streamable_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/streamable"
	"github.com/mcpengine/mcpengine/mcp"
)

// "Closing the SSE response stream MUST be treated by the server as
// cancellation of that request" (streamable-http, "Cancellation"), and so must
// disconnecting before there is one.
func TestClientGoes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		listen  func(*testing.T, http.Handler) *httptest.Server
		streams bool
	}{
		{"HTTP/1.1 before the answer", listen, false},
		{"HTTP/1.1 during the stream", listen, true},
		{"HTTP/2 before the answer", listen2, false},
		{"HTTP/2 during the stream", listen2, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			running, cancelled := make(chan bool, 1), make(chan error, 1)
			server := test.listen(t, newServer(func(ctx context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
				if test.streams {
					notify(progress(1))
				}
				running <- true
				<-ctx.Done()
				cancelled <- ctx.Err()
				return result(req, completed)
			}))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			left := make(chan error, 1)
			go func() {
				resp, err := post(ctx, server, strings.NewReader(call))
				if err == nil {
					err = resp.Body.Close() // with the stream still open
				}
				left <- err
			}()
			await(t, running, "the handler")
			if !test.streams {
				cancel()
			}
			if err := await(t, left, "the client"); (err == nil) != test.streams {
				t.Fatalf("the client gets a stream: %v (%v), want %v", err == nil, err, test.streams)
			}
			if err := await(t, cancelled, "the cancellation of the handler"); !errors.Is(err, context.Canceled) {
				t.Errorf("the cause is %v, want context.Canceled", err)
			}
		})
	}
}

// A narrowListener makes the buffers of its connections as small as they get.
type narrowListener struct{ net.Listener }

func (l narrowListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if tcp, ok := conn.(*net.TCPConn); ok {
		err = tcp.SetWriteBuffer(4 << 10)
	}
	return conn, err
}

// A client that does not read must not hold a handler for longer than an answer
// may take.
func TestClientDoesNotRead(t *testing.T) {
	t.Parallel()
	large := `{"pad":"` + strings.Repeat("x", 8<<20) + `"}`
	stream := func(ctx context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
		if ctx.Err() != nil {
			notify(progress(1))
			return result(req, completed)
		}
		notify(jsonrpc.Notification{Method: "notifications/x", Params: []byte(large)})
		<-ctx.Done() // as a subscription does that waits for its next event
		return result(req, completed)
	}
	whole := func(_ context.Context, req *jsonrpc.Request, _ func(jsonrpc.Notification)) *jsonrpc.Response {
		return result(req, large)
	}
	for _, test := range []struct {
		name    string
		http2   bool
		handler handlerFunc
	}{
		{"HTTP/1.1 event", false, stream},
		{"HTTP/2 event", true, stream},
		{"HTTP/1.1 result", false, whole},
		{"HTTP/2 result", true, whole},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := config()
			c.IOTimeout = 500 * time.Millisecond
			s := streamable.New(test.handler, c)
			served := make(chan bool, 1)
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				s.ServeHTTP(w, r)
				served <- true
			}))
			server.Listener = narrowListener{server.Listener}
			if server.EnableHTTP2 = test.http2; test.http2 {
				server.StartTLS()
			} else {
				server.Start()
			}
			t.Cleanup(server.Close)
			// A reused exchange is as strict as a new one.
			gone, cancel := context.WithCancel(t.Context())
			cancel()
			for range 3 {
				serve(s, newRequest(gone, call))
			}
			if test.http2 {
				resp, err := post(t.Context(), server, strings.NewReader(call))
				if err == nil { // otherwise the server was faster than the client
					defer resp.Body.Close()
				}
			} else {
				conn := dial(t, server)
				if err := conn.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
					t.Fatal(err)
				}
				if _, err := io.WriteString(conn, raw(mirrored+"Transfer-Encoding: chunked\r\n", chunk(call))); err != nil {
					t.Fatal(err)
				}
			}
			await(t, served, "the end of the request")
		})
	}
}

// A wrapper hides the methods of its writer, but has Unwrap.
type wrapper struct{ http.ResponseWriter }

func (w wrapper) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// A onceListener accepts one connection.
type onceListener struct {
	net.Listener
	conn net.Conn
}

func (l *onceListener) Accept() (net.Conn, error) {
	if conn := l.conn; conn != nil {
		l.conn = nil
		return conn, nil
	}
	return nil, net.ErrClosed
}

// A client that goes on sending requests and reads nothing fills the buffers on
// the way even with short answers. Its connection ends too, with middleware in
// front of the endpoint and without.
func TestClientDoesNotReadShortAnswers(t *testing.T) {
	t.Parallel()
	length := fmt.Sprintf("Content-Length: %d\r\n", len(call))
	for _, test := range []struct{ name, text string }{
		{"result", raw(mirrored+length, call)},
		{"mismatch", raw(length, call)},
		{"refusal", raw("Origin: null\r\n"+mirrored+length, call)},
		{"refused caller", raw("Authorization: Bearer x\r\n"+mirrored+length, call)},
		{"wrong type", strings.Replace(raw(mirrored+length, call), "/json\r\n", "/xml\r\n", 1)},
		{"wrong Accept", strings.Replace(raw(mirrored+length, call), "text/event-stream", "text/html", 1)},
		{"not JSON", raw("Content-Length: 1\r\n", "x")},
		{"wrong method", "GET /mcp HTTP/1.1\r\nHost: localhost\r\n\r\n"},
		{"preflight", "OPTIONS /mcp HTTP/1.1\r\nHost: localhost\r\n\r\n"},
		{"notification", raw(fmt.Sprintf("Content-Length: %d\r\n", len(notification)), notification)},
	} {
		c := config()
		c.IOTimeout = 200 * time.Millisecond
		c.Authenticate = func(r *http.Request) (context.Context, *jsonrpc.Error) {
			if r.Header.Get("Authorization") != "" {
				return nil, jsonrpc.Errorf(mcp.CodeInvalidRequest, "who are you?")
			}
			return r.Context(), nil
		}
		s := streamable.New(notifying(0), c)
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			sendUntilTheEnd(t, s, test.text)
		})
		t.Run(test.name+", middleware", func(t *testing.T) {
			t.Parallel()
			sendUntilTheEnd(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				s.ServeHTTP(wrapper{w}, r)
			}), test.text)
		})
	}
}

// sendUntilTheEnd sends a text, reading nothing, until the server ends the
// connection.
func sendUntilTheEnd(t *testing.T, h http.Handler, text string) {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	// The pipe holds nothing, like full buffers.
	conn, pipe := net.Pipe()
	server.Listener.Close()
	server.Listener = &onceListener{Listener: server.Listener, conn: pipe}
	server.Start()
	t.Cleanup(func() {
		conn.Close()
		server.Close()
	})
	ended := make(chan error, 1)
	go func() {
		for {
			if _, err := io.WriteString(conn, text); err != nil {
				ended <- err
				return
			}
		}
	}()
	await(t, ended, "the end of the connection")
}

// IOTimeout takes the place of the limits that a server has for a request as a
// whole: a handler may take longer.
func TestLimitsOfTheServerAreReplaced(t *testing.T) {
	t.Parallel()
	const limit = 100 * time.Millisecond
	for _, test := range []struct {
		name        string
		read, write time.Duration
	}{
		{"none", 0, 0},
		{"ReadTimeout", limit, 0},
		{"WriteTimeout", 0, limit},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewUnstartedServer(newServer(slowly(3 * limit)))
			server.Config.ReadTimeout, server.Config.WriteTimeout = test.read, test.write
			server.Start()
			t.Cleanup(server.Close)
			resp, err := post(t.Context(), server, strings.NewReader(call))
			if err != nil {
				t.Fatal(err)
			}
			data, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || parse(t, data).Error.Code != 0 {
				t.Errorf("answer %s (%v), want a result", data, err)
			}
		})
	}
}

// A handler may take longer than the time limit of its answer.
func TestSlowHandlerAnswers(t *testing.T) {
	t.Parallel()
	c := config()
	c.IOTimeout = 150 * time.Millisecond
	for _, size := range []int{1, 64 << 10} {
		server := listen(t, streamable.New(handlerFunc(
			func(_ context.Context, req *jsonrpc.Request, _ func(jsonrpc.Notification)) *jsonrpc.Response {
				<-time.After(3 * c.IOTimeout)
				return result(req, `{"pad":"`+strings.Repeat("x", size)+`"}`)
			}), c))
		resp, err := post(t.Context(), server, strings.NewReader(call))
		if err != nil {
			t.Fatalf("%d bytes: no answer: %v", size, err)
		}
		data, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || len(data) < size {
			t.Errorf("%d bytes: got %d of them, then %v", size, len(data), err)
		}
	}
}

// The time limit is on each event, not on the stream.
func TestSlowStreamGoesOn(t *testing.T) {
	t.Parallel()
	c := config()
	c.IOTimeout = 150 * time.Millisecond
	server := listen(t, streamable.New(handlerFunc(
		func(_ context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
			for i := range 3 {
				notify(progress(i))
				<-time.After(3 * c.IOTimeout)
			}
			return result(req, completed)
		}), c))
	for range 2 { // the second on the same connection
		resp, err := post(t.Context(), server, strings.NewReader(call))
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			t.Fatalf("the stream broke off: %v\n%s", err, data)
		}
		if messages := events(t, data); len(messages) != 4 {
			t.Errorf("%d messages, want 4", len(messages))
		}
	}
}

// The time limits of a request do not apply to the next request on the same
// connection, which may be for another handler.
func TestDeadlinesEndWithTheRequest(t *testing.T) {
	t.Parallel()
	length := fmt.Sprintf("Content-Length: %d\r\n", len(call))
	for _, test := range []struct {
		name, text    string
		notifications int
	}{
		{"result", raw(mirrored+length, call), 0},
		{"stream", raw(mirrored+length, call), 1},
		{"mismatch", raw(length, call), 0},
		{"refusal", raw("Origin: null\r\n"+mirrored+length, call), 0},
		{"wrong method", "GET /mcp HTTP/1.1\r\nHost: localhost\r\n\r\n", 0},
		{"notification", raw(fmt.Sprintf("Content-Length: %d\r\n", len(notification)), notification), 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := config()
			c.IOTimeout = 150 * time.Millisecond
			mux := http.NewServeMux()
			mux.Handle("/mcp", streamable.New(notifying(test.notifications), c))
			mux.HandleFunc("/other", func(w http.ResponseWriter, r *http.Request) {
				select {
				case <-r.Context().Done():
					w.WriteHeader(http.StatusServiceUnavailable)
				case <-time.After(2 * c.IOTimeout):
				}
			})
			conn := dial(t, listen(t, mux))
			in := bufio.NewReader(conn)
			for _, text := range []string{test.text, "GET /other HTTP/1.1\r\nHost: localhost\r\n\r\n"} {
				if _, err := io.WriteString(conn, text); err != nil {
					t.Fatal(err)
				}
				resp, err := http.ReadResponse(in, nil)
				if err != nil {
					t.Fatalf("no answer: %v", err)
				}
				if _, err := io.Copy(io.Discard, resp.Body); err != nil {
					t.Fatalf("half an answer: %v", err)
				}
				resp.Body.Close()
				if resp.StatusCode == http.StatusServiceUnavailable {
					t.Error("the time limit of the first request cancels the second")
				}
				<-time.After(2 * c.IOTimeout)
			}
		})
	}
}
