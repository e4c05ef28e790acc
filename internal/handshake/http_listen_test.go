package handshake_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/handshake"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/mcp"
)

// A feed is a handler of 2026-07-28 with tools and some resources. It reports
// their changes.
type feed struct {
	resources []string
	refuses   bool

	mu        sync.Mutex
	listeners map[chan jsonrpc.Notification]filter
	ended     chan struct{} // told of each listener that ends
}

type filter struct {
	Tools     bool     `json:"toolsListChanged,omitempty"`
	Prompts   bool     `json:"promptsListChanged,omitempty"`
	Resources bool     `json:"resourcesListChanged,omitempty"`
	URIs      []string `json:"resourceSubscriptions,omitempty"`
}

func newFeed(resources ...string) *feed {
	return &feed{resources: resources, listeners: make(map[chan jsonrpc.Notification]filter), ended: make(chan struct{}, 100)}
}

func (f *feed) Handle(ctx context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
	if req.Method != "subscriptions/listen" {
		return result(req, `{"capabilities":{"tools":{"listChanged":true}}}`)
	}
	if f.refuses || req.Handshake || string(req.Meta.Get("io.modelcontextprotocol/protocolVersion")) != `"2026-07-28"` {
		return jsonrpc.ErrorResponse(req.ID, jsonrpc.Errorf(mcp.CodeInternalError, "refused"))
	}
	var wanted filter
	if err := json.Unmarshal(req.Params.Get("notifications"), &wanted); err != nil {
		return jsonrpc.ErrorResponse(req.ID, jsonrpc.Errorf(mcp.CodeInvalidParams, "%v", err))
	}
	wanted.Prompts = false
	wanted.URIs = slices.DeleteFunc(wanted.URIs, func(uri string) bool { return !slices.Contains(f.resources, uri) })
	changes := make(chan jsonrpc.Notification, 100)
	f.mu.Lock()
	f.listeners[changes] = wanted
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		delete(f.listeners, changes)
		f.mu.Unlock()
		f.ended <- struct{}{}
	}()
	honoured, _ := json.Marshal(wanted)
	notify(f.notification(req, "notifications/subscriptions/acknowledged", `,"notifications":`+string(honoured)))
	for {
		select {
		case <-ctx.Done():
			return result(req, "{}")
		case n := <-changes:
			notify(f.notification(req, n.Method, string(n.Params)))
		}
	}
}

func (f *feed) notification(req *jsonrpc.Request, method, members string) jsonrpc.Notification {
	return jsonrpc.Notification{Method: method, Params: fmt.Appendf(nil, `{"_meta":{"io.modelcontextprotocol/subscriptionId":%s}%s}`, req.ID, members)}
}

// toolsChanged and updated notify the listeners that asked for it.
func (f *feed) toolsChanged() {
	f.tell("notifications/tools/list_changed", "", func(wanted filter) bool { return wanted.Tools })
}

func (f *feed) updated(uri string) {
	f.tell("notifications/resources/updated", fmt.Sprintf(`,"uri":%q`, uri), func(wanted filter) bool { return slices.Contains(wanted.URIs, uri) })
}

func (f *feed) tell(method, members string, wants func(filter) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for changes, wanted := range f.listeners {
		if wants(wanted) {
			select {
			case changes <- jsonrpc.Notification{Method: method, Params: []byte(members)}:
			default: // the listener is behind, and is told of this change with the last one
			}
		}
	}
}

func (f *feed) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.listeners)
}

const toolsChangedMessage = `{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{}}`

func updatedMessage(uri string) string {
	return `{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"` + uri + `"}}`
}

func subscription(method, uri string) string {
	return `{"jsonrpc":"2.0","id":1,"method":"resources/` + method + `","params":{"uri":"` + uri + `"}}`
}

