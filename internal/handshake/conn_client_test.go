package handshake_test

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/mcp"
)

// A fixture is a server that uses everything that a connection carries.
type fixture struct {
	*mcpengine.Engine
	cancelled chan error // has the cause of each cancelled "wait"
}

type none struct{}

func newFixture(opts ...mcpengine.Option) *fixture {
	opts = append([]mcpengine.Option{
		mcpengine.WithImplementation(mcp.Implementation{Version: "1"}),
		mcpengine.WithLogger(slog.New(slog.DiscardHandler)),
	}, opts...)
	f := &fixture{mcpengine.New("fixture", opts...), make(chan error, 1000)}
	type terms struct {
		A int `json:"a"`
		B int `json:"b"`
	}
	mcpengine.AddTool(f.Engine, "add", "", func(_ context.Context, in terms) (int, error) { return in.A + in.B, nil }, mcpengine.WithTitle("Add"))
	f.addNotifying()
	f.addAsking()
	mcpengine.AddResource(f.Engine, "file:///a", "", func(context.Context, none) (string, error) { return "text", nil })
	mcpengine.AddResource(f.Engine, "file:///b", "", func(context.Context, none) (string, error) { return "text", nil })
	mcpengine.AddPrompt(f.Engine, "greet", "", func(context.Context, none) (string, error) { return "hello", nil }, mcpengine.WithTitle("Greet"))
	return f
}

func (f *fixture) addNotifying() {
	mcpengine.AddTool(f.Engine, "work", "", func(ctx context.Context, _ none) (string, error) {
		mcpengine.Log(ctx, mcp.LoggingLevelDebug, "", "debug")
		mcpengine.Log(ctx, mcp.LoggingLevelInfo, "", "info")
		mcpengine.Progress(ctx, 1, 2, "half")
		mcpengine.Log(ctx, mcp.LoggingLevelError, "", "error")
		return "worked", nil
	})
	mcpengine.AddTool(f.Engine, "wait", "", func(ctx context.Context, _ none) (string, error) {
		<-ctx.Done()
		f.cancelled <- ctx.Err()
		mcpengine.Progress(ctx, 1, 1, "")
		return "too late", nil
	})
	mcpengine.AddTool(f.Engine, "panic", "", func(context.Context, none) (string, error) { panic("it") })
}

func (f *fixture) addAsking() {
	type login struct {
		User string `json:"user"`
	}
	mcpengine.AddTool(f.Engine, "ask_user", "", func(ctx context.Context, _ none) (string, error) {
		in, err := mcpengine.Elicit[login](ctx, "Name?")
		return in.User, err
	})
	mcpengine.AddTool(f.Engine, "ask_model", "", func(ctx context.Context, _ none) (string, error) {
		result, err := mcpengine.CreateMessage(ctx, mcp.CreateMessageRequestParams{
			Messages:  []mcp.SamplingMessage{{Role: mcp.RoleUser, Content: mcp.SamplingMessageContentBlocks{mcp.TextContent{Text: "Q?"}}}},
			MaxTokens: 9,
		})
		if err != nil {
			return "", err
		}
		return result.Model, nil
	})
	mcpengine.AddTool(f.Engine, "ask_roots", "", func(ctx context.Context, _ none) (string, error) {
		roots, err := mcpengine.ListRoots(ctx)
		if err != nil {
			return "", err
		}
		return roots[0].URI, nil
	})
}

// A stdioClient is the client of a stdio connection inside a synctest bubble.
type stdioClient struct {
	t    *testing.T
	in   *io.PipeWriter
	done chan error
	stop context.CancelFunc
	seen int

	mu    sync.Mutex
	lines []string
}

// Write receives the output of the server.
func (c *stdioClient) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines = append(c.lines, strings.TrimSuffix(string(p), "\n"))
	return len(p), nil
}

func connectStdio(t *testing.T, f *fixture) *stdioClient {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	r, w := io.Pipe()
	c := &stdioClient{t: t, in: w, done: make(chan error, 1), stop: stop}
	go func() { c.done <- f.ServeStdio(ctx, r, c) }()
	t.Cleanup(func() { stop(); w.Close() })
	return c
}

