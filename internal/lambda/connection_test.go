package lambda

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// canned is a connection whose peer sends a fixed text.
type canned struct {
	net.Conn
	io.Reader
}

func (c canned) Read(p []byte) (int, error)  { return c.Reader.Read(p) }
func (c canned) Write(p []byte) (int, error) { return len(p), nil }
func (c canned) Close() error                { return nil }

// late stops the connection while the first byte arrives.
type late struct {
	canned
	stop    func()
	expired bool
}

func (l *late) Read(p []byte) (int, error) {
	if l.stop != nil {
		l.stop()
		l.stop = nil
	} else if l.expired {
		return 0, os.ErrDeadlineExceeded
	}
	return l.canned.Read(p[:1])
}

func (l *late) SetReadDeadline(t time.Time) error {
	l.expired = !t.IsZero()
	return nil
}

// An invocation that has begun to arrive is answered even after stop.
func TestInvocationThatArrivesWithTheStop(t *testing.T) {
	t.Parallel()
	r := newRuntime("127.0.0.1:1", New(http.NotFoundHandler(), Config{}))
	c := &connection{address: "nowhere"}
	c.use(&late{
		canned: canned{Reader: strings.NewReader("HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: a\r\nContent-Length: 2\r\n\r\n{}")},
		stop:   c.stop,
	})
	if inv, err := r.take(c); err != nil || string(inv.event) != "{}" {
		t.Errorf("take = %+v, %v, want the invocation", inv, err)
	}
	if _, err := r.take(c); !errors.Is(err, errStopped) {
		t.Errorf("take after it = %v, want %v", err, errStopped)
	}
}

// FuzzInvocation reads an invocation from an arbitrary response. It is in this
// package because from outside each input would need a server.
func FuzzInvocation(f *testing.F) {
	for _, response := range []string{
		"HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\nLambda-Runtime-Deadline-Ms: 1542409706888\r\nLambda-Runtime-Trace-Id: Root=1-5bef4de7\r\nContent-Length: 2\r\n\r\n{}",
		"HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: a b/../c?d%\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		"HTTP/1.0 200 OK\r\nLambda-Runtime-Aws-Request-Id: a\r\n\r\n{}",
		"HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: a\r\nContent-Length: 9223372036854775807\r\n\r\n{}",
		"HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\nno\n",
		"HTTP/1.1 100 Continue\r\n\r\n",
		"\r\n",
	} {
		f.Add([]byte(response))
	}
	r := newRuntime("127.0.0.1:1", New(http.NotFoundHandler(), Config{}))
	f.Fuzz(func(t *testing.T, response []byte) {
		// Without a port nothing can be dialled when the request is repeated.
		c := &connection{address: "nowhere"}
		c.use(canned{Reader: bytes.NewReader(response)})
		inv, err := r.take(c)
		if err != nil {
			if inv != nil {
				t.Errorf("take = %+v, %v", inv, err)
			}
			return
		}
		if len(inv.event) > len(response) {
			t.Errorf("an event of %d bytes in a response of %d", len(inv.event), len(response))
		}
		// Any id stays one segment of the path of one request.
		head := withBody(r.head("POST", inv.path("/response")), 0)
		req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(head)))
		if err != nil {
			t.Fatalf("the answer begins with %q: %v", head, err)
		}
		const before, after = "/2018-06-01/runtime/invocation/", "/response"
		if req.URL.Path != before+inv.id+after || strings.Count(req.URL.EscapedPath(), "/") != strings.Count(before+after, "/") || req.URL.RawQuery != "" {
			t.Errorf("id %q becomes %q", inv.id, req.RequestURI)
		}
	})
}
