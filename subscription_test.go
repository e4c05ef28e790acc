package mcpengine_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/mcpengine/mcpengine"
)

// listen is the message that subscribes with a filter.
func listen(id, filter string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"method":"subscriptions/listen","params":{"notifications":%s,"_meta":%s}}`, id, filter, defaultMeta)
}

// subscriptionEngine has one feature of each kind.
func subscriptionEngine(opts ...mcpengine.Option) *mcpengine.Engine {
	e := mcpengine.New("test", append([]mcpengine.Option{quiet()}, opts...)...)
	give(e, "tool", "done")
	offer(e, "prompt", "text")
	hold(e, "file:///a", "text")
	hold(e, "file:///b", "text")
	mcpengine.AddResource(e, "file:///t/{topic}", "", func(context.Context, topic) (string, error) { return "", nil })
	return e
}

const everything = `{"toolsListChanged":true,"promptsListChanged":true,"resourcesListChanged":true,"resourceSubscriptions":["file:///a"]}`

// notification is a message of the subscription with id 1.
func notification(method, members string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","method":"notifications/%s","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":1}%s}}`, method, members)
}

// The acknowledgement comes first and says what is honoured. Nothing else is
// sent before a change (subscriptions, "Acknowledgment").
func TestListenAcknowledges(t *testing.T) {
	t.Parallel()
	bare := mcpengine.New("bare")
	tests := []struct {
		name, filter, want string
		e                  *mcpengine.Engine
	}{
		{"everything", everything, everything, subscriptionEngine()},
		{"nothing", `{}`, `{}`, subscriptionEngine()},
		{"what is not wanted", `{"toolsListChanged":false,"resourceSubscriptions":[]}`, `{}`, subscriptionEngine()},
		{"a resource of a template", `{"resourceSubscriptions":["file:///t/x"]}`, `{"resourceSubscriptions":["file:///t/x"]}`, subscriptionEngine()},
		{"the same resource twice", `{"resourceSubscriptions":["file:///a","file:///a"]}`, `{"resourceSubscriptions":["file:///a"]}`, subscriptionEngine()},
		{"an unknown resource", `{"resourceSubscriptions":["file:///a","file:///unknown"]}`, `{"resourceSubscriptions":["file:///a"]}`, subscriptionEngine()},
		{"what the server does not have", everything, `{}`, bare},
		{"a kind of the future", `{"toolsListChanged":true,"tasksListChanged":true}`, `{"toolsListChanged":true}`, subscriptionEngine()},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := openStream(t, test.e, listen("1", test.filter)).next()
			if want := notification("subscriptions/acknowledged", `,"notifications":`+test.want); got != want {
				t.Errorf("first message = %s\nwant %s", got, want)
			}
		})
	}
}

func TestListenRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, filter, want string }{
		{"no object", `true`, "params.notifications must be an object"},
		{"null", `null`, "params.notifications must be an object"},
		{"no booleans", `{"toolsListChanged":1}`, "params.notifications must hold booleans"},
		{"no URIs", `{"resourceSubscriptions":[1]}`, "params.notifications must hold booleans and a list of URIs"},
		{"too many", `{"resourceSubscriptions":["x"` + strings.Repeat(`,"x"`, 1000) + `]}`, "more than 1000"},
	}
	for _, test := range tests {
		got := post(t, subscriptionEngine(), listen("1", test.filter)).response()
		if !strings.Contains(got, `"code":-32602`) || !strings.Contains(got, test.want) {
			t.Errorf("%s: response = %s, want -32602 with %q", test.name, got, test.want)
		}
	}
	if got := post(t, subscriptionEngine(), message("subscriptions/listen", "")).response(); !strings.Contains(got, `"code":-32602`) {
		t.Errorf("no filter: response = %s, want -32602", got)
	}
}

// Each change is reported once, in its own words, under the subscription's id.
func TestListenDelivers(t *testing.T) {
	t.Parallel()
	e := subscriptionEngine()
	s := openStream(t, e, listen("1", everything))
	s.next()
	text := func(context.Context, topic) (string, error) { return "", nil }
	tests := []struct {
		name   string
		change func()
		want   string
	}{
		{"tool added", func() { give(e, "new", "") }, notification("tools/list_changed", "")},
		{"tool removed", func() { e.RemoveTools("new") }, notification("tools/list_changed", "")},
		{"prompt added", func() { offer(e, "new", "") }, notification("prompts/list_changed", "")},
		{"prompt removed", func() { e.RemovePrompts("new") }, notification("prompts/list_changed", "")},
		{"resource added", func() { hold(e, "file:///new", "") }, notification("resources/list_changed", "")},
		{"resource removed", func() { e.RemoveResources("file:///new") }, notification("resources/list_changed", "")},
		{"template added", func() { mcpengine.AddResource(e, "new:{topic}", "", text) }, notification("resources/list_changed", "")},
		{"template removed", func() { e.RemoveResources("new:{topic}") }, notification("resources/list_changed", "")},
		{"resource updated", func() { e.ResourceUpdated("file:///a") }, notification("resources/updated", `,"uri":"file:///a"`)},
	}
	for _, test := range tests {
		test.change()
		if got := s.next(); got != test.want {
			t.Errorf("%s: message = %s\nwant %s", test.name, got, test.want)
		}
	}
}

