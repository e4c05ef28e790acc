package bridge_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/internal/bridge"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/peer"
)

// A caller that gets no process is answered with 503 and Retry-After, and with
// the id of its request. Meanwhile the handler is not ready.
func TestHandlerFull(t *testing.T) {
	t.Parallel()
	f := &fakeProcesses{version: latest}
	h := bridge.NewHandler(bridge.NewProcesses(bridge.ProcessConfig{Start: f.start, Max: 1}), bridge.HandlerConfig{})
	t.Cleanup(h.Close)
	url := serve(t, h)
	ready := func() int {
		w := httptest.NewRecorder()
		h.ServeReady(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
		return w.Code
	}
	if got := ready(); got != http.StatusOK {
		t.Errorf("ready: %d before the first caller", got)
	}
	listening := make(chan struct{})
	ann := dialAs(t, url, "ann", latest)
	go func() { _, _ = ann.Call(t.Context(), listenCall(listening)) }()
	within(t, listening, "ann listens")
	if got := ready(); got != http.StatusServiceUnavailable {
		t.Errorf("ready: %d without room", got)
	}
	for version, body := range map[string]string{
		latest:   request(latest, `"r1"`, "server/discover", ""),
		previous: `{"jsonrpc":"2.0","id":"r1","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}`,
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "bob")
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "application/json, text/event-stream")
		if version == latest {
			r.Header.Set("Mcp-Protocol-Version", version)
			r.Header.Set("Mcp-Method", "server/discover")
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" || !bytes.Contains(answer, []byte(`"id":"r1","error":{"code":-32603`)) {
			t.Errorf("%s is answered with %d, Retry-After %q: %s", version, resp.StatusCode, resp.Header.Get("Retry-After"), answer)
		}
	}
	h.Close()
	if got := ready(); got != http.StatusServiceUnavailable {
		t.Errorf("ready: %d after the end", got)
	}
}

// A stopped process is ended after a request has timed out, and the next
// request gets another process. A slow process is kept.
func TestStoppedProcessIsReplaced(t *testing.T) {
	t.Parallel()
	for _, version := range []string{latest, previous} {
		for _, stops := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s stops=%v", version, stops), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					var gate stopper
					f := &fakeProcesses{version: version, wrap: gate.wrap, add: func(e *mcpengine.Engine) { addSlow(e, stops, &gate) }}
					p := bridge.NewProcesses(bridge.ProcessConfig{Start: f.start, Bridge: bridge.Config{Peer: peer.Config{IdleTimeout: time.Minute}}})
					ask := func(tool string) string {
						var req jsonrpc.Request
						if err := req.Parse([]byte(request(latest, "1", "tools/call", fmt.Sprintf(`"name":%q,"arguments":{}`, tool)))); err != nil {
							t.Fatal(err)
						}
						resp := p.Handle(t.Context(), &req, func(jsonrpc.Notification) {})
						defer resp.Release()
						return string(resp.Body)
					}
					if got := ask("slow"); !strings.Contains(got, `"kind":"timeout"`) {
						t.Errorf("the answer is %s", got)
					}
					<-time.After(10 * time.Second)
					want := int32(1)
					if stops {
						want = 2
					}
					if got := ask("climb"); !strings.Contains(got, "top") || f.started.Load() != want {
						t.Errorf("%d processes were started, want %d, and the answer is %s", f.started.Load(), want, got)
					}
					gate.open()
					p.Close()
					f.running.Wait()
				})
			})
		}
	}
}

// addSlow adds a tool that takes longer than the time-out. If stops is set, it
// also stops its process.
func addSlow(e *mcpengine.Engine, stops bool, gate *stopper) {
	mcpengine.AddTool(e, "slow", "", func(ctx context.Context, _ none) (string, error) {
		if stops {
			gate.close()
		}
		<-ctx.Done()
		return "", ctx.Err()
	})
}

// A stopper stands for a stopped process, which reads no messages. Processes
// that are started later run.
type stopper struct {
	mu     sync.Mutex
	closed chan struct{}
}

func (s *stopper) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = make(chan struct{})
}

func (s *stopper) open() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed != nil {
		close(s.closed)
		s.closed = nil
	}
}

func (s *stopper) wrap(in io.ReadCloser, started int) io.ReadCloser {
	if started > 1 {
		return in
	}
	return stoppable{in, s}
}

