package mcpengine_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/mcp"
)

func TestRequestFrom(t *testing.T) {
	t.Parallel()
	type seen struct {
		Method, Name, Version, Params, Trace string
		Client                               mcp.Implementation
		Roots                                bool
	}
	var got seen
	e := mcpengine.New("test", mcpengine.WithMiddleware(func(next mcpengine.MethodHandler) mcpengine.MethodHandler {
		return func(ctx context.Context, req *mcpengine.Request) (mcpengine.Result, error) {
			if mcpengine.RequestFrom(ctx) != req {
				t.Errorf("%s: RequestFrom(ctx) is another request", req.Method())
			}
			got = seen{
				Method: req.Method(), Name: req.Name(), Version: req.ProtocolVersion(), Params: string(req.Params()),
				Trace: string(req.Meta(mcp.MetaTraceParent)), Client: req.ClientInfo(), Roots: req.ClientCapabilities().Roots != nil,
			}
			return next(ctx, req)
		}
	}))
	give(e, "tool", "done")
	hold(e, "file:///a", "text")
	offer(e, "prompt", "text")
	meta := func(more string) string {
		return `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"roots":{}}` + more + `}`
	}
	tests := []struct {
		method, params string
		want           seen
	}{
		{"tools/call", `{"name":"tool",` + meta(`,"traceparent":"00-1"`) + `}`, seen{Name: "tool", Trace: `"00-1"`}},
		{"resources/read", `{ "uri":"file:///a", ` + meta("") + `}`, seen{Name: "file:///a"}},
		{"prompts/get", `{"name":"pro\u006dpt",` + meta(`,"io.modelcontextprotocol/clientInfo":{"name":"c","version":"1"}`) + `}`, seen{Name: "prompt", Client: mcp.Implementation{Name: "c", Version: "1"}}},
		{"tools/list", `{` + meta("") + `}`, seen{}},
		{"tools/call", `{"name":7,` + meta(`,"io.modelcontextprotocol/clientInfo":{"name":"c","version":"1","icons":7}`) + `}`, seen{Client: mcp.Implementation{Name: "c", Version: "1"}}},
	}
	for _, test := range tests {
		test.want.Method, test.want.Params, test.want.Version, test.want.Roots = test.method, test.params, "2026-07-28", true
		post(t, e, fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":%s}`, test.method, test.params))
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", test.method, test.params, diff)
		}
	}
}

// Outside of a request the functions that need one do nothing, or say so.
func TestOutsideOfRequest(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	if req := mcpengine.RequestFrom(ctx); req != nil {
		t.Errorf("RequestFrom(context of nothing) = %v, want nil", req)
	}
	mcpengine.Progress(ctx, 1, 2, "")
	mcpengine.Log(ctx, mcp.LoggingLevelError, "", "data")
	_, elicit := mcpengine.Elicit[login](ctx, "")
	visit := mcpengine.ElicitURL(ctx, "", "https://server.example")
	_, sample := mcpengine.CreateMessage(ctx, mcp.CreateMessageRequestParams{})
	_, roots := mcpengine.ListRoots(ctx)
	ran := false
	_, step := mcpengine.Step(ctx, "s", func(context.Context) (int, error) { ran = true; return 1, nil })
	for name, err := range map[string]error{"Elicit": elicit, "ElicitURL": visit, "CreateMessage": sample, "ListRoots": roots, "Step": step} {
		if err == nil {
			t.Errorf("%s outside of a request did not fail", name)
		}
	}
	if ran {
		t.Errorf("Step outside of a request ran its function")
	}
}

// The HTTP status says what kind of outcome it is; an error of what was called
// is an answer like any other (streamable-http, "Sending Messages").
func TestStatus(t *testing.T) {
	t.Parallel()
	e := askFixture(quiet())
	mcpengine.AddTool(e, "fail", "", func(context.Context, none) (string, error) { return "", errors.New("no") })
	mcpengine.AddTool(e, "refuse", "", func(context.Context, none) (string, error) { return "", mcp.Errorf(7, "no") })
	bare := `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}`
	tests := []struct {
		name, message string
		want          int
	}{
		{"result", call("idle"), http.StatusOK},
		{"input required", call("login"), http.StatusOK},
		{"error of a tool", call("fail"), http.StatusOK},
		{"JSON-RPC error of a tool", call("refuse"), http.StatusOK},
		{"unknown tool", call("unknown"), http.StatusOK},
		{"unknown method", message("no/method", ""), http.StatusNotFound},
		{"initialize", message("initialize", ""), http.StatusNotFound},
		{"no _meta", `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, http.StatusBadRequest},
		{"unknown version", `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"1","io.modelcontextprotocol/clientCapabilities":{}}}}`, http.StatusBadRequest},
		{"missing capability", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"login",` + bare + `}}`, http.StatusBadRequest},
		{"notification", `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`, http.StatusAccepted},
	}
	for _, test := range tests {
		if got := post(t, e, test.message).status; got != test.want {
			t.Errorf("%s: status = %d, want %d", test.name, got, test.want)
		}
	}
}

