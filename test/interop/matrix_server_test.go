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
	"github.com/mcpengine/mcpengine/internal/locallambda"
)

// A remote is a server at the other end of a bridge.
type remote struct {
	name  string
	serve func(context.Context, *testing.T) (url string)

	// profile has flags of mcpengine proxy, for a bridge that is told which
	// transport and version to use.
	profile []string
}

func remotes() []remote {
	return []remote{
		{name: "go-sdk stateless", serve: serveGoSDKRemote(&mcp.StreamableHTTPOptions{Stateless: true, PropagateRequestCancellation: true})},
		{name: "go-sdk stateful", serve: serveGoSDKRemote(nil)},
		{name: "TypeScript SDK 1.32", serve: serveTypeScriptRemote("sdk", "handshake")},
		{name: "TypeScript SDK 2.4", serve: serveTypeScriptRemote("server", "stateless")},
		{name: "ours", serve: serveRemote("/mcp")},
		{name: "ours on Lambda", serve: serveLambdaRemote},
		{name: "ours over HTTP+SSE", serve: serveRemote("/sse")},
		{name: "HTTP+SSE 2024-11-05", serve: serveRemote("/sse"), profile: []string{"--mode", "sse", "--protocol", "2024-11-05"}},
	}
}

type place struct {
	Region string `json:"region" header:"Region"`
}

// newRemote returns our fixture with the other features that the columns need.
func newRemote() *mcpengine.Engine {
	e := newFixture(mcpengine.WithPageSize(5))
	mcpengine.AddTool(e, "forecast", "Has an argument in a header field.", func(_ context.Context, in place) (string, error) {
		return "rain in " + in.Region, nil
	})
	return e
}

func serveRemote(path string) func(context.Context, *testing.T) string {
	return func(_ context.Context, t *testing.T) string {
		t.Helper()
		return serveEngine(t, newRemote()) + path
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
	return newHTTPServer(t, mux)
}

// serveLambdaRemote runs this test binary as the bootstrap of a function.
func serveLambdaRemote(ctx context.Context, t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	platform, err := locallambda.New(ctx, locallambda.Options{
		Bootstrap: self, Stream: true, Concurrency: 8, Timeout: 6 * time.Second,
		Env: []string{fixtureVariable + "=function", "MCPENGINE_LAMBDA_MODE=stream"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(platform.Stop)
	return platform.URL() + "/mcp"
}

func serveGoSDKRemote(options *mcp.StreamableHTTPOptions) func(context.Context, *testing.T) string {
	return func(_ context.Context, t *testing.T) string {
		server := newGoSDKPeer()
		region := &jsonschema.Schema{Type: "string", Extra: map[string]any{"x-mcp-header": "Region"}}
		tool := &mcp.Tool{Name: "forecast", InputSchema: &jsonschema.Schema{
			Type: "object", Properties: map[string]*jsonschema.Schema{"region": region},
		}}
		mcp.AddTool(server, tool, func(_ context.Context, _ *mcp.CallToolRequest, in place) (*mcp.CallToolResult, any, error) {
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: "rain in " + in.Region}}}, nil, nil
		})
		return newHTTPServer(t, mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, options)) + "/mcp"
	}
}

func serveTypeScriptRemote(name, versions string) func(context.Context, *testing.T) string {
	return func(ctx context.Context, t *testing.T) string {
		t.Helper()
		servers := serversDir(t)
		node := exec.CommandContext(ctx, filepath.Join(servers, "node"), filepath.Join("ts", "server.mjs"), servers, name, versions, "http", "matrix")
		_, url, _ := strings.Cut(startServer(ctx, t, node, "listening at "), "listening at ")
		return url
	}
}

// A tap is a proxy between a bridge and a server. It records the bridge's
// messages.
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
	return tap, newHTTPServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			tap.note(r)
		}
		proxy.ServeHTTP(w, r)
	})) + path
}

func (t *tap) note(r *http.Request) {
	body, _ := io.ReadAll(r.Body) // if it is cut short, the server refuses it
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

// requests returns the messages so far.
func (t *tap) requests() []tapped {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.seen)
}

// version returns the version of the last message.
func (t *tap) version() string {
	seen := t.requests()
	if len(seen) == 0 {
		return ""
	}
	return seen[len(seen)-1].version
}
