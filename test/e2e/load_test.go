package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/internal/sse"
	"github.com/mcpengine/mcpengine/mcp"
)

// A load is what TestLoad puts on the engine.
type load struct {
	duration  time.Duration
	clients   int
	listeners int
}

// loadFromEnv returns the load that MCPENGINE_LOAD asks for by its duration,
// such as 20s, and a small one without it. Each connection takes two files of
// the process, up to the limit that Go raises by itself.
func loadFromEnv(t *testing.T) load {
	t.Helper()
	text := os.Getenv("MCPENGINE_LOAD")
	if text == "" {
		return load{2 * time.Second, 100, 20}
	}
	duration, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("MCPENGINE_LOAD: %v", err)
	}
	return load{duration, 1000, 200}
}

// TestLoad calls, reads and lists from many connections at once while features
// come and go and subscriptions are open. Every client gets its own answers,
// every subscription is notified of the changes, and no goroutine or memory
// leaks. It does not run beside other tests, because it counts goroutines and
// memory.
func TestLoad(t *testing.T) {
	l := loadFromEnv(t)
	f := newFixture(t)
	// One-time allocations happen before the count.
	newClients(t, f).run(t, load{100 * time.Millisecond, 10, 2})
	before := measure()

	s := newClients(t, f)
	s.run(t, l)
	after := settle(t, before)

	seconds := l.duration.Seconds()
	t.Logf("%d clients for %v: %d calls, %.0f a second; %d listeners: %d notifications of %d changes",
		l.clients, l.duration, s.calls.Load(), float64(s.calls.Load())/seconds, l.listeners, s.notifications.Load(), s.changes.Load())
	t.Logf("goroutines: %d before, %d under load, %d after; heap: %d kB before, %d kB after",
		before.goroutines, s.peak, after.goroutines, before.heap>>10, after.heap>>10)
	runtime.KeepAlive(f)
}

// A usage counts the goroutines and the heap, which a leak would increase.
type usage struct {
	goroutines int
	heap       uint64
}

func measure() usage {
	runtime.GC()
	runtime.GC() // empties pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return usage{runtime.NumGoroutine(), m.HeapAlloc}
}

// settle waits until the usage is back at before, and fails the test if it
// stays higher.
func settle(t *testing.T, before usage) (after usage) {
	t.Helper()
	const slack = 8 << 20 // the runtime keeps the descriptors of ended goroutines
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 500 {
		after = measure()
		if after.goroutines <= before.goroutines && after.heap <= before.heap+slack {
			return after
		}
		<-tick.C
	}
	stacks := make([]byte, 64<<10)
	t.Errorf("leak: %d goroutines and %d kB before, %d and %d kB after\n%s", before.goroutines, before.heap>>10,
		after.goroutines, after.heap>>10, stacks[:runtime.Stack(stacks, true)])
	return after
}

// clients are the clients of one server.
type clients struct {
	fixture *fixture
	server  *httptest.Server
	client  *http.Client
	peak    int // goroutines under load

	calls, changes, notifications atomic.Int64
}

func newClients(t *testing.T, f *fixture) *clients {
	t.Helper()
	return &clients{fixture: f}
}

// run puts the load on the server and takes everything down again.
func (s *clients) run(t *testing.T, l load) {
	t.Helper()
	s.server = httptest.NewServer(s.fixture)
	defer func() {
		s.server.Close()
		s.server, s.client = nil, nil // they are not what is measured
	}()
	transport := &http.Transport{MaxIdleConnsPerHost: l.clients + l.listeners}
	defer transport.CloseIdleConnections()
	s.client = &http.Client{Transport: transport}

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var listening, ready, received, calling, changing sync.WaitGroup
	for n := range l.listeners {
		ready.Add(1)
		received.Add(1)
		listening.Go(func() { s.listen(ctx, t, n, ready.Done, received.Done) })
	}
	ready.Wait()
	stop := make(chan struct{})
	changing.Go(func() { s.change(ctx, t, stop) })
	deadline := time.Now().Add(l.duration)
	for n := range l.clients {
		calling.Go(func() {
			for i := 0; time.Now().Before(deadline) && !t.Failed(); i++ {
				if err := s.call(ctx, n, i); err != nil {
					t.Errorf("client %d, request %d: %v", n, i, err)
				}
				s.calls.Add(1)
			}
		})
	}
	s.peak = runtime.NumGoroutine()
	calling.Wait()
	if !t.Failed() {
		waitFor(t, &received, "every listener to receive every kind of change")
	}
	close(stop)
	changing.Wait()
	cancel()
	listening.Wait()
}

func waitFor(t *testing.T, wg *sync.WaitGroup, what string) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		wg.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Errorf("waited in vain for %s", what)
	}
}