type stoppable struct {
	io.ReadCloser
	gate *stopper
}

func (s stoppable) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	s.gate.mu.Lock()
	closed := s.gate.closed
	s.gate.mu.Unlock()
	if closed != nil && err == nil {
		<-closed
	}
	return n, err
}

// A cancellation by the caller is not logged as a warning.
func TestCancellationsAreNotWarnings(t *testing.T) {
	t.Parallel()
	for _, p := range []pair{{previous, latest}, {previous, previous}, {latest, latest}, {latest, previous}} {
		t.Run(p.String(), func(t *testing.T) {
			t.Parallel()
			var out lockedBuffer
			var started, ended chan struct{}
			f := &fakeProcesses{version: p.server, add: func(e *mcpengine.Engine) { started, ended = addWait(e) }}
			h := bridge.NewHandler(bridge.NewProcesses(bridge.ProcessConfig{
				Start: f.start, Bridge: bridge.Config{Logger: slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelWarn}))},
			}), bridge.HandlerConfig{})
			c := dialAs(t, serve(t, h), "ann", p.host)
			toolText(t, c, `{"name":"climb","arguments":{}}`)
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				_, _ = c.Call(ctx, peer.Call{Method: "tools/call", Params: []byte(`{"name":"wait","arguments":{}}`)})
			}()
			within(t, started, "the call starts")
			cancel()
			within(t, ended, "the call is cancelled")
			c.Close()
			h.Close()
			if out.String() != "" {
				t.Errorf("logged: %s", out.String())
			}
		})
	}
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// Behind a proxy on the same machine the public host is answered, and no other.
func TestHandlerPublicURL(t *testing.T) {
	t.Parallel()
	public := &url.URL{Scheme: "https", Host: "mcp.example.com", Path: "/mcp"}
	for name, row := range map[string]struct {
		public       *url.URL
		host, origin string
		status       int
	}{
		"public":              {public, "mcp.example.com", "", 200},
		"public with port":    {public, "mcp.example.com:443", "", 200},
		"its own page":        {public, "mcp.example.com", "https://mcp.example.com", 200},
		"local":               {public, "", "", 200},
		"other":               {public, "evil.example", "", 403},
		"the page of another": {public, "mcp.example.com", "https://evil.example", 403},
		"not set":             {nil, "mcp.example.com", "", 403},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakeProcesses{version: latest}
			h := bridge.NewHandler(bridge.NewProcesses(bridge.ProcessConfig{Start: f.start}), bridge.HandlerConfig{PublicURL: row.public})
			t.Cleanup(h.Close)
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, serve(t, h), strings.NewReader(request(latest, "1", "server/discover", "")))
			if err != nil {
				t.Fatal(err)
			}
			r.Header = http.Header{
				"Content-Type": {"application/json"}, "Accept": {"application/json, text/event-stream"},
				"Mcp-Protocol-Version": {latest}, "Mcp-Method": {"server/discover"},
			}
			r.Host = row.host
			if row.origin != "" {
				r.Header.Set("Origin", row.origin)
			}
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			answer, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != row.status || row.status == 403 && !bytes.Contains(answer, []byte("--public-url")) {
				t.Errorf("the answer is %d: %s", resp.StatusCode, answer)
			}
		})
	}
}

// A program that speaks a handshake version gets server/discover only when it
// is started for the first time.
func TestProcessesRememberTheHandshake(t *testing.T) {
	t.Parallel()
	var asked [][]string
	var mu sync.Mutex
	f := &fakeProcesses{version: previous}
	p := bridge.NewProcesses(bridge.ProcessConfig{Max: 1, Start: func(ctx context.Context, config peer.Config) (*peer.Conn, error) {
		mu.Lock()
		asked = append(asked, config.Versions)
		mu.Unlock()
		return f.start(ctx, config)
	}})
	h := bridge.NewHandler(p, bridge.HandlerConfig{})
	t.Cleanup(h.Close)
	url := serve(t, h)
	for _, who := range []string{"ann", "bob"} {
		dialAs(t, url, who, latest)
	}
	if len(asked) != 2 || !slices.Contains(asked[0], latest) || slices.Contains(asked[1], latest) {
		t.Errorf("the processes were asked for %q", asked)
	}
}
