package locallambda_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/internal/locallambda"
)

// callCount calls a tool that reports its progress.
func callCount(t *testing.T, url string) (contentType, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/mcp", strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"count","arguments":{},"_meta":{
		"progressToken":"p","io.modelcontextprotocol/protocolVersion":"2026-07-28",
		"io.modelcontextprotocol/clientInfo":{"name":"test","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"Accept": "application/json, text/event-stream", "Content-Type": "application/json",
		"Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "count",
	} {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("call = %d %s, %v", resp.StatusCode, text, err)
	}
	return resp.Header.Get("Content-Type"), string(text)
}

// An MCP server always sends the result, and progress only if the front end
// streams. Otherwise it logs once that progress is dropped.
func TestEngineThroughAFunctionURL(t *testing.T) {
	t.Parallel()
	tests := []struct {
		mode, contentType string
		progress          int
		lines             int // of the log
	}{
		{"buffered", "application/json", 0, 1},
		{"stream", "text/event-stream", 3, 0},
	}
	for _, test := range tests {
		p, log := start(t, locallambda.Options{
			Bootstrap: build(t, "engine"), Stream: test.mode == "stream",
			Env: []string{"MCPENGINE_LAMBDA_MODE=" + test.mode},
		})
		callCount(t, p.URL())
		contentType, body := callCount(t, p.URL())
		if contentType != test.contentType || strings.Count(body, "notifications/progress") != test.progress || !strings.Contains(body, `"text":"three"`) {
			t.Errorf("%s: %s\n%s", test.mode, contentType, body)
		}
		if n := strings.Count(log.String(), "\n"); n != test.lines || n > 0 && !strings.Contains(log.String(), "notifications are dropped") {
			t.Errorf("%s: the function writes %s, want %d lines", test.mode, log, test.lines)
		}
	}
}

// A server learns its URL from the platform, and shows its card there.
func TestCardThroughAFunctionURL(t *testing.T) {
	t.Parallel()
	p, _ := start(t, locallambda.Options{Bootstrap: build(t, "engine")})
	get := func(path, tag string) (*http.Response, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.URL()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("If-None-Match", tag)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp, string(text)
	}
	const url = `"url": "https://abcdefghijklmnopqrstuvwxyz012345.lambda-url.eu-west-1.on.aws/mcp`
	resp, text := get("/mcp/server-card", `""`)
	if resp.Header.Get("Content-Type") != "application/mcp-server-card+json" || !strings.Contains(text, url+`"`) {
		t.Errorf("the card: %d %s\n%s", resp.StatusCode, resp.Header.Get("Content-Type"), text)
	}
	if again, text := get("/mcp/server-card", resp.Header.Get("ETag")); again.StatusCode != http.StatusNotModified || text != "" {
		t.Errorf("the card again: %d %s", again.StatusCode, text)
	}
	if resp, text := get("/.well-known/ai-catalog.json", `""`); resp.StatusCode != http.StatusOK || !strings.Contains(text, url+`/server-card"`) {
		t.Errorf("the catalog: %d %s", resp.StatusCode, text)
	}
}
