//go:build !mcpengine_no_handshake

package handshake_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/bus"
	"github.com/mcpengine/mcpengine/internal/handshake"
	"github.com/mcpengine/mcpengine/mcp"
)

// A shared store stands for one that all replicas reach. It notes its streams.
type sharedStore struct {
	mcpengine.EventStore
	streams sync.Map
}

func newSharedStore() *sharedStore { return &sharedStore{EventStore: handshake.NewEventBuffer()} }

func (s *sharedStore) Append(stream string, number uint64, data []byte) {
	s.streams.Store(stream, true)
	s.EventStore.Append(stream, number, data)
}

// A fleet is replicas of a server, and one client whose session they all know.
type fleet struct {
	store   *sharedStore
	engines []*mcpengine.Engine
	clients []*client // of one session, each at another replica
	running chan string
	ended   chan string
}

func newFleet(t *testing.T, n int) *fleet {
	t.Helper()
	f := &fleet{running: make(chan string, 100), ended: make(chan string, 100)}
	b := bus.Memory()
	f.store = newSharedStore()
	for range n {
		f.engines = append(f.engines, f.engine(t, b, f.store))
	}
	for _, e := range f.engines {
		c := connect(t, e, "2025-11-25")
		if len(f.clients) > 0 {
			c.session = f.clients[0].session
		}
		f.clients = append(f.clients, c)
	}
	for _, e := range f.engines {
		waitConnected(t, e)
	}
	return f
}

// waitConnected waits for what no event tells of.
func waitConnected(t *testing.T, e *mcpengine.Engine) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		if state, _ := e.BusState(); state.Connected {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the engine does not connect to the bus")
		}
	}
}

func (f *fleet) engine(t *testing.T, b bus.Bus, store mcpengine.EventStore) *mcpengine.Engine {
	t.Helper()
	e := newEngine(mcpengine.WithKeys(make([]byte, 32)), mcpengine.WithBus(b),
		mcpengine.WithHTTP(mcpengine.HTTPConfig{Events: store, MaxBodyBytes: 16 << 20}), mcpengine.WithLogger(slog.New(slog.DiscardHandler)))
	t.Cleanup(e.Close)
	text := func(context.Context, struct{}) (string, error) { return "", nil }
	mcpengine.AddResource(e, "file:///a", "", text)
	mcpengine.AddResource(e, "file:///b", "", text)
	mcpengine.AddTool(e, "wait", "", func(ctx context.Context, in greeting) (string, error) {
		f.running <- in.Name
		<-ctx.Done()
		f.ended <- in.Name
		return "", ctx.Err()
	})
	proceed := make(chan struct{})
	mcpengine.AddTool(e, "steps", "", func(ctx context.Context, _ struct{}) (string, error) {
		for i := range 3 {
			mcpengine.Progress(ctx, float64(i+1), 3, "")
			if i == 0 {
				mcpengine.RequestFrom(ctx).CloseStream(time.Millisecond)
			}
			<-proceed
		}
		return "done", nil
	})
	mcpengine.AddTool(e, "proceed", "", func(context.Context, struct{}) (string, error) {
		proceed <- struct{}{}
		return "", nil
	})
	return e
}

// ok posts a message to a replica, and wants the text in the answer.
func (c *client) ok(message, want string) {
	c.t.Helper()
	resp := c.post(c.t.Context(), message)
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 || !strings.Contains(string(body), want) {
		c.t.Errorf("%s: HTTP %d %s %v, want %s", message, resp.StatusCode, body, err, want)
	}
}

// An answer counts wherever the client posts it, however long it is.
func TestAnswerAtAnotherReplica(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 3)
	for i, size := range []int{10, 10, 100, 31 << 10, 33 << 10, 100 << 10, 1 << 20} {
		s := await(t, f.clients[i%3].start(tool("ask", "{}")), "the stream")
		s.next()
		m := parse(t, s.next().Data)
		name := strings.Repeat("x", size)
		answer := `{"jsonrpc":"2.0","id":` + string(m.ID) + `,"result":{"action":"accept","content":{"name":"` + name + `"}}}`
		f.clients[(i+1)%3].ok(answer, "")
		f.clients[(i+2)%3].ok(answer, "") // a second answer does not count
		if got := fmt.Sprint(data(s.rest())); !strings.Contains(got, "hello "+name) {
			t.Errorf("the answer of %d bytes does not arrive: %.200s", size, got)
		}
	}
}

