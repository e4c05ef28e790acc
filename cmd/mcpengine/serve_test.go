package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/internal/peer"
)

// A program on standard streams, which is a bridge here, is offered over HTTP,
// and ends with the server.
func TestServe(t *testing.T) {
	t.Parallel()
	e := mcpengine.New("far")
	mcpengine.AddTool(e, "echo", "", echo)
	far := httptest.NewServer(e)
	t.Cleanup(far.Close)
	t.Cleanup(e.Close)

	ctx, cancel := context.WithCancel(t.Context())
	said, stderr := io.Pipe()
	ended := make(chan int, 1)
	home := t.TempDir()
	go func() {
		ended <- run(ctx, []string{"serve", "--port", "0", "--protocol", "2025-11-25", "--timeout", "1m", "--public-url", "https://mcp.example.com/mcp", "--", "mcpengine", "bridge", far.URL}, strings.NewReader(""), io.Discard, stderr,
			func(string) string { return home })
	}()
	line, err := bufio.NewReader(said).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, said) }()
	url := regexp.MustCompile(`^serving (http://127\.0\.0\.1:\d+/mcp)\n$`).FindStringSubmatch(line)
	if url == nil {
		t.Fatalf("serve says %q", line)
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		resp, err := http.Get(strings.TrimSuffix(url[1], "/mcp") + path) //nolint:noctx // a test
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s is answered with %d", path, resp.StatusCode)
		}
	}
	for _, version := range []string{"2026-07-28", "2025-11-25"} {
		c, err := peer.Dial(t.Context(), url[1], peer.Config{Versions: []string{version}})
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
	cancel()
	if code := <-ended; code != 0 {
		t.Errorf("serve ended with %d", code)
	}
}

func TestServeUsage(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"serve":                                         "name the command after --",
		"serve cat":                                     "name the command after --",
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
