package duplex_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/duplex"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// A host is a stateful handler that notes the calls of its methods. It refuses
// "refused", answers "wait" when it is released or cancelled, lets "ask" wait
// for a reply, and answers everything else at once.
type host struct {
	release chan bool
	replies chan bool
	send    func(message []byte) error

	mu  sync.Mutex
	log []string
}

func newHost() *host { return &host{release: make(chan bool), replies: make(chan bool)} }

func (h *host) note(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.log = append(h.log, fmt.Sprintf(format, args...))
}

// noted returns the notes since the last call.
func (h *host) noted() []string {
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	log := h.log
	h.log = nil
	return log
}

func (h *host) Connect(send func(message []byte) error) { h.send = send }

func (h *host) Accept(_ context.Context, req *jsonrpc.Request, batched bool) *jsonrpc.Error {
	h.note("accept %s %v", req.Method, batched)
	if req.Method == "refused" {
		return jsonrpc.Errorf(7, "no")
	}
	req.Asker = h
	return nil
}

// Ask implements [jsonrpc.Asker].
func (h *host) Ask(ctx context.Context, _ string, _ []byte) ([]byte, error) {
	select {
	case <-h.replies:
		return nil, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (h *host) Handle(ctx context.Context, req *jsonrpc.Request, _ func(jsonrpc.Notification)) *jsonrpc.Response {
	h.note("handle %s", req.Method)
	switch req.Method {
	case "wait":
		select {
		case <-h.release:
		case <-ctx.Done():
			h.note("cause %v", context.Cause(ctx))
		}
	case "ask":
		_, _ = req.Asker.Ask(ctx, "", nil)
	case "ask_twice": // at the same time
		asked := make(chan bool)
		for range 2 {
			go func() {
				_, _ = req.Asker.Ask(ctx, "", nil)
				asked <- true
			}()
		}
		<-asked
		<-asked
	}
	resp := jsonrpc.NewResponse()
	resp.BeginResult(req.ID)
	resp.Body = append(resp.Body, "{}"...)
	resp.EndResult()
	return resp
}

func (h *host) Batches() bool { return true }

func (h *host) Notification(_ context.Context, req *jsonrpc.Request) *jsonrpc.Error {
	h.note("notification %s", req.Method)
	return nil
}

func (h *host) Reply(message []byte) *jsonrpc.Error {
	h.note("reply %s", message)
	if strings.Contains(string(message), "wrong") {
		return jsonrpc.Errorf(8, "wrong")
	}
	return nil
}

func (h *host) Close() { h.note("close") }

// An output records the writes to it.
type output struct {
	mu    sync.Mutex
	lines []string
	err   error
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return 0, o.err
	}
	o.lines = append(o.lines, strings.TrimSuffix(string(p), "\n"))
	return len(p), nil
}

func (o *output) wants(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	o.mu.Lock()
	defer o.mu.Unlock()
	if diff := cmp.Diff(append([]string{}, want...), append([]string{}, o.lines...)); diff != "" {
		t.Errorf("written (-want +got):\n%s", diff)
	}
	o.lines = nil
}

func receive(t *testing.T, c *duplex.Conn, texts ...string) {
	for _, text := range texts {
		m := c.Message()
		m.Text = append(m.Text[:0], text...)
		c.Receive(t.Context(), m)
	}
}

func request(id, method string) string {
	return `{"jsonrpc":"2.0","id":` + id + `,"method":"` + method + `"}`
}

func result(id string) string { return `{"jsonrpc":"2.0","id":` + id + `,"result":{}}` }

func TestStatefulHandlerSeesEverythingInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, out := newHost(), &output{}
		c := duplex.New(h, out, duplex.Config{})
		receive(t, c, request("1", "wait"))
		if got, want := h.noted(), []string{"accept wait false", "handle wait"}; !slices.Equal(got, want) {
			t.Errorf("noted %q, want %q", got, want)
		}
		receive(t, c,
			`{"jsonrpc":"2.0","method":"n"}`,
			`{"jsonrpc":"2.0","id":"s-1","result":{}}`,
			`{"jsonrpc":"2.0","id":"s-1","error":"wrong"}`,
			`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2}}`, // not shown
			request("2", "refused"),
		)
		want := []string{"notification n", `reply {"jsonrpc":"2.0","id":"s-1","result":{}}`, `reply {"jsonrpc":"2.0","id":"s-1","error":"wrong"}`, "accept refused false"}
		if got := h.noted(); !slices.Equal(got, want) {
			t.Errorf("noted %q, want %q", got, want)
		}
		out.wants(t, `{"jsonrpc":"2.0","id":"s-1","error":{"code":8,"message":"wrong"}}`, `{"jsonrpc":"2.0","id":2,"error":{"code":7,"message":"no"}}`)
		receive(t, c, request("2", "echo")) // the id of the refused request is free
		synctest.Wait()
		close(h.release)
		synctest.Wait()
		c.Close(t.Context(), time.Second)
		out.wants(t, result("2"), result("1"))
	})
}

func TestBatchIsAcceptedBeforeItRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, out := newHost(), &output{}
		c := duplex.New(h, out, duplex.Config{MaxConcurrent: 1})
		receive(t, c, "["+request("1", "echo")+","+request("2", "refused")+`,{"jsonrpc":"2.0","method":"n"},`+request("3", "wait")+"]")
		want := []string{"accept echo true", "accept refused true", "notification n", "accept wait true", "handle echo", "handle wait"}
		if got := h.noted(); !slices.Equal(got, want) {
			t.Errorf("noted %q, want %q", got, want)
		}
		out.wants(t) // one request is missing
		h.release <- true
		out.wants(t, "["+result("1")+`,{"jsonrpc":"2.0","id":2,"error":{"code":7,"message":"no"}},`+result("3")+"]")
		c.Close(t.Context(), 0)
	})
}

// A request that waits for the client must not keep its answer from being read.
func TestQuestionsLendTheirSlot(t *testing.T) {
	for _, method := range []string{"ask", "ask_twice"} {
		t.Run(method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, out := newHost(), &output{}
				c := duplex.New(h, out, duplex.Config{MaxConcurrent: 1})
				receive(t, c, request("1", method), request("2", method), request("3", "wait"))
				out.wants(t)
				// The questions are answered, but the only slot is taken now.
				close(h.replies)
				out.wants(t)
				h.release <- true
				synctest.Wait()
				if got := len(out.lines); got != 3 {
					t.Errorf("%d answers, want 3", got)
				}
				// There is one slot again, not more.
				out.lines = nil
				h.noted()
				receive(t, c, request("4", "wait"), request("5", "wait"))
				handled := 0
				for _, note := range h.noted() {
					handled += strings.Count(note, "handle")
				}
				if handled != 1 {
					t.Errorf("%d requests run at once, want 1", handled)
				}
				close(h.release)
				c.Close(t.Context(), time.Second)
				out.wants(t, result("4"), result("5"))
			})
		})
	}
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, out := newHost(), &output{}
		c := duplex.New(h, out, duplex.Config{})
		receive(t, c, request("1", "wait"))
		h.noted()
		c.EndInput()
		if got, want := h.noted(), []string{"close"}; !slices.Equal(got, want) {
			t.Errorf("noted %q, want %q", got, want)
		}
		if err := h.send([]byte(`{"note":1}`)); err != nil {
			t.Errorf("send: %v", err)
		}
		start := time.Now()
		c.Close(t.Context(), 3*time.Second)
		if waited := time.Since(start); waited != 3*time.Second || !c.Closed() {
			t.Errorf("Close takes %v, closed: %v", waited, c.Closed())
		}
		if got, want := h.noted(), []string{"cause the server is shutting down"}; !slices.Equal(got, want) {
			t.Errorf("noted %q, want %q", got, want)
		}
		if err := h.send([]byte(`{"note":2}`)); err == nil {
			t.Error("send succeeds after Close")
		}
		out.wants(t, `{"note":1}`, result("1"))
	})
}

func TestCloseEndsTheInput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost()
		c := duplex.New(h, &output{}, duplex.Config{})
		c.Close(t.Context(), time.Hour)
		c.EndInput()
		if got, want := h.noted(), []string{"close"}; !slices.Equal(got, want) {
			t.Errorf("noted %q, want %q", got, want)
		}
	})
}

func TestCloseWithoutGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, out := newHost(), &output{}
		c := duplex.New(h, out, duplex.Config{MaxConcurrent: 1})
		receive(t, c, request("1", "wait"))
		receive(t, c, request("2", "wait")) // waits for a slot
		start := time.Now()
		c.Close(t.Context(), 0)
		if waited := time.Since(start); waited != 0 {
			t.Errorf("Close takes %v", waited)
		}
		receive(t, c, request("3", "echo"))
		synctest.Wait()
		if got := len(out.lines); got != 2 {
			t.Errorf("%d answers, want 2 and none after Close", got)
		}
	})
}

func TestWriteFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := errors.New("gone")
		h, out := newHost(), &output{err: gone}
		c := duplex.New(h, out, duplex.Config{})
		receive(t, c, request("1", "wait"), request("2", "echo"))
		<-c.Broken()
		if !errors.Is(c.Err(), gone) || !errors.Is(h.send([]byte("{}")), gone) {
			t.Errorf("Err = %v, want %v", c.Err(), gone)
		}
		start := time.Now()
		c.Close(t.Context(), time.Hour)
		if waited := time.Since(start); waited != 0 {
			t.Errorf("Close takes %v", waited)
		}
	})
}

// stateless hides the other methods.
type stateless struct{ jsonrpc.Handler }

func TestStatelessHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &output{}
		c := duplex.New(stateless{newHost()}, out, duplex.Config{})
		receive(t, c, "["+request("1", "echo")+"]", `{"jsonrpc":"2.0","id":"s-1","result":{}}`, `{"jsonrpc":"2.0","method":"n"}`)
		out.wants(t,
			`{"jsonrpc":"2.0","error":{"code":-32600,"message":"a message is one JSON object: batches are not part of the protocol"}}`,
			`{"jsonrpc":"2.0","id":"s-1","error":{"code":-32600,"message":"the message is a response: clients send requests and notifications only"}}`,
		)
		c.Close(t.Context(), 0)
	})
}
