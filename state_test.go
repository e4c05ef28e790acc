package mcpengine_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpengine/mcpengine"
)

func key(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }

// keyed returns an engine that asks for a name, with the given keys.
func keyed(current []byte, previous ...[]byte) *mcpengine.Engine {
	return askFixture(mcpengine.WithKeys(current, previous...))
}

// ask calls login on the engine and returns the state of the round.
func ask(t *testing.T, e *mcpengine.Engine) string {
	t.Helper()
	return stateOf(t, post(t, e, call("login")).response())
}

func stateOf(t *testing.T, response string) string {
	t.Helper()
	var m struct {
		Result struct {
			RequestState string `json:"requestState"`
		} `json:"result"`
	}
	if err := json.Unmarshal([]byte(response), &m); err != nil || m.Result.RequestState == "" {
		t.Fatalf("response without requestState: %s", response)
	}
	return m.Result.RequestState
}

// retry returns the answer to login with a state.
func retry(t *testing.T, e *mcpengine.Engine, state string) string {
	t.Helper()
	return post(t, e, message("tools/call", fmt.Sprintf(
		`"name":"login","requestState":%q,"inputResponses":{"login":{"action":"accept","content":{"user":"octocat"}}}`, state))).response()
}

// Any replica with the keys takes up where another one has stopped; keys are
// rotated without refusing what is under way.
func TestStateKeys(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		asked  *mcpengine.Engine
		retry  *mcpengine.Engine
		accept bool
	}{
		{"another replica", keyed(key(1)), keyed(key(1)), true},
		{"a key that was added in front", keyed(key(1)), keyed(key(2), key(1)), true},
		{"a key that is known but not in use yet", keyed(key(2)), keyed(key(1), key(2)), true},
		{"a key that was removed", keyed(key(1)), keyed(key(2)), false},
		{"random keys of another process", askFixture(quiet()), askFixture(quiet()), false},
	}
	for _, test := range tests {
		got := retry(t, test.retry, ask(t, test.asked))
		if accepted := strings.Contains(got, "hello octocat"); accepted != test.accept {
			t.Errorf("%s: response = %s, want accepted = %t", test.name, got, test.accept)
		}
		if !test.accept && !strings.Contains(got, `"code":-32602`) {
			t.Errorf("%s: response = %s, want -32602", test.name, got)
		}
	}
}

// A cursor of another key ring is refused like a forged one.
func TestCursorKeys(t *testing.T) {
	t.Parallel()
	page := func(e *mcpengine.Engine, params string) string {
		return post(t, e, message("tools/list", params)).response()
	}
	newEngine := func(k byte) *mcpengine.Engine { return pagesFixture(mcpengine.WithKeys(key(k))) }
	_, cursor, _ := strings.Cut(page(newEngine(1), ""), `"nextCursor":"`)
	cursor, _, _ = strings.Cut(cursor, `"`)
	params := fmt.Sprintf(`"cursor":%q`, cursor)
	if got := page(newEngine(1), params); !strings.Contains(got, "feature_2") {
		t.Errorf("cursor in another replica: %s", got)
	}
	if got := page(newEngine(2), params); !strings.Contains(got, `"code":-32602`) {
		t.Errorf("cursor of other keys: %s, want -32602", got)
	}
}

// A state is good for a quarter of an hour (multi round-trip requests, "Server
// Requirements").
func TestStateExpires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := keyed(key(1))
		state := ask(t, e)
		time.Sleep(14*time.Minute + 58*time.Second)
		if got := retry(t, e, state); !strings.Contains(got, "hello octocat") {
			t.Errorf("retry in time = %s", got)
		}
		time.Sleep(2 * time.Second)
		if got := retry(t, e, state); !strings.Contains(got, `"code":-32602`) || !strings.Contains(got, "expired") {
			t.Errorf("retry too late = %s, want -32602", got)
		}
		if got := retry(t, e, ask(t, e)); !strings.Contains(got, "hello octocat") {
			t.Errorf("retry after asking again = %s", got)
		}
	})
}

