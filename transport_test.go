package mcpengine_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/internal/sse"
)

// quiet keeps the log out of the output of the tests.
func quiet() mcpengine.Option { return mcpengine.WithLogger(slog.New(slog.DiscardHandler)) }

// An answer is what came back over HTTP.
type answer struct {
	status   int
	messages []string // notifications in order, then the response
}

// response returns the message that ends the exchange.
func (a answer) response() string { return a.messages[len(a.messages)-1] }

// post sends a message to the handler, in memory.
func post(t testing.TB, h http.Handler, message string) answer {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, newRequest(t.Context(), "http://server.example/mcp", message))
	a := answer{status: w.Code}
	if !strings.HasPrefix(w.Header().Get("Content-Type"), "text/event-stream") {
		if w.Body.Len() > 0 {
			a.messages = []string{w.Body.String()}
		}
		return a
	}
	for events := sse.NewReader(w.Body, 1<<20); ; {
		event, err := events.Next()
		if errors.Is(err, io.EOF) {
			return a
		}
		if err != nil {
			t.Fatalf("read events: %v", err)
		}
		a.messages = append(a.messages, string(event.Data))
	}
}

// newRequest returns the HTTP request that carries a message.
func newRequest(ctx context.Context, url, message string) *http.Request {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(message))
	if err != nil {
		panic(err) // only for a malformed URL
	}
	var m struct {
		Method string `json:"method"`
		Params struct {
			Name any `json:"name"`
			URI  any `json:"uri"`
			Meta struct {
				Version any `json:"io.modelcontextprotocol/protocolVersion"`
			} `json:"_meta"`
		} `json:"params"`
	}
	_ = json.Unmarshal([]byte(message), &m) // what cannot be read is not mirrored
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	r.Header.Set("MCP-Protocol-Version", mirrored(m.Params.Meta.Version, "2026-07-28"))
	r.Header.Set("Mcp-Method", m.Method)
	switch m.Method {
	case "tools/call", "prompts/get":
		r.Header.Set("Mcp-Name", mirrored(m.Params.Name, "-"))
	case "resources/read", "notes/get":
		r.Header.Set("Mcp-Name", mirrored(m.Params.URI, "-"))
	}
	return r
}

// mirrored returns the header value for a parameter, or the other one when the
// parameter is no string.
func mirrored(value any, otherwise string) string {
	s, ok := value.(string)
	if !ok {
		return otherwise
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return "=?base64?" + base64.StdEncoding.EncodeToString([]byte(s)) + "?="
		}
	}
	return s
}

// A stdioConn is the client's end of a stdio connection.
type stdioConn struct {
	t   *testing.T
	out io.WriteCloser
	in  *bufio.Reader
}

// dialStdio serves the engine over a pair of pipes until the test ends.
func dialStdio(t *testing.T, e *mcpengine.Engine) *stdioConn {
	t.Helper()
	serverIn, clientOut := io.Pipe()
	clientIn, serverOut := io.Pipe()
	served := make(chan error, 1)
	go func() {
		served <- e.ServeStdio(t.Context(), serverIn, serverOut)
		serverIn.Close()
		serverOut.Close()
	}()
	t.Cleanup(func() {
		clientOut.Close()
		if err := <-served; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("ServeStdio() = %v", err)
		}
	})
	return &stdioConn{t: t, out: clientOut, in: bufio.NewReader(clientIn)}
}

func (c *stdioConn) write(message string) {
	c.t.Helper()
	if _, err := io.WriteString(c.out, message+"\n"); err != nil {
		c.t.Fatalf("write %s: %v", message, err)
	}
}

func (c *stdioConn) read() string {
	c.t.Helper()
	line, err := c.in.ReadString('\n')
	if err != nil {
		c.t.Fatalf("read a message: %v", err)
	}
	return strings.TrimSuffix(line, "\n")
}

// serveStdio serves the engine over stdio until the test ends, and returns what
// sends a message and reads the answer.
func serveStdio(t *testing.T, e *mcpengine.Engine) func(message string) []string {
	t.Helper()
	conn := dialStdio(t, e)
	return func(message string) (messages []string) {
		t.Helper()
		conn.write(message)
		if !strings.Contains(message, `"id":`) {
			return nil // a notification
		}
		for {
			messages = append(messages, conn.read())
			if !strings.HasPrefix(messages[len(messages)-1], `{"jsonrpc":"2.0","method":`) {
				return messages
			}
		}
	}
}

// A stream is an answer that is read while it is being written.
type stream struct {
	t      *testing.T
	body   *io.PipeReader
	events *sse.Reader
	ended  chan struct{} // closed when the handler has returned
	cancel context.CancelFunc
}

// openStream sends a message in memory and returns the stream of its answer.
// Nothing of it is buffered: the server waits until it is read.
func openStream(t *testing.T, h http.Handler, message string) *stream {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	body, writer := io.Pipe()
	s := &stream{t: t, body: body, events: sse.NewReader(body, 1<<20), ended: make(chan struct{}), cancel: cancel}
	go func() {
		defer close(s.ended)
		defer writer.Close()
		h.ServeHTTP(pipeWriter{http.Header{}, writer}, newRequest(ctx, "http://server.example/mcp", message))
	}()
	t.Cleanup(s.leave)
	return s
}

// next returns the next message.
func (s *stream) next() string {
	s.t.Helper()
	event, err := s.events.Next()
	if err != nil {
		s.t.Fatalf("read the next event: %v", err)
	}
	return string(event.Data)
}

// wantEnd checks that nothing more comes.
func (s *stream) wantEnd() {
	s.t.Helper()
	if event, err := s.events.Next(); !errors.Is(err, io.EOF) {
		s.t.Errorf("next event is %q (%v), want the end of the stream", event.Data, err)
	}
}

// leave abandons the request, as a client does that closes the connection.
func (s *stream) leave() {
	s.cancel()
	s.body.Close()
	<-s.ended
}

// A pipeWriter writes a response to a pipe.
type pipeWriter struct {
	header http.Header
	*io.PipeWriter
}

func (w pipeWriter) Header() http.Header { return w.header }
func (w pipeWriter) WriteHeader(int)     {}
func (w pipeWriter) Flush()              {}

// sendTo sends a message to a URL and returns the status.
func sendTo(t *testing.T, url, message string) int {
	t.Helper()
	response, err := http.DefaultClient.Do(newRequest(t.Context(), url, message))
	if err != nil {
		t.Error(err)
		return 0
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode
}
