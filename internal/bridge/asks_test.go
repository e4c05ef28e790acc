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

// Questions that wait are bounded in number, and one that is answered makes room.
func TestAskBound(t *testing.T) {
	t.Parallel()
	a := newAsks(time.Hour)
	for range maxAsks {
		if _, _, err := a.enter(); err != nil {
			t.Fatal(err)
		}
	}
	send := func([]byte) error {
		t.Error("one too many is asked")
		return nil
	}
	if _, err := a.ask(t.Context(), send, "roots/list", nil); err == nil {
		t.Error("one too many has an answer")
	}
	if !a.resolve(jsonrpc.Reply{ID: []byte(`"bridge-1"`), Result: []byte(`{}`)}) {
		t.Error("nobody waited for the first")
	}
	if _, _, err := a.enter(); err != nil {
		t.Error(err)
	}
}
