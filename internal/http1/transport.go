package http1

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// Bounds of a [Transport].
const (
	maxBody      = 64 << 10 // of a request; what is longer may be refused half-way
	maxHead      = 64 << 10 // of a response, in bytes
	maxFields    = 256      // of a response
	maxInterim   = 5        // responses with status 1xx before the response
	maxIdle      = 128      // connections
	idleTime     = 90 * time.Second
	maxChunkLine = 256  // bytes of the line before a chunk
	maxTrailer   = 2048 // bytes of the fields after the last one
)

// A Transport sends requests. It is safe for concurrent use. Close it with
// [Transport.CloseIdleConnections] when done.
type Transport struct {
	// Dial opens a connection. Its errors are returned as they are. Required.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// Proxy returns the proxy for a request, or nil, like that of an
	// [http.Transport]. The default is none.
	Proxy func(*http.Request) (*url.URL, error)

	// Other sends what this transport does not. Required.
	Other http.RoundTripper

	pool     pool
	messages sync.Pool // of *[]byte
}

// errUnsent says that the system took nothing of a request, because the
// connection had been closed: it can be sent over another one.
var errUnsent = errors.New("the connection has been closed before the request")

// RoundTrip sends a request and returns the response as soon as its fields are
// there. The caller closes its body. When the context of the request ends, its
// cause is the error, of reading the body too. An error before anything was sent
// is that of Dial, such as a [*net.OpError].
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if !supported || !t.plain(r) {
		return t.Other.RoundTrip(r)
	}
	message, err := t.encode(r)
	if r.Body != nil {
		r.Body.Close()
	}
	if err != nil {
		return nil, err
	}
	defer t.messages.Put(message)
	for r.Context().Err() == nil {
		c, err := t.connect(r)
		if err != nil {
			return nil, cause(r, err)
		}
		resp, err := c.exchange(r, *message)
		if !errors.Is(err, errUnsent) {
			return resp, cause(r, err)
		}
	}
	return nil, context.Cause(r.Context())
}

// CloseIdleConnections closes the connections that are not in use, those of the
// other transport too.
func (t *Transport) CloseIdleConnections() {
	t.pool.closeAll()
	if c, ok := t.Other.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// cause returns the error of a request: why its context ended, if it did.
func cause(r *http.Request, err error) error {
	if err != nil && r.Context().Err() != nil {
		return context.Cause(r.Context())
	}
	return err
}

// connect returns a connection to the host of a request, an idle one if there
// is any that is alive.
func (t *Transport) connect(r *http.Request) (*conn, error) {
	host := r.URL.Host
	for c := t.pool.take(host); c != nil; c = t.pool.take(host) {
		if c.alive() {
			return c, nil
		}
		c.Close()
	}
	address := host
	if r.URL.Port() == "" {
		address = net.JoinHostPort(r.URL.Hostname(), "80")
	}
	nc, err := t.Dial(r.Context(), "tcp", address)
	if err != nil {
		return nil, err
	}
	return newConn(nc, host, &t.pool), nil
}

// encode returns the bytes of a request.
func (t *Transport) encode(r *http.Request) (*[]byte, error) {
	message, ok := t.messages.Get().(*[]byte)
	if !ok {
		message = new([]byte)
	}
	var err error
	if *message, err = appendRequest((*message)[:0], r); err != nil {
		return nil, fmt.Errorf("encode the request: %w", err)
	}
	return message, nil
}