// A client is told of changes on a stream of its own, as soon as the stream is
// open: of the lists, and of the resources it has subscribed to, before or
// after that. The notifications have no members of 2026-07-28.
func TestListen(t *testing.T) {
	t.Parallel()
	for _, version := range protocol.Names(protocol.IsHandshake) {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			f := newFeed("a:1", "a:2", "a:3")
			endpoint, _ := newEndpoint(f, handshake.HTTPConfig{})
			c := connect(t, endpoint, version)
			subscribe := func(method, uri string) {
				t.Helper()
				w := serve(endpoint, newMessage(t.Context(), inMemory, version, c.session, subscription(method, uri)))
				if got := w.Body.String(); w.Code != http.StatusOK || got != answered {
					t.Errorf("%s %s: HTTP %d %s", method, uri, w.Code, got)
				}
			}
			c.post(t.Context(), `{"jsonrpc":"2.0","method":"notifications/initialized"}`)
			subscribe("subscribe", "a:1")
			subscribe("subscribe", "a:1")
			s := c.stream(c.get(""))
			if n := f.count(); n != 2 {
				t.Errorf("there are %d subscriptions when the stream begins, want 2", n)
			}
			f.toolsChanged()
			if version == "2025-11-25" {
				if e := s.next(); len(e.Data) > 0 || e.ID == "" {
					t.Errorf("the first event is %v, want one without data", e)
				}
			}
			next := func() string { return string(s.next().Data) }
			if got := next(); got != toolsChangedMessage {
				t.Errorf("the client receives %s", got)
			}
			f.updated("a:3")
			f.updated("a:2")
			f.updated("a:1")
			if got := next(); got != updatedMessage("a:1") {
				t.Errorf("the client receives %s", got)
			}
			subscribe("subscribe", "a:2")
			subscribe("unsubscribe", "a:1")
			subscribe("unsubscribe", "a:9") // was never there
			f.updated("a:1")
			f.updated("a:2")
			if got := next(); got != updatedMessage("a:2") {
				t.Errorf("the client receives %s", got)
			}
			deleteSession(c)
			if rest := s.rest(); len(rest) > 0 {
				t.Errorf("the stream goes on: %v", rest)
			}
			if n := f.count(); n > 0 {
				t.Errorf("%d subscriptions are left", n)
			}
		})
	}
}

// A client cannot subscribe to a resource that does not exist, whether it
// listens or not.
func TestSubscribeRefused(t *testing.T) {
	t.Parallel()
	endpoint, _ := newEndpoint(newFeed("a:1"), handshake.HTTPConfig{})
	c := connect(t, endpoint, "2025-11-25")
	for _, listens := range []bool{false, true} {
		if listens {
			c.stream(c.get("")).next()
		}
		w := serve(endpoint, newMessage(t.Context(), inMemory, "2025-11-25", c.session, subscription("subscribe", "b:1")))
		want := `{"jsonrpc":"2.0","id":1,"error":{"code":-32002,"message":"Resource not found","data":{"uri":"b:1"}}}`
		if got := w.Body.String(); w.Code != http.StatusOK || got != want {
			t.Errorf("HTTP %d %s, want %s", w.Code, got, want)
		}
	}
}

// A session subscribes to 256 resources.
func TestSubscriptionsAreBounded(t *testing.T) {
	t.Parallel()
	var uris []string
	for i := range 257 {
		uris = append(uris, fmt.Sprintf("a:%d", i))
	}
	f := newFeed(uris...)
	f.ended = make(chan struct{}, 1000)
	endpoint, _ := newEndpoint(f, handshake.HTTPConfig{})
	id := initialize(t, endpoint, "2025-11-25")
	for i, uri := range uris {
		w := serve(endpoint, newMessage(t.Context(), inMemory, "2025-11-25", id, subscription("subscribe", uri)))
		if refused := parse(t, w.Body.Bytes()).Error.Code != 0; refused != (i == 256) {
			t.Errorf("subscription %d: %s", i, w.Body)
		}
	}
}

