package streamable_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/streamable"
	"github.com/mcpengine/mcpengine/mcp"
)

func progress(n int) jsonrpc.Notification {
	return jsonrpc.Notification{Method: "notifications/progress", Params: fmt.Appendf(nil, `{"progress":%d}`, n)}
}

// notifying sends n notifications before it answers.
func notifying(n int) handlerFunc {
	return func(_ context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
		for i := range n {
			notify(progress(i))
		}
		return result(req, completed)
	}
}

// slowly answers after a time, unless it is cancelled.
func slowly(d time.Duration) handlerFunc {
	return func(ctx context.Context, req *jsonrpc.Request, _ func(jsonrpc.Notification)) *jsonrpc.Response {
		select {
		case <-ctx.Done():
			return jsonrpc.ErrorResponse(req.ID, jsonrpc.Errorf(mcp.CodeInternalError, "%v", ctx.Err()))
		case <-time.After(d):
			return result(req, completed)
		}
	}
}

// Without a notification the answer is JSON; the first one makes it a stream,
// which the response ends (streamable-http, "Receiving Messages").
func TestAnswer(t *testing.T) {
	t.Parallel()
	const response = `{"jsonrpc":"2.0","id":1,"result":` + completed + `}`
	event := func(n int) string {
		return fmt.Sprintf(`data: {"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":%d}}`+"\n\n", n)
	}
	plain := http.Header{"Content-Type": {"application/json"}, "Cache-Control": {"no-store"}}
	stream := http.Header{"Content-Type": {"text/event-stream"}, "Cache-Control": {"no-store"}, "X-Accel-Buffering": {"no"}}
	for _, test := range []struct {
		notifications int
		header        http.Header
		body          string
	}{
		{0, plain, response},
		{1, stream, event(0) + "data: " + response + "\n\n"},
		{3, stream, event(0) + event(1) + event(2) + "data: " + response + "\n\n"},
	} {
		t.Run(fmt.Sprintf("%d notifications", test.notifications), func(t *testing.T) {
			t.Parallel()
			w := serve(newServer(notifying(test.notifications)), newRequest(t.Context(), call))
			if w.Code != http.StatusOK {
				t.Errorf("status = %d, want 200", w.Code)
			}
			if diff := cmp.Diff(test.header, w.Header()); diff != "" {
				t.Errorf("header (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.body, w.Body.String()); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
		})
	}
}

// An error after the first notification is the last event: the status has been
// sent by then.
func TestErrorEndsTheStream(t *testing.T) {
	t.Parallel()
	s := newServer(func(_ context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
		notify(progress(1))
		return jsonrpc.ErrorResponse(req.ID, jsonrpc.Errorf(mcp.CodeMethodNotFound, "x"))
	})
	w := serve(s, newRequest(t.Context(), call))
	messages := events(t, w.Body.Bytes())
	if w.Code != http.StatusOK || len(messages) != 2 || messages[1].Error.Code != mcp.CodeMethodNotFound || string(messages[1].ID) != "1" {
		t.Errorf("answer %d %s, want 200 with a notification and an error", w.Code, w.Body)
	}
}

// Line breaks in JSON would end an event early.
func TestEventWithLineBreaks(t *testing.T) {
	t.Parallel()
	s := newServer(func(_ context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
		notify(jsonrpc.Notification{Method: "notifications/x", Params: []byte("{\n\"a\":\r\n\"data: x\\n\\n\"\r\r}")})
		return result(req, "{\r\n\r\n}")
	})
	messages := events(t, serve(s, newRequest(t.Context(), call)).Body.Bytes())
	if len(messages) != 2 {
		t.Fatalf("%d messages, want 2", len(messages))
	}
	if got := parse(t, []byte(`{"jsonrpc":"2.0","params":`+string(messages[0].Params)+`}`)); !bytes.Contains(got.Params, []byte(`data: x\n\n`)) {
		t.Errorf("params = %s", got.Params)
	}
}

// Each event leaves at once, not when the handler is done.
func TestEventsAreFlushed(t *testing.T) {
	t.Parallel()
	for _, listen := range []func(*testing.T, http.Handler) *httptest.Server{listen, listen2} {
		read := make(chan bool)
		server := listen(t, newServer(func(_ context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
			for i := range 3 {
				notify(progress(i))
				<-read
			}
			return result(req, completed)
		}))
		resp, err := post(t.Context(), server, strings.NewReader(call))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		buf := make([]byte, 4096)
		for i := range 3 {
			n, err := resp.Body.Read(buf)
			if want := fmt.Sprintf(`"progress":%d}`, i); !bytes.Contains(buf[:n], []byte(want)) {
				t.Fatalf("read %q (%v), want %s in it", buf[:n], err, want)
			}
			read <- true
		}
		if n, err := resp.Body.Read(buf); !bytes.Contains(buf[:n], []byte(completed)) {
			t.Fatalf("read %q (%v), want the response", buf[:n], err)
		}
	}
}

// A handler may notify from several goroutines. Each event stays whole, those
// of one goroutine stay in order, and the response is the last.
func TestConcurrentNotifications(t *testing.T) {
	t.Parallel()
	const goroutines, each = 8, 100
	server := listen(t, newServer(func(_ context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
		var wg sync.WaitGroup
		for g := range goroutines {
			wg.Go(func() {
				for i := range each {
					notify(jsonrpc.Notification{Method: "notifications/x", Params: fmt.Appendf(nil, `{"g":%d,"i":%d,"pad":%q}`, g, i, strings.Repeat("x", i))})
				}
			})
		}
		wg.Wait()
		return result(req, completed)
	}))
	resp, err := post(t.Context(), server, strings.NewReader(call))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var buf bytes.Buffer
	if _, err := buf.ReadFrom(resp.Body); err != nil {
		t.Fatal(err)
	}
	messages := events(t, buf.Bytes())
	if len(messages) != goroutines*each+1 {
		t.Fatalf("%d messages, want %d", len(messages), goroutines*each+1)
	}
	var next [goroutines]int
	for _, m := range messages[:len(messages)-1] {
		var g, i int
		if _, err := fmt.Sscanf(string(m.Params), `{"g":%d,"i":%d,`, &g, &i); err != nil {
			t.Fatalf("params = %s: %v", m.Params, err)
		}
		if i != next[g] {
			t.Fatalf("goroutine %d: notification %d follows %d", g, i, next[g]-1)
		}
		next[g]++
	}
	if last := messages[len(messages)-1]; string(last.Result) != completed {
		t.Errorf("the last message is %+v, want the response", last)
	}
}

// A timeline is a response writer that notes when it is written to. It fails
// the test on a write after its request has been answered.
type timeline struct {
	*httptest.ResponseRecorder
	t     *testing.T
	mu    sync.Mutex
	start time.Time
	done  bool
	notes []string
}

func newTimeline(t *testing.T) *timeline {
	return &timeline{ResponseRecorder: httptest.NewRecorder(), t: t, start: time.Now()}
}

func (w *timeline) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done {
		w.t.Errorf("%q is written after the request has been answered", p)
	}
	kind := "other"
	switch {
	case bytes.HasPrefix(p, []byte(":")):
		kind = "comment"
	case bytes.Contains(p, []byte(`"method"`)):
		kind = "notification"
	case bytes.Contains(p, []byte(`"result"`)):
		kind = "response"
	}
	w.notes = append(w.notes, fmt.Sprintf("%v %s", time.Since(w.start), kind))
	return w.ResponseRecorder.Write(p)
}

func (w *timeline) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done = true
}

