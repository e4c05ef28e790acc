package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/test/internal/wire"
)

// inProcess is the cost of a request, or of building a server, without the
// network.
type inProcess struct {
	Nanoseconds float64 `json:"ns"`
	Bytes       float64 `json:"bytes"`
	Allocs      float64 `json:"allocs"`
}

// benchmarkHandler calls the server's ServeHTTP over and over with one request
// and one response writer, so that only the server's work is counted.
func benchmarkHandler(s rival, r row) (inProcess, error) {
	handler := s.serve(r.setup)
	send := func(request wire.Request) (answer, error) {
		c := newCall(request)
		c.serve(handler)
		return c.answer(), nil
	}
	r, err := r.open(s, send)
	if err == nil {
		err = r.verify(s, send)
	}
	if err != nil {
		return inProcess{}, fmt.Errorf("verify %s, %s in process: %w", s.name, r.name, err)
	}
	wrong := 0
	c := newCall(r.request)
	result := benchmark(func() {
		c.serve(handler)
		if c.status != http.StatusOK || c.written.Len() == 0 {
			wrong++
		}
	})
	if wrong > 0 {
		return inProcess{}, fmt.Errorf("%s, %s in process: %d wrong answers", s.name, r.name, wrong)
	}
	return result, nil
}

// benchmark measures f. The time is the processor time of this process, which
// runs nothing else on one processor: on an idle machine it is the time on the
// clock, and on a busy one it does not count the neighbours.
func benchmark(f func()) inProcess {
	var cpu time.Duration
	result := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		start, startErr := processCPU()
		for b.Loop() {
			f()
		}
		end, endErr := processCPU()
		cpu = end - start
		if startErr != nil || endErr != nil {
			cpu = b.Elapsed()
		}
	})
	n := float64(result.N)
	return inProcess{
		Nanoseconds: float64(cpu.Nanoseconds()) / n,
		Bytes:       float64(result.MemBytes) / n,
		Allocs:      float64(result.MemAllocs) / n,
	}
}

// A call is a request and the writer of its response, reusable without
// allocating. Handlers may replace the request's body, not its headers.
type call struct {
	request *http.Request
	body    []byte
	reader  bytes.Reader

	header  http.Header
	status  int
	written bytes.Buffer
}

func newCall(request wire.Request) *call {
	c := &call{body: request.Body(), header: http.Header{}}
	c.request = &http.Request{
		Method: http.MethodPost, URL: &url.URL{Path: "/mcp"}, RequestURI: "/mcp",
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Host: "127.0.0.1:8000", RemoteAddr: "127.0.0.1:40000",
		Header: request.Header(), ContentLength: int64(len(c.body)),
	}
	return c
}

func (c *call) serve(handler http.Handler) {
	clear(c.header)
	c.status = 0
	c.written.Reset()
	c.reader.Reset(c.body)
	c.request.Body = c
	handler.ServeHTTP(c, c.request)
}

func (c *call) answer() answer {
	return answer{c.status, c.header.Get("Content-Type"), c.header.Get("Mcp-Session-Id"), bytes.Clone(c.written.Bytes())}
}

func (c *call) Read(p []byte) (int, error)         { return c.reader.Read(p) }
func (c *call) WriteTo(w io.Writer) (int64, error) { return c.reader.WriteTo(w) }
func (c *call) Close() error                       { return nil }
func (c *call) Header() http.Header                { return c.header }
func (c *call) Flush()                             { c.WriteHeader(http.StatusOK) }

func (c *call) WriteHeader(status int) {
	if c.status == 0 {
		c.status = status
	}
}

func (c *call) Write(p []byte) (int, error) {
	c.WriteHeader(http.StatusOK)
	return c.written.Write(p)
}
