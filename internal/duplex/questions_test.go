package duplex_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/duplex"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// A wire records the messages that are sent, by several goroutines at once.
type wire struct {
	mu   sync.Mutex
	sent []string
}

func (w *wire) send(message []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent = append(w.sent, string(message))
	return nil
}

func (w *wire) wants(t *testing.T, want ...string) {
	t.Helper()
	if diff := cmp.Diff(append([]string{}, want...), append([]string{}, w.sent...)); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
}

func reply(t testing.TB, text string) jsonrpc.Reply {
	t.Helper()
	r, err := jsonrpc.ParseReply([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestQuestions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w wire
		questions := duplex.NewQuestions("a-", 0)
		answers := make(chan string)
		for _, params := range [][]byte{nil, []byte(`{"x":1}`)} {
			go func() {
				got, err := questions.Ask(t.Context(), w.send, "m", params)
				if err != nil {
					t.Error(err)
				}
				answers <- string(got)
			}()
			synctest.Wait()
		}
		w.wants(t, `{"jsonrpc":"2.0","id":"a-1","method":"m"}`, `{"jsonrpc":"2.0","id":"a-2","method":"m","params":{"x":1}}`)

		second := []byte(success(`"a-2"`, `[2]`))
		if r := reply(t, string(second)); !questions.Resolve(r) || questions.Resolve(r) {
			t.Error("an answer is not taken once")
		}
		if got := <-answers; got != "[2]" {
			t.Errorf("the second answer is %s", got)
		}
		questions.Resolve(reply(t, success(`"a-1"`, `null`)))
		if got := <-answers; got != "null" {
			t.Errorf("the first answer is %s", got)
		}
	})
}

// The buffer of an answer is reused for other messages.
func TestAnswerOutlivesItsMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w wire
		questions := duplex.NewQuestions("", 0)
		message := []byte(success(`"1"`, `"kept"`))
		go func() {
			synctest.Wait()
			r, _ := jsonrpc.ParseReply(message)
			questions.Resolve(r)
			clear(message)
		}()
		if got, err := questions.Ask(t.Context(), w.send, "m", nil); string(got) != `"kept"` || err != nil {
			t.Errorf("Ask = %q, %v", got, err)
		}
	})
}

func TestQuestionsFail(t *testing.T) {
	gone := errors.New("gone")
	synctest.Test(t, func(t *testing.T) {
		var w wire
		questions := duplex.NewQuestions("a-", time.Minute)
		if _, err := questions.Ask(t.Context(), func([]byte) error { return gone }, "m", nil); !errors.Is(err, gone) {
			t.Errorf("Ask = %v when it cannot be sent, want %v", err, gone)
		}
		if _, err := questions.Ask(t.Context(), w.send, "m", nil); err == nil || err.Error() != "the client has not answered m within 1m0s" {
			t.Errorf("Ask = %v when the time is up", err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(errors.New("why")) })
		if _, err := questions.Ask(ctx, w.send, "m", nil); !errors.Is(err, context.Canceled) {
			t.Errorf("Ask = %v when the context ends, want %v", err, context.Canceled)
		}
		w.wants(t,
			`{"jsonrpc":"2.0","id":"a-2","method":"m"}`,
			notification("notifications/cancelled", `{"requestId":"a-2","reason":"the client has not answered m within 1m0s"}`),
			`{"jsonrpc":"2.0","id":"a-3","method":"m"}`,
			notification("notifications/cancelled", `{"requestId":"a-3","reason":"why"}`),
		)
		for _, id := range []string{`"a-1"`, `"a-2"`, `"a-3"`, `"a-4"`, `1`} {
			if questions.Resolve(reply(t, success(id, "{}"))) {
				t.Errorf("an answer to %s is taken", id)
			}
		}
	})
}

