package handshake_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/handshake"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/sse"
	"github.com/mcpengine/mcpengine/internal/streamable"
)

// newSSE returns the two endpoints. X-Caller names the verified caller.
func newSSE(h jsonrpc.Handler, config handshake.SSEConfig) http.Handler {
	config.Caller = func(r *http.Request) string { return r.Header.Get("X-Caller") }
	endpoint := streamable.New(h, streamable.Config{
		MaxBody: 1000, IOTimeout: time.Second, AllowedOrigins: []string{"https://app.example"}, AllowedHosts: []string{"server.example"},
	})
	s := handshake.NewSSE(h, endpoint, config)
	mux := http.NewServeMux()
	mux.HandleFunc("/sse", s.ServeStream)
	mux.HandleFunc("/messages", s.ServeMessage)
	return mux
}

// A streamWriter is the response that carries an event stream, with a client
// that reads until it stops.
type streamWriter struct {
	mu       sync.Mutex
	header   http.Header
	status   int
	body     strings.Builder
	deadline time.Time
	blocked  bool // the client does not read
	ended    bool // the handler has returned
	late     bool // something was written after that
}

func (w *streamWriter) Header() http.Header { return w.header }

func (w *streamWriter) WriteHeader(status int) { w.status = status }

func (w *streamWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.late = w.late || w.ended
	if w.blocked {
		<-time.After(time.Until(w.deadline))
		return 0, os.ErrDeadlineExceeded
	}
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.body.Write(p)
}

func (w *streamWriter) FlushError() error { return nil }

func (w *streamWriter) SetReadDeadline(time.Time) error { return nil }

func (w *streamWriter) SetWriteDeadline(t time.Time) error {
	w.deadline = t
	return nil
}

// An sseClient is a client of HTTP+SSE, inside of a synctest bubble.
type sseClient struct {
	t        *testing.T
	h        http.Handler
	caller   string
	stream   *streamWriter
	hangUp   context.CancelFunc
	ended    chan bool
	endpoint string
	seen     int
}

func get(ctx context.Context, path, caller string) *http.Request {
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "http://server.example"+path, nil)
	r.Header.Set("Accept", "text/event-stream")
	r.Header.Set("X-Caller", caller)
	return r
}

// openSSE opens a stream and reads the first event of it.
func openSSE(t *testing.T, h http.Handler, path, caller string) *sseClient {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	c := &sseClient{t: t, h: h, caller: caller, stream: &streamWriter{header: http.Header{}}, hangUp: cancel, ended: make(chan bool)}
	go func() {
		h.ServeHTTP(c.stream, get(ctx, path, caller))
		c.stream.mu.Lock()
		defer c.stream.mu.Unlock()
		c.stream.ended = true
		close(c.ended)
	}()
	t.Cleanup(func() {
		cancel()
		<-c.ended
		synctest.Wait()
		if c.stream.late {
			t.Error("something was written after the response had ended")
		}
	})
	events := c.events()
	if len(events) != 1 || events[0].Name != "endpoint" {
		t.Fatalf("the stream begins with %q, status %d", events, c.stream.status)
	}
	c.endpoint = string(events[0].Data)
	return c
}

// events returns the events received since the last call.
func (c *sseClient) events() []sse.Event {
	c.t.Helper()
	synctest.Wait()
	c.stream.mu.Lock()
	defer c.stream.mu.Unlock()
	text := c.stream.body.String()[c.seen:]
	c.seen += len(text)
	var events []sse.Event
	for r := sse.NewReader(strings.NewReader(text), 1<<20); ; {
		event, err := r.Next()
		if errors.Is(err, io.EOF) {
			return events
		}
		if err != nil {
			c.t.Fatalf("read events: %v", err)
		}
		events = append(events, event)
	}
}

func (c *sseClient) wants(want ...string) {
	c.t.Helper()
	got := []string{}
	for _, event := range c.events() {
		if event.Name != "message" || event.ID != "" {
			c.t.Errorf("event = %q, want a message", event)
		}
		got = append(got, string(event.Data))
	}
	if diff := cmp.Diff(append([]string{}, want...), got); diff != "" {
		c.t.Errorf("received (-want +got):\n%s", diff)
	}
}

func post(t *testing.T, target, caller, message string) *http.Request {
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://server.example"+target, strings.NewReader(message))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Caller", caller)
	return r
}

// send posts messages and checks that they are accepted.
func (c *sseClient) send(messages ...string) {
	c.t.Helper()
	for _, message := range messages {
		w := httptest.NewRecorder()
		c.h.ServeHTTP(w, post(c.t, c.endpoint, c.caller, message))
		if w.Code != http.StatusAccepted || w.Body.String() != "Accepted" {
			c.t.Errorf("POST %s is answered with %d %s", message, w.Code, w.Body)
		}
		synctest.Wait()
	}
}
