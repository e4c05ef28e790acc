package mcpengine_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine"
)

// events is a log of what extensions did.
type events struct {
	mu   sync.Mutex
	list []string
}

func (e *events) add(format string, args ...any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, fmt.Sprintf(format, args...))
}

func (e *events) take() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := e.list
	e.list = nil
	return list
}

// lasting is an extension that notes when it starts, when its context ends and
// when it stops.
func lasting(log *events, id string) mcpengine.Extension {
	var ended context.Context
	return mcpengine.Extension{
		ID: id, Features: []mcpengine.Feature{nothing(strings.ReplaceAll(id, ".", "/"))},
		Start: func(ctx context.Context, _ *mcpengine.Engine) error {
			ended = ctx
			log.add("start %s", id)
			return ctx.Err()
		},
		Stop: func(context.Context) error {
			log.add("stop %s, context ended: %t", id, ended.Err() != nil)
			return nil
		},
	}
}

// Extensions start in their order before the first request and stop in the reverse
// order, once.
func TestExtensionLifecycle(t *testing.T) {
	t.Parallel()
	var log events
	e := mcpengine.New("test", quiet(), mcpengine.WithExtension(lasting(&log, "a.b/one"), lasting(&log, "a.b/two")))
	if got := log.take(); got != nil {
		t.Errorf("before the first request: %q", got)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { post(t, e, request("server/discover", "")) })
	}
	wg.Wait()
	e.Extend(lasting(&log, "a.b/three"))
	post(t, e, request("server/discover", ""))
	if diff := cmp.Diff([]string{"start a.b/one", "start a.b/two", "start a.b/three"}, log.take()); diff != "" {
		t.Errorf("starts (-want +got):\n%s", diff)
	}
	e.Close()
	e.Close()
	e.Extend(lasting(&log, "a.b/late"))
	if got := post(t, e, request("tools/list", "")); got.status != 404 {
		t.Errorf("after Close: %d %q", got.status, got.messages) // there are no tools
	}
	if diff := cmp.Diff([]string{"stop a.b/three, context ended: true", "stop a.b/two, context ended: true", "stop a.b/one, context ended: true"}, log.take()); diff != "" {
		t.Errorf("stops (-want +got):\n%s", diff)
	}
}

// An extension that does not start makes the engine answer 503. It is started
// again, at most once a second, and the log has the cause once.
func TestExtensionStartFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log recorder
		var events events
		failures := 2
		broken := mcpengine.Extension{
			ID: "a.b/broken", Features: []mcpengine.Feature{nothing("a")},
			Start: func(context.Context, *mcpengine.Engine) error {
				if events.add("broken"); failures == 0 {
					return nil
				}
				if failures--; failures == 0 {
					panic("no paper")
				}
				return errors.New("no ink")
			},
		}
		e := mcpengine.New("test", mcpengine.WithLogger(log.logger()), mcpengine.WithExtension(lasting(&events, "a.b/fine"), broken))
		want := func(status int) {
			t.Helper()
			if got := post(t, e, request("server/discover", "")); got.status != status || status == 503 && strings.Contains(got.response(), "ink") {
				t.Errorf("server/discover: %d %s, want %d", got.status, got.response(), status)
			}
		}
		want(503)
		want(503)
		time.Sleep(time.Second)
		want(503)
		time.Sleep(time.Second)
		want(200)
		want(200)
		e.Close()
		if diff := cmp.Diff([]string{"start a.b/fine", "broken", "broken", "broken", "stop a.b/fine, context ended: true"}, events.take()); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		if got := log.take(); strings.Count(got, "start an extension") != 1 || !strings.Contains(got, "no ink") {
			t.Errorf("log = %q, want the cause once", got)
		}
	})
}

