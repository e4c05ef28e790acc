package peer_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpengine/mcpengine/internal/peer"
)

// Sleep waits for the given time, and no longer than its context, whose cause
// it returns.
func TestSleep(t *testing.T) {
	t.Parallel()
	enough := errors.New("enough")
	for name, row := range map[string]struct {
		sleep, cancel time.Duration // cancelled after that
		took          time.Duration
		err           error
	}{
		"to its end":            {time.Minute, time.Hour, time.Minute, nil},
		"not at all":            {0, time.Hour, 0, nil},
		"until it is cancelled": {time.Hour, time.Minute, time.Minute, enough},
		"cancelled before":      {time.Hour, 0, 0, enough},
		"neither":               {0, 0, 0, enough},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				if row.cancel == 0 {
					cancel(enough)
				} else {
					defer time.AfterFunc(row.cancel, func() { cancel(enough) }).Stop()
				}
				began := time.Now()
				if err := peer.Sleep(ctx, row.sleep); !errors.Is(err, row.err) {
					t.Errorf("Sleep = %v, want %v", err, row.err)
				}
				if took := time.Since(began); took != row.took {
					t.Errorf("it took %v, want %v", took, row.took)
				}
			})
		})
	}
}
