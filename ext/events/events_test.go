package events_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/ext/events"
	"github.com/mcpengine/mcpengine/mcp"
)

type post struct {
	Text string `json:"text"`
}

type filter struct {
	Room string `json:"room,omitempty" minLength:"1"`
}

// A board is a source of events: its posts by number.
type board struct {
	mu      sync.Mutex
	posts   []string
	failure error
	queries []string
}

func (b *board) add(texts ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.posts = append(b.posts, texts...)
}

func (b *board) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failure = err
}

func (b *board) poll(_ context.Context, q events.Query[filter]) (events.Page[post], error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.queries = append(b.queries, fmt.Sprintf("%s %q %v %d", q.Args.Room, q.Cursor, q.MaxAge, q.MaxEvents))
	page := events.Page[post]{Cursor: fmt.Sprint(len(b.posts)), Next: 5 * time.Second}
	if b.failure != nil || q.Cursor == "" && q.MaxAge == 0 {
		return page, b.failure
	}
	from, err := strconv.Atoi(q.Cursor)
	if q.Cursor != "" && err != nil || from > len(b.posts) {
		page.Truncated = true
		from = 0
	}
	for i, text := range b.posts[from:] {
		if len(page.Events) == q.MaxEvents {
			page.HasMore, page.Cursor = true, fmt.Sprint(from+i)
			break
		}
		page.Events = append(page.Events, events.Event[post]{ID: fmt.Sprint(from + i), Time: time.Unix(0, 0), Data: post{text}, Cursor: fmt.Sprint(from + i + 1)})
	}
	return page, nil
}

func newServer(b *board) (*events.Feed, *mcpengine.Engine) {
	feed := events.NewFeed(
		events.New("board.posted", "A message was posted.", b.poll, events.WithMeta(mcp.Meta{"com.example/a": 1})),
		events.New("board.secret", "Nobody sees it.", b.poll, events.VisibleTo(func(context.Context) bool { return false })),
	)
	feed.Logger = slog.New(slog.DiscardHandler)
	return feed, mcpengine.New("board", mcpengine.WithLogger(slog.New(slog.DiscardHandler)), mcpengine.WithExtension(feed.Extension()))
}

