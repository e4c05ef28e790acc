//go:build unix

package http1_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/mcpengine/mcpengine/internal/http1"
)

// A script is a connection to a server that answers anything with the same
// bytes and hangs up.
type script struct {
	net.Conn // of which nothing is used
	answer   io.Reader
	got      bytes.Buffer
}

func (s *script) Read(p []byte) (int, error)  { return s.answer.Read(p) }
func (s *script) Write(p []byte) (int, error) { return s.got.Write(p) }
func (s *script) Close() error                { return nil }

// answering returns a transport to a server that answers with text.
func answering(text string) (*http1.Transport, *script) {
	s := &script{answer: strings.NewReader(text)}
	return &http1.Transport{
		Dial:  func(context.Context, string, string) (net.Conn, error) { return s, nil },
		Other: unwanted{},
	}, s
}

// unwanted is another transport that must not be used.
type unwanted struct{}

func (unwanted) RoundTrip(r *http.Request) (*http.Response, error) {
	panic("the other transport got " + r.URL.String())
}

// dialing returns a transport that dials for real, and counts.
func dialing(t *testing.T) (transport *http1.Transport, dialed *atomic.Int32) {
	t.Helper()
	dialed = new(atomic.Int32)
	transport = &http1.Transport{
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			dialed.Add(1)
			return new(net.Dialer).DialContext(ctx, network, address)
		},
		Other: unwanted{},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return transport, dialed
}

// listen starts a server that handles each connection with handle.
func listen(t *testing.T, handle func(net.Conn)) (url string) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			handle(c)
			c.Close()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return "http://" + l.Addr().String()
}

// request returns a POST of body, or a GET when it is empty.
func request(t testing.TB, ctx context.Context, url, body string) *http.Request {
	t.Helper()
	method := http.MethodPost
	if body == "" {
		method = http.MethodGet
	}
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// send sends a request and returns the status and the body.
func send(transport http.RoundTripper, r *http.Request) (status int, body string, err error) {
	resp, err := transport.RoundTrip(r)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(data), err
}

// A quietConn is a connection that says of itself that it is alive, because file
// has nothing to read.
type quietConn struct {
	net.Conn
	file *os.File
}

func (c quietConn) SyscallConn() (syscall.RawConn, error) { return c.file.SyscallConn() }

// quietFile returns a file that has nothing to read and is open at its other end.
func quietFile(t *testing.T) *os.File {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.Close()
		w.Close()
	})
	return r
}
