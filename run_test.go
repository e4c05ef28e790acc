package mcpengine_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/internal/sse"
)

// A running engine is one that [mcpengine.Engine.Run] serves over HTTP.
type running struct {
	url    string // of the server, without path
	stop   context.CancelFunc
	result chan error
}

// setTransport clears the environment that decides how Run serves, but for one
// variable.
func setTransport(t *testing.T, name, value string) {
	t.Helper()
	for _, other := range []string{"MCPENGINE_TRANSPORT", "PORT", "AWS_LAMBDA_HTTP_ENDPOINT", "AWS_LAMBDA_RUNTIME_API"} {
		t.Setenv(other, "")
	}
	t.Setenv(name, value)
}

// run runs the engine that newEngine makes on a free port.
func run(t *testing.T, newEngine func(opts ...mcpengine.Option) *mcpengine.Engine, opts ...mcpengine.Option) *running {
	t.Helper()
	setTransport(t, "PORT", "0")
	address := make(chan string, 1)
	logger := slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == "address" {
			address <- a.Value.String()
		}
		return a
	}}))
	e := newEngine(append(opts, mcpengine.WithLogger(logger))...)
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{stop: cancel, result: make(chan error, 1)}
	go func() { r.result <- e.Run(ctx) }()
	t.Cleanup(cancel)
	select {
	case a := <-address:
		_, port, err := net.SplitHostPort(a)
		if err != nil {
			t.Fatal(err)
		}
		r.url = "http://127.0.0.1:" + port
	case err := <-r.result:
		t.Fatalf("Run() = %v before it served", err)
	}
	return r
}

// get returns the status and body of a page.
func get(t *testing.T, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return do(t, req)
}

func do(t *testing.T, req *http.Request) (int, string) {
	t.Helper()
	status, body, err := roundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	return status, body
}

// roundTrip sends a request over a connection of its own.
func roundTrip(req *http.Request) (status int, body string, err error) {
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

func TestRunHTTP(t *testing.T) {
	r := run(t, subscriptionEngine, mcpengine.WithHTTP(mcpengine.HTTPConfig{Path: "/here"}))
	if status, body := get(t, r.url+"/healthz"); status != http.StatusOK || body != "ok\n" {
		t.Errorf("GET /healthz = %d %q, want 200 ok", status, body)
	}
	if status, _ := get(t, r.url+"/mcp"); status != http.StatusNotFound {
		t.Errorf("GET /mcp = %d, want 404", status)
	}
	if status, body := do(t, newRequest(t.Context(), r.url+"/here", call("tool"))); status != http.StatusOK || !strings.Contains(body, "done") {
		t.Errorf("POST /here = %d %s", status, body)
	}
	r.stop()
	if err := <-r.result; err != nil {
		t.Errorf("Run() = %v, want nil", err)
	}
}

// When Run is told to stop, subscriptions end with their result, requests under
// way finish, and nothing new is accepted.
func TestRunStopsGracefully(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	r := run(t, func(opts ...mcpengine.Option) *mcpengine.Engine {
		e := subscriptionEngine(opts...)
		mcpengine.AddTool(e, "slow", "", func(context.Context, none) (string, error) {
			close(started)
			<-release
			return "finished", nil
		})
		return e
	})
	resp, err := new(http.Transport).RoundTrip(newRequest(t.Context(), r.url+"/mcp", listen("1", everything)))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	events := sse.NewReader(resp.Body, 1<<20)
	next := func() string {
		event, err := events.Next()
		if err != nil {
			t.Fatal(err)
		}
		return string(event.Data)
	}
	next() // the acknowledgement
	slow := make(chan string, 1)
	go func() {
		_, body, err := roundTrip(newRequest(t.Context(), r.url+"/mcp", call("slow")))
		slow <- fmt.Sprint(body, err)
	}()
	<-started
	r.stop()
	if got := next(); !strings.Contains(got, `"result":{"resultType":"complete"`) {
		t.Errorf("subscription ends with %s, want its result", got)
	}
	select {
	case err := <-r.result:
		t.Errorf("Run() = %v while a request is under way", err)
	default:
	}
	if conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(r.url, "http://")); err == nil {
		conn.Close()
		t.Errorf("the stopping server accepts a connection")
	}
	close(release)
	if got := <-slow; !strings.Contains(got, "finished") {
		t.Errorf("the request under way was answered with %s", got)
	}
	if err := <-r.result; err != nil {
		t.Errorf("Run() = %v, want nil", err)
	}
}

