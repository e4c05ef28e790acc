package handshake_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/internal/handshake"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/streamable"
)

// newHurried returns an endpoint whose clients have little time.
func newHurried(h jsonrpc.Handler, config handshake.HTTPConfig, timeout time.Duration) http.Handler {
	config.IOTimeout = timeout
	return streamable.New(h, streamable.Config{
		MaxBody: 1 << 20, KeepAlive: time.Minute, IOTimeout: timeout, Handshake: handshake.NewHTTP(h, config),
	})
}

// A handler may take longer than the time limit of its answer.
func TestSlowHandlerAnswers(t *testing.T) {
	t.Parallel()
	const timeout = 150 * time.Millisecond
	for _, test := range []struct {
		name   string
		config handshake.HTTPConfig
		notes  int
		cancel bool
		status int
	}{
		{"result", handshake.HTTPConfig{}, 0, false, http.StatusOK},
		{"result without a session", handshake.HTTPConfig{NoSessions: true}, 0, false, http.StatusOK},
		{"stream", handshake.HTTPConfig{}, 1, false, http.StatusOK},
		{"cancelled", handshake.HTTPConfig{}, 0, true, http.StatusOK},
		{"cancelled, JSON only", handshake.HTTPConfig{JSONOnly: true}, 0, true, http.StatusAccepted},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var c *client
			c = connect(t, newHurried(handlerFunc(func(ctx context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
				if req.Method == "initialize" {
					return result(req, `{}`)
				}
				<-time.After(4 * timeout)
				if test.cancel {
					cancelled(c).Body.Close()
					<-ctx.Done()
				}
				return notes(test.notes)(ctx, req, notify)
			}), test.config, timeout), "2025-11-25")
			resp := c.post(t.Context(), callMessage)
			body, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != test.status {
				t.Errorf("HTTP %d %s, then %v, want HTTP %d", resp.StatusCode, body, err, test.status)
			}
			if answered := strings.Contains(string(body), `"result"`); answered == test.cancel {
				t.Errorf("answered: %v, want %v: %s", answered, !test.cancel, body)
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

// A client that does not read its answer must not hold the connection for
// longer than an answer may take.
func TestClientDoesNotReadAnswer(t *testing.T) {
	t.Parallel()
	large := `{"pad":"` + strings.Repeat("x", 8<<20) + `"}`
	h := newHurried(handlerFunc(func(_ context.Context, req *jsonrpc.Request, _ func(jsonrpc.Notification)) *jsonrpc.Response {
		return result(req, large)
	}), handshake.HTTPConfig{NoSessions: true}, 200*time.Millisecond)
	served := make(chan bool, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r)
		served <- true
	}))
	server.Listener = narrowListener{server.Listener}
	server.Start()
	t.Cleanup(server.Close)
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := newMessage(t.Context(), server.URL, "2025-11-25", "", callMessage).Write(conn); err != nil {
		t.Fatal(err)
	}
	await(t, served, "the end of the request")
}

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

// The server ends the connection of a client that goes on sending messages and
// reads no answer.
func TestClientDoesNotReadShortAnswers(t *testing.T) {
	t.Parallel()
	const timeout = 200 * time.Millisecond
	for _, test := range []struct{ name, version, session, message string }{
		{"request", "2025-11-25", "", callMessage},
		{"request with a stream", "2025-11-25", "", strings.Replace(callMessage, `"tools/call"`, `"tools/list"`, 1)},
		{"initialize", "", "", strings.Replace(callMessage, `"tools/call"`, `"initialize"`, 1)},
		{"another version", "2025-06-18", "unknown", callMessage},
		{"notification", "2025-11-25", "", `{"jsonrpc":"2.0","method":"notifications/initialized"}`},
		{"response", "2025-11-25", "", `{"jsonrpc":"2.0","id":1,"result":{}}`},
		{"batch", "2025-03-26", "", "[" + callMessage + "]"},
		{"no batch", "2025-11-25", "", "[" + callMessage + "]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := newHurried(handlerFunc(func(ctx context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
				if req.Method == "tools/list" {
					return notes(1)(ctx, req, notify)
				}
				return result(req, `{}`)
			}), handshake.HTTPConfig{NoSessions: test.session == ""}, timeout)
			conn, pipe := net.Pipe() // it holds nothing, like full buffers
			server := httptest.NewUnstartedServer(h)
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
					if err := newMessage(t.Context(), server.URL, test.version, test.session, test.message).Write(conn); err != nil {
						ended <- err
						return
					}
				}
			}()
			await(t, ended, "the end of the connection")
		})
	}
}
