package stdio_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/stdio"
	"github.com/mcpengine/mcpengine/mcp"
)

// A fake is a handler with one method for each behaviour that the tests need.
// Every notification it sends carries the id of its request.
type fake struct {
	release chan struct{} // ends "wait" and "stubborn"
	closing chan struct{} // ends subscriptions
	causes  chan error    // has the cause of each cancelled "wait" or "chatter"
}

func newFake() *fake {
	return &fake{release: make(chan struct{}), closing: make(chan struct{}), causes: make(chan error, 1000)}
}

func (f *fake) Handle(ctx context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
	result, err := f.answer(ctx, req, func(method string) {
		notify(jsonrpc.Notification{Method: method, Params: fmt.Appendf(nil, `{"for":%s}`, req.ID)})
	})
	if err != nil {
		return jsonrpc.ErrorResponse(req.ID, jsonrpc.Errorf(mcp.CodeInternalError, "%v", err))
	}
	resp := jsonrpc.NewResponse()
	resp.BeginResult(req.ID)
	resp.Body = append(resp.Body, result...)
	resp.EndResult()
	return resp
}

func (f *fake) answer(ctx context.Context, req *jsonrpc.Request, notify func(method string)) (string, error) {
	switch req.Method {
	case "echo":
		return `{}`, nil
	case "size":
		return fmt.Sprint(len(req.RawParams)), nil
	case "pretty":
		return "{\r\n\t\"a\": [\n\"b\\n\"\n]\n}\n", nil
	case "progress":
		notify("one")
		notify("two")
		return `{}`, nil
	case "wait": // ends when it is cancelled
		select {
		case <-f.release:
			return `{}`, nil
		case <-ctx.Done():
			f.causes <- context.Cause(ctx)
			return "", context.Cause(ctx)
		}
	case "chatter": // goes on sending notifications after it was cancelled
		<-ctx.Done()
		f.causes <- context.Cause(ctx)
		notify("late")
		return `{}`, nil
	case "stubborn": // ignores its context
		<-f.release
		notify("late")
		return `{}`, nil
	case "refused":
		return "", errors.New("no")
	case "subscriptions/listen":
		if req.Params.Get("refuse") != nil {
			return "", errors.New("no")
		}
		if req.Params.Get("quiet") != nil {
			return `{}`, nil
		}
		notify("acknowledged")
		select {
		case <-f.closing:
			return `{"resultType":"complete"}`, nil
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}
	return "", fmt.Errorf("the fake has no method %s", req.Method)
}

// A transcript is an output that keeps every Write and notices when two of them
// overlap.
type transcript struct {
	busy atomic.Bool
	fail map[int]error // by the number of the Write, from 0

	mu     sync.Mutex
	writes []string
}

func (t *transcript) Write(p []byte) (int, error) {
	if t.busy.Swap(true) {
		p = []byte("two Writes at once")
	}
	runtime.Gosched()
	t.mu.Lock()
	err := t.fail[len(t.writes)]
	t.writes = append(t.writes, string(p))
	t.mu.Unlock()
	t.busy.Store(false)
	return len(p), err
}

func (t *transcript) all() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.writes)
}

// A session is a client of Serve inside a synctest bubble.
type session struct {
	t      *testing.T
	in     *io.PipeWriter
	out    *transcript
	done   chan error
	cancel context.CancelCauseFunc
	seen   int
}

func serve(t *testing.T, h jsonrpc.Handler, config stdio.Config) *session {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	r, w := io.Pipe()
	s := &session{t: t, in: w, out: &transcript{}, done: make(chan error, 1), cancel: cancel}
	go func() { s.done <- stdio.Serve(ctx, h, r, s.out, config) }()
	t.Cleanup(func() { w.Close() })
	return s
}

// send sends lines and waits until Serve is idle.
func (s *session) send(lines ...string) {
	s.t.Helper()
	if _, err := io.WriteString(s.in, strings.Join(lines, "\n")+"\n"); err != nil {
		s.t.Fatalf("send: %v", err)
	}
	synctest.Wait()
}

// wants checks the messages written since the last call, in this order.
func (s *session) wants(want ...string) {
	s.t.Helper()
	s.compare(want, false)
}

// wantsAnyOrder is like wants, for the answers of concurrent requests.
func (s *session) wantsAnyOrder(want ...string) {
	s.t.Helper()
	s.compare(want, true)
}

func (s *session) compare(want []string, anyOrder bool) {
	s.t.Helper()
	synctest.Wait()
	got := s.out.all()[s.seen:]
	s.seen += len(got)
	for i, line := range got {
		text, ok := strings.CutSuffix(line, "\n")
		if !ok || strings.ContainsAny(text, "\r\n") {
			s.t.Errorf("a Write is not one line: %q", line)
		}
		got[i] = text
	}
	if anyOrder {
		slices.Sort(got)
		slices.Sort(want)
	}
	if diff := cmp.Diff(append([]string{}, want...), append([]string{}, got...)); diff != "" {
		s.t.Errorf("written (-want +got):\n%s", diff)
	}
}

// running reports whether Serve has not returned.
func (s *session) running() bool {
	synctest.Wait()
	return len(s.done) == 0
}

// end ends the input and checks that Serve returns nil.
func (s *session) end() {
	s.t.Helper()
	s.in.Close()
	if err := <-s.done; err != nil {
		s.t.Errorf("Serve: %v", err)
	}
}

func request(id, method string) string {
	return `{"jsonrpc":"2.0","id":` + id + `,"method":"` + method + `"}`
}

func cancelled(id string) string {
	return `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":` + id + `}}`
}

func result(id, value string) string {
	return `{"jsonrpc":"2.0","id":` + id + `,"result":` + value + `}`
}

// failure is an error response; without an id when that is empty.
func failure(id string, code int, message string) string {
	var raw []byte
	if id != "" {
		raw = []byte(id)
	}
	resp := jsonrpc.ErrorResponse(raw, jsonrpc.Errorf(code, "%s", message))
	defer resp.Release()
	return string(resp.Body)
}

func notification(method, id string) string {
	return `{"jsonrpc":"2.0","method":"` + method + `","params":{"for":` + id + `}}`
}
