package mcpengine_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/internal/lambda"
)

// leaving is an engine whose handlers end their goroutine, as t.FailNow does.
func leaving(opts ...mcpengine.Option) *mcpengine.Engine {
	e := mcpengine.New("test", append(opts, quiet())...)
	leave := func(context.Context, none) (string, error) {
		runtime.Goexit()
		return "", nil
	}
	type id struct {
		ID string `json:"id"`
	}
	mcpengine.AddTool(e, "leave", "", leave)
	mcpengine.AddPrompt(e, "leave", "", leave)
	mcpengine.AddResource(e, "leave:now", "", leave)
	mcpengine.AddResource(e, "leave:{id}", "", func(context.Context, id) (string, error) { return "", nil },
		mcpengine.WithCompletion("id", func(context.Context, string, map[string]string) ([]string, error) {
			runtime.Goexit()
			return nil, nil
		}))
	mcpengine.AddTool(e, "stay", "", func(context.Context, none) (string, error) { return "still here", nil })
	mcpengine.AddTool(e, "report", "", func(ctx context.Context, _ none) (string, error) {
		mcpengine.Progress(ctx, 1, 2, "half")
		runtime.Goexit()
		return "", nil
	})
	return e
}

const internal = `"error":{"code":-32603,"message":"internal error"}`

// A handler that ends its goroutine is answered like one that panics, over every
// transport, and what comes after is answered as well.
func TestHandlerEndsItsGoroutine(t *testing.T) {
	t.Parallel()
	requests := []string{
		message("tools/call", `"name":"leave"`), message("prompts/get", `"name":"leave"`),
		message("resources/read", `"uri":"leave:now"`),
		message("completion/complete", `"ref":{"type":"ref/resource","uri":"leave:{id}"},"argument":{"name":"id","value":""}`),
	}
	overTCP := func(e http.Handler) func(string) string {
		server := httptest.NewServer(e)
		t.Cleanup(server.Close)
		return func(message string) string {
			resp, err := server.Client().Do(newRequest(t.Context(), server.URL, message))
			if err != nil {
				return err.Error()
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				return err.Error()
			}
			return string(body)
		}
	}
	stdio := serveStdio(t, leaving())
	adapter := lambda.New(leaving(), lambda.Config{})
	for transport, send := range map[string]func(string) string{
		"HTTP":  overTCP(leaving()),
		"stdio": func(message string) string { m := stdio(message); return m[len(m)-1] },
		"Lambda": func(message string) string {
			r := newRequest(t.Context(), "https://x.lambda-url.eu-west-1.on.aws/mcp", message)
			fields := ""
			for name := range r.Header {
				fields += fmt.Sprintf(`%q:%q,`, strings.ToLower(name), r.Header.Get(name))
			}
			event := fmt.Sprintf(`{"version":"2.0","rawPath":"/mcp","headers":{%s"host":"x.lambda-url.eu-west-1.on.aws"},"requestContext":{"requestId":"r","http":{"method":"POST","path":"/mcp"}},"body":%q}`, fields, message)
			answer, err := adapter.Invoke(t.Context(), []byte(event))
			if err != nil {
				return err.Error()
			}
			return strings.ReplaceAll(string(answer), `\"`, `"`)
		},
	} {
		for _, request := range requests {
			if got := send(request); !strings.Contains(got, `"id":1`) || !strings.Contains(got, internal) {
				t.Errorf("%s over %s = %s", request, transport, got)
			}
		}
		if got := send(call("stay")); !strings.Contains(got, "still here") {
			t.Errorf("the call after it over %s = %s", transport, got)
		}
	}
	// After progress the answer is the last event.
	got := overTCP(leaving())(strings.Replace(message("tools/call", `"name":"report"`), `"_meta":{`, `"_meta":{"progressToken":1,`, 1))
	if !strings.Contains(got, internal) && !strings.Contains(got, "EOF") {
		t.Errorf("after progress: %s", got)
	}
}

// A middleware ends every request.
func TestMiddlewareEndsItsGoroutine(t *testing.T) {
	t.Parallel()
	e := leaving(mcpengine.WithMiddleware(func(mcpengine.MethodHandler) mcpengine.MethodHandler {
		return func(context.Context, *mcpengine.Request) (mcpengine.Result, error) {
			runtime.Goexit()
			return mcpengine.Result{}, nil
		}
	}))
	stdio := serveStdio(t, e)
	for range 2 {
		if got := stdio(message("tools/list", ""))[0]; !strings.Contains(got, internal) {
			t.Errorf("tools/list = %s", got)
		}
	}
	server := httptest.NewServer(e)
	defer server.Close()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := newRequest(t.Context(), server.URL, message("tools/list", "")).Write(conn); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || !strings.Contains(string(body), internal) {
		t.Errorf("over one connection: %s, %v", body, err)
	}
}
