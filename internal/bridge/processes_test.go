package bridge_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/internal/bridge"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/mcp"
)

// fakeProcesses starts engines in place of processes, and counts them.
type fakeProcesses struct {
	version string
	add     func(e *mcpengine.Engine)                         // changes what is started; optional
	wrap    func(in io.ReadCloser, started int) io.ReadCloser // of what a process reads; optional
	started atomic.Int32
	running sync.WaitGroup
}

func (f *fakeProcesses) start(ctx context.Context, config peer.Config) (*peer.Conn, error) {
	f.started.Add(1)
	config.Versions = []string{f.version}
	e := newEngine(mcpengine.WithImplementation(mcp.Implementation{Name: fmt.Sprint("process ", f.started.Load()), Version: "1"}))
	if f.add != nil {
		f.add(e)
	}
	serverIn, out := io.Pipe()
	in, serverOut := io.Pipe()
	var input io.ReadCloser = serverIn
	if f.wrap != nil {
		input = f.wrap(serverIn, int(f.started.Load()))
	}
	f.running.Go(func() {
		_ = e.ServeStdio(context.WithoutCancel(ctx), input, serverOut)
		serverOut.Close()
	})
	return peer.Attach(ctx, in, out, config)
}

// as sends every request as somebody.
type as string

func (a as) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", string(a))
	return http.DefaultTransport.RoundTrip(r)
}

