package peer_test

import (
	"regexp"
	"runtime"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/peer"
)

// ours matches goroutines that a connection could leak: its own and the goroutines of
// its HTTP client's connections.
var ours = regexp.MustCompile(`internal/peer\.|net/http\.\(\*persistConn\)`)

// Close leaves no goroutine, whatever the connection was used for.
func TestNoLeak(t *testing.T) {
	for _, w := range ways() {
		e := newEngine()
		started, _ := addWait(e)
		config := peer.Config{OnNotification: func(jsonrpc.Notification) {}}
		c := w.connect(t, e, config)
		call := callTool("climb", `{}`)
		call.Params = jsonrpc.SetMeta(call.Params, "progressToken", []byte(`1`))
		call.OnNotification = func(jsonrpc.Notification) {}
		if _, err := c.Call(t.Context(), call); err != nil {
			t.Errorf("%s: %v", w.name, err)
		}
		left := make(chan struct{})
		go func() {
			defer close(left)
			_, _ = c.Call(t.Context(), callTool("wait", `{}`)) // it ends with the connection
		}()
		<-started
		c.Close()
		<-left
		for end := time.Now().Add(time.Minute); ; runtime.Gosched() {
			stacks := make([]byte, 1<<20)
			stacks = stacks[:runtime.Stack(stacks, true)]
			if !ours.Match(stacks) {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("%s leaves goroutines:\n%s", w.name, stacks)
			}
		}
	}
}
