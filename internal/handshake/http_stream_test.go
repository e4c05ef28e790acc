package handshake_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/handshake"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/sse"
)

// A script is a handler whose calls the test controls.
type script struct {
	started chan *jsonrpc.Request
	steps   chan func(ctx context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification))
}

func newScript() *script {
	return &script{make(chan *jsonrpc.Request, 1), make(chan func(context.Context, *jsonrpc.Request, func(jsonrpc.Notification)))}
}

func (s *script) Handle(ctx context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
	if req.Method != "tools/call" {
		return result(req, `{}`)
	}
	for step := range s.steps {
		step(ctx, req, notify)
	}
	return result(req, `{}`)
}

// do runs a step and waits until it is done.
func (s *script) do(t *testing.T, step func(ctx context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification))) {
	t.Helper()
	await(t, s.begin(t, step), "a step of the handler")
}

// begin begins a step.
func (s *script) begin(t *testing.T, step func(ctx context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification))) <-chan struct{} {
	t.Helper()
	done := make(chan struct{})
	select {
	case s.steps <- func(ctx context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) {
		defer close(done)
		step(ctx, req, notify)
	}:
	case <-time.After(patience):
		t.Fatal("the handler does not run")
	}
	return done
}

func (s *script) note(t *testing.T, n int) {
	t.Helper()
	s.do(t, func(_ context.Context, _ *jsonrpc.Request, notify func(jsonrpc.Notification)) {
		notify(jsonrpc.Notification{Method: "notifications/message", Params: fmt.Appendf(nil, `{"data":%d}`, n)})
	})
}

// note is the n-th notification as the client gets it.
func note(n int) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","method":"notifications/message","params":{"data":%d}}`, n)
}

const answered = `{"jsonrpc":"2.0","id":1,"result":{}}`

// data returns the data of the events.
func data(events []sse.Event) (all []string) {
	for _, e := range events {
		all = append(all, string(e.Data))
	}
	return all
}

// A client that has lost the connection gets the rest of the stream, before and
// after the answer (2025-11-25, transports, "Resumability and Redelivery").
func TestResume(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"2025-11-25", "2025-06-18", "2025-03-26"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			h := newScript()
			endpoint, _ := newEndpoint(h, handshake.HTTPConfig{})
			c := connect(t, endpoint, version)
			opened := c.start(callMessage)
			h.note(t, 1)
			s := await(t, opened, "the stream")
			e := s.next()
			if version == "2025-11-25" {
				if e.Data == nil || len(e.Data) > 0 || !strings.HasSuffix(e.ID, "-0") {
					t.Errorf("the first event is %v, want one without data", e)
				}
				e = s.next()
			}
			if string(e.Data) != note(1) {
				t.Errorf("the event is %s", e.Data)
			}
			s.close()
			h.note(t, 2)
			h.note(t, 3)

			s = c.stream(c.get(e.ID))
			if got := []string{string(s.next().Data), string(s.next().Data)}; !cmp.Equal(got, []string{note(2), note(3)}) {
				t.Errorf("the missed events are %v", got)
			}
			h.note(t, 4)
			live := s.next()
			if string(live.Data) != note(4) {
				t.Errorf("the live event is %s", live.Data)
			}
			s.close()
			h.note(t, 5)
			close(h.steps)
			if diff := cmp.Diff([]string{note(5), answered}, data(c.stream(c.get(live.ID)).rest())); diff != "" {
				t.Errorf("the rest (-want +got):\n%s", diff)
			}
			// The events come again, because none was acknowledged.
			if diff := cmp.Diff([]string{note(2), note(3), note(4), note(5), answered}, data(c.stream(c.get(e.ID)).rest())); diff != "" {
				t.Errorf("all of it again (-want +got):\n%s", diff)
			}
		})
	}
}

// A connection that the server still believes to be open is replaced by the one
// with which the client comes back.
func TestResumeTakesOver(t *testing.T) {
	t.Parallel()
	h := newScript()
	endpoint, _ := newEndpoint(h, handshake.HTTPConfig{})
	c := connect(t, endpoint, "2025-11-25")
	opened := c.start(callMessage)
	h.note(t, 1)
	first := await(t, opened, "the stream")
	id := first.next().ID
	second := c.stream(c.get(id))
	third := c.stream(c.get(id))
	second.rest() // ends without an answer, or with the events sent by then
	h.note(t, 2)
	close(h.steps)
	if diff := cmp.Diff([]string{note(1), note(2), answered}, data(third.rest())); diff != "" {
		t.Errorf("the last connection (-want +got):\n%s", diff)
	}
	if got := data(first.rest()); len(got) > 1 {
		t.Errorf("the first connection goes on: %v", got)
	}
}

