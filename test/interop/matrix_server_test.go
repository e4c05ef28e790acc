package interop_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/internal/lambdatest"
)

// A far is a server at the other end of a bridge.
type far struct {
	name  string
	serve func(context.Context, *testing.T) (url string)

	// profile are flags of mcpengine proxy, for a bridge that is not to find out
	// about the server by itself.
	profile []string
}

func fars() []far {
	return []far{
		{name: "go-sdk stateless", serve: serveGoSDKFar(&mcp.StreamableHTTPOptions{Stateless: true, PropagateRequestCancellation: true})},
		{name: "go-sdk stateful", serve: serveGoSDKFar(nil)},
		{name: "TypeScript SDK 1.32", serve: serveTypeScriptFar("sdk", "handshake")},
		{name: "TypeScript SDK 2.4", serve: serveTypeScriptFar("server", "modern")},
		{name: "ours", serve: serveFar("/mcp")},
		{name: "ours on Lambda", serve: serveLambdaFar},
		{name: "ours over HTTP+SSE", serve: serveFar("/sse")},
		{name: "HTTP+SSE 2024-11-05", serve: serveFar("/sse"), profile: []string{"--mode", "sse", "--protocol", "2024-11-05"}},
	}
}

type place struct {
	Region string `json:"region" header:"Region"`
}

// newFar returns our fixture with what the columns need besides.
func newFar() *mcpengine.Engine {
	e := newFixture(mcpengine.WithPageSize(5))
	mcpengine.AddTool(e, "forecast", "Has an argument in a header field.", func(_ context.Context, in place) (string, error) {
		return "rain in " + in.Region, nil
	})
	return e
}

func serveFar(path string) func(context.Context, *testing.T) string {
	return func(_ context.Context, t *testing.T) string {
		t.Helper()
		return serveEngine(t, newFar()) + path
	}
}

// serveEngine serves both transports of HTTP.
func serveEngine(t *testing.T, e *mcpengine.Engine) string {
	t.Helper()
	t.Cleanup(e.Close)
	sse := e.SSEHandler("")
	mux := http.NewServeMux()
	mux.Handle("/mcp", e)
	mux.Handle("/sse", sse)
	mux.Handle("/messages", sse)
	return newHostServer(t, mux)
}

// serveLambdaFar runs this test binary as the bootstrap of a function.
func serveLambdaFar(ctx context.Context, t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	platform, err := lambdatest.New(ctx, lambdatest.Options{
		Bootstrap: self, Stream: true, Concurrency: 8, Timeout: 6 * time.Second,
		Env: []string{fixtureVariable + "=function", "MCPENGINE_LAMBDA_MODE=stream"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(platform.Stop)
	return platform.URL() + "/mcp"
}

func serveGoSDKFar(options *mcp.StreamableHTTPOptions) func(context.Context, *testing.T) string {
	return func(_ context.Context, t *testing.T) string {
		server := newGoSDKHost()
		region := &jsonschema.Schema{Type: "string", Extra: map[string]any{"x-mcp-header": "Region"}}
		tool := &mcp.Tool{Name: "forecast", InputSchema: &jsonschema.Schema{
			Type: "object", Properties: map[string]*jsonschema.Schema{"region": region},
		}}
		mcp.AddTool(server, tool, func(_ context.Context, _ *mcp.CallToolRequest, in place) (*mcp.CallToolResult, any, error) {
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: "rain in " + in.Region}}}, nil, nil
		})
		return newHostServer(t, mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, options)) + "/mcp"
	}
}

func serveTypeScriptFar(name, era string) func(context.Context, *testing.T) string {
	return func(ctx context.Context, t *testing.T) string {
		t.Helper()
		servers := serversDir(t)
		node := exec.CommandContext(ctx, filepath.Join(servers, "node"), filepath.Join("ts", "server.mjs"), servers, name, era, "http", "far")
		_, url, _ := strings.Cut(startHost(ctx, t, node, "listening at "), "listening at ")
		return url
	}
}

// A tap stands between a bridge and a server, and sees what the bridge sends.
type tap struct {
	mu   sync.Mutex
	seen []tapped
}

// A tapped is a message to the server.
type tapped struct {
	method, tool    string // of the message
	version, region string // of the header
}

// newTap returns a tap and the URL to reach the server through it.
func newTap(t *testing.T, server string) (*tap, string) {
	t.Helper()
	target, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	path := target.Path
	target.Path = ""
	proxy := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
		FlushInterval: -1,
		ErrorLog:      slog.NewLogLogger(slog.DiscardHandler, 0), // of requests that the bridge gives up
	}
	tap := &tap{}
	return tap, newHostServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			tap.note(r)
		}
		proxy.ServeHTTP(w, r)
	})) + path
}

func (t *tap) note(r *http.Request) {
	body, _ := io.ReadAll(r.Body) // what is missing is missed by the server
	r.Body = io.NopCloser(bytes.NewReader(body))
	var m struct {
		Method string
		Params struct{ Name, ProtocolVersion string }
	}
	_ = json.Unmarshal(body, &m)
	t.mu.Lock()
	defer t.mu.Unlock()
	seen := tapped{m.Method, m.Params.Name, r.Header.Get("Mcp-Protocol-Version"), r.Header.Get("Mcp-Param-Region")}
	if m.Method == "initialize" {
		seen.version = m.Params.ProtocolVersion
	}
	t.seen = append(t.seen, seen)
}

// requests are the messages so far.
func (t *tap) requests() []tapped {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.seen)
}

// version is that of the last message.
func (t *tap) version() string {
	seen := t.requests()
	if len(seen) == 0 {
		return ""
	}
	return seen[len(seen)-1].version
}
