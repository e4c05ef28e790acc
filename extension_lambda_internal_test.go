package mcpengine

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A process on AWS Lambda answers methods of extensions, but no lasting ones.
func TestExtensionOnLambda(t *testing.T) {
	t.Parallel()
	done := func(context.Context, struct{}) (struct{}, error) { return struct{}{}, nil }
	e := New("test", WithLogger(slog.New(slog.DiscardHandler)), WithExtension(Extension{
		ID: "a.b/c", Features: []Feature{NewMethod("c/get", done), NewMethod("c/watch", done, Lasting())},
	}))
	e.goServerless()
	for method, want := range map[string]string{"c/get": `"resultType":"complete"`, "c/watch": "-32601"} {
		message := `{"jsonrpc":"2.0","id":1,"method":"` + method + `","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",` +
			`"io.modelcontextprotocol/clientCapabilities":{"extensions":{"a.b/c":{}}}}}}`
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://server.example/mcp", strings.NewReader(message))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "application/json, text/event-stream")
		r.Header.Set("Mcp-Protocol-Version", "2026-07-28")
		r.Header.Set("Mcp-Method", method)
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s, want %s", method, w.Code, w.Body, want)
		}
	}
}

// An event that is not an HTTP request goes to the first extension that knows it.
func TestExtensionAnswersLambdaEvent(t *testing.T) {
	t.Parallel()
	answers := func(kind string) func(context.Context, json.RawMessage) (any, error) {
		return func(_ context.Context, event json.RawMessage) (any, error) {
			if string(event) == `"wrong"` {
				return nil, errors.New("as asked")
			}
			if !strings.Contains(string(event), kind) {
				return nil, errors.ErrUnsupported
			}
			return map[string]string{"kind": kind}, nil
		}
	}
	started := 0
	start := func(context.Context, *Engine) error { started++; return nil }
	e := New("test", WithLogger(slog.New(slog.DiscardHandler)), WithExtension(
		Extension{ID: "a.b/none"},
		Extension{ID: "a.b/one", LambdaEvent: answers("one")},
		Extension{ID: "a.b/two", LambdaEvent: answers("two"), Start: start},
	))
	for event, want := range map[string]string{
		`"one"`: `{"kind":"one"}`, `"two"`: `{"kind":"two"}`,
		`"three"`: "unsupported operation", `"wrong"`: "extension a.b/one: as asked",
	} {
		reply, err := e.lambdaEvent(t.Context(), []byte(event))
		got := string(reply)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %s, want %s", event, got, want)
		}
	}
	if started != 1 {
		t.Errorf("the extension was started %d times", started)
	}
}
