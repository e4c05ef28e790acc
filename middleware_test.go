package mcpengine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/mcp"
)

// call is the message that calls a tool without arguments.
func call(tool string) string {
	return message("tools/call", fmt.Sprintf(`"name":%q`, tool))
}

// message is a request with the given parameters and the usual _meta.
func message(method, params string) string {
	if params != "" {
		params += ","
	}
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":{%s"_meta":%s}}`, method, params, defaultMeta)
}

func TestMiddlewareOrder(t *testing.T) {
	t.Parallel()
	var trace []string
	record := func(name string) func(mcpengine.MethodHandler) mcpengine.MethodHandler {
		return func(next mcpengine.MethodHandler) mcpengine.MethodHandler {
			return func(ctx context.Context, req *mcpengine.Request) (mcpengine.Result, error) {
				trace = append(trace, name+" before "+req.Method())
				result, err := next(ctx, req)
				trace = append(trace, name+" after")
				return result, err
			}
		}
	}
	e := mcpengine.New("test",
		mcpengine.WithMiddleware(record("first"), record("second")),
		mcpengine.WithMiddleware(record("third")))
	mcpengine.AddTool(e, "tool", "", func(context.Context, none) (string, error) {
		trace = append(trace, "handler")
		return "done", nil
	})
	post(t, e, call("tool"))
	want := []string{
		"first before tools/call", "second before tools/call", "third before tools/call",
		"handler", "third after", "second after", "first after",
	}
	if diff := cmp.Diff(want, trace); diff != "" {
		t.Errorf("order differs (-want +got):\n%s", diff)
	}
}

// What a middleware returns is what the client gets.
func TestMiddlewareReplaces(t *testing.T) {
	t.Parallel()
	type next = mcpengine.MethodHandler
	tests := []struct {
		name       string
		middleware func(next) next
		want       string
	}{
		{"result", func(next) next {
			return func(context.Context, *mcpengine.Request) (mcpengine.Result, error) {
				return mcpengine.NewResult(json.RawMessage(`{"replaced":true}`)), nil
			}
		}, `{"jsonrpc":"2.0","id":1,"result":{"replaced":true,"resultType":"complete","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"test","version":"(devel)"}}}}`},
		{"result by error", func(method next) next {
			return func(ctx context.Context, req *mcpengine.Request) (mcpengine.Result, error) {
				result, err := method(ctx, req)
				return result, errors.Join(err, mcp.Errorf(7, "not today"))
			}
		}, `{"jsonrpc":"2.0","id":1,"error":{"code":7,"message":"not today"}}`},
		{"result by hidden error", func(next) next {
			return func(context.Context, *mcpengine.Request) (mcpengine.Result, error) {
				return mcpengine.Result{}, errors.New("the password is 1234")
			}
		}, `{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"internal error"}}`},
		{"result by panic", func(next) next {
			return func(context.Context, *mcpengine.Request) (mcpengine.Result, error) { panic("out of luck") }
		}, `{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"internal error"}}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var log recorder
			e := mcpengine.New("test", mcpengine.WithMiddleware(test.middleware), mcpengine.WithLogger(log.logger()))
			give(e, "tool", "done")
			if got := post(t, e, call("tool")).response(); got != test.want {
				t.Errorf("response = %s\nwant %s", got, test.want)
			}
			if hidden := strings.Contains(test.want, "internal error"); hidden != (log.take() != "") {
				t.Errorf("logged = %t, want %t", !hidden, hidden)
			}
		})
	}
}

// A middleware sees every method, and what the innermost method says to it.
func TestMiddlewareSees(t *testing.T) {
	t.Parallel()
	var result string
	var failure error
	e := mcpengine.New("test", mcpengine.WithMiddleware(func(next mcpengine.MethodHandler) mcpengine.MethodHandler {
		return func(ctx context.Context, req *mcpengine.Request) (mcpengine.Result, error) {
			raw, err := next(ctx, req)
			result, failure = string(raw.JSON()), err
			return raw, err
		}
	}))
	give(e, "tool", "done")
	for _, test := range []struct{ message, result, failure string }{
		{call("tool"), `"text":"done"`, ""},
		{call("unknown"), "", "Unknown tool"},
		{message("tools/list", ""), `"tools":[{`, ""},
		{message("server/discover", ""), `"supportedVersions":[`, ""},
		{message("no/method", ""), "", "Method not found"},
	} {
		result, failure = "", nil
		post(t, e, test.message)
		if !strings.Contains(result, test.result) {
			t.Errorf("%s: result = %s, want it to contain %s", test.message, result, test.result)
		}
		if (failure != nil) != (test.failure != "") || failure != nil && !strings.Contains(failure.Error(), test.failure) {
			t.Errorf("%s: error = %v, want %q", test.message, failure, test.failure)
		}
	}
}

// A middleware can put a value into the context, and asks nobody.
func TestMiddlewareContext(t *testing.T) {
	t.Parallel()
	type key struct{}
	var asked error
	e := mcpengine.New("test", mcpengine.WithMiddleware(func(next mcpengine.MethodHandler) mcpengine.MethodHandler {
		return func(ctx context.Context, req *mcpengine.Request) (mcpengine.Result, error) {
			_, asked = mcpengine.ListRoots(ctx)
			return next(context.WithValue(ctx, key{}, "value"), req)
		}
	}))
	mcpengine.AddTool(e, "tool", "", func(ctx context.Context, _ none) (string, error) {
		return fmt.Sprint(ctx.Value(key{}), " for ", mcpengine.RequestFrom(ctx).Name()), nil
	})
	if got, want := post(t, e, call("tool")).response(), `"text":"value for tool"`; !strings.Contains(got, want) {
		t.Errorf("response = %s, want it to contain %s", got, want)
	}
	if asked == nil {
		t.Errorf("ListRoots in a middleware did not fail")
	}
}

// The result a middleware has seen is still the same after another call.
func TestMiddlewareKeepsResult(t *testing.T) {
	t.Parallel()
	var kept []byte
	e := mcpengine.New("test", mcpengine.WithMiddleware(func(next mcpengine.MethodHandler) mcpengine.MethodHandler {
		return func(ctx context.Context, req *mcpengine.Request) (mcpengine.Result, error) {
			first, err := next(ctx, req)
			if err != nil {
				return mcpengine.Result{}, err
			}
			text := string(first.JSON())
			if _, err := next(ctx, req); err != nil {
				return mcpengine.Result{}, err
			}
			if string(first.JSON()) != text {
				return mcpengine.Result{}, mcp.Errorf(mcp.CodeInternalError, "the first result became %s", first.JSON())
			}
			kept = first.JSON()
			return first, nil
		}
	}))
	give(e, "tool", "done")
	got := post(t, e, call("tool")).response()
	if want := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"result":%s}`, kept); got != want {
		t.Errorf("response = %s\nwant %s", got, want)
	}
}
