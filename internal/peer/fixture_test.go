package peer_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/internal/protocol"
)

type none struct{}

type place struct {
	City   string `json:"city"`
	Region string `json:"region,omitempty" header:"Region"`
}

// newEngine returns a server with one tool for each behaviour of a call.
func newEngine(opts ...mcpengine.Option) *mcpengine.Engine {
	opts = append(opts, mcpengine.WithLogger(slog.New(slog.DiscardHandler)), mcpengine.WithInstructions("Be quick."))
	e := mcpengine.New("fixture", opts...)
	mcpengine.AddTool(e, "weather", "", func(_ context.Context, in place) (string, error) { return "sunny in " + in.City, nil })
	mcpengine.AddTool(e, "climb", "", func(ctx context.Context, _ none) (string, error) {
		for step := range 3 {
			mcpengine.Progress(ctx, float64(step+1), 3, "")
		}
		return "top", nil
	})
	mcpengine.AddTool(e, "grow", "", func(context.Context, none) (string, error) {
		mcpengine.AddTool(e, "grown-"+rand.Text(), "", func(context.Context, none) (string, error) { return "", nil })
		return "grown", nil
	})
	mcpengine.AddTool(e, "ask", "", func(ctx context.Context, _ none) (string, error) {
		who, err := mcpengine.Elicit[struct {
			Name string `json:"name"`
		}](ctx, "Who?")
		if err != nil {
			return "", err
		}
		return "hello " + who.Name, nil
	})
	return e
}

// addWait adds a tool that waits until its call is cancelled.
func addWait(e *mcpengine.Engine) (started, ended chan struct{}) {
	started, ended = make(chan struct{}), make(chan struct{})
	mcpengine.AddTool(e, "wait", "", func(ctx context.Context, _ none) (string, error) {
		close(started)
		<-ctx.Done()
		close(ended)
		return "", ctx.Err()
	})
	return started, ended
}

// A way is a way to a server: a transport and a version.
type way struct {
	name    string
	version string
	dial    func(t *testing.T, e *mcpengine.Engine, config peer.Config) (*peer.Conn, error)
}

// ways returns all combinations.
func ways() []way {
	var all []way
	for _, version := range protocol.Names(nil) {
		all = append(all, way{"http " + version, version, dialHTTP}, way{"stdio " + version, version, dialPipe})
		if version != protocol.Names(nil)[0] {
			all = append(all, way{"sse " + version, version, dialSSE})
		}
	}
	return all
}

func (w way) connect(t *testing.T, e *mcpengine.Engine, config peer.Config) *peer.Conn {
	t.Helper()
	config.Versions = []string{w.version}
	c, err := w.dial(t, e, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func dialHTTP(t *testing.T, e *mcpengine.Engine, config peer.Config) (*peer.Conn, error) {
	t.Cleanup(e.Close)
	return peer.Dial(t.Context(), serve(t, e), config)
}

func dialSSE(t *testing.T, e *mcpengine.Engine, config peer.Config) (*peer.Conn, error) {
	mux := http.NewServeMux()
	mux.Handle("/handshake/", http.StripPrefix("/handshake", e.SSEHandler("/handshake")))
	t.Cleanup(e.Close)
	return peer.Dial(t.Context(), serve(t, mux)+"/handshake/sse", config)
}

func dialPipe(t *testing.T, e *mcpengine.Engine, config peer.Config) (*peer.Conn, error) {
	serverIn, out := io.Pipe()
	in, serverOut := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- e.ServeStdio(context.WithoutCancel(t.Context()), serverIn, serverOut)
		serverOut.Close()
	}()
	t.Cleanup(func() {
		serverIn.Close()
		<-ended
	})
	return peer.Attach(t.Context(), in, out, config)
}

func isHandshake(version string) bool { return version != protocol.Names(nil)[0] }

// text returns the text of a tool's result.
func text(t *testing.T, result []byte) string {
	t.Helper()
	var r struct {
		Content []struct {
			Text string `json:"text"`
		} `json:"content"`
	}
	if err := json.Unmarshal(result, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Content) == 0 {
		t.Fatalf("the result %s has no content", result)
	}
	return r.Content[0].Text
}

func callTool(name, arguments string) peer.Call {
	return peer.Call{Method: "tools/call", Params: []byte(`{"name":"` + name + `","arguments":` + arguments + `}`)}
}

// eachWay runs a test in every way that want holds for.
func eachWay(t *testing.T, want func(way) bool, test func(*testing.T, way)) {
	t.Helper()
	for _, w := range ways() {
		if want != nil && !want(w) {
			continue
		}
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			test(t, w)
		})
	}
}
