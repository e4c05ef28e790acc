package stdio_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/stdio"
	"github.com/mcpengine/mcpengine/mcp"
)

func TestSlowRequestDoesNotBlockFastOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		s := serve(t, f, stdio.Config{})
		s.send(request("1", "wait"), request("2", "echo"))
		s.wants(result("2", "{}"))
		close(f.release)
		s.wants(result("1", "{}"))
		s.end()
	})
}

func TestNotificationsComeBeforeTheirResponse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, newFake(), stdio.Config{})
		s.send(request(`"a"`, "progress"))
		s.wants(notification("one", `"a"`), notification("two", `"a"`), result(`"a"`, "{}"))
		s.end()
	})
}

func TestEveryWriteIsOneLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, newFake(), stdio.Config{})
		s.send(request("1", "pretty"))
		s.wants(result("1", "{  \t\"a\": [ \"b\\n\" ] } "))

		const n = 100
		var lines, want []string
		for i := range n {
			id := strconv.Itoa(i)
			lines = append(lines, request(id, "progress"), "garbage")
			want = append(want, notification("one", id), notification("two", id), result(id, "{}"),
				failure("", mcp.CodeParseError, `parse error: unexpected byte 'g', want a value at byte 0`))
		}
		s.send(lines...)
		s.wantsAnyOrder(want...)
		s.end()
	})
}

func TestNotificationsFromManyGoroutines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 20
		h := handlerFunc(func(_ context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
			sent := make(chan bool)
			for range n {
				go func() {
					notify(jsonrpc.Notification{Method: "n", Params: []byte(`{}`)})
					sent <- true
				}()
			}
			for range n {
				<-sent
			}
			return jsonrpc.ErrorResponse(req.ID, jsonrpc.Errorf(7, "done"))
		})
		s := serve(t, h, stdio.Config{})
		s.send(request("1", "m"))
		var want []string
		for range n {
			want = append(want, `{"jsonrpc":"2.0","method":"n","params":{}}`)
		}
		s.wants(append(want, failure("1", 7, "done"))...)
		s.end()
	})
}

func TestNothingFollowsTheResponse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var kept func(jsonrpc.Notification)
		var ctx context.Context
		h := handlerFunc(func(c context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
			kept, ctx = notify, c
			return jsonrpc.ErrorResponse(req.ID, jsonrpc.Errorf(7, "done"))
		})
		s := serve(t, h, stdio.Config{})
		s.send(request("1", "m"))
		if ctx.Err() == nil {
			t.Error("the context of the request goes on")
		}
		kept(jsonrpc.Notification{Method: "late", Params: []byte(`{}`)})
		s.wants(failure("1", 7, "done"))
		s.end()
	})
}

func TestRequestHasNoHeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		h := handlerFunc(func(ctx context.Context, req *jsonrpc.Request, _ func(jsonrpc.Notification)) *jsonrpc.Response {
			return jsonrpc.ErrorResponse(req.ID, jsonrpc.Errorf(7, "%v %v", req.HTTP == nil, ctx.Value(key{})))
		})
		var out transcript
		ctx := context.WithValue(t.Context(), key{}, "value")
		if err := stdio.Serve(ctx, h, strings.NewReader(request("1", "m")), &out, stdio.Config{}); err != nil {
			t.Fatal(err)
		}
		if got, want := out.all()[0], failure("1", 7, `true value`)+"\n"; got != want {
			t.Errorf("Serve writes %s, want %s", got, want)
		}
	})
}

