package mcpengine_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine"
)

type panickingLimiter struct{}

func (panickingLimiter) Take(context.Context, string, int) (time.Duration, error) { panic("ouch") }

// An observer or limiter of the program that panics fails that request and
// nothing else.
func TestObserversPanic(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		option mcpengine.Option
		want   string
	}{
		"begin":   {mcpengine.WithObserver(func(context.Context, *mcpengine.Request) (context.Context, func(mcpengine.Outcome)) { panic("ouch") }), `"code":-32603`},
		"end":     {mcpengine.WithObserver(panicsInTheEnd), `"text":"done"`},
		"limiter": {mcpengine.Options(mcpengine.CallsPerMinute(10), mcpengine.WithLimiter(panickingLimiter{})), `"text":"done"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := mcpengine.New("test", quiet(), tt.option)
			give(e, "work", "done")
			send := serveStdio(t, e)
			for range 2 {
				if got := send(call("work")); len(got) != 1 || !strings.Contains(got[0], tt.want) {
					t.Errorf("over stdio: %s, want %s", got, tt.want)
				}
			}
			if got := post(t, e, call("work")).response(); !strings.Contains(got, tt.want) {
				t.Errorf("over HTTP: %s, want %s", got, tt.want)
			}
		})
	}
}

func panicsInTheEnd(ctx context.Context, _ *mcpengine.Request) (context.Context, func(mcpengine.Outcome)) {
	return ctx, func(mcpengine.Outcome) { panic("ouch") }
}