func dialAs(t *testing.T, url, who, version string) *peer.Conn {
	t.Helper()
	c, err := peer.Dial(t.Context(), url, peer.Config{
		Versions: []string{version}, HTTPClient: &http.Client{Transport: as(who)},
		Capabilities: []byte(fullCapabilities),
		OnRequest: func(_ context.Context, method string, _ []byte) ([]byte, error) {
			switch method {
			case "elicitation/create":
				return []byte(`{"action":"accept","content":{"name":"Ada"}}`), nil
			case "roots/list":
				return []byte(`{"roots":[]}`), nil
			}
			return nil, errors.New("not asked for")
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func toolText(t *testing.T, c *peer.Conn, call string) string {
	t.Helper()
	result, err := c.Call(t.Context(), peer.Call{Method: "tools/call", Params: []byte(call)})
	if err != nil {
		t.Fatal(err)
	}
	var r struct{ Content []struct{ Text string } }
	if err := json.Unmarshal(result, &r); err != nil || len(r.Content) == 0 {
		t.Fatalf("the result is %s", result)
	}
	return r.Content[0].Text
}

// A program on standard streams is offered over HTTP, in every combination of
// its version and its callers' versions.
func TestHandler(t *testing.T) {
	t.Parallel()
	for _, p := range []pair{{previous, latest}, {previous, previous}, {latest, latest}, {latest, previous}, {"2025-03-26", latest}} {
		t.Run(p.String(), func(t *testing.T) {
			t.Parallel()
			f := &fakeProcesses{version: p.server}
			h := bridge.NewHandler(bridge.NewProcesses(bridge.ProcessConfig{Start: f.start}), bridge.HandlerConfig{})
			c := dialAs(t, serve(t, h), "ann", p.host)
			if got, want := toolText(t, c, `{"name":"weather","arguments":{"city":"Nice"}}`), "sunny in Nice"; got != want {
				t.Errorf("the tool says %q, want %q", got, want)
			}
			if p.host != latest {
				if got, want := toolText(t, c, `{"name":"ask","arguments":{}}`), "hello Ada, 0 roots"; got != want {
					t.Errorf("the tool says %q, want %q", got, want)
				}
			}
			c.Close()
			h.Close()
			f.running.Wait() // for nothing, if one is left
		})
	}
}

// Each caller has a process, unless it is shared. The number is bounded.
func TestProcesses(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		config  bridge.ProcessConfig
		started int32
	}{
		"one each":     {bridge.ProcessConfig{}, 2},
		"shared":       {bridge.ProcessConfig{Shared: true}, 1},
		"room is made": {bridge.ProcessConfig{Max: 1}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakeProcesses{version: latest}
			row.config.Start = f.start
			h := bridge.NewHandler(bridge.NewProcesses(row.config), bridge.HandlerConfig{})
			t.Cleanup(h.Close)
			url := serve(t, h)
			for _, who := range []string{"ann", "bob", "ann"} {
				toolText(t, dialAs(t, url, who, latest), `{"name":"weather","arguments":{"city":"Nice"}}`)
			}
			if got := f.started.Load(); got != row.started {
				t.Errorf("%d processes were started, want %d", got, row.started)
			}
		})
	}
	t.Run("no room", func(t *testing.T) {
		t.Parallel()
		f := &fakeProcesses{version: latest}
		h := bridge.NewHandler(bridge.NewProcesses(bridge.ProcessConfig{Start: f.start, Max: 1}), bridge.HandlerConfig{})
		t.Cleanup(h.Close)
		url := serve(t, h)
		listening := make(chan struct{})
		ann := dialAs(t, url, "ann", latest)
		go func() {
			_, _ = ann.Call(t.Context(), listenCall(listening))
		}()
		within(t, listening, "ann listens")
		_, err := peer.Dial(t.Context(), url, peer.Config{HTTPClient: &http.Client{Transport: as("bob")}})
		if err == nil {
			t.Error("bob got a process while ann has the only one")
		}
	})
}

// An address gets half of the processes, whatever credentials it makes up, and
// leaves the rest to others. On the same machine all callers have one address.
func TestProcessesOfAnAddress(t *testing.T) {
	t.Parallel()
	f := &fakeProcesses{version: latest}
	p := bridge.NewProcesses(bridge.ProcessConfig{Start: f.start, Max: 4})
	h := bridge.NewHandler(p, bridge.HandlerConfig{})
	ctx, leave := context.WithCancel(t.Context())
	t.Cleanup(h.Close)
	var open sync.WaitGroup
	ask := func(ctx context.Context, address, who, body, method string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, "http://serve.example/mcp", strings.NewReader(body))
		r.RemoteAddr = address + ":1000"
		for name, value := range map[string]string{
			"Content-Type": "application/json", "Accept": "application/json, text/event-stream",
			"Authorization": who, "Mcp-Method": method, "Mcp-Protocol-Version": latest,
		} {
			r.Header.Set(name, value)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	hold := func(address, who string) {
		t.Helper()
		before := f.started.Load()
		open.Go(func() {
			ask(ctx, address, who, request(latest, "1", "subscriptions/listen", `"notifications":{"toolsListChanged":true}`), "subscriptions/listen")
		})
		for f.started.Load() == before {
			runtime.Gosched()
		}
	}
	list := func(address, who string) *httptest.ResponseRecorder {
		return ask(t.Context(), address, who, request(latest, "2", "tools/list", ""), "tools/list")
	}
	hold("192.0.2.1", "first")
	hold("192.0.2.1", "second")
	w := list("192.0.2.1", "third")
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "5" || !strings.Contains(w.Body.String(), `"retryAfterMs":5000`) {
		t.Errorf("a third process of one address: status %d, Retry-After %q, %s", w.Code, w.Header().Get("Retry-After"), w.Body)
	}
	if w := list("192.0.2.2", "fourth"); w.Code != http.StatusOK {
		t.Errorf("another address: status %d, %s", w.Code, w.Body)
	}
	for _, who := range []string{"fifth", "sixth"} { // in place of the idle one
		if w := list("127.0.0.1", who); w.Code != http.StatusOK {
			t.Errorf("on the same machine: status %d, %s", w.Code, w.Body)
		}
	}
	leave()
	open.Wait()
}

func listenCall(listening chan<- struct{}) peer.Call {
	return peer.Call{
		Method: "subscriptions/listen", Params: []byte(`{"notifications":{"toolsListChanged":true}}`),
		OnNotification: func(n jsonrpc.Notification) {
			if n.Method == mcp.MethodNotificationsSubscriptionsAcknowledged {
				close(listening)
			}
		},
	}
}

// A process that serves nobody ends after a while, and another is started when
// it is needed again.
func TestIdleProcessEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fakeProcesses{version: latest}
		p := bridge.NewProcesses(bridge.ProcessConfig{Start: f.start, Idle: time.Minute})
		ask := func() {
			var req jsonrpc.Request
			if err := req.Parse([]byte(request(latest, "1", "tools/list", ""))); err != nil {
				t.Fatal(err)
			}
			resp := p.Handle(t.Context(), &req, func(jsonrpc.Notification) {})
			defer resp.Release()
			if resp.Code != 0 {
				t.Errorf("the answer is %s", resp.Body)
			}
		}
		for _, wait := range []time.Duration{59 * time.Second, 61 * time.Second, 0} {
			ask()
			<-time.After(wait)
			synctest.Wait()
		}
		if got := f.started.Load(); got != 2 {
			t.Errorf("%d processes were started, want 2", got)
		}
		p.Close()
		f.running.Wait() // for nothing, if one is left
	})
}

