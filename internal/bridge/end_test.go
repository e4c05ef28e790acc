package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpengine/mcpengine/internal/bridge"
)

// The bridge waits for the host's input until the time-out. Then the request
// ends on the server.
func TestInputThatNeverComes(t *testing.T) {
	t.Parallel()
	h := pair{latest, previous}.open(t, newEngine())
	h.send(request(latest, "1", "tools/call", `"name":"ask","arguments":{}`))
	if got := h.result("1"); !strings.Contains(got, `"resultType":"input_required"`) || !strings.Contains(got, `"elicitation/create"`) {
		t.Fatalf("the result is %s", got)
	}
	h.send(request(latest, "2", "tools/call", `"name":"ask","arguments":{},"requestState":"made up"`))
	if m := h.response("2"); m.Error == nil || m.Error.Code != -32602 {
		t.Errorf("a state that is made up is answered with %s", m.raw)
	}
	if err := h.close(); err != nil {
		t.Errorf("the bridge ended with %v", err)
	}
}

// The exit code says why no request was answered.
func TestExitCode(t *testing.T) {
	t.Parallel()
	closed, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	status := func(code int) string {
		return serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }))
	}
	untrusted := httptest.NewUnstartedServer(http.NotFoundHandler())
	untrusted.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0) // it complains that it is not trusted
	untrusted.StartTLS()
	t.Cleanup(untrusted.Close)
	for name, row := range map[string]struct {
		url  string
		kind string
		code int
	}{
		"refused":      {"http://" + closed.Addr().String(), "unreachable", bridge.ExitUnreachable},
		"no such name": {"http://far.invalid/mcp", "unreachable", bridge.ExitUnreachable},
		"not trusted":  {untrusted.URL, "unreachable", bridge.ExitUnreachable},
		"401":          {status(401), "auth", bridge.ExitAuth},
		"403":          {status(403), "auth", bridge.ExitAuth},
		"404":          {status(404), "protocol", bridge.ExitProtocol},
		"500":          {status(500), "http", bridge.ExitError},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, bridge.Config{URL: row.url})
			h.send(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"host","version":"1"}}}`)
			m := h.response("1")
			if m.Error == nil || string(m.Error.Data) != `{"kind":"`+row.kind+`"}` {
				t.Errorf("the answer is %s, want the kind %s", m.raw, row.kind)
			}
			if code := bridge.ExitCode(h.close()); code != row.code {
				t.Errorf("the exit code is %d, want %d", code, row.code)
			}
		})
	}
}

// The end of the context ends the bridge, and no goroutine is left.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	e := newEngine()
	started, ended := addWait(e)
	t.Cleanup(e.Close)
	ctx, cancel := context.WithCancelCause(t.Context())
	in, write := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- bridge.Serve(ctx, in, io.Discard, bridge.Config{URL: serve(t, e), Grace: time.Millisecond})
	}()
	h := &host{t: t, in: write}
	h.send(request(latest, "1", "tools/call", `"name":"wait","arguments":{}`))
	within(t, started, "the call starts")
	enough := errors.New("enough")
	cancel(enough)
	within(t, ended, "the call is cancelled")
	if err := <-done; !errors.Is(err, enough) {
		t.Errorf("Serve = %v, want the cause", err)
	}
	write.Close()
}

// A host closes its end, sends SIGTERM 2 seconds later and kills the bridge
// after 2 more. Within 1.5 seconds of the signal the bridge cancels the request
// and ends the session, even if the server does not answer any more.
func TestSignalAfterEndOfInput(t *testing.T) {
	t.Parallel()
	for _, silent := range []bool{false, true} {
		t.Run(fmt.Sprintf("silent=%v", silent), func(t *testing.T) {
			bubble(t, previous, bridge.Config{Grace: time.Hour}, func(t *testing.T, h *host, s *fake) {
				h.initialize(previous)
				hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
				s.handle("tools/call", hang)
				if silent {
					s.handle("notifications/cancelled", hang)
					s.handle("", hang)
				}
				h.send(request(previous, "2", "tools/call", `"name":"wait","arguments":{}`))
				synctest.Wait()
				h.in.Close()
				<-time.After(2 * time.Second)
				signalled := time.Now()
				h.stop(errors.New("SIGTERM"))
				if err := <-h.ended; err != nil || time.Since(signalled) > 1500*time.Millisecond {
					t.Errorf("the bridge ends with %v after %v, want nil within 1.5s", err, time.Since(signalled))
				}
				if m := h.response("2"); m.Error == nil {
					t.Errorf("the request is answered with %s", m.raw)
				}
				if s.count("tools/call") != 1 || s.count("notifications/cancelled") != 1 || s.deleted != 1 {
					t.Errorf("the server has received %d calls, %d cancellations and %d ends of the session, want one of each",
						s.count("tools/call"), s.count("notifications/cancelled"), s.deleted)
				}
			})
		})
	}
}