// A client that closes the connection cancels the request (cancellation,
// "Transport-Specific Cancellation").
func TestDisconnectCancels(t *testing.T) {
	t.Parallel()
	started, cancelled := make(chan struct{}), make(chan error, 1)
	e := mcpengine.New("test", quiet())
	mcpengine.AddTool(e, "wait", "", func(ctx context.Context, _ none) (string, error) {
		close(started)
		<-ctx.Done()
		cancelled <- ctx.Err()
		return "", ctx.Err()
	})
	server := httptest.NewServer(e)
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-started
		cancel()
	}()
	resp, err := server.Client().Do(newRequest(ctx, server.URL, call("wait")))
	if err == nil {
		resp.Body.Close()
		t.Errorf("the abandoned request was answered")
	}
	if err := <-cancelled; !errors.Is(err, context.Canceled) {
		t.Errorf("the handler's context ended with %v, want %v", err, context.Canceled)
	}
}

// What is sent after the answer goes nowhere, least of all into the next
// answer, which reuses the memory of this one.
func TestNotificationsAfterReturn(t *testing.T) {
	t.Parallel()
	var late context.Context
	e := mcpengine.New("test")
	mcpengine.AddTool(e, "leak", "", func(ctx context.Context, _ none) (string, error) {
		late = ctx
		return "done", nil
	})
	mcpengine.AddTool(e, "tool", "", func(context.Context, none) (string, error) {
		mcpengine.Progress(late, 1, 2, "late")
		mcpengine.Log(late, mcp.LoggingLevelError, "", "late")
		return "done", nil
	})
	asking := `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"progressToken":1,"io.modelcontextprotocol/logLevel":"debug"}`
	for _, tool := range []string{"leak", "tool", "leak", "tool"} {
		got := post(t, e, fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":%q,%s}}`, tool, asking))
		if len(got.messages) != 1 {
			t.Errorf("%s: messages = %q, want the response only", tool, got.messages)
		}
	}
}

// A handler may notify from several goroutines.
func TestNotificationsConcurrent(t *testing.T) {
	t.Parallel()
	const senders, each = 8, 25
	e := mcpengine.New("test")
	mcpengine.AddTool(e, "log", "", func(ctx context.Context, _ none) (string, error) {
		done := make(chan struct{})
		for range senders {
			go func() {
				for range each {
					mcpengine.Log(ctx, mcp.LoggingLevelError, "", "data")
				}
				done <- struct{}{}
			}()
		}
		for range senders {
			<-done
		}
		return "done", nil
	})
	got := post(t, e, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"log","_meta":{`+
		`"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/logLevel":"info"}}}`)
	if want := senders*each + 1; len(got.messages) != want {
		t.Errorf("%d messages, want %d", len(got.messages), want)
	}
}

// A notification is sent at once, not with the response.
func TestNotificationsStream(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	e := mcpengine.New("test")
	mcpengine.AddTool(e, "slow", "", func(ctx context.Context, _ none) (string, error) {
		mcpengine.Progress(ctx, 1, 2, "")
		<-release
		return "done", nil
	})
	server := httptest.NewServer(e)
	defer server.Close()
	resp, err := server.Client().Do(newRequest(t.Context(), server.URL, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"slow","_meta":{`+
		`"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"progressToken":1}}}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	first := make([]byte, 1)
	if _, err := io.ReadFull(resp.Body, first); err != nil {
		t.Fatalf("read the notification: %v", err)
	}
	close(release)
	if _, err := io.ReadAll(resp.Body); err != nil {
		t.Fatalf("read the response: %v", err)
	}
}