// send sends lines, and waits after each until the server is idle.
func (c *stdioClient) send(lines ...string) {
	c.t.Helper()
	for _, line := range lines {
		if _, err := io.WriteString(c.in, line+"\n"); err != nil {
			c.t.Fatalf("send: %v", err)
		}
		synctest.Wait()
	}
}

// got returns the messages received since the last call.
func (c *stdioClient) got() []string {
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	lines := slices.Clone(c.lines[c.seen:])
	c.seen = len(c.lines)
	return lines
}

func (c *stdioClient) wants(want ...string) {
	c.t.Helper()
	if diff := cmp.Diff(append([]string{}, want...), append([]string{}, c.got()...)); diff != "" {
		c.t.Errorf("received (-want +got):\n%s", diff)
	}
}

// wantsAnyOrder is like wants, for the answers of concurrent requests.
func (c *stdioClient) wantsAnyOrder(want ...string) {
	c.t.Helper()
	got := c.got()
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(append([]string{}, want...), append([]string{}, got...)); diff != "" {
		c.t.Errorf("received (-want +got):\n%s", diff)
	}
}

// end ends the connection and checks that nothing more is said.
func (c *stdioClient) end() {
	c.t.Helper()
	c.in.Close()
	if err := <-c.done; err != nil {
		c.t.Errorf("ServeStdio: %v", err)
	}
	c.wants()
}

// A player is a client that plays transcripts.
type player interface {
	send(lines ...string)
	wants(lines ...string)
}

// play plays a transcript: "-> " sends a line and "<- " says what is received,
// in this order.
func play(t *testing.T, script string, p player) {
	t.Helper()
	var want []string
	for line := range strings.Lines(script) {
		line = strings.TrimSpace(line)
		if sent, ok := strings.CutPrefix(line, "-> "); ok {
			p.wants(want...)
			p.send(sent)
			want = nil
		} else if received, ok := strings.CutPrefix(line, "<- "); ok {
			want = append(want, received)
		} else if line != "" {
			t.Fatalf("not a line of a transcript: %s", line)
		}
	}
	p.wants(want...)
}

const everything = `{"roots":{},"sampling":{},"elicitation":{}}`

func initializeRequest(id, version, capabilities string) string {
	return `{"jsonrpc":"2.0","id":` + id + `,"method":"initialize","params":{"protocolVersion":"` + version +
		`","capabilities":` + capabilities + `,"clientInfo":{"name":"c","version":"1"}}}`
}

const initialized = `{"jsonrpc":"2.0","method":"notifications/initialized"}`

// open does the handshake.
func (c *stdioClient) open(version string) {
	c.t.Helper()
	c.send(initializeRequest("0", version, everything), initialized)
	if got := c.got(); len(got) != 1 || !strings.Contains(got[0], `"protocolVersion":"`+version+`"`) {
		c.t.Fatalf("initialize is answered with %q", got)
	}
}

func request(id, method, params string) string {
	if params != "" {
		params = `,"params":` + params
	}
	return `{"jsonrpc":"2.0","id":` + id + `,"method":"` + method + `"` + params + `}`
}

func callTo(id, tool string) string {
	return request(id, "tools/call", `{"name":"`+tool+`","arguments":{}}`)
}

// stateless is a request of 2026-07-28.
func stateless(id, method, members string) string {
	return request(id, method, `{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}`+members+`}`)
}

func notification(method, params string) string {
	return `{"jsonrpc":"2.0","method":"` + method + `","params":` + params + `}`
}

func success(id, value string) string {
	return `{"jsonrpc":"2.0","id":` + id + `,"result":` + value + `}`
}

func text(id, value string) string {
	return success(id, `{"content":[{"type":"text","text":"`+value+`"}]}`)
}

func failure(id, code, message string) string {
	if id != "" {
		id = `"id":` + id + `,`
	}
	return `{"jsonrpc":"2.0",` + id + `"error":{"code":` + code + `,"message":"` + message + `"}}`
}