func TestRunPortInUse(t *testing.T) {
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	setTransport(t, "PORT", port)
	err = mcpengine.New("test").Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "listen on :"+port) {
		t.Errorf("Run() on a port in use = %v, want an error that names it", err)
	}
}

// When the listener fails, Serve returns its error.
func TestServeFails(t *testing.T) {
	t.Parallel()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if err := mcpengine.New("server").Serve(t.Context(), l); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve() = %v, want %v", err, net.ErrClosed)
	}
}

func TestRunUnknownTransport(t *testing.T) {
	setTransport(t, "MCPENGINE_TRANSPORT", "pigeon")
	if err := mcpengine.New("test").Run(t.Context()); err == nil || !strings.Contains(err.Error(), "pigeon") {
		t.Errorf("Run() with MCPENGINE_TRANSPORT=pigeon = %v, want an error that names it", err)
	}
}

// Over stdio a handler that prints does not break the protocol, and the end of
// the input ends Run.
func TestRunStdio(t *testing.T) {
	setTransport(t, "MCPENGINE_TRANSPORT", "stdio")
	e := mcpengine.New("test")
	mcpengine.AddTool(e, "print", "", func(context.Context, none) (string, error) {
		fmt.Fprintln(os.Stdout, "printed")
		return "done", nil
	})
	stdin, toServer := replace(t, &os.Stdin, true)
	fromServer, stdout := replace(t, &os.Stdout, false)
	printed, stderr := replace(t, &os.Stderr, false)
	result := make(chan error, 1)
	go func() { result <- e.Run(t.Context()) }()
	if _, err := io.WriteString(toServer, call("print")+"\n"); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(fromServer).ReadString('\n'); err != nil || !strings.Contains(line, `"text":"done"`) {
		t.Errorf("stdout is %q (%v), want the response", line, err)
	}
	if line, err := bufio.NewReader(printed).ReadString('\n'); err != nil || line != "printed\n" {
		t.Errorf("stderr is %q (%v), want what the handler printed", line, err)
	}
	toServer.Close()
	if err := <-result; err != nil {
		t.Errorf("Run() = %v, want nil at the end of the input", err)
	}
	if os.Stdin != stdin || os.Stdout != stdout || os.Stderr != stderr {
		t.Errorf("Run has not put the standard streams back")
	}
}

func TestRunStdioStops(t *testing.T) {
	setTransport(t, "MCPENGINE_TRANSPORT", "stdio")
	replace(t, &os.Stdin, true)
	replace(t, &os.Stdout, false)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := mcpengine.New("test").Run(ctx); err != nil {
		t.Errorf("Run() = %v, want nil when its context ends", err)
	}
}

// replace puts a pipe in the place of a standard stream until the test ends,
// and returns both of its ends.
func replace(t *testing.T, stream **os.File, input bool) (reader, writer *os.File) {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	old := *stream
	if *stream = writer; input {
		*stream = reader
	}
	t.Cleanup(func() {
		*stream = old
		reader.Close()
		writer.Close()
	})
	return reader, writer
}

// A server whose standard input is the null device ends with a message.
func TestRunNullDevice(t *testing.T) {
	setTransport(t, "PORT", "")
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	stdin := os.Stdin
	defer func() { os.Stdin = stdin }()
	os.Stdin = null
	said, _ := replace(t, &os.Stderr, false)
	if err := mcpengine.New("test").Run(t.Context()); err != nil {
		t.Errorf("Run() = %v", err)
	}
	if line, err := bufio.NewReader(said).ReadString('\n'); err != nil || !strings.HasPrefix(line, "test: standard input is the null device") {
		t.Errorf("stderr is %q (%v)", line, err)
	}
}