func TestCloseFailsQuestions(t *testing.T) {
	gone := errors.New("gone")
	synctest.Test(t, func(t *testing.T) {
		var w wire
		questions := duplex.NewQuestions("a-", 0)
		go func() {
			synctest.Wait()
			questions.Close(gone)
			questions.Close(errors.New("again"))
		}()
		if _, err := questions.Ask(t.Context(), w.send, "m", nil); !errors.Is(err, gone) {
			t.Errorf("Ask = %v when the client goes, want %v", err, gone)
		}
		if _, err := questions.Ask(t.Context(), w.send, "m", nil); !errors.Is(err, gone) {
			t.Errorf("Ask = %v when the client is gone, want %v", err, gone)
		}
		w.wants(t, `{"jsonrpc":"2.0","id":"a-1","method":"m"}`) // no cancellation is sent
	})
}

// An answer that arrives just before the request is cancelled counts, and no
// cancellation is sent.
func TestAnswerAtTheLastMoment(t *testing.T) {
	t.Parallel()
	for range 50 { // which of the two is seen first is random
		questions := duplex.NewQuestions("", 0)
		ctx, cancel := context.WithCancel(t.Context())
		var w wire
		got, err := questions.Ask(ctx, func(message []byte) error {
			if len(w.sent) == 0 {
				questions.Resolve(reply(t, success(`"1"`, `{"action":"accept"}`)))
				cancel()
			}
			return w.send(message)
		}, "m", nil)
		if err != nil || string(got) != `{"action":"accept"}` || len(w.sent) != 1 {
			t.Fatalf("Ask = %s, %v, and %q were sent, want the answer and the question alone", got, err, w.sent)
		}
	}
}

// Questions that wait are bounded in number, and one that is answered makes room.
func TestQuestionsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w wire
		questions := duplex.NewQuestions("", 0)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		for range 64 {
			go func() { _, _ = questions.Ask(ctx, w.send, "m", nil) }()
			synctest.Wait()
		}
		if _, err := questions.Ask(ctx, w.send, "m", nil); err == nil || len(w.sent) != 64 {
			t.Errorf("Ask = %v with 64 questions that wait, and %d were sent", err, len(w.sent))
		}
		questions.Resolve(reply(t, success(`"1"`, "{}")))
		go func() { _, _ = questions.Ask(ctx, w.send, "m", nil) }()
		synctest.Wait()
		if len(w.sent) != 65 {
			t.Errorf("%d questions were sent once there is room, want 65", len(w.sent))
		}
	})
}

func success(id, value string) string {
	return `{"jsonrpc":"2.0","id":` + id + `,"result":` + value + `}`
}

func failure(id, code, message string) string {
	if id != "" {
		id = `"id":` + id + `,`
	}
	return fmt.Sprintf(`{"jsonrpc":"2.0",%s"error":{"code":%s,"message":%q}}`, id, code, message)
}

func notification(method, params string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","method":%q,"params":%s}`, method, params)
}

// FuzzAnswer sends a question and an arbitrary message as the answer to it.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		success(`"1"`, "{}"), success(`"\u0031"`, "[]"), success("1", "{}"), failure(`"1"`, "-32600", "no"), failure("", "1", "no"),
		`{"jsonrpc":"2.0","id":"1","error":{"code":"1","message":2}}`, `{"jsonrpc":"2.0","id":"1","error":{"message":"\ud800"}}`, `[]`, `{}`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		questions := duplex.NewQuestions("", 0)
		got, err := questions.Ask(t.Context(), func([]byte) error {
			if r, err := jsonrpc.ParseReply(message); err == nil {
				questions.Resolve(r)
			}
			questions.Close(errors.New("gone"))
			return nil
		}, "m", nil)
		if (got == nil) == (err == nil) {
			t.Errorf("Ask = %q, %v: want either", got, err)
		}
		if got != nil && jsonrpc.Valid(got) != nil {
			t.Errorf("Ask = %q, which is not JSON", got)
		}
		if err != nil && (len(err.Error()) > 2000 || !utf8.ValidString(err.Error())) {
			t.Errorf("Ask = %q", err)
		}
	})
}