// Servers "are encouraged to periodically emit an SSE comment line"
// (streamable-http, "Receiving Messages").
func TestKeepAlive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := config()
		c.KeepAlive = 15 * time.Second
		s := streamable.New(handlerFunc(func(_ context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
			<-time.After(20 * time.Second) // not a stream yet
			notify(progress(1))
			<-time.After(35 * time.Second)
			notify(progress(2))
			<-time.After(14 * time.Second)
			notify(progress(3))
			<-time.After(16 * time.Second)
			return result(req, completed)
		}), c)
		w := newTimeline(t)
		s.ServeHTTP(w, newRequest(t.Context(), call))
		w.end()
		want := []string{
			"20s notification", "35s comment", "50s comment",
			"55s notification", "1m9s notification", "1m24s comment", "1m25s response",
		}
		if diff := cmp.Diff(want, w.notes); diff != "" {
			t.Errorf("timeline (-want +got):\n%s", diff)
		}
		if messages := events(t, w.Body.Bytes()); len(messages) != 4 {
			t.Errorf("a client reads %d messages, want 4: comments carry none", len(messages))
		}
		<-time.After(time.Hour) // nothing more comes
	})
}

// A stream inherits nothing from the one whose buffers it uses, least of all
// its keep-alive.
func TestLateKeepAlive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := config()
		c.KeepAlive = 10 * time.Second
		waits := make(chan time.Duration, 1)
		s := streamable.New(handlerFunc(func(_ context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
			notify(progress(1))
			<-time.After(<-waits)
			return result(req, completed)
		}), c)
		serve := func(wait time.Duration) []string {
			waits <- wait
			w := newTimeline(t)
			defer w.end()
			s.ServeHTTP(w, newRequest(t.Context(), call))
			return w.notes
		}
		for range 20 { // a pool drops some of its objects
			serve(0)
			<-time.After(5 * time.Second)
			want := []string{"0s notification", "10s comment", "12s response"}
			if diff := cmp.Diff(want, serve(12*time.Second)); diff != "" {
				t.Fatalf("timeline (-want +got):\n%s", diff)
			}
			// The keep-alive falls due as the handler returns: it comes before
			// the response or not at all.
			notes := serve(10 * time.Second)
			if last := notes[len(notes)-1]; last != "10s response" {
				t.Fatalf("timeline ends with %q, want the response", last)
			}
		}
		<-time.After(time.Hour)
	})
}