// A question whose answer is too long to be passed on ends at once.
func TestAnswerTooLongForAnotherReplica(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	s := await(t, f.clients[0].start(tool("ask", "{}")), "the stream")
	s.next()
	m := parse(t, s.next().Data)
	resp := f.clients[1].post(t.Context(), `{"jsonrpc":"2.0","id":`+string(m.ID)+`,"result":{"content":"`+strings.Repeat("x", 5<<20)+`"}}`)
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), "cannot be passed on") {
		t.Errorf("HTTP %d %s, want 400", resp.StatusCode, body)
	}
	if got := fmt.Sprint(data(s.rest())); !strings.Contains(got, "cannot be passed on") {
		t.Errorf("the call ends with %.300s", got)
	}
}

// Clients cannot make replicas pass on answers to questions that nobody has
// asked.
func TestMadeUpAnswersStay(t *testing.T) {
	t.Parallel()
	counted := &countingBus{Bus: bus.Memory()}
	e := newEngine(mcpengine.WithKeys(make([]byte, 32)), mcpengine.WithBus(counted), mcpengine.WithLogger(slog.New(slog.DiscardHandler)))
	t.Cleanup(e.Close)
	c := connect(t, e, "2025-11-25")
	waitConnected(t, e)
	c.ok(`{"jsonrpc":"2.0","id":1,"method":"ping"}`, "")
	before := counted.count("ping")
	s := await(t, c.start(tool("ask", "{}")), "the stream")
	s.next()
	real := string(parse(t, s.next().Data).ID)
	c.ok(`{"jsonrpc":"2.0","id":`+real+`,"result":{"action":"decline"}}`, "")
	s.rest()
	for _, id := range []string{`"s-1"`, `"s-x-1"`, `1`, real, strings.Replace(real, "s-A", "s-B", 1)} {
		c.ok(`{"jsonrpc":"2.0","id":`+id+`,"result":{}}`, "")
	}
	if after := counted.count("answers"); after != before {
		t.Errorf("%d messages were published for made-up answers", after-before)
	}
}

// A countingBus counts the messages that are published after the greeting.
type countingBus struct {
	bus.Bus

	mu sync.Mutex
	n  int
}

func (b *countingBus) Publish(ctx context.Context, message []byte) error {
	b.mu.Lock()
	b.n++
	b.mu.Unlock()
	return b.Bus.Publish(ctx, message)
}

func (b *countingBus) count(string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.n
}

