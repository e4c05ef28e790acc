package mcpengine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine"
)

// An extension that wraps tools/call answers with a result of its types, for
// clients that declare it, or passes the call on.
func TestExtensionCallTool(t *testing.T) {
	t.Parallel()
	var log recorder
	var order []string
	wrapping := func(next mcpengine.MethodHandler) mcpengine.MethodHandler {
		return func(ctx context.Context, req *mcpengine.Request) (mcpengine.Result, error) {
			order = append(order, "extension")
			switch req.Name() {
			case "later":
				return mcpengine.NewResult(map[string]any{"resultType": "later", "ticket": 7}), nil
			case "unknown":
				return mcpengine.NewResult(map[string]any{"resultType": "never"}), nil
			case "number":
				return mcpengine.NewResult(map[string]any{"resultType": 7}), nil
			case "untyped":
				return mcpengine.NewResult(map[string]any{"content": []any{}}), nil
			case "nothing":
				return mcpengine.Result{}, nil
			case "fails":
				return mcpengine.Result{}, errors.New("no ink")
			case "panics":
				panic("no paper")
			case "elsewhere":
				if err := req.SetParams(map[string]any{"name": "plain"}); err != nil {
					return mcpengine.Result{}, err
				}
			}
			return next(ctx, req)
		}
	}
	x := notes()
	x.CallTool = wrapping
	e := mcpengine.New("fixture", mcpengine.WithLogger(log.logger()), mcpengine.WithExtension(x),
		mcpengine.WithMiddleware(func(next mcpengine.MethodHandler) mcpengine.MethodHandler {
			return func(ctx context.Context, req *mcpengine.Request) (mcpengine.Result, error) {
				order = append(order, "middleware")
				return next(ctx, req)
			}
		}))
	for _, name := range []string{"plain", "later", "unknown", "number", "untyped", "nothing", "fails", "panics", "elsewhere"} {
		if err := e.Add(greet(name)); err != nil {
			t.Fatal(err)
		}
	}
	const greeting = `"content":[{"type":"text","text":"hello"}]`
	for _, test := range []struct{ name, want, logged string }{
		{"plain", greeting, ""},
		{"elsewhere", greeting, ""},
		{"later", `"result":{"resultType":"later","ticket":7,"_meta"`, ""},
		{"untyped", `"content":[],"resultType":"complete"`, ""},
		{"unknown", "-32603", "belongs to no extension"},
		{"number", "-32603", "not a string"},
		{"nothing", "-32603", "no result"},
		{"fails", "-32603", "no ink"},
		{"panics", "-32603", "no paper"},
	} {
		got := post(t, e, request("tools/call", fmt.Sprintf(`"name":%q`, test.name))).response()
		if logged := log.take(); !strings.Contains(got, test.want) || !strings.Contains(logged, test.logged) || test.logged == "" && logged != "" {
			t.Errorf("%s: %s, log %q, want %s and %q", test.name, got, logged, test.want, test.logged)
		}
	}
	if diff := cmp.Diff([]string{"middleware", "extension"}, order[:2]); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	undeclared := strings.ReplaceAll(request("tools/call", `"name":"later"`), notesID, "com.example/other")
	if got := post(t, e, undeclared).response(); !strings.Contains(got, "-32603") || !strings.Contains(log.take(), notesID) {
		t.Errorf("for a client that does not declare the extension: %s", got)
	}
	if !servesHandshake {
		return
	}
	send := serveStdio(t, e)
	send(hello("2025-11-25", "{}"))
	call := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":%q}}`
	if got := send(fmt.Sprintf(call, "later"))[0]; !strings.Contains(got, "-32603") || !strings.Contains(log.take(), "2025-11-25") {
		t.Errorf("in a handshake version: %s", got)
	}
	if got := send(fmt.Sprintf(call, "plain"))[0]; !strings.Contains(got, greeting) {
		t.Errorf("in a handshake version: %s", got)
	}
	// In 2024-11-05 the extension does not exist.
	old := serveStdio(t, e)
	old(hello("2024-11-05", "{}"))
	if got := old(fmt.Sprintf(call, "later"))[0]; !strings.Contains(got, greeting) {
		t.Errorf("in a version without the extension: %s", got)
	}
}

// Extensions wrap calls in the order in which they were added, the first one
// outermost, and one that is added later joins in.
func TestExtensionsWrapInOrder(t *testing.T) {
	t.Parallel()
	var order []string
	wrapping := func(id string) mcpengine.Extension {
		return mcpengine.Extension{ID: "a.b/" + id, CallTool: func(next mcpengine.MethodHandler) mcpengine.MethodHandler {
			return func(ctx context.Context, req *mcpengine.Request) (mcpengine.Result, error) {
				order = append(order, id)
				return next(ctx, req)
			}
		}}
	}
	e := mcpengine.New("test", quiet(), mcpengine.WithExtension(wrapping("one"), wrapping("two")))
	if err := e.Add(greet("a")); err != nil {
		t.Fatal(err)
	}
	e.Extend(wrapping("three"))
	post(t, e, request("tools/call", `"name":"a"`))
	if diff := cmp.Diff([]string{"one", "two", "three"}, order); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}