// Each round has its own time: a user may take ten minutes for each of two
// questions.
func TestStateExpiryIsRenewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := keyed(key(1))
		state := ask(t, e)
		for range 3 {
			time.Sleep(10 * time.Minute)
			state = stateOf(t, post(t, e, message("tools/call", fmt.Sprintf(`"name":"login","requestState":%q`, state))).response())
		}
		if got := retry(t, e, state); !strings.Contains(got, "hello octocat") {
			t.Errorf("retry = %s", got)
		}
	})
}

// Random keys are warned about when they first matter, and once.
func TestRandomKeysWarn(t *testing.T) {
	t.Parallel()
	var log recorder
	e := askFixture(mcpengine.WithLogger(log.logger()))
	post(t, e, call("idle"))
	if got := log.take(); got != "" {
		t.Errorf("logged %q before anything is sealed", got)
	}
	ask(t, e)
	if got := log.take(); !strings.Contains(got, "level=WARN") || !strings.Contains(got, "WithKeys") {
		t.Errorf("logged %q, want a warning that names WithKeys", got)
	}
	ask(t, e)
	if got := log.take(); got != "" {
		t.Errorf("logged %q, want the warning once", got)
	}
}

// Without WithKey a question is named by what it asks, so that a handler that
// asks in another order next time still gets the right answers.
func TestDerivedKeys(t *testing.T) {
	t.Parallel()
	reverse := false
	e := mcpengine.New("test", mcpengine.WithKeys(key(1)))
	mcpengine.AddTool(e, "order", "", func(ctx context.Context, _ none) (string, error) {
		questions := []string{"first", "second"}
		if reverse {
			questions = []string{"second", "first"}
		}
		answers := map[string]string{}
		var err error
		for _, question := range questions {
			in, failed := mcpengine.Elicit[login](ctx, question)
			answers[question], err = in.User, errors.Join(err, failed)
		}
		return fmt.Sprint(answers["first"], answers["second"]), err
	})
	var m struct {
		Result struct {
			RequestState  string `json:"requestState"`
			InputRequests map[string]struct {
				Params struct {
					Message string `json:"message"`
				} `json:"params"`
			} `json:"inputRequests"`
		} `json:"result"`
	}
	if err := json.Unmarshal([]byte(post(t, e, call("order")).response()), &m); err != nil {
		t.Fatal(err)
	}
	responses := map[string]any{}
	for key, request := range m.Result.InputRequests {
		responses[key] = map[string]any{"action": "accept", "content": map[string]string{"user": "<" + request.Params.Message + ">"}}
	}
	encoded, err := json.Marshal(responses)
	if err != nil {
		t.Fatal(err)
	}
	reverse = true
	got := post(t, e, message("tools/call", fmt.Sprintf(`"name":"order","requestState":%q,"inputResponses":%s`, m.Result.RequestState, encoded))).response()
	if want := `"text":"<first><second>"`; !strings.Contains(got, want) {
		t.Errorf("response = %s, want it to contain %s", got, want)
	}
}

// A handler may ask and remember from several goroutines.
func TestAskConcurrently(t *testing.T) {
	t.Parallel()
	const questions = 16
	e := mcpengine.New("test", mcpengine.WithKeys(key(1)))
	mcpengine.AddTool(e, "ask", "", func(ctx context.Context, _ none) (string, error) {
		failures := make(chan error, questions)
		for i := range questions {
			go func() {
				_, err := mcpengine.Step(ctx, fmt.Sprint(i), func(context.Context) (int, error) { return i, nil })
				_, asked := mcpengine.Elicit[login](ctx, fmt.Sprint("question ", i))
				failures <- errors.Join(err, asked)
			}()
		}
		var err error
		for range questions {
			err = errors.Join(err, <-failures)
		}
		return "done", err
	})
	got := post(t, e, call("ask")).response()
	if n := strings.Count(got, `"method":"elicitation/create"`); n != questions {
		t.Errorf("%d questions, want %d: %s", n, questions, got)
	}
}
