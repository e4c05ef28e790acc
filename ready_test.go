package mcpengine_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpengine/mcpengine"
)

func TestReady(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		var down atomic.Bool
		var asked atomic.Int64
		e := mcpengine.New("test", mcpengine.WithLogger(slog.New(slog.NewTextHandler(&log, nil))),
			mcpengine.WithReady(func(context.Context) error {
				asked.Add(1)
				if down.Load() {
					return errors.New("the database is down")
				}
				return nil
			}),
			mcpengine.WithReady(func(context.Context) error { return nil }))
		want := func(when string, ready bool) {
			t.Helper()
			if err := e.Ready(t.Context()); (err == nil) != ready {
				t.Errorf("%s: Ready() = %v, want ready: %v", when, err, ready)
			}
		}
		want("at first", true)
		down.Store(true)
		want("within the second", true)
		time.Sleep(time.Second)
		var probes sync.WaitGroup
		for range 20 {
			probes.Go(func() { want("down", false) })
		}
		probes.Wait()
		if asked.Load() != 2 {
			t.Errorf("the check was made %d times, want 2", asked.Load())
		}
		down.Store(false)
		time.Sleep(time.Second)
		want("back", true)
		for _, line := range []string{"the database is down", "ready again"} {
			if strings.Count(log.String(), line) != 1 {
				t.Errorf("the log does not say %q once:\n%s", line, &log)
			}
		}
	})
}

// A check that hangs or panics makes the server unready and nothing else.
func TestReadyBrokenChecks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		end := make(chan struct{})
		for name, check := range map[string]func(context.Context) error{
			"hangs": func(context.Context) error {
				<-end
				return nil
			},
			"panics": func(context.Context) error { panic("ouch") },
		} {
			e := mcpengine.New("test", quiet(), mcpengine.WithReady(check))
			if err := e.Ready(t.Context()); err == nil {
				t.Errorf("a check that %s: Ready() = nil", name)
			}
		}
		close(end)
	})
}
