package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
)

// InMemory returns a transport that lets the handler answer requests without a
// network: the response is read while the handler writes it, and the handler
// sees when a request is cancelled or its response closed. Give it to
// [WithHTTPClient]. It ignores the host of a URL. Package mcptest makes clients
// for tests with it.
func InMemory(handler http.Handler) http.RoundTripper { return memory{handler} }

type memory struct{ handler http.Handler }

// RoundTrip implements [http.RoundTripper].
func (m memory) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(r.Context())
	served := r.Clone(ctx)
	served.RequestURI, served.RemoteAddr = r.URL.RequestURI(), "192.0.2.1:1"
	if served.Host == "" {
		served.Host = r.URL.Host
	}
	if served.Body == nil {
		served.Body = http.NoBody
	}
	read, write := io.Pipe()
	stop := context.AfterFunc(r.Context(), func() { _ = read.CloseWithError(context.Cause(r.Context())) })
	w := &memoryWriter{header: http.Header{}, body: write, started: make(chan struct{})}
	go func() {
		defer cancel()
		defer served.Body.Close()
		err := m.serve(w, served)
		stop()
		_ = write.CloseWithError(err)
		w.begin(http.StatusOK, err)
	}()
	select {
	case <-w.started:
	case <-r.Context().Done():
	}
	if r.Context().Err() != nil {
		cancel()
		return nil, context.Cause(r.Context())
	}
	if w.failed != nil {
		return nil, w.failed
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", w.status, http.StatusText(w.status)), StatusCode: w.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.sent, ContentLength: -1, Body: memoryBody{read, r.Context(), cancel}, Request: r,
	}, nil
}

// serve runs the handler. A panic breaks the response off, as it does over a
// network.
func (m memory) serve(w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		if v := recover(); v == http.ErrAbortHandler { //nolint:errorlint // it is compared as net/http does
			err = io.ErrUnexpectedEOF
		} else if v != nil {
			err = fmt.Errorf("the handler panicked: %v", v)
		}
	}()
	m.handler.ServeHTTP(w, r)
	return nil
}

// A memoryBody is the body of a response. Closing it tells the handler that
// nobody reads any more.
type memoryBody struct {
	*io.PipeReader
	ctx    context.Context // of the request
	cancel context.CancelFunc
}

func (b memoryBody) Read(p []byte) (int, error) {
	n, err := b.PipeReader.Read(p)
	if b.ctx.Err() != nil {
		return 0, context.Cause(b.ctx)
	}
	return n, err
}

func (b memoryBody) Close() error {
	b.cancel()
	return b.PipeReader.Close()
}

// A memoryWriter hands a response over while it is being written.
type memoryWriter struct {
	header  http.Header
	body    io.Writer
	once    sync.Once
	started chan struct{} // is closed when what follows is set
	status  int
	sent    http.Header
	failed  error // before anything was written
}

func (w *memoryWriter) Header() http.Header { return w.header }

func (w *memoryWriter) WriteHeader(status int) {
	if status >= http.StatusOK { // others are not final
		w.begin(status, nil)
	}
}

func (w *memoryWriter) begin(status int, failed error) {
	w.once.Do(func() {
		w.status, w.sent, w.failed = status, w.header.Clone(), failed
		close(w.started)
	})
}

func (w *memoryWriter) Write(p []byte) (int, error) {
	if len(w.header["Content-Type"]) == 0 {
		w.header.Set("Content-Type", http.DetectContentType(p))
	}
	w.begin(http.StatusOK, nil)
	if w.status == http.StatusNoContent || w.status == http.StatusNotModified {
		return 0, http.ErrBodyNotAllowed
	}
	return w.body.Write(p)
}

// Flush sends the header. What is written is read at once.
func (w *memoryWriter) Flush() { w.begin(http.StatusOK, nil) }

// EnableFullDuplex does nothing: a request can be read while its response is
// written.
func (w *memoryWriter) EnableFullDuplex() error { return nil }