// change adds and removes tools and updates resources until it is told to stop.
// Now and then it checks that a tool can be called after it is added, and not
// after it is removed.
func (s *clients) change(ctx context.Context, t *testing.T, stop <-chan struct{}) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		name := fmt.Sprintf("passing-%d", n)
		mcpengine.AddTool(s.fixture.Engine, name, "Comes and goes.", func(context.Context, echoInput) (string, error) { return name, nil })
		s.fixture.ResourceUpdated("test://static")
		s.fixture.ResourceUpdated(fmt.Sprintf("test://items/%d", n%8))
		check := n%50 == 0
		if check {
			s.expect(ctx, t, name, `"isError":true`) // its argument is missing
		}
		s.fixture.RemoveTools(name)
		if check {
			s.expect(ctx, t, name, "Unknown tool")
		}
		s.changes.Add(4)
	}
}

// expect calls a tool without arguments and checks for a part of the answer.
func (s *clients) expect(ctx context.Context, t *testing.T, tool, part string) {
	body, err := s.send(ctx, newCall(tool, "{}"))
	if err != nil || !bytes.Contains(body, []byte(part)) {
		t.Errorf("the call of %s is answered with %.300s (%v), want %s in it", tool, body, err, part)
	}
}

// call sends the i-th request of a client and checks that the answer is the one
// to that request.
func (s *clients) call(ctx context.Context, client, i int) error {
	id := client*1_000_000 + i
	secret := fmt.Sprintf("client %d, request %d %s", client, i, strings.Repeat("x", i%300))
	var r *request
	var want string
	switch i % 10 {
	case 7:
		r = newRequest(mcp.MethodToolsList, "", "")
		want = `"tools":[{"name":"echo"`
	case 8:
		r = newRequest(mcp.MethodResourcesRead, "test://static", `"uri":"test://static"`)
		want = `"text":"static"`
	case 9:
		r = newRequest(mcp.MethodPromptsGet, "greet", fmt.Sprintf(`"name":"greet","arguments":{"name":%q}`, secret))
		want = "Hello " + secret + `"`
	default:
		r = newCall("echo", fmt.Sprintf(`{"text":%q}`, secret))
		want = `"text":"` + secret + `"`
	}
	r.with(`"id":1`, fmt.Sprintf(`"id":%d`, id))
	body, err := s.send(ctx, r)
	if err != nil {
		return err
	}
	if prefix := fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"result":{`, id); !bytes.HasPrefix(body, []byte(prefix)) {
		return fmt.Errorf("answer %.300s, want it to start with %s", body, prefix)
	}
	if !bytes.Contains(body, []byte(want)) {
		return fmt.Errorf("answer %.300s, want %s in it", body, want)
	}
	return nil
}

func (s *clients) send(ctx context.Context, r *request) ([]byte, error) {
	resp, err := s.post(ctx, r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d: %.300s", resp.StatusCode, body)
	}
	return body, err
}

func (s *clients) post(ctx context.Context, r *request) (*http.Response, error) {
	out, err := http.NewRequestWithContext(ctx, http.MethodPost, s.server.URL, strings.NewReader(r.body))
	if err != nil {
		return nil, err
	}
	out.Header = r.header
	return s.client.Do(out)
}

// listen subscribes until ctx ends. It reports ready with the acknowledgement
// and received after a notification of every kind of change.
func (s *clients) listen(ctx context.Context, t *testing.T, n int, ready, received func()) {
	ready, received = sync.OnceFunc(ready), sync.OnceFunc(received)
	defer ready()
	defer received()
	item := fmt.Sprintf("test://items/%d", n%8)
	r := newRequest(mcp.MethodSubscriptionsListen, "", fmt.Sprintf(
		`"notifications":{"toolsListChanged":true,"resourceSubscriptions":["test://static",%q]}`, item))
	r.with(`"id":1`, fmt.Sprintf(`"id":"listener-%d"`, n))
	resp, err := s.post(ctx, r)
	if err != nil {
		t.Errorf("listener %d: %v", n, err)
		return
	}
	defer resp.Body.Close()
	events := sse.NewReader(resp.Body, 1<<20)
	missing := map[string]bool{
		mcp.MethodNotificationsToolsListChanged:                    true,
		mcp.MethodNotificationsResourcesUpdated + " test://static": true,
		mcp.MethodNotificationsResourcesUpdated + " " + item:       true,
		mcp.MethodNotificationsSubscriptionsAcknowledged:           true,
	}
	for {
		event, err := events.Next()
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			t.Errorf("listener %d: %v", n, err)
			return
		}
		kind, err := kindOf(event.Data, n)
		if err != nil {
			t.Errorf("listener %d: %v", n, err)
			return
		}
		s.notifications.Add(1)
		ready()
		delete(missing, kind)
		if len(missing) == 0 {
			received()
		}
	}
}

// kindOf returns the method of a notification, with the URI that it is about,
// after checking that it belongs to the n-th subscription.
func kindOf(data []byte, n int) (string, error) {
	var m struct {
		Method string
		Params struct {
			URI  string
			Meta map[string]any `json:"_meta"`
		}
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return "", fmt.Errorf("event %q: %w", data, err)
	}
	if got, want := m.Params.Meta[mcp.MetaSubscriptionID], fmt.Sprintf("listener-%d", n); got != want {
		return "", fmt.Errorf("event %s: subscription %v, want %s", data, got, want)
	}
	if m.Params.URI != "" {
		return m.Method + " " + m.Params.URI, nil
	}
	return m.Method, nil
}
