package mcptest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/mcpengine/mcpengine/internal/sse"
)

// maxEvent bounds one event of a stream.
const maxEvent = 64 << 20

// exchange lets the handler answer the request, and reads the answer while it
// is being written.
func (c *Client) exchange(r *http.Request, message []byte) (json.RawMessage, error) {
	r.Body = io.NopCloser(bytes.NewReader(message))
	r.ContentLength = int64(len(message))
	body, writer := io.Pipe()
	w := &responseWriter{header: http.Header{}, body: writer, started: make(chan struct{})}
	go func() {
		defer writer.Close()
		defer w.WriteHeader(http.StatusOK)
		c.handler.ServeHTTP(w, r)
	}()
	<-w.started
	defer body.CloseWithError(io.ErrClosedPipe)
	if strings.HasPrefix(w.sent.Get("Content-Type"), "text/event-stream") {
		return c.readEvents(body, w.status)
	}
	return c.readJSON(body, w.status)
}

func (c *Client) readEvents(body io.Reader, status int) (json.RawMessage, error) {
	events := sse.NewReader(body, maxEvent)
	for {
		event, err := events.Next()
		if errors.Is(err, io.EOF) {
			return nil, errors.New("the stream ended without a response")
		}
		if err != nil {
			return nil, fmt.Errorf("read events: %w", err)
		}
		if result, done, err := c.receive(event.Data, status); done {
			_, _ = io.Copy(io.Discard, body) // the handler has returned after this
			return result, err
		}
	}
}

func (c *Client) readJSON(body io.Reader, status int) (json.RawMessage, error) {
	data, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	if !json.Valid(data) {
		return nil, &Error{Message: fmt.Sprintf("HTTP %d: %.256s", status, data), Status: status}
	}
	result, _, err := c.receive(data, status)
	return result, err
}

// A responseWriter hands a response over while it is being written.
type responseWriter struct {
	header  http.Header
	body    io.Writer
	started chan struct{} // closed when status and sent are set
	status  int
	sent    http.Header
}

func (w *responseWriter) Header() http.Header { return w.header }

func (w *responseWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status, w.sent = status, w.header.Clone()
		close(w.started)
	}
}

func (w *responseWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

// Flush does nothing: what is written is read at once.
func (w *responseWriter) Flush() {}