func TestCancel(t *testing.T) {
	for _, test := range []struct {
		name, id, cancel string
		cancels          bool
	}{
		{"integer", `1`, cancelled(`1`), true},
		{"string", `"a"`, cancelled(`"a"`), true},
		{"same string written otherwise", `"a"`, cancelled(`"\u0061"`), true},
		{"same string the other way round", `"\u0061"`, cancelled(`"a"`), true},
		{"escapes longer than an id may be", `"` + strings.Repeat("a", 60) + `"`, cancelled(`"` + strings.Repeat(`\u0061`, 60) + `"`), true},
		{"same integer written otherwise", `0`, cancelled(`-0`), true},
		{"large integer", `9007199254740993`, cancelled(`9007199254740993`), true},
		{"reason", `1`, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1,"reason":"bored"}}`, true},
		{"_meta", `1`, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"_meta":{},"requestId":1}}`, true},
		{"escaped method", `1`, `{"jsonrpc":"2.0","method":"notifications\/cancelled","params":{"requestId":1}}`, true},

		{"string is not integer", `1`, cancelled(`"1"`), false},
		{"integer is not string", `"1"`, cancelled(`1`), false},
		{"integers that floats confuse", `9007199254740993`, cancelled(`9007199254740992`), false},
		{"other case", `"a"`, cancelled(`"A"`), false},
		{"unknown", `1`, cancelled(`2`), false},
		{"fraction", `1`, cancelled(`1.0`), false},
		{"exponent", `1`, cancelled(`1e0`), false},
		{"null", `1`, cancelled(`null`), false},
		{"object", `1`, cancelled(`{"id":1}`), false},
		{"array", `1`, cancelled(`[1]`), false},
		{"no params", `1`, `{"jsonrpc":"2.0","method":"notifications/cancelled"}`, false},
		{"no requestId", `1`, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{}}`, false},
		{"params array", `1`, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":[1]}`, false},
		{"requestID", `1`, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestID":1,"requestId":1}}`, false},
		{"reason number", `1`, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1,"reason":1}}`, false},
		{"other notification", `1`, `{"jsonrpc":"2.0","method":"notifications/initialized","params":{"requestId":1}}`, false},
		{"request without id", `1`, `{"jsonrpc":"2.0","method":"echo","params":{"requestId":1}}`, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				s := serve(t, f, stdio.Config{})
				s.send(request(test.id, "wait"))
				s.send(test.cancel)
				if got := len(f.causes) == 1; got != test.cancels {
					t.Errorf("the handler was cancelled: %v, want %v", got, test.cancels)
				}
				s.wants()
				close(f.release)
				if test.cancels {
					s.wants()
				} else {
					s.wants(result(test.id, "{}"))
				}
				s.end()
			})
		})
	}
}

func TestCancelConcernsOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		s := serve(t, f, stdio.Config{})
		s.send(request("1", "wait"), request(`"1"`, "wait"), request("2", "wait"), cancelled("1"), cancelled("1"), cancelled("3"))
		s.wants()
		close(f.release)
		s.wantsAnyOrder(result(`"1"`, "{}"), result("2", "{}"))
		s.send(cancelled("2"), request("1", "echo"))
		s.wants(result("1", "{}"))
		s.end()
	})
}

func TestNothingIsSentForCancelledRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		s := serve(t, f, stdio.Config{})
		s.send(request("1", "chatter"), request("2", "stubborn"), request("3", "subscriptions/listen"))
		s.wants(notification("acknowledged", "3"))
		s.send(cancelled("1"), cancelled("2"), cancelled("3"))
		close(f.release)
		s.wants()
		if err := <-f.causes; err == nil || !strings.Contains(err.Error(), "client cancelled") {
			t.Errorf("cause = %v", err)
		}
		s.end()
		s.wants()
	})
}

func TestCancellationIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		s := serve(t, newFake(), stdio.Config{Logger: logger})
		s.send(request("1", "wait"), `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1,"reason":"bored\n`+strings.Repeat("é", 10_000)+`"}}`)
		if got := log.String(); !strings.Contains(got, `id=1 reason="bored\n`) || len(got) > 1000 {
			t.Errorf("log = %s", got)
		}
		s.end()
	})
}

func TestDuplicateIDIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		s := serve(t, f, stdio.Config{})
		s.send(request(`"a"`, "wait"), request(`"\u0061"`, "echo"))
		// No id: the client would take it for the answer to the first.
		s.wants(failure("", mcp.CodeInvalidRequest, `a request with the id "\u0061" is under way already`))
		s.send(`{"jsonrpc":"2.0","id":"a"}`, `{"jsonrpc":"2.0","id":"b"}`)
		s.wants(
			failure("", mcp.CodeInvalidRequest, "method must be a non-empty string"),
			failure(`"b"`, mcp.CodeInvalidRequest, "method must be a non-empty string"),
		)
		close(f.release)
		s.wants(result(`"a"`, "{}"))
		s.send(request(`"a"`, "echo"))
		s.wants(result(`"a"`, "{}"))
		s.end()
	})
}