// Run, Serve and ServeStdio return the error of a start, and what has started
// stops.
func TestServeReturnsStartError(t *testing.T) {
	t.Parallel()
	for name, serve := range map[string]func(e *mcpengine.Engine) error{
		"Serve": func(e *mcpengine.Engine) error {
			var config net.ListenConfig
			l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			return e.Serve(t.Context(), l)
		},
		"ServeStdio": func(e *mcpengine.Engine) error {
			defer e.Close()
			return e.ServeStdio(t.Context(), strings.NewReader(""), io.Discard)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log events
			failure := errors.New("no ink")
			e := mcpengine.New("test", quiet(), mcpengine.WithExtension(lasting(&log, "a.b/fine"), mcpengine.Extension{
				ID: "a.b/broken", Start: func(context.Context, *mcpengine.Engine) error { return failure },
				Stop: func(context.Context) error { log.add("stop broken"); return nil },
			}))
			if err := serve(e); !errors.Is(err, failure) || !strings.Contains(err.Error(), "a.b/broken") {
				t.Errorf("%s() = %v, want %v with the name of the extension", name, err, failure)
			}
			if diff := cmp.Diff([]string{"start a.b/fine", "stop a.b/fine, context ended: true"}, log.take()); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

// A Stop that ignores its context, panics or fails does not keep the others from
// stopping.
func TestExtensionStopMisbehaves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log recorder
		var events events
		release := make(chan struct{})
		stopping := func(id string, stop func(context.Context) error) mcpengine.Extension {
			return mcpengine.Extension{ID: id, Stop: stop}
		}
		e := mcpengine.New("test", mcpengine.WithLogger(log.logger()), mcpengine.WithExtension(
			lasting(&events, "a.b/fine"),
			stopping("a.b/fails", func(context.Context) error { return errors.New("no ink") }),
			stopping("a.b/panics", func(context.Context) error { panic("no paper") }),
		))
		post(t, e, request("server/discover", ""))
		e.Extend(stopping("a.b/hangs", func(context.Context) error { <-release; return nil }))
		e.Close() // a.b/hangs has not started, and so does not stop
		if got := events.take(); !slices.Contains(got, "stop a.b/fine, context ended: true") {
			t.Errorf("events = %q", got)
		}
		if got := log.take(); !strings.Contains(got, "no ink") || !strings.Contains(got, "no paper") || strings.Contains(got, "hangs") {
			t.Errorf("log = %q", got)
		}

		e = mcpengine.New("test", mcpengine.WithLogger(log.logger()), mcpengine.WithExtension(
			lasting(&events, "a.b/fine"), stopping("a.b/hangs", func(context.Context) error { <-release; return nil })))
		post(t, e, request("server/discover", ""))
		began := time.Now()
		e.Close()
		if waited := time.Since(began); waited != 10*time.Second {
			t.Errorf("Close took %v, want HTTPConfig.ShutdownTimeout", waited)
		}
		close(release)
	})
}

// Under Serve the extensions stop after the last request has been answered.
func TestServeStopsExtensionsLast(t *testing.T) {
	t.Parallel()
	var log events
	entered, leave := make(chan struct{}), make(chan struct{})
	x := lasting(&log, "a.b/one")
	x.Features = append(x.Features, mcpengine.NewMethod("wait", func(context.Context, none) (none, error) {
		close(entered)
		<-leave
		log.add("answered")
		return none{}, nil
	}))
	e := mcpengine.New("test", quiet(), mcpengine.WithExtension(x))
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- e.Serve(ctx, l) }()
	answered := make(chan int, 1)
	go func() {
		message := strings.ReplaceAll(request("wait", ""), notesID, "a.b/one")
		answered <- sendTo(t, "http://"+l.Addr().String()+"/mcp", message)
	}()
	<-entered
	cancel()
	close(leave)
	if status := <-answered; status != 200 {
		t.Errorf("the request under way got %d", status)
	}
	if err := <-served; err != nil {
		t.Errorf("Serve() = %v", err)
	}
	if diff := cmp.Diff([]string{"start a.b/one", "answered", "stop a.b/one, context ended: true"}, log.take()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}
