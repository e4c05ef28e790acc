package mcpengine

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A flush returns in time, whatever its functions do, and the next one gets less time
// until one is in time. The log says once that something was not sent.
func TestFlush(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		hang := true
		e := New("test", WithLogger(slog.New(slog.NewTextHandler(&log, nil))), WithFlush(
			func(ctx context.Context) error {
				if hang {
					<-ctx.Done()
					time.Sleep(time.Hour) // it does not care
				}
				return nil
			},
			func(context.Context) error { panic("overboard") },
			func(context.Context) error { return errors.New("refused") },
		))
		for i, want := range []time.Duration{500 * time.Millisecond, lateFlush, lateFlush, 0, 500 * time.Millisecond} {
			hang = i != 3
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			began := time.Now()
			e.flush(ctx)
			cancel()
			if took := time.Since(began); took != want {
				t.Errorf("flush %d took %v, want %v", i+1, took, want)
			}
			synctest.Wait()
		}
		if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "overboard") || !strings.Contains(text, "refused") {
			t.Errorf("the log is %q, want one line with each reason", text)
		}
		time.Sleep(2 * time.Hour) // for the functions that do not care
	})
}