// A client may use an id again the moment it sees the response.
func TestIDIsFreeOnceAnswered(t *testing.T) {
	r, w := io.Pipe()
	out, answers := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- stdio.Serve(t.Context(), newFake(), r, answers, stdio.Config{}) }()
	for range 200 {
		if _, err := io.WriteString(w, request("1", "echo")+"\n"); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(result("1", "{}")+"\n"))
		if _, err := io.ReadFull(out, got); err != nil || string(got) != result("1", "{}")+"\n" {
			t.Fatalf("answer = %s, %v", got, err)
		}
	}
	w.Close()
	if err := <-done; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

// While requests end, a client that sends many is slowed down and not refused.
func TestReadingWaitsWhileRequestsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 3
		var now, most atomic.Int32
		release := make(chan struct{})
		h := handlerFunc(func(_ context.Context, req *jsonrpc.Request, _ func(jsonrpc.Notification)) *jsonrpc.Response {
			most.Store(max(most.Load(), now.Add(1)))
			defer now.Add(-1)
			<-release
			return jsonrpc.ErrorResponse(req.ID, jsonrpc.Errorf(7, "done"))
		})
		in := &endless{}
		out := &transcript{}
		done := make(chan error, 1)
		ctx, cancel := context.WithCancel(t.Context())
		go func() { done <- stdio.Serve(ctx, h, in, out, stdio.Config{MaxConcurrent: limit}) }()

		synctest.Wait()
		if got := now.Load(); got != limit {
			t.Errorf("%d requests are served, want %d", got, limit)
		}
		if in.read > 1<<20 {
			t.Errorf("%d bytes were read ahead", in.read)
		}
		for range 10 {
			release <- struct{}{}
			synctest.Wait()
		}
		if got := now.Load(); got != limit || len(out.all()) != 10 {
			t.Errorf("%d requests are served, %d answered, want %d and 10", got, len(out.all()), limit)
		}
		cancel()
		close(release)
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Serve = %v", err)
		}
		if got := most.Load(); got != limit {
			t.Errorf("up to %d requests were served at once, want %d", got, limit)
		}
	})
}

func TestSubscriptionsHoldNoSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		s := serve(t, f, stdio.Config{MaxConcurrent: 2, Closing: func() { close(f.closing) }})
		for i := range 2 {
			id := strconv.Itoa(i)
			s.send(request(id, "subscriptions/listen"))
			s.wants(notification("acknowledged", id))
		}
		s.send(request("2", "subscriptions/listen"))
		s.wants(failure("2", mcp.CodeInternalError, "no more than 2 subscriptions are accepted"))
		s.send(request("3", "echo"))
		s.wants(result("3", "{}"))
		s.send(cancelled("0"))
		s.send(request("4", "subscriptions/listen"))
		s.wants(notification("acknowledged", "4"))
		s.send(request("5", "wait"), request("6", "wait"), request("7", "echo"))
		s.wants()
		close(f.release)
		s.wantsAnyOrder(result("5", "{}"), result("6", "{}"), result("7", "{}"))
		s.end()
	})
}

func TestListenThatIsRefusedTearsNothingDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, newFake(), stdio.Config{})
		s.send(`{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"refuse":true}}`)
		s.wants(failure("1", mcp.CodeInternalError, "no"))
		s.send(request("2", "refused"))
		s.wants(failure("2", mcp.CodeInternalError, "no"))
		s.end()
	})
}

func TestListenEndedByTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		s := serve(t, f, stdio.Config{})
		s.send(request(`"s"`, "subscriptions/listen"))
		s.wants(notification("acknowledged", `"s"`))
		close(f.closing)
		s.wants(result(`"s"`, `{"resultType":"complete"}`), cancelled(`"s"`))
		s.send(`{"jsonrpc":"2.0","id":2,"method":"subscriptions/listen","params":{"quiet":true}}`)
		s.wants(result("2", "{}"), cancelled("2"))
		s.end()
	})
}

type handlerFunc func(context.Context, *jsonrpc.Request, func(jsonrpc.Notification)) *jsonrpc.Response

func (f handlerFunc) Handle(ctx context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
	return f(ctx, req, notify)
}

// endless is an input of requests that never ends.
type endless struct {
	read, id int
	rest     []byte
}

func (r *endless) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		r.id++
		r.rest = fmt.Appendf(nil, "%s\n", request(strconv.Itoa(r.id), "m"))
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	r.read += n
	return n, nil
}
