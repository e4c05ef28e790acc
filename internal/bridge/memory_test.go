package bridge_test

import (
	"context"
	"io"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/mcpengine/mcpengine/internal/bridge"
)

// memory carries requests to a handler without a network, so that a test can
// use the clock of a bubble. The handler's writes arrive at once.
type memory struct{ handler http.Handler }

func (m memory) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	body, write := io.Pipe()
	w := &arriving{header: make(http.Header), body: write, began: make(chan int, 1)}
	broken := make(chan struct{})
	go func() {
		defer func() {
			if recover() != nil {
				write.CloseWithError(io.ErrUnexpectedEOF)
				close(broken)
				return
			}
			w.begin(http.StatusOK)
			write.Close()
		}()
		m.handler.ServeHTTP(w, r)
	}()
	stop := context.AfterFunc(r.Context(), func() { body.CloseWithError(r.Context().Err()) })
	select {
	case status := <-w.began:
		return &http.Response{
			StatusCode: status, Header: w.header, Body: closing{body, stop}, ContentLength: -1,
			Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		}, nil
	case <-broken:
		return nil, io.ErrUnexpectedEOF
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

type closing struct {
	*io.PipeReader
	stop func() bool
}

func (c closing) Close() error {
	c.stop()
	return c.PipeReader.Close()
}

// An arriving is the answer of a handler while it is written.
type arriving struct {
	header http.Header
	body   *io.PipeWriter
	once   sync.Once
	began  chan int
}

func (w *arriving) Header() http.Header { return w.header }

func (w *arriving) WriteHeader(status int) { w.begin(status) }

func (w *arriving) begin(status int) { w.once.Do(func() { w.began <- status }) }

func (w *arriving) Write(p []byte) (int, error) {
	w.begin(http.StatusOK)
	return w.body.Write(p)
}

// bubble runs a test in a bubble of time with a host whose server is the fake.
func bubble(t *testing.T, version string, config bridge.Config, test func(t *testing.T, h *host, s *fake)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := fakeOf(version)
		config.URL = "http://far.example/mcp"
		config.Peer.HTTPClient = &http.Client{Transport: memory{s}}
		h := newHost(t, config)
		test(t, h, s)
		h.in.Close()
		for range h.received {
		}
	})
}

// fail answers n requests with a status, and then normally.
func fail(n, status int, header ...string) func(s *fake, method string) {
	return func(s *fake, method string) {
		left := n
		s.handle(method, func(w http.ResponseWriter, r *http.Request) {
			if left--; left == 0 {
				s.handle(method, nil)
			}
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(status)
		})
	}
}

// breaks closes the connection once without an answer.
func breaks(s *fake, method string) {
	s.handle(method, func(http.ResponseWriter, *http.Request) {
		s.handle(method, nil)
		panic(http.ErrAbortHandler)
	})
}

// cut ends an event stream once before the answer.
func cut(s *fake, method string) {
	s.handle(method, func(w http.ResponseWriter, _ *http.Request) {
		s.handle(method, nil)
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\",\"data\":1}}\n\ndata: {\"js")
	})
}

func says(contentType, body string) func(s *fake, method string) {
	return func(s *fake, method string) {
		s.handle(method, func(w http.ResponseWriter, _ *http.Request) {
			s.handle(method, nil)
			w.Header().Set("Content-Type", contentType)
			_, _ = io.WriteString(w, body)
		})
	}
}
