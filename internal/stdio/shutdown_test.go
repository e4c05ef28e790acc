package stdio_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/stdio"
	"github.com/mcpengine/mcpengine/mcp"
)

func TestEndOfInputWithNothingUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		closings := 0
		s := serve(t, newFake(), stdio.Config{Closing: func() { closings++ }})
		s.send(request("1", "echo"))
		s.wants(result("1", "{}"))
		start := time.Now()
		s.end()
		if waited := time.Since(start); waited != 0 || closings != 1 {
			t.Errorf("Serve took %v and called Closing %d times, want 0s and once", waited, closings)
		}
	})
}

func TestEndOfInputLetsRequestsFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		closings := 0
		s := serve(t, f, stdio.Config{Closing: func() { closings++; close(f.closing) }})
		s.send(request("1", "wait"), request("2", "subscriptions/listen"))
		s.wants(notification("acknowledged", "2"))
		s.in.Close()
		s.wants(result("2", `{"resultType":"complete"}`), cancelled("2"))
		<-time.After(4 * time.Second)
		if !s.running() || closings != 1 {
			t.Errorf("running = %v, want true; Closing was called %d times, want once", s.running(), closings)
		}
		close(f.release)
		s.wants(result("1", "{}"))
		if s.running() {
			t.Error("Serve goes on")
		}
		s.end()
	})
}

func TestGraceExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		s := serve(t, f, stdio.Config{Grace: 3 * time.Second})
		s.send(request("1", "wait"), request("2", "subscriptions/listen"))
		s.wants(notification("acknowledged", "2"))
		start := time.Now()
		s.end()
		if waited := time.Since(start); waited != 3*time.Second {
			t.Errorf("Serve took %v, want 3s", waited)
		}
		s.wantsAnyOrder(
			failure("1", mcp.CodeInternalError, "the server is shutting down"),
			failure("2", mcp.CodeInternalError, "the server is shutting down"),
			cancelled("2"), // the server has torn down an open subscription
		)
	})
}

func TestStubbornRequestIsAbandoned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		s := serve(t, f, stdio.Config{})
		s.send(request("1", "stubborn"))
		start := time.Now()
		s.end()
		if waited := time.Since(start); waited != 6*time.Second {
			t.Errorf("Serve took %v, want 6s", waited)
		}
		close(f.release)
		s.wants() // neither its notification nor its response
	})
}

func TestContextEnds(t *testing.T) {
	stop := errors.New("stop")
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, newFake(), stdio.Config{})
		synctest.Wait() // until the Read is pending
		start := time.Now()
		s.cancel(stop)
		if err := <-s.done; !errors.Is(err, stop) || time.Since(start) != 0 {
			t.Errorf("Serve = %v after %v, want %v at once", err, time.Since(start), stop)
		}
		// The Read that was pending takes one more line, to no effect.
		s.send(request("1", "echo"))
		s.wants()
	})
}

// Hosts end a server by closing its input, sending SIGTERM 2 seconds later, and
// killing it after 2 more. The signal ends the context of Serve.
func TestContextEndsTheGrace(t *testing.T) {
	for _, test := range []struct {
		method string
		within time.Duration
		answer []string
	}{
		{"wait", 0, []string{failure("1", mcp.CodeInternalError, "the server is shutting down")}},
		{"stubborn", 1500 * time.Millisecond, nil},
	} {
		t.Run(test.method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				s := serve(t, f, stdio.Config{Grace: time.Hour})
				s.send(request("1", test.method))
				s.in.Close()
				<-time.After(2 * time.Second)
				start := time.Now()
				s.cancel(errors.New("SIGTERM"))
				if err := <-s.done; err != nil || time.Since(start) > test.within {
					t.Errorf("Serve = %v after %v, want nil within %v", err, time.Since(start), test.within)
				}
				close(f.release)
				s.wants(test.answer...)
			})
		})
	}
}

// The end of the context cancels requests. Subscriptions end with their result.
func TestContextEndsWithRequestsUnderWay(t *testing.T) {
	stop := errors.New("stop")
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		closings := 0
		s := serve(t, f, stdio.Config{Grace: time.Hour, Closing: func() { closings++; close(f.closing) }})
		s.send(request("1", "wait"), request("2", "wait"), request("3", "subscriptions/listen"))
		s.wants(notification("acknowledged", "3"))
		start := time.Now()
		s.cancel(stop)
		if err := <-s.done; !errors.Is(err, stop) || time.Since(start) != 0 {
			t.Errorf("Serve = %v after %v, want %v at once", err, time.Since(start), stop)
		}
		s.wantsAnyOrder(
			failure("1", mcp.CodeInternalError, "the server is shutting down"),
			failure("2", mcp.CodeInternalError, "the server is shutting down"),
			result("3", `{"resultType":"complete"}`), cancelled("3"),
		)
		if len(f.causes) != 2 || closings != 1 {
			t.Errorf("%d handlers were cancelled, Closing was called %d times", len(f.causes), closings)
		}
	})
}

