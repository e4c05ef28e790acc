package mcpengine_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/mcp"
)

// A handler that returns a result although it has asked something never gets an
// answer. The log says so, once for each feature.
func TestUnaskedQuestion(t *testing.T) {
	t.Parallel()
	var log recorder
	e := mcpengine.New("test", mcpengine.WithKeys(make([]byte, 32)), mcpengine.WithLogger(log.logger()))
	forget := func(ctx context.Context) string {
		in, _ := mcpengine.Elicit[login](ctx, "Who?")
		return "hello " + in.User
	}
	mcpengine.AddTool(e, "forget", "", func(ctx context.Context, _ none) (string, error) { return forget(ctx), nil })
	mcpengine.AddResource(e, "file:///{topic}", "", func(ctx context.Context, _ topic) (string, error) { return forget(ctx), nil })
	mcpengine.AddPrompt(e, "forget", "", func(ctx context.Context, _ none) (string, error) { return forget(ctx), nil })
	mcpengine.AddTool(e, "ask", "", func(ctx context.Context, _ none) (string, error) {
		_, err := mcpengine.Elicit[login](ctx, "Who?")
		return "", err
	})
	mcpengine.AddTool(e, "refuse", "", func(ctx context.Context, _ none) (string, error) {
		_, _ = mcpengine.Elicit[login](ctx, "Who?")
		return "", mcp.Errorf(1, "no")
	})
	for _, test := range []struct{ request, name string }{
		{call("forget"), "name=forget"},
		{call("forget"), ""},
		{message("resources/read", `"uri":"file:///a"`), "name=file:///{topic}"},
		{message("resources/read", `"uri":"file:///b"`), ""},
		{message("prompts/get", `"name":"forget"`), "name=forget"},
		{call("ask"), ""},
		{call("refuse"), ""},
	} {
		post(t, e, test.request)
		got := log.take()
		if logged := strings.Contains(got, "was not sent"); logged != (test.name != "") || !strings.Contains(got, test.name) {
			t.Errorf("%s: logged %s, want %q", test.request, fmt.Sprintf("%q", got), test.name)
		}
	}
}