// An id only resumes a stream of its own session, and only after an event that
// was sent.
func TestResumeRefused(t *testing.T) {
	t.Parallel()
	h := newScript()
	endpoint, _ := newEndpoint(h, handshake.HTTPConfig{})
	c := connect(t, endpoint, "2025-11-25")
	opened := c.start(callMessage)
	h.note(t, 1)
	s := await(t, opened, "the stream")
	id := s.next().ID
	stream, _, _ := strings.Cut(id, "-")

	own := c.session
	c.session = initialize(t, endpoint, "2025-11-25")
	if resp := c.get(id); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("from another session: HTTP %d", resp.StatusCode)
	}
	c.session = own
	for _, id := range []string{
		stream, stream + "-", "-0", "-", stream + "-2", stream + "-00", stream + "-+1", stream + "--1", stream + "-0x0", stream + "-1e0",
		stream + "-18446744073709551615", stream + "-18446744073709551616", stream + "-0-0", stream[1:] + "-0", "a" + stream[:20] + "-0",
		strings.ToLower(stream) + "-0", "a-0", "x", strings.Repeat("a", 1000) + "-0", "é-0",
	} {
		if resp := c.get(id); resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%.40q: HTTP %d, want 400", id, resp.StatusCode)
		}
	}
	r := c.newRequest(http.MethodGet, id)
	r.Header["Last-Event-Id"] = []string{id, id}
	if resp := c.send(r); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("two ids: HTTP %d, want 400", resp.StatusCode)
	}
	close(h.steps)
	rest := s.rest()
	// There is nothing after the answer.
	if resp := c.get(rest[len(rest)-1].ID); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("after the answer: HTTP %d, want 400", resp.StatusCode)
	}
}

// A handler may end the connection of its stream, and the client comes back
// when it was told to.
func TestCloseStream(t *testing.T) {
	t.Parallel()
	h := newScript()
	endpoint, handshakeHTTP := newEndpoint(h, handshake.HTTPConfig{})
	c := connect(t, endpoint, "2025-11-25")
	answers := c.start(callMessage)
	interrupt := func(ctx context.Context, req *jsonrpc.Request, _ func(jsonrpc.Notification)) {
		req.StreamCloser.CloseStream(1500 * time.Millisecond)
		if ctx.Err() != nil {
			t.Errorf("the request has ended: %v", context.Cause(ctx))
		}
	}
	h.do(t, interrupt)
	s := await(t, answers, "the stream")
	events := s.rest() // fails if the connection is broken and not ended
	if len(events) != 1 || len(events[0].Data) > 0 {
		t.Fatalf("the events are %v, want one without data", events)
	}
	if retry, ok := s.reader.Retry(); !ok || retry != 1500*time.Millisecond {
		t.Errorf("the client comes back after %v, want 1.5s", retry)
	}
	h.do(t, interrupt) // nothing to close

	s = c.stream(c.get(events[0].ID))
	h.note(t, 1)
	if got := string(s.next().Data); got != note(1) {
		t.Errorf("the event is %s", got)
	}
	last := s.reader.LastEventID()
	h.do(t, interrupt)
	if rest := s.rest(); len(rest) > 0 {
		t.Errorf("the stream goes on: %v", rest)
	}

	handshakeHTTP.Close()
	closing, cancel := context.WithCancel(t.Context())
	cancel()
	waited := make(chan error, 1)
	var ended atomic.Bool
	go func() {
		err := handshakeHTTP.Wait(t.Context())
		if !ended.Load() {
			err = errors.New("Wait returns before the request has ended")
		}
		waited <- err
	}()
	h.do(t, func(context.Context, *jsonrpc.Request, func(jsonrpc.Notification)) { ended.Store(true) })
	close(h.steps)
	if err := await(t, waited, "the request"); err != nil {
		t.Errorf("Wait() = %v", err)
	}
	if err := handshakeHTTP.Wait(closing); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("Wait() = %v", err)
	}
	if got := data(c.stream(c.get(last)).rest()); !cmp.Equal(got, []string{answered}) {
		t.Errorf("the rest is %v", got)
	}
}

