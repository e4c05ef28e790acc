package mcpengine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/mcp"
)

func TestCallsPerMinute(t *testing.T) {
	t.Parallel()
	e := mcpengine.New("test", quiet(), mcpengine.CallsPerMinute(3))
	give(e, "work", "done")
	mcpengine.AddTool(e, "export", "", func(context.Context, none) (string, error) { return "exported", nil }, mcpengine.CallsPerMinute(1))
	from := func(address, tool string) (status int, retry, body string) {
		r := newRequest(t.Context(), "http://server.example/mcp", call(tool))
		r.RemoteAddr = address
		w := serve(e, r)
		return w.Code, w.Header().Get("Retry-After"), w.Body.String()
	}
	if status, _, body := from("192.0.2.1:1000", "export"); status != http.StatusOK {
		t.Fatalf("the first export: status %d, %s", status, body)
	}
	status, retry, body := from("192.0.2.1:1001", "export")
	if status != http.StatusTooManyRequests || retry != "60" || !strings.Contains(body, `"code":-32023`) || !strings.Contains(body, `"retryAfterMs":`) {
		t.Errorf("the second export: status %d, Retry-After %q, %s", status, retry, body)
	}
	if status, _, body := from("192.0.2.1:1002", "work"); status != http.StatusOK {
		t.Errorf("a call of another tool: status %d, %s", status, body)
	}
	if status, retry, _ := from("192.0.2.1:1003", "work"); status != http.StatusTooManyRequests || retry != "20" {
		t.Errorf("the fourth request: status %d, Retry-After %q", status, retry)
	}
	if status, _, body := from("192.0.2.2:1000", "export"); status != http.StatusOK {
		t.Errorf("another caller: status %d, %s", status, body)
	}
}

// Verified callers count for themselves, wherever they call from.
func TestLimitsOfUsers(t *testing.T) {
	t.Parallel()
	resource, err := auth.NewResource("https://mcp.example.com/mcp", auth.StaticTokens(map[string]auth.User{
		auth.HashToken("ann"): {Subject: "ann"}, auth.HashToken("ben"): {Subject: "ben"},
		auth.HashToken("ann-phone"): {Subject: "ann", ClientID: "phone"},
	}))
	if err != nil {
		t.Fatal(err)
	}
	e := mcpengine.New("test", quiet(), mcpengine.WithAuth(resource), mcpengine.CallsPerMinute(1))
	give(e, "work", "done")
	for _, tt := range []struct {
		token, address string
		status         int
	}{
		{"ann", "192.0.2.1:1", http.StatusOK},
		{"ben", "192.0.2.1:2", http.StatusOK},
		{"ann", "192.0.2.9:3", http.StatusTooManyRequests},
		{"ann-phone", "192.0.2.1:4", http.StatusOK},
		{"", "192.0.2.1:5", http.StatusUnauthorized}, // before any limit
	} {
		r := newRequest(t.Context(), "http://server.example/mcp", call("work"))
		r.RemoteAddr = tt.address
		if tt.token != "" {
			r.Header.Set("Authorization", "Bearer "+tt.token)
		}
		if w := serve(e, r); w.Code != tt.status {
			t.Errorf("%s from %s: status %d, want %d", tt.token, tt.address, w.Code, tt.status)
		}
	}
}

func TestCallsAtOnce(t *testing.T) {
	t.Parallel()
	started, finish := make(chan bool), make(chan bool)
	e := mcpengine.New("test", quiet(), mcpengine.CallsAtOnce(2))
	mcpengine.AddTool(e, "wait", "", func(context.Context, none) (string, error) {
		started <- true
		<-finish
		return "done", nil
	})
	give(e, "work", "done")
	var under sync.WaitGroup
	for range 2 {
		under.Go(func() { post(t, e, call("wait")) })
		<-started
	}
	if a := post(t, e, call("work")); a.status != http.StatusTooManyRequests {
		t.Errorf("the third request at once: status %d, %s", a.status, a.response())
	}
	close(finish)
	under.Wait()
	if a := post(t, e, call("work")); a.status != http.StatusOK {
		t.Errorf("when the others have ended: status %d, %s", a.status, a.response())
	}
}