func TestCancelAtAnotherReplica(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 3)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go f.clients[0].http.Do(newMessage(ctx, f.clients[0].url, "2025-11-25", f.clients[0].session, tool("wait", `{"name":"cancelled"}`)))
	await(t, f.running, "the call")
	f.clients[1].ok(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`, "")
	await(t, f.ended, "the cancellation")
}

// A log level holds on every replica, also on one that starts later.
func TestLevelOnEveryReplica(t *testing.T) {
	t.Parallel()
	b, store := bus.Memory(), newSharedStore()
	f := &fleet{}
	for range 2 {
		f.engines = append(f.engines, f.engine(t, b, store))
	}
	one, two := connect(t, f.engines[0], "2025-11-25"), connect(t, f.engines[1], "2025-11-25")
	two.session = one.session
	waitConnected(t, f.engines[0])
	waitConnected(t, f.engines[1])
	one.ok(`{"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":"error"}}`, "{}")
	wantLogs := func(c *client, want int) {
		t.Helper()
		for deadline := time.Now().Add(patience); ; {
			events := fmt.Sprint(data(c.open(t.Context(), tool("report", "{}")).rest()))
			got := strings.Count(events, mcp.MethodNotificationsMessage)
			if got == want {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("a report has %d log messages, want %d: %s", got, want, events)
			}
		}
	}
	wantLogs(one, 0)
	wantLogs(two, 0)
	later := f.engine(t, b, store)
	three := connect(t, later, "2025-11-25")
	waitConnected(t, later)
	three.session = one.session
	wantLogs(three, 0)
	three.ok(`{"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":"debug"}}`, "{}")
	wantLogs(one, 2)
	wantLogs(two, 2)
}

func TestDeleteOnEveryReplica(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 3)
	for _, c := range f.clients[:2] { // the third has not met the session yet
		c.ok(`{"jsonrpc":"2.0","id":1,"method":"ping"}`, "{}")
	}
	if resp := deleteSession(f.clients[0]); resp.StatusCode != http.StatusNoContent {
		t.Fatalf("DELETE: HTTP %d", resp.StatusCode)
	}
	for i, c := range f.clients {
		for deadline := time.Now().Add(patience); ; {
			if resp := c.post(t.Context(), `{"jsonrpc":"2.0","id":1,"method":"ping"}`); resp.StatusCode == http.StatusNotFound {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("replica %d still serves the session", i)
			}
		}
	}
}

// nextChange returns the next event with data.
func (s *stream) nextChange() string {
	s.t.Helper()
	for {
		if e := s.next(); len(e.Data) > 0 {
			m := parse(s.t, e.Data)
			return strings.TrimSuffix(m.Method+" "+string(m.Params), " {}")
		}
	}
}

// The stream of changes reports resources that the client subscribes to, and
// that change, on other replicas.
func TestSubscribeAtAnotherReplica(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 3)
	subscribe := func(c *client, method, uri string) {
		t.Helper()
		c.ok(`{"jsonrpc":"2.0","id":1,"method":"resources/`+method+`","params":{"uri":"`+uri+`"}}`, "{}")
	}
	subscribe(f.clients[1], "subscribe", "file:///a")
	s := f.clients[0].stream(f.clients[0].get(""))
	const a, b = `notifications/resources/updated {"uri":"file:///a"}`, `notifications/resources/updated {"uri":"file:///b"}`
	notified := func(uri, want string) {
		t.Helper()
		got := make(chan string, 1)
		go func() { got <- s.nextChange() }()
		for deadline := time.After(patience); ; {
			f.engines[2].ResourceUpdated(uri)
			select {
			case got := <-got:
				if got != want {
					t.Errorf("the client receives %s, want %s", got, want)
				}
				return
			case <-time.After(100 * time.Millisecond):
			case <-deadline:
				t.Fatalf("the client is not notified of %s", uri)
			}
		}
	}
	notified("file:///a", a)
	subscribe(f.clients[2], "subscribe", "file:///b")
	notified("file:///b", b)
	subscribe(f.clients[2], "unsubscribe", "file:///b")
	subscribe(f.clients[1], "unsubscribe", "file:///a")
	mcpengine.AddTool(f.engines[1], "more", "", func(context.Context, struct{}) (string, error) { return "", nil })
	for {
		got := s.nextChange()
		if got == mcp.MethodNotificationsToolsListChanged {
			break
		}
		if got != a && got != b { // what was sent before
			t.Errorf("the client receives %s", got)
		}
	}
}

// A stream of changes that is opened at another replica replaces the first one.
// When the client resumes it, everything counts as changed.
func TestListenAtAnotherReplica(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	f.clients[1].ok(`{"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":"file:///a"}}`, "{}")
	first := f.clients[0].stream(f.clients[0].get(""))
	last := first.next().ID
	second := f.clients[1].stream(f.clients[1].get(last))
	var got []string
	for range 3 {
		got = append(got, second.nextChange())
	}
	slices.Sort(got)
	want := []string{mcp.MethodNotificationsResourcesListChanged, `notifications/resources/updated {"uri":"file:///a"}`, mcp.MethodNotificationsToolsListChanged}
	if !slices.Equal(got, want) {
		t.Errorf("the resumed stream begins with %q, want %q", got, want)
	}
	first.rest() // it ends
	f.store.streams.Range(func(stream, _ any) bool {
		t.Errorf("the event store has the stream of changes %s", stream)
		return true
	})
}

// The answer to a call can be fetched at another replica, while the call runs
// and afterwards.
func TestResumeAtAnotherReplica(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 3)
	first := await(t, f.clients[0].start(tool("steps", "{}")), "the stream")
	events := first.rest() // the server has closed the stream
	last := events[len(events)-1].ID
	second := f.clients[1].stream(f.clients[1].get(last))
	for i := range 3 {
		f.clients[0].ok(tool("proceed", "{}"), "")
		want := fmt.Sprintf(`"progress":%d`, i+2)
		if i == 2 {
			want = `"text":"done"`
		}
		e := second.next()
		if !strings.Contains(string(e.Data), want) {
			t.Errorf("event %d is %s, want %s", i, e.Data, want)
		}
	}
	if rest := second.rest(); len(rest) > 0 {
		t.Errorf("the stream goes on with %v", rest)
	}
	third := f.clients[2].stream(f.clients[2].get(last))
	if got := data(third.rest()); len(got) != 3 {
		t.Errorf("when the call has ended, the rest is %v, want 3 events", got)
	}
	if resp := f.clients[2].get("a" + strings.Repeat("A", 26) + "-1"); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("a stream that never was: HTTP %d, want 400", resp.StatusCode)
	}
}