// A goroutine that a handler has left behind must not send notifications:
// neither in the middle of the JSON answer nor after it.
func TestLateNotification(t *testing.T) {
	t.Parallel()
	for _, streams := range []bool{false, true} {
		var late func(jsonrpc.Notification)
		s := newServer(func(_ context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
			if late = notify; streams {
				notify(progress(1))
			}
			return result(req, completed)
		})
		w := newTimeline(t)
		s.ServeHTTP(w, newRequest(t.Context(), call))
		w.end()
		late(progress(2))
		if strings.Contains(w.Body.String(), `"progress":2`) {
			t.Errorf("the late notification is in %s", w.Body)
		}
	}
}

// A handler can vanish without an answer: by a panic, which net/http survives,
// or by runtime.Goexit, which is what t.Fatal does. Its exchange must not be
// used again as if it had ended, and its keep-alive has nothing to write to.
func TestHandlerVanishes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		vanish := true
		s := newServer(func(_ context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
			if vanish {
				notify(progress(1))
				panic("vanish")
			}
			return result(req, completed)
		})
		for range 20 {
			vanish = true
			if _, panicked := attempt(t, s); !panicked {
				t.Fatal("the panic is lost")
			}
			vanish = false
			w, panicked := attempt(t, s)
			if panicked {
				t.Fatal("the next request panics")
			}
			if got, want := w.Body.String(), `{"jsonrpc":"2.0","id":1,"result":`+completed+`}`; got != want {
				t.Fatalf("the next request is answered with %q, want %q", got, want)
			}
		}
		<-time.After(time.Hour)
	})
}

// attempt serves one request and reports whether that panicked.
func attempt(t *testing.T, s *streamable.Server) (w *timeline, panicked bool) {
	w = newTimeline(t)
	defer func() {
		w.end()
		panicked = recover() != nil
	}()
	s.ServeHTTP(w, newRequest(t.Context(), call))
	return w, false
}

// The answer to a call that sends nothing for long becomes a stream of
// comments, so that intermediaries do not cut the connection. An answer in time
// stays JSON, even if another request has set the timer. A refusal is always
// JSON.
func TestSilentCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		type step struct {
			runs bool // the engine lets the request run
			wait time.Duration
		}
		steps := make(chan step, 1)
		c := config()
		c.KeepAlive = 10 * time.Second
		s := streamable.New(handlerFunc(func(_ context.Context, req *jsonrpc.Request, _ func(jsonrpc.Notification)) *jsonrpc.Response {
			step := <-steps
			if step.runs {
				req.OnRun()
			}
			<-time.After(step.wait)
			if !step.runs {
				return jsonrpc.ErrorResponse(req.ID, jsonrpc.Malformedf(mcp.CodeInvalidParams, "refused"))
			}
			return result(req, completed)
		}), c)
		call := func(runs bool, wait time.Duration) (status int, kind string, notes []string) {
			steps <- step{runs, wait}
			w := newTimeline(t)
			defer w.end()
			s.ServeHTTP(w, newRequest(t.Context(), call))
			return w.Code, w.Header().Get("Content-Type"), w.notes
		}
		for range 3 {
			if status, kind, _ := call(true, 7*time.Second); status != 200 || kind != "application/json" {
				t.Errorf("after 7 s: HTTP %d %s, want JSON", status, kind)
			}
			status, kind, notes := call(true, 25*time.Second)
			if diff := cmp.Diff([]string{"10s comment", "20s comment", "25s response"}, notes); diff != "" || status != 200 || kind != "text/event-stream" {
				t.Errorf("after 25 s: HTTP %d %s, timeline (-want +got):\n%s", status, kind, diff)
			}
			if status, kind, _ := call(false, 25*time.Second); status != 400 || kind != "application/json" {
				t.Errorf("a refusal: HTTP %d %s, want 400 and JSON", status, kind)
			}
		}
	})
}
