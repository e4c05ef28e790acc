package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/internal/peer"
)

// A program on standard streams, which is a bridge here, is offered over HTTP,
// and ends with the server.
func TestServe(t *testing.T) {
	t.Parallel()
	url, stop, ended := startServe(t)
	for _, path := range []string{"/healthz", "/readyz"} {
		resp, err := http.Get(strings.TrimSuffix(url, "/mcp") + path) //nolint:noctx // a test
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s is answered with %d", path, resp.StatusCode)
		}
	}
	for _, version := range []string{"2026-07-28", "2025-11-25"} {
		c, err := peer.Dial(t.Context(), url, peer.Config{Versions: []string{version}})
		if err != nil {
			t.Fatal(err)
		}
		result, err := c.Call(t.Context(), peer.Call{Method: "tools/call", Params: []byte(`{"name":"echo","arguments":{"text":"hello"}}`)})
		if err != nil || !strings.Contains(string(result), "hello") {
			t.Errorf("%s: the result is %s, %v", version, result, err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	stop()
	if code := <-ended; code != 0 {
		t.Errorf("serve ended with %d", code)
	}
}

// startServe offers a program with the tool echo over HTTP.
func startServe(t *testing.T) (url string, stop func(), ended <-chan int) {
	t.Helper()
	e := mcpengine.New("far")
	mcpengine.AddTool(e, "echo", "", echo)
	far := httptest.NewServer(e)
	t.Cleanup(far.Close)
	t.Cleanup(e.Close)

	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	said, stderr := io.Pipe()
	code := make(chan int, 1)
	home := t.TempDir()
	go func() {
		code <- run(ctx, []string{"serve", "--port", "0", "--protocol", "2025-11-25", "--timeout", "1m", "--public-url", "https://mcp.example.com/mcp", "--", "mcpengine", "bridge", far.URL}, strings.NewReader(""), io.Discard, stderr,
			func(name string) string { return map[string]string{"HOME": home, "MCPENGINE_HOME": home}[name] })
	}()
	line, err := bufio.NewReader(said).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, said) }()
	match := regexp.MustCompile(`^serving (http://127\.0\.0\.1:\d+/mcp)\n$`).FindStringSubmatch(line)
	if match == nil {
		t.Fatalf("serve says %q", line)
	}
	return match[1], cancel, code
}

// A caller whose request has been sent gets its answer when serve ends. A caller
// that comes too late gets no connection.
func TestServeLosesNoRequest(t *testing.T) {
	t.Parallel()
	url, stop, ended := startServe(t)
	var answered atomic.Int64
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() { callUntilGone(t, url, &answered) })
	}
	for answered.Load() < 100 {
		<-time.After(time.Millisecond)
	}
	stop()
	if code := <-ended; code != 0 {
		t.Errorf("serve ended with %d", code)
	}
	callers.Wait()
}

// callUntilGone sends requests until no connection is accepted.
func callUntilGone(t *testing.T, url string, answered *atomic.Int64) {
	client := &http.Client{Transport: new(http.Transport)}
	defer client.CloseIdleConnections()
	const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"hello"},"_meta":{` +
		`"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`
	for {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
		if err != nil {
			t.Error(err)
			return
		}
		for name, value := range map[string]string{
			"Content-Type": "application/json", "Accept": "application/json, text/event-stream",
			"Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "echo",
		} {
			r.Header.Set(name, value)
		}
		resp, err := client.Do(r)
		if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
			return
		}
		if err != nil {
			t.Errorf("a request was lost: %v", err)
			return
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(text), "hello") {
			t.Errorf("a request was lost: HTTP %d %s %v", resp.StatusCode, text, err)
			return
		}
		answered.Add(1)
	}
}

func TestServeUsage(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"serve":                                         "name the command after --",
		"serve cat":                                     "name the command after --",
		"serve --max-each 0 -- cat":                     "--max-each 0 is less than 1",
		"serve --max 0 -- cat":                          "--max 0 is less than 1",
		"serve --timeout 0s -- cat":                     "--idle and --timeout must be more than 0",
		"serve --path mcp -- cat":                       "--path mcp is not the path of an endpoint",
		"serve --path /healthz -- cat":                  "--path /healthz is not the path of an endpoint",
		"serve --protocol 2023-01-01 -- cat":            "--protocol 2023-01-01 is not one of 2026-07-28, 2025-11-25",
		"serve --public-url mcp.example.com -- cat":     `--public-url "mcp.example.com" is not`,
		"serve --public-url https://a@b.example -- cat": `--public-url "https://a@b.example" is not`,
		"serve -- no-such-command-here":                 "find the command",
		"serve --addr :1 --port 2 -- cat":               "--addr and --port exclude each other",
		"serve --addr nonsense:nonsense:1 -- cat":       "listen on nonsense:nonsense:1",
	} {
		var stderr strings.Builder
		code := run(t.Context(), strings.Fields(args), strings.NewReader(""), io.Discard, &stderr, func(string) string { return "" })
		if code == 0 || !strings.Contains(stderr.String(), want) {
			t.Errorf("mcpengine %s ended with %d: %s", args, code, &stderr)
		}
	}
}