func connect(t *testing.T, e *mcpengine.Engine) *client.Client {
	t.Helper()
	c, err := client.Connect(t.Context(), "http://board.example/mcp", client.WithExtension(events.ID, nil),
		client.WithHTTPClient(&http.Client{Transport: client.InMemory(e)}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// normal returns JSON in a form that can be compared, without "_meta" of the server.
func normal(t *testing.T, raw []byte) string {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	delete(v, "_meta")
	text, _ := json.Marshal(v)
	return string(text)
}

// The list has the types that the caller sees, with their schemas.
func TestList(t *testing.T) {
	t.Parallel()
	_, e := newServer(&board{})
	c := connect(t, e)
	if got := string(c.Capabilities().Extensions[events.ID]); got != `{"listChanged":false}` {
		t.Errorf("settings = %s", got)
	}
	raw, err := client.Do[json.RawMessage](t.Context(), c, "events/list", nil)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"events":[{"_meta":{"com.example/a":1},"delivery":["poll","push"],"description":"A message was posted.",` +
		`"inputSchema":{"additionalProperties":false,"properties":{"room":{"minLength":1,"type":"string"}},"type":"object"},"name":"board.posted",` +
		`"payloadSchema":{"additionalProperties":false,"properties":{"text":{"type":"string"}},"required":["text"],"type":"object"}}],"resultType":"complete"}`
	if diff := cmp.Diff(want, normal(t, raw)); diff != "" {
		t.Errorf("events/list (-want +got):\n%s", diff)
	}
}

// A client that begins gets a cursor, and from there what has happened.
func TestPoll(t *testing.T) {
	t.Parallel()
	b := &board{posts: []string{"old"}}
	_, e := newServer(b)
	c := connect(t, e)
	ask := func(params string) string {
		t.Helper()
		raw, err := client.Do[json.RawMessage](t.Context(), c, "events/poll", json.RawMessage(params))
		if err != nil {
			t.Fatalf("events/poll %s: %v", params, err)
		}
		return normal(t, raw)
	}
	event := func(id, text string) string {
		next, _ := strconv.Atoi(id)
		return fmt.Sprintf(`{"cursor":"%d","data":{"text":%q},"eventId":%q,"name":"board.posted","timestamp":"1970-01-01T00:00:00Z"}`, next+1, text, id)
	}
	for _, test := range []struct{ params, want string }{
		{`{"name":"board.posted","cursor":null}`, `{"cursor":"1","events":[],"hasMore":false,"nextPollMs":5000,"resultType":"complete","truncated":false}`},
		{`{"name":"board.posted","maxAgeMs":60000}`, `{"cursor":"1","events":[` + event("0", "old") + `],"hasMore":false,"nextPollMs":5000,"resultType":"complete","truncated":false}`},
		{`{"name":"board.posted","arguments":{"room":"a"},"cursor":"1"}`, `{"cursor":"1","events":[],"hasMore":false,"nextPollMs":5000,"resultType":"complete","truncated":false}`},
		{`{"name":"board.posted","cursor":"lost"}`, `{"cursor":"1","events":[` + event("0", "old") + `],"hasMore":false,"nextPollMs":5000,"resultType":"complete","truncated":true}`},
	} {
		if diff := cmp.Diff(test.want, ask(test.params)); diff != "" {
			t.Errorf("events/poll %s (-want +got):\n%s", test.params, diff)
		}
	}
	b.add("new", "newer")
	if diff := cmp.Diff(`{"cursor":"2","events":[`+event("1", "new")+`],"hasMore":true,"nextPollMs":5000,"resultType":"complete","truncated":false}`,
		ask(`{"name":"board.posted","cursor":"1","maxEvents":1}`)); diff != "" {
		t.Errorf("a part (-want +got):\n%s", diff)
	}
	if last := b.queries[2]; last != `a "1" 0s 100` {
		t.Errorf("the source was asked %s", last)
	}
}

// Limits of the engine's own kind hold for polls and streams of a caller.
func TestLimits(t *testing.T) {
	t.Parallel()
	b := &board{}
	feed := events.NewFeed(events.New("board.posted", "A message was posted.", b.poll))
	c := connect(t, mcpengine.New("board", mcpengine.WithExtension(feed.Extension(mcpengine.CallsPerMinute(2)))))
	poll := func() error {
		_, err := client.Do[json.RawMessage](t.Context(), c, "events/poll", json.RawMessage(`{"name":"board.posted"}`))
		return err
	}
	for i := range 2 {
		if err := poll(); err != nil {
			t.Errorf("poll %d: %v", i+1, err)
		}
	}
	err := poll()
	if refused, ok := errors.AsType[*client.StatusError](err); !ok || refused.Status != http.StatusTooManyRequests || refused.RetryAfter <= 0 {
		t.Errorf("the third poll: %v", err)
	}
	if _, err := client.Do[json.RawMessage](t.Context(), c, "events/list", nil); err != nil {
		t.Errorf("another method: %v", err)
	}
}

// What makes no sense is an error that says so.
func TestMistakes(t *testing.T) {
	t.Parallel()
	b := &board{}
	_, e := newServer(b)
	c := connect(t, e)
	for _, test := range []struct {
		params string
		code   int
		want   string
	}{
		{`{"name":"board.lost"}`, events.CodeNotFound, "board.lost"},
		{`{"name":"board.secret"}`, events.CodeNotFound, "board.secret"},
		{`{}`, mcp.CodeInvalidParams, "name"},
		{`{"name":"board.posted","arguments":{"room":""}}`, mcp.CodeInvalidParams, "room"},
		{`{"name":"board.posted","arguments":{"rooms":"a"}}`, mcp.CodeInvalidParams, "rooms"},
		{`{"name":"board.posted","arguments":[]}`, mcp.CodeInvalidParams, "object"},
		{`{"name":"board.posted","maxAgeMs":-1}`, mcp.CodeInvalidParams, "maxAgeMs"},
		{`{"name":"board.posted","maxEvents":0}`, mcp.CodeInvalidParams, "maxEvents"},
		{`{"name":"board.posted","cursor":7}`, mcp.CodeInvalidParams, "cursor"},
	} {
		for _, method := range []string{"events/poll", "events/stream"} {
			_, err := client.Do[json.RawMessage](t.Context(), c, method, json.RawMessage(test.params))
			rpcErr, ok := errors.AsType[*mcp.Error](err)
			if !ok || rpcErr.Code != test.code || !strings.Contains(rpcErr.Message, test.want) {
				t.Errorf("%s %s: %v, want %d with %q", method, test.params, err, test.code, test.want)
			}
		}
	}
	b.fail(errors.New("the disk is full"))
	if _, err := client.Do[json.RawMessage](t.Context(), c, "events/poll", json.RawMessage(`{"name":"board.posted"}`)); err == nil || strings.Contains(err.Error(), "disk") {
		t.Errorf("a source that fails: %v", err)
	}
}

// A stream delivers what happens, at once when the feed is told and otherwise when
// the source says, and shows that it is alive.
func TestStream(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &board{posts: []string{"old"}}
		feed, e := newServer(b)
		c := connect(t, e)
		type received struct {
			method string
			params string
			after  time.Duration
		}
		got := make(chan received, 100)
		began := time.Now()
		ended := make(chan error, 1)
		go func() {
			_, err := client.Do[struct{}](t.Context(), c, "events/stream", map[string]any{"name": "board.posted", "cursor": nil}, client.Lasting(),
				client.WithNotifications(func(method string, params json.RawMessage) {
					var p struct {
						Meta map[string]any `json:"_meta"`
					}
					if json.Unmarshal(params, &p) != nil || p.Meta[mcp.MetaSubscriptionID] == nil {
						t.Errorf("%s %s names no subscription", method, params)
					}
					got <- received{strings.TrimPrefix(method, "notifications/events/"), normal(t, params), time.Since(began)}
				}))
			ended <- err
		}()
		want := func(method, part string, after time.Duration) {
			t.Helper()
			if h := <-got; h.method != method || !strings.Contains(h.params, part) || h.after != after {
				t.Errorf("received %v, want %s with %s after %v", h, method, part, after)
			}
		}
		want("active", `"cursor":"1"`, 0)
		synctest.Wait()
		b.add("one")
		feed.Changed("board.other")
		feed.Changed("board.posted")
		want("event", `"text":"one"`, 0)
		synctest.Wait()
		b.add("two")
		want("event", `"text":"two"`, 5*time.Second) // as often as the source says
		want("heartbeat", `"cursor":"3"`, 30*time.Second)
		synctest.Wait() // the source is asked at this moment too
		b.fail(errors.New("the disk is full"))
		feed.Changed("board.posted")
		want("error", `-32603`, 30*time.Second)
		synctest.Wait()
		b.fail(nil)
		b.add("three")
		want("heartbeat", `"cursor":"3"`, 60*time.Second)
		synctest.Wait()
		feed.Changed("board.posted")
		want("event", `"text":"three"`, 60*time.Second)
		synctest.Wait()
		b.fail(mcp.Errorf(events.CodeForbidden, "no longer"))
		feed.Changed("board.posted")
		want("terminated", `"message":"no longer"`, 60*time.Second)
		if err := <-ended; err != nil {
			t.Errorf("the stream ends with %v", err)
		}
	})
}

// A stream ends with its result when the engine closes.
func TestStreamEndsInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, e := newServer(&board{})
		c := connect(t, e)
		ended := make(chan error, 1)
		go func() {
			_, err := client.Do[struct{}](t.Context(), c, "events/stream", map[string]any{"name": "board.posted"}, client.Lasting())
			ended <- err
		}()
		synctest.Wait()
		e.Close()
		if err := <-ended; err != nil {
			t.Errorf("the stream ends with %v", err)
		}
	})
}

// The mistakes of a program panic when the feed is made.
func TestNewFeedMistakes(t *testing.T) {
	t.Parallel()
	b := &board{}
	none := func(context.Context, events.Query[struct{ C chan int }]) (events.Page[post], error) {
		return events.Page[post]{}, nil
	}
	for name, types := range map[string][]events.Type{
		"twice":     {events.New("a", "", b.poll), events.New("a", "", b.poll)},
		"no name":   {events.New("", "", b.poll)},
		"zero":      {{}},
		"no schema": {events.New("a", "", none)},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			events.NewFeed(types...)
		}()
	}
}