// A client has one stream of changes at a time (2025-11-25, transports,
// "Multiple Connections"). When that has ended, it may open another.
func TestListenTwice(t *testing.T) {
	t.Parallel()
	f := newFeed()
	endpoint, _ := newEndpoint(f, handshake.HTTPConfig{})
	c := connect(t, endpoint, "2025-06-18")
	s := c.stream(c.get(""))
	if resp := c.get(""); resp.StatusCode != http.StatusConflict {
		t.Errorf("the second stream: HTTP %d, want 409", resp.StatusCode)
	}
	other := *c
	other.session = initialize(t, endpoint, "2025-06-18")
	other.stream(other.get(""))
	s.close()
	for { // the server notices a moment later
		resp := c.get("")
		if resp.StatusCode == http.StatusConflict {
			continue
		}
		s = c.stream(resp)
		break
	}
	await(t, f.ended, "the end of the first listener")
	f.toolsChanged()
	if got := string(s.next().Data); got != toolsChangedMessage {
		t.Errorf("the client receives %s", got)
	}
}

// A client that comes back is told of the changes it has missed.
func TestListenAgain(t *testing.T) {
	t.Parallel()
	f := newFeed("a:1")
	endpoint, _ := newEndpoint(f, handshake.HTTPConfig{})
	c := connect(t, endpoint, "2025-11-25")
	s := c.stream(c.get(""))
	first := s.next().ID
	s.close()
	f.toolsChanged()
	s = c.stream(c.get(first))
	e := s.next()
	if string(e.Data) != toolsChangedMessage {
		t.Errorf("the client receives %s", e.Data)
	}
	f.toolsChanged()
	if e := s.next(); string(e.Data) != toolsChangedMessage {
		t.Errorf("the client receives %s", e.Data)
	}
	// On an instance that does not know the stream, it begins a new one.
	other, _ := newEndpoint(f, handshake.HTTPConfig{})
	c = connect(t, other, "2025-11-25")
	s = c.stream(c.get(e.ID))
	if e := s.next(); len(e.Data) > 0 || e.ID == first {
		t.Errorf("the first event is %v", e)
	}
}

// A subscription ends when its client does not come back.
func TestListenDisconnectedTooLong(t *testing.T) {
	t.Parallel()
	f := newFeed("a:1")
	endpoint, _ := newEndpoint(f, handshake.HTTPConfig{MaxDisconnected: time.Millisecond})
	c := connect(t, endpoint, "2025-11-25")
	s := c.stream(c.get(""))
	s.next()
	s.close()
	await(t, f.ended, "the end of the listener")
}

func TestListenRefused(t *testing.T) {
	t.Parallel()
	f := newFeed()
	f.refuses = true
	endpoint, _ := newEndpoint(f, handshake.HTTPConfig{})
	c := connect(t, endpoint, "2025-11-25")
	if resp := c.get(""); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("HTTP %d, want 503", resp.StatusCode)
	}
}

// Close ends the streams of changes, and refuses new ones.
func TestClose(t *testing.T) {
	t.Parallel()
	f := newFeed()
	endpoint, handshakeHTTP := newEndpoint(f, handshake.HTTPConfig{})
	c := connect(t, endpoint, "2025-11-25")
	s := c.stream(c.get(""))
	handshakeHTTP.Close()
	if got := data(s.rest()); !cmp.Equal(got, []string{""}) {
		t.Errorf("the events are %q", got)
	}
	if resp := c.get(""); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("HTTP %d, want 503", resp.StatusCode)
	}
	if resp := c.post(t.Context(), callMessage); resp.StatusCode != http.StatusOK {
		t.Errorf("a call: HTTP %d", resp.StatusCode)
	}
	if n := f.count(); n > 0 {
		t.Errorf("%d subscriptions are left", n)
	}
}

// A stream on which nothing happens is kept alive.
func TestKeepAlive(t *testing.T) {
	t.Parallel()
	h := newScript()
	for name, handler := range map[string]jsonrpc.Handler{"listening": newFeed(), "calling": h} {
		endpoint, _ := newEndpoint(handler, handshake.HTTPConfig{KeepAlive: time.Millisecond})
		c := connect(t, endpoint, "2025-06-18")
		var resp *http.Response
		if name == "listening" {
			resp = c.get("")
		} else {
			opened := c.start(callMessage)
			h.note(t, 1)
			resp = await(t, opened, "the stream").resp
		}
		var text strings.Builder
		for buf := make([]byte, 100); strings.Count(text.String(), ":\n\n") < 3; {
			n, err := resp.Body.Read(buf)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			text.Write(buf[:n])
		}
		deleteSession(c)
	}
	close(h.steps)
}
