package mcpengine_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/mcpengine/mcpengine"
)

// A bubble does not end while a goroutine is left in it: whatever a request
// starts has ended when it is answered, and subscriptions end with their
// clients.
func TestNoGoroutineLeaks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := askFixture(quiet())
		mcpengine.AddTool(e, "notify", "", func(ctx context.Context, _ none) (string, error) {
			mcpengine.Progress(ctx, 1, 2, "")
			return "done", nil
		})
		mcpengine.AddTool(e, "panic", "", func(context.Context, none) (string, error) { panic("out of luck") })
		messages := []string{
			call("idle"), call("login"), call("notify"), call("panic"), call("unknown"),
			message("tools/list", ""), message("prompts/get", `"name":"login"`), message("resources/read", `"uri":"ask://login"`),
			`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"notify","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"progressToken":1}}}`,
			"not JSON",
		}
		var wait sync.WaitGroup
		for range 10 {
			wait.Go(func() {
				for i := range 100 {
					post(t, e, messages[i%len(messages)])
				}
			})
		}
		for range 10 {
			wait.Go(func() {
				s := openStream(t, e, listen("1", `{"toolsListChanged":true}`))
				s.next()
				s.leave()
			})
		}
		wait.Wait()
	})
}