// A request that waits for a slot when the context ends is answered, too.
func TestContextEndsWhileRequestWaits(t *testing.T) {
	for _, method := range []string{"wait", "stubborn"} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			s := serve(t, f, stdio.Config{MaxConcurrent: 1})
			s.send(request("1", method), request("2", "wait"))
			s.cancel(nil)
			if err := <-s.done; !errors.Is(err, context.Canceled) {
				t.Errorf("Serve = %v", err)
			}
			want := []string{failure("2", mcp.CodeInternalError, "the server is shutting down")}
			if method == "wait" {
				want = append(want, failure("1", mcp.CodeInternalError, "the server is shutting down"))
			}
			close(f.release)
			s.wantsAnyOrder(want...)
		})
	}
}

func TestInputIsReadToItsEndBeforeClosing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		s := serve(t, f, stdio.Config{MaxConcurrent: 1, Closing: func() { close(f.closing) }})
		s.send(request("1", "wait"), request("2", "wait"), request("3", "subscriptions/listen"))
		s.in.Close()
		s.wants(notification("acknowledged", "3"), result("3", `{"resultType":"complete"}`), cancelled("3"))
		f.release <- struct{}{}
		s.wants(result("1", "{}"))
		close(f.release)
		s.end()
		s.wants(result("2", "{}"))
	})
}

// When the input has read deadlines, no Read is left behind that could take the
// input of the next reader.
func TestContextEndsTheRead(t *testing.T) {
	t.Run("connection", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			near, far := net.Pipe()
			defer near.Close()
			defer far.Close()
			endsTheRead(t, near, far)
		})
	})
	t.Run("file", func(t *testing.T) {
		near, far, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer near.Close()
		defer far.Close()
		endsTheRead(t, near, far)
	})
}

func endsTheRead(t *testing.T, near io.Reader, far io.Writer) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	answered := make(chan bool, 1)
	h := handlerFunc(func(_ context.Context, req *jsonrpc.Request, _ func(jsonrpc.Notification)) *jsonrpc.Response {
		answered <- true
		return jsonrpc.ErrorResponse(req.ID, jsonrpc.Errorf(7, "done"))
	})
	go func() { done <- stdio.Serve(ctx, h, near, io.Discard, stdio.Config{}) }()
	if _, err := io.WriteString(far, request("1", "m")+"\n"); err != nil {
		t.Fatal(err)
	}
	<-answered
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Serve = %v, want %v", err, context.Canceled)
	}
	go io.WriteString(far, "for someone else\n")
	if got, err := bufio.NewReader(near).ReadString('\n'); got != "for someone else\n" {
		t.Errorf("the next reader gets %q, %v", got, err)
	}
}

func TestWriteFails(t *testing.T) {
	for _, test := range []struct {
		name string
		err  error
	}{
		{"client is gone", &os.PathError{Op: "write", Path: "|1", Err: syscall.EPIPE}},
		{"pipe is closed", io.ErrClosedPipe},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				closings := 0
				s := serve(t, f, stdio.Config{Closing: func() { closings++ }})
				s.out.fail = map[int]error{1: test.err}
				s.send(request("1", "wait"), request("2", "subscriptions/listen"), request("3", "echo"), request("4", "echo"))
				start := time.Now()
				err := <-s.done
				if !errors.Is(err, test.err) || !strings.HasPrefix(err.Error(), "write message: ") {
					t.Errorf("Serve = %v, want %v", err, test.err)
				}
				if waited := time.Since(start); waited != 0 || len(f.causes) != 1 || closings != 1 {
					t.Errorf("Serve took %v, cancelled %d handlers, called Closing %d times", waited, len(f.causes), closings)
				}
				if got := len(s.out.all()); got != 2 {
					t.Errorf("%d Writes, want 2: none after the one that failed", got)
				}
			})
		})
	}
}

func TestShortWriteFails(t *testing.T) {
	var out shortWriter
	err := stdio.Serve(t.Context(), newFake(), strings.NewReader(request("1", "echo")), out, stdio.Config{})
	if !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("Serve = %v, want %v", err, io.ErrShortWrite)
	}
}

type shortWriter struct{}

func (shortWriter) Write(p []byte) (int, error) { return len(p) / 2, nil }

// A client that does not read must not keep the server from ending.
func TestWriteBlocks(t *testing.T) {
	for name, line := range map[string]string{"of a response": request("1", "echo"), "of a refusal": "garbage"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				stop := errors.New("stop")
				ctx, cancel := context.WithCancelCause(t.Context())
				in, far := io.Pipe()
				unread, out := io.Pipe()
				defer far.Close()
				defer unread.Close()
				done := make(chan error, 1)
				go func() { done <- stdio.Serve(ctx, newFake(), in, out, stdio.Config{}) }()
				io.WriteString(far, line+"\n")
				synctest.Wait()
				start := time.Now()
				cancel(stop)
				if err := <-done; !errors.Is(err, stop) || time.Since(start) > 1500*time.Millisecond {
					t.Errorf("Serve = %v after %v", err, time.Since(start))
				}
			})
		})
	}
}

func TestReadFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		in := io.MultiReader(strings.NewReader(request("1", "echo")+"\n"+request("2", "echo")), iotest.ErrReader(broken))
		var out transcript
		err := stdio.Serve(t.Context(), newFake(), in, &out, stdio.Config{})
		if !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "read message: ") {
			t.Errorf("Serve = %v, want %v", err, broken)
		}
		// The lines before the error are answered, the unfinished one is not.
		if len(out.all()) != 1 || out.all()[0] != result("1", "{}")+"\n" {
			t.Errorf("written: %q", out.all())
		}
	})
}
