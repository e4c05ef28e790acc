package bridge

import (
	"context"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// An answer that came before nobody waited for it any more counts, and the host
// does not hear that what it has answered is cancelled.
func TestAnswerAtTheLastMoment(t *testing.T) {
	t.Parallel()
	for range 50 { // which of two things is seen first is up to chance
		a := newAsks(time.Hour)
		ctx, cancel := context.WithCancel(t.Context())
		sent := 0
		send := func([]byte) error {
			if sent++; sent == 1 {
				a.resolve(jsonrpc.Reply{ID: []byte(`"bridge-1"`), Result: []byte(`{"action":"accept"}`)})
				cancel()
			}
			return nil
		}
		result, err := a.ask(ctx, send, "elicitation/create", nil)
		if err != nil || string(result) != `{"action":"accept"}` {
			t.Fatalf("ask = %s, %v, want the answer", result, err)
		}
		if sent != 1 {
			t.Fatalf("%d messages were sent, want the question only", sent)
		}
	}
}