// The connection whose response was ended carries the next request.
func TestCloseStreamKeepsConnection(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(*httptest.Server){
		"plain": (*httptest.Server).Start,
		"TLS":   (*httptest.Server).StartTLS,
		"HTTP/2": func(s *httptest.Server) {
			s.EnableHTTP2 = true
			s.StartTLS()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newScript()
			endpoint, _ := newEndpoint(h, handshake.HTTPConfig{})
			server := httptest.NewUnstartedServer(endpoint)
			start(server)
			t.Cleanup(server.Close)
			c := &client{t: t, url: server.URL, version: "2025-11-25", http: server.Client(), session: initialize(t, endpoint, "2025-11-25")}
			opened := c.start(callMessage)
			interrupt := func(_ context.Context, req *jsonrpc.Request, _ func(jsonrpc.Notification)) {
				req.StreamCloser.CloseStream(time.Second)
			}
			h.do(t, interrupt)
			s := await(t, opened, "the stream")
			s.rest()
			reused := 0
			trace := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
				if info.Reused {
					reused++
				}
			}})
			for range 2 {
				resp := c.post(trace, `{"jsonrpc":"2.0","id":2,"method":"ping"}`)
				if _, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
					t.Errorf("HTTP %d %v", resp.StatusCode, err)
				}
			}
			if reused != 2 {
				t.Errorf("%d of 2 requests use the connection", reused)
			}
			close(h.steps)
			if got := data(c.stream(c.get(s.reader.LastEventID())).rest()); !cmp.Equal(got, []string{answered}) {
				t.Errorf("the rest is %v", got)
			}
		})
	}
}

// Wait cancels the requests that do not end in time.
func TestWaitCancels(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	endpoint, handshakeHTTP := newEndpoint(handlerFunc(func(ctx context.Context, req *jsonrpc.Request, _ func(jsonrpc.Notification)) *jsonrpc.Response {
		if req.Method == "tools/call" {
			req.StreamCloser.CloseStream(time.Second)
			<-ctx.Done()
			ended <- ctx.Err()
		}
		return result(req, `{}`)
	}), handshake.HTTPConfig{})
	c := connect(t, endpoint, "2025-11-25")
	c.open(t.Context(), callMessage).rest()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	handshakeHTTP.Close()
	if err := handshakeHTTP.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait() = %v", err)
	}
	if err := await(t, ended, "the end of the handler"); err == nil {
		t.Error("the request was not cancelled")
	}
}

// A storeSpy notes the streams whose events are asked for.
type storeSpy struct {
	handshake.EventStore
	mu    sync.Mutex
	asked []string
}

func (s *storeSpy) After(stream string, number uint64) iter.Seq2[uint64, []byte] {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, stream)
	return s.EventStore.After(stream, number)
}

// A client cannot choose names in the event store.
func TestEventIDs(t *testing.T) {
	t.Parallel()
	const own = "ABCDEFGHIJKLMNOPQRSTUVWXYZ" // as a client would have got it from another replica
	store := &storeSpy{EventStore: handshake.NewEventBuffer()}
	endpoint, _ := newEndpoint(handlerFunc(complete), handshake.HTTPConfig{Events: store})
	session := initialize(t, endpoint, "2025-11-25")
	get := func(id string) int {
		r := newMessage(t.Context(), inMemory, "2025-11-25", session, "")
		r.Method = http.MethodGet
		r.Header.Set("Last-Event-ID", id)
		return serve(endpoint, r).Code
	}
	for _, id := range []string{
		"", "-", "a-1", "a/../../Other/" + own + "-1", "../a" + own + "-1", "x" + own + "-1", "a" + own[1:] + "-1", "a" + own + "A-1",
		"a" + own[1:] + "a-1", "a" + own[1:] + "1-1", "a" + own[1:] + "/-1", "a" + own[1:] + ".-1", "a" + own + "-01", "a" + own + "-", "a" + own + "--1",
		"a" + own + "-18446744073709551616", "a" + own + "-1 ", "a" + own[1:] + "\u00c4-1", "a" + own[1:] + "%41-1",
	} {
		if status := get(id); status != http.StatusBadRequest {
			t.Errorf("Last-Event-ID %q: HTTP %d, want 400", id, status)
		}
	}
	if len(store.asked) > 0 {
		t.Errorf("the store was asked for %q", store.asked)
	}
	get("a" + own + "-1")
	if len(store.asked) != 1 || !strings.HasSuffix(store.asked[0], "/a"+own) {
		t.Errorf("the store was asked for %q, want the stream", store.asked)
	}
}
