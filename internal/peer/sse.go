package peer

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"

	"github.com/mcpengine/mcpengine/internal/sse"
)

// An sseLink is a link over HTTP+SSE. One stream carries the messages of the
// server, and each message to the server is a POST (2024-11-05, transports,
// "HTTP with SSE").
type sseLink struct {
	*duplex
	*endpoint
	messages *url.URL
	header   http.Header
	cancel   context.CancelFunc // of the stream
	reading  chan struct{}      // closed when reading has ended
}

// openSSE opens the stream and waits for the event that names the endpoint.
func openSSE(ctx context.Context, e *endpoint, u *url.URL) (*sseLink, error) {
	l := &sseLink{endpoint: e, header: postHeader(""), reading: make(chan struct{})}
	opening := startIdleTimer(ctx, e.config.ProbeTimeout)
	defer opening.stop()
	ctx = opening
	streaming, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, cancel) // until the stream is there
	events, body, err := l.open(streaming, u)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		cancel()
		if body != nil {
			body.Close()
		}
		return nil, err
	}
	l.cancel = cancel
	l.duplex = newDuplex(e.config, l.write)
	go func() {
		defer close(l.reading)
		defer body.Close()
		l.duplex.fail(l.read(events))
	}()
	return l, nil
}

func (l *sseLink) open(ctx context.Context, u *url.URL) (*sse.Reader, io.Closer, error) {
	header := l.header.Clone()
	header["Accept"] = []string{"text/event-stream"}
	delete(header, "Content-Type")
	resp, err := l.do(ctx, http.MethodGet, u, header, nil)
	if err != nil {
		return nil, nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, resp.Body, refusal(resp, nil)
	}
	if mediaType(resp.Header) != "text/event-stream" {
		return nil, resp.Body, protocolErrorf("a GET is answered with content type %.64q, not an event stream", resp.Header.Get("Content-Type"))
	}
	events := sse.NewReader(resp.Body, l.endpoint.config.MaxMessage)
	event, err := events.Next()
	if err != nil || event.Name != "endpoint" {
		return nil, resp.Body, protocolErrorf("the stream does not begin with the event that names the endpoint")
	}
	l.messages, err = u.Parse(string(event.Data))
	if err != nil || !sameOrigin(l.messages, u) {
		return nil, resp.Body, protocolErrorf("the endpoint %.256q is of another origin", event.Data)
	}
	return events, resp.Body, nil
}

func (l *sseLink) read(events *sse.Reader) error {
	for {
		event, err := events.Next()
		switch {
		case errors.Is(err, sse.ErrTooLarge):
			return protocolErrorf("read the stream: %w", err)
		case err != nil:
			return &UnreachableError{Sent: true, Err: errCut}
		case event.Name == "" || event.Name == "message":
			l.receive(event.Data)
		}
	}
}

func (l *sseLink) write(ctx context.Context, message []byte) error {
	err := l.post(func() (*http.Response, error) {
		return l.do(ctx, http.MethodPost, l.messages, l.header.Clone(), message)
	})
	if status, ok := errors.AsType[*StatusError](err); ok && saysSessionLost(status.Status, err, true) {
		err = &SessionError{Err: err}
		l.fail(err)
	}
	return err
}

func (l *sseLink) close() {
	l.cancel()
	l.end()
	<-l.reading
}