// All callers together hold the handlers of a tool, and no caller all of them.
func TestHandlersAtOnce(t *testing.T) {
	t.Parallel()
	started, finish := make(chan bool), make(chan bool)
	e := mcpengine.New("test", quiet())
	mcpengine.AddTool(e, "wait", "", func(context.Context, none) (string, error) {
		started <- true
		<-finish
		return "done", nil
	}, mcpengine.HandlersAtOnce(4))
	give(e, "work", "done")
	from := func(address, tool string) *httptest.ResponseRecorder {
		r := newRequest(t.Context(), "http://server.example/mcp", call(tool))
		r.RemoteAddr = address
		return serve(e, r)
	}
	var under sync.WaitGroup
	begin := func(address string) {
		t.Helper()
		under.Go(func() {
			if w := from(address, "wait"); w.Code != http.StatusOK {
				t.Errorf("%s: status %d, %s", address, w.Code, w.Body)
			}
		})
		<-started
	}
	begin("192.0.2.1:1")
	begin("192.0.2.1:2")
	refused := func(what, address string) {
		t.Helper()
		w := from(address, "wait")
		if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "1" || !strings.Contains(w.Body.String(), `"retryAfterMs":1000`) {
			t.Errorf("%s: status %d, Retry-After %q, %s", what, w.Code, w.Header().Get("Retry-After"), w.Body)
		}
	}
	refused("a caller with half of the handlers", "192.0.2.1:3")
	begin("192.0.2.2:1")
	if w := from("192.0.2.1:4", "work"); w.Code != http.StatusOK {
		t.Errorf("another tool: status %d", w.Code)
	}
	begin("192.0.2.3:1")
	refused("a caller when all handlers run", "192.0.2.4:1")
	close(finish)
	under.Wait()
	if w := from("192.0.2.1:5", "work"); w.Code != http.StatusOK {
		t.Errorf("when the others have ended: status %d", w.Code)
	}
}

// A tool and a prompt with one name have counts of their own.
func TestLimitsOfNamesakes(t *testing.T) {
	t.Parallel()
	e := mcpengine.New("test", quiet())
	give(e, "work", "done", mcpengine.CallsPerMinute(1))
	mcpengine.AddPrompt(e, "work", "", func(context.Context, none) (string, error) { return "go on", nil }, mcpengine.CallsPerMinute(1))
	for _, message := range []string{call("work"), message("prompts/get", `"name":"work"`)} {
		if a := post(t, e, message); a.status != http.StatusOK {
			t.Errorf("%s: status %d", message, a.status)
		}
		if a := post(t, e, message); a.status != http.StatusTooManyRequests {
			t.Errorf("%s, again: status %d", message, a.status)
		}
	}
}

func TestSubscriptionsAtOnce(t *testing.T) {
	t.Parallel()
	e := extensionFixture(quiet(), mcpengine.SubscriptionsAtOnce(2))
	first, second := openStream(t, e, listen("1", `{"toolsListChanged":true}`)), openStream(t, e, request("notes/watch", ""))
	first.next()
	second.next()
	defer second.leave()
	for _, message := range []string{listen("2", `{}`), request("notes/watch", "")} {
		if a := post(t, e, message); a.status != http.StatusTooManyRequests || !strings.Contains(a.response(), `"retryAfterMs":5000`) {
			t.Errorf("the third, %s: status %d, %s", message, a.status, a.response())
		}
	}
	first.leave()
	third := openStream(t, e, listen("3", `{"toolsListChanged":true}`))
	third.next()
	third.leave()
}

// Streams of an extension have a limit of their own.
func TestCallsAtOnceOfALastingMethod(t *testing.T) {
	t.Parallel()
	e := mcpengine.New("test", quiet(), mcpengine.WithExtension(mcpengine.Extension{
		ID: "com.example/watch", Settings: func(string) any { return struct{}{} },
		Features: []mcpengine.Feature{mcpengine.NewMethod("watch/open", func(ctx context.Context, _ none) (none, error) {
			err := mcpengine.Notify(ctx, "notifications/watch/open", nil)
			if err == nil {
				<-ctx.Done()
				err = ctx.Err()
			}
			return none{}, err
		}, mcpengine.Lasting(), mcpengine.WithoutDeclaration(), mcpengine.CallsAtOnce(1))},
		Notifications: []string{"notifications/watch/open"},
	}))
	s := openStream(t, e, request("watch/open", ""))
	s.next()
	defer s.leave()
	if a := post(t, e, request("watch/open", "")); a.status != http.StatusTooManyRequests {
		t.Errorf("another stream: status %d, %s", a.status, a.response())
	}
}