// A log message reaches the caller of the only request under way, even while
// others listen to unrelated messages.
func TestLogsBesideListeners(t *testing.T) {
	t.Parallel()
	for _, p := range []pair{{previous, latest}, {previous, previous}, {latest, latest}, {latest, previous}} {
		for _, listener := range []string{latest, previous} {
			t.Run(fmt.Sprintf("%v beside %s", p, listener), func(t *testing.T) {
				t.Parallel()
				f := &fakeProcesses{version: p.server}
				h := bridge.NewHandler(bridge.NewProcesses(bridge.ProcessConfig{Start: f.start}), bridge.HandlerConfig{})
				t.Cleanup(h.Close)
				url := serve(t, h)
				// A host of a handshake version opens its GET stream by itself.
				other := dialAs(t, url, "ann", listener)
				if listener == latest {
					listening := make(chan struct{})
					go func() { _, _ = other.Call(t.Context(), listenCall(listening)) }()
					within(t, listening, "the other listens")
				}
				messages := 0
				_, err := dialAs(t, url, "ann", p.host).Call(t.Context(), peer.Call{
					Method: "tools/call", Params: []byte(`{"name":"climb","arguments":{},"_meta":{"io.modelcontextprotocol/logLevel":"info"}}`),
					OnNotification: func(n jsonrpc.Notification) {
						if n.Method == mcp.MethodNotificationsMessage {
							messages++
						}
					},
				})
				if err != nil || messages != 3 {
					t.Errorf("%d log messages have come, %v, want 3", messages, err)
				}
			})
		}
	}
}

// With two requests of one caller, a log message reaches the request that asks
// for log messages. With requests of two callers it is dropped, because it
// might belong to the other.
func TestLogsBesideRequests(t *testing.T) {
	t.Parallel()
	for _, server := range []string{latest, previous} {
		for other, arrives := range map[string]bool{"ann": true, "bob": false} {
			t.Run(server+" beside "+other, func(t *testing.T) {
				t.Parallel()
				var started chan struct{}
				release := make(chan struct{})
				f := &fakeProcesses{version: server, add: func(e *mcpengine.Engine) {
					started, _ = addWait(e)
					mcpengine.AddTool(e, "talk", "", func(ctx context.Context, _ none) (string, error) {
						mcpengine.Log(ctx, "warning", "talker", "words")
						<-release
						return "", nil
					})
				}}
				h := bridge.NewHandler(bridge.NewProcesses(bridge.ProcessConfig{Start: f.start, Shared: true}), bridge.HandlerConfig{})
				t.Cleanup(h.Close)
				url := serve(t, h)
				waiting, ann := dialAs(t, url, other, latest), dialAs(t, url, "ann", latest)
				go func() {
					_, _ = waiting.Call(t.Context(), peer.Call{Method: "tools/call", Params: []byte(`{"name":"wait","arguments":{}}`)})
				}()
				within(t, started, "the other calls")
				if !arrives {
					close(release)
				}
				messages := 0
				_, err := ann.Call(t.Context(), peer.Call{
					Method: "tools/call", Params: []byte(`{"name":"talk","arguments":{},"_meta":{"io.modelcontextprotocol/logLevel":"info"}}`),
					OnNotification: func(n jsonrpc.Notification) {
						if n.Method == mcp.MethodNotificationsMessage {
							messages++
							close(release)
						}
					},
				})
				if err != nil || messages > 0 != arrives {
					t.Errorf("%d log messages have come, %v", messages, err)
				}
			})
		}
	}
}
