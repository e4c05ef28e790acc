package lambda_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpengine/mcpengine/internal/lambda"
)

// answerEvent answers events for the tests.
func answerEvent(_ context.Context, event []byte) ([]byte, error) {
	switch text := string(event); {
	case strings.Contains(text, "fail"):
		return nil, errors.New("as asked")
	case strings.Contains(text, "panic"):
		panic("as asked")
	case strings.Contains(text, "exit"):
		runtime.Goexit()
	case strings.Contains(text, "large"):
		return make([]byte, 6<<20+1), nil
	case strings.Contains(text, "strange"):
		return nil, fmt.Errorf("a strange event: %w", errors.ErrUnsupported)
	}
	return []byte(`"done"`), nil
}

// An event that no front end made is answered by Config.Event. Whatever goes
// wrong there fails the invocation.
func TestOtherEvents(t *testing.T) {
	t.Parallel()
	notFound := http.NotFoundHandler()
	for event, want := range map[string]string{
		`{"job":"work"}`:    `"done"`,
		`["work"]`:          `"done"`,
		`{"job":"fail"}`:    "as asked",
		`{"job":"panic"}`:   "the handler of the event panicked: as asked",
		`{"job":"exit"}`:    "the handler of the event ended its goroutine",
		`{"job":"large"}`:   "the answer to the event has 6291457 bytes",
		`{"job":"strange"}`: `the event is an object with the members "job"`,
		`{"job":"work"`:     "read the event",
		`{"version":"2.0","requestContext":{"http":{"method":"POST"}},"body":7,"job":"work"}`: "read the event: body: not a string",
	} {
		answer, err := lambda.New(notFound, lambda.Config{Event: answerEvent}).Invoke(t.Context(), []byte(event))
		got := string(answer)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", event, got, want)
		}
	}
}

// What a client writes into a request stays in the request: no request becomes an
// event of another kind.
func TestRequestIsNoOtherEvent(t *testing.T) {
	t.Parallel()
	called := false
	config := lambda.Config{Event: func(context.Context, []byte) ([]byte, error) {
		called = true
		return nil, nil
	}}
	for _, members := range []string{
		`"body":"{\"job\":\"work\"}"`,
		`"headers":{"job":"work"}`,
		`"rawPath":"/job"`,
		`"job":"work"`, // no front end writes it
		`"body":7`,     // refused, and not asked again
	} {
		_, _ = lambda.New(http.NotFoundHandler(), config).Invoke(t.Context(), []byte(functionURL(t, members)))
	}
	if called {
		t.Error("a request was taken for another event")
	}
}

// The context of an event ends before the invocation.
func TestOtherEventDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		config := lambda.Config{Event: func(ctx context.Context, _ []byte) ([]byte, error) {
			end, _ := ctx.Deadline()
			return fmt.Append(nil, time.Until(end)), nil
		}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		got, err := lambda.New(http.NotFoundHandler(), config).Invoke(ctx, []byte(`{}`))
		if err != nil || string(got) != "59.5s" {
			t.Errorf("the time of the event is %s, %v", got, err)
		}
	})
}