// Over stdio there is one caller, and no status.
func TestLimitsOverStdio(t *testing.T) {
	t.Parallel()
	e := mcpengine.New("test", quiet(), mcpengine.CallsPerMinute(1))
	give(e, "work", "done")
	send := serveStdio(t, e)
	send(call("work"))
	if got := send(call("work")); !strings.Contains(got[len(got)-1], `"code":-32023`) {
		t.Errorf("the second call: %s", got)
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	e := mcpengine.New("test", quiet(), mcpengine.WithTimeout(time.Hour))
	wait := func(ctx context.Context, _ none) (string, error) {
		<-ctx.Done()
		return "", fmt.Errorf("wait: %w", ctx.Err())
	}
	mcpengine.AddTool(e, "slow", "", wait, mcpengine.WithTimeout(time.Millisecond))
	mcpengine.AddPrompt(e, "slow", "", wait, mcpengine.WithTimeout(time.Millisecond))
	if got := post(t, e, call("slow")).response(); !strings.Contains(got, "this took longer than 1ms and was stopped") || !strings.Contains(got, `"isError":true`) {
		t.Errorf("the tool: %s", got)
	}
	if got := post(t, e, message("prompts/get", `"name":"slow"`)).response(); !strings.Contains(got, `"code":-32603`) {
		t.Errorf("the prompt: %s", got)
	}
}

// A fakeLimiter refuses while it has no error.
type fakeLimiter struct {
	err   error
	asked []string
}

func (l *fakeLimiter) Take(_ context.Context, key string, _ int) (time.Duration, error) {
	l.asked = append(l.asked, key)
	return 5 * time.Second, l.err
}

// While the shared limiter is away, requests are counted in memory, or refused if it
// says so. It is asked once a second, and the log says once that it is away.
func TestSharedLimiter(t *testing.T) {
	t.Parallel()
	away := errors.New("no connection")
	for name, tt := range map[string]struct {
		err  error
		want [3]int // the statuses of three requests, of which memory allows two
	}{
		"counted in memory": {away, [3]int{http.StatusOK, http.StatusOK, http.StatusTooManyRequests}},
		"refused": {
			fmt.Errorf("take: %w", mcp.Errorf(mcp.CodeInternalError, "limits cannot be checked")),
			[3]int{http.StatusServiceUnavailable, http.StatusServiceUnavailable, http.StatusServiceUnavailable},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				limiter := &fakeLimiter{}
				e := mcpengine.New("board", mcpengine.WithLogger(slog.New(slog.NewTextHandler(&log, nil))), mcpengine.CallsPerMinute(2), mcpengine.WithLimiter(limiter))
				give(e, "work", "done")
				want := func(what string, status int) {
					t.Helper()
					if a := post(t, e, call("work")); a.status != status {
						t.Errorf("%s: status %d, want %d", what, a.status, status)
					}
				}
				want("the limiter refuses", http.StatusTooManyRequests)
				limiter.err = tt.err
				for i, status := range tt.want {
					want(fmt.Sprint("away, request ", i+1), status)
				}
				if n := len(limiter.asked); n != 2 {
					t.Errorf("the limiter is asked %d times for four requests, want 2", n)
				}
				<-time.After(time.Second)
				want("away for a second", tt.want[2])
				if n := strings.Count(log.String(), "the shared limiter fails"); n != 1 || len(limiter.asked) != 3 {
					t.Errorf("the limiter is asked %d times, want 3; the log says %d times that it fails:\n%s", len(limiter.asked), n, &log)
				}
				limiter.err = nil
				<-time.After(time.Second)
				want("the limiter is back", http.StatusTooManyRequests)
				if !strings.Contains(log.String(), "the shared limiter is back") {
					t.Errorf("the log does not say that the limiter is back:\n%s", &log)
				}
				if key := limiter.asked[0]; !strings.HasPrefix(key, "board\n") {
					t.Errorf("the key %q does not name the server", key)
				}
			})
		})
	}
}

func TestLimitsRefuse(t *testing.T) {
	t.Parallel()
	for name, option := range map[string]func(){
		"CallsPerMinute":      func() { mcpengine.CallsPerMinute(0) },
		"CallsAtOnce":         func() { mcpengine.CallsAtOnce(-1) },
		"HandlersAtOnce":      func() { mcpengine.HandlersAtOnce(0) },
		"SubscriptionsAtOnce": func() { mcpengine.SubscriptionsAtOnce(0) },
		"SessionsAtOnce":      func() { mcpengine.SessionsAtOnce(-5) },
		"StreamsAtOnce":       func() { mcpengine.StreamsAtOnce(0) },
		"WithTimeout":         func() { mcpengine.WithTimeout(0) },
	} {
		func() {
			defer func() {
				if v := recover(); v == nil || !strings.Contains(fmt.Sprint(v), name) {
					t.Errorf("%s: panic %v, want one that names the option", name, v)
				}
			}()
			option()
		}()
	}
}