// A subscription is told only of changes that it has asked for and that have
// happened.
func TestListenOnlyRequested(t *testing.T) {
	t.Parallel()
	e := subscriptionEngine()
	s := openStream(t, e, listen("1", `{"promptsListChanged":true,"resourceSubscriptions":["file:///a"]}`))
	s.next()
	give(e, "new", "")
	hold(e, "file:///new", "")
	e.ResourceUpdated("file:///b")
	e.RemoveTools("new", "unknown")
	e.RemovePrompts("unknown")
	e.ResourceUpdated("file:///a")
	if got, want := s.next(), notification("resources/updated", `,"uri":"file:///a"`); got != want {
		t.Errorf("message = %s\nwant %s", got, want)
	}
	offer(e, "new", "")
	if got, want := s.next(), notification("prompts/list_changed", ""); got != want {
		t.Errorf("message = %s\nwant %s", got, want)
	}
}

// Changes that come faster than the client reads are reported once.
func TestListenCoalesces(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := subscriptionEngine()
		s := openStream(t, e, listen("1", `{"toolsListChanged":true,"promptsListChanged":true,"resourceSubscriptions":["file:///a","file:///b"]}`))
		s.next()
		give(e, "first", "")
		synctest.Wait() // until the first notification is being sent: that ends when it is read
		for i := range 100 {
			give(e, fmt.Sprintf("tool_%d", i), "")
			offer(e, fmt.Sprintf("prompt_%d", i), "")
			e.ResourceUpdated("file:///b")
			e.ResourceUpdated("file:///a")
		}
		for _, want := range []string{
			notification("tools/list_changed", ""), // the first
			notification("tools/list_changed", ""), // all others
			notification("prompts/list_changed", ""),
			notification("resources/updated", `,"uri":"file:///b"`),
			notification("resources/updated", `,"uri":"file:///a"`),
		} {
			if got := s.next(); got != want {
				t.Errorf("message = %s\nwant %s", got, want)
			}
		}
		e.Close()
		if got := s.next(); !strings.Contains(got, `"result"`) {
			t.Errorf("message = %s, want the result", got)
		}
	})
}

// Several subscriptions are told apart by the id of their request, as it was
// written (subscriptions, "Multiple Concurrent Subscriptions").
func TestListenConcurrently(t *testing.T) {
	t.Parallel()
	e := subscriptionEngine()
	ids := []string{`1`, `"1"`, `"a \"b\""`}
	streams := make([]*stream, len(ids))
	for i, id := range ids {
		streams[i] = openStream(t, e, listen(id, `{"toolsListChanged":true}`))
		streams[i].next()
	}
	give(e, "new", "")
	for i, s := range streams {
		want := strings.Replace(notification("tools/list_changed", ""), `Id":1`, `Id":`+ids[i], 1)
		if got := s.next(); got != want {
			t.Errorf("message = %s\nwant %s", got, want)
		}
	}
	e.Close()
	for i, s := range streams {
		if got, want := s.next(), fmt.Sprintf(`"io.modelcontextprotocol/subscriptionId":%s`, ids[i]); !strings.Contains(got, want) {
			t.Errorf("result = %s, want it to contain %s", got, want)
		}
	}
}

// Close ends subscriptions with their result; other requests are still
// answered (subscriptions, "Graceful Closure").
func TestClose(t *testing.T) {
	t.Parallel()
	e := subscriptionEngine()
	s := openStream(t, e, listen("1", everything))
	s.next()
	e.Close()
	e.Close()
	got := s.next()
	if want := `{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","_meta":{"io.modelcontextprotocol/subscriptionId":1,`; !strings.HasPrefix(got, want) {
		t.Errorf("message = %s\nwant it to begin with %s", got, want)
	}
	s.wantEnd()
	if got := post(t, e, listen("1", everything)).response(); !strings.Contains(got, `"error"`) {
		t.Errorf("subscription after Close = %s, want an error", got)
	}
	if got := post(t, e, call("tool")).response(); !strings.Contains(got, "done") {
		t.Errorf("call after Close = %s", got)
	}
}

// What happened before Close is delivered before the end.
func TestCloseDeliversFirst(t *testing.T) {
	t.Parallel()
	for range 20 { // the order of two ready channels is random
		e := subscriptionEngine()
		s := openStream(t, e, listen("1", everything))
		s.next()
		e.ResourceUpdated("file:///a")
		e.Close()
		if got, want := s.next(), notification("resources/updated", `,"uri":"file:///a"`); got != want {
			t.Fatalf("message = %s\nwant %s", got, want)
		}
		if got := s.next(); !strings.Contains(got, `"result"`) {
			t.Fatalf("message = %s, want the result", got)
		}
	}
}

// A caller gets half of the subscriptions and leaves the rest to other callers.
// A client that has gone makes room for another one.
func TestListenBound(t *testing.T) {
	t.Parallel()
	const most = 5_000
	e := subscriptionEngine()
	streams := make([]*stream, most)
	for i := range streams {
		streams[i] = openStream(t, e, listen("1", `{"toolsListChanged":true}`))
	}
	for _, s := range streams {
		s.next() // it is open now
	}
	if got := post(t, e, listen("1", `{}`)).response(); !strings.Contains(got, `"code":-32023`) {
		t.Errorf("subscription %d = %s, want it to be refused", most+1, got)
	}
	other := openStream(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RemoteAddr = "203.0.113.7:1234"
		e.ServeHTTP(w, r)
	}), listen("1", `{}`))
	if got := other.next(); !strings.Contains(got, "acknowledged") {
		t.Errorf("the subscription of another caller = %s", got)
	}
	streams[0].leave()
	s := openStream(t, e, listen("1", `{}`))
	if got := s.next(); !strings.Contains(got, "acknowledged") {
		t.Errorf("subscription after another has ended = %s", got)
	}
}
