package duplex_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpengine/mcpengine/internal/duplex"
)

func cancelled(id string) string {
	return `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":` + id + `}}`
}

// While all slots for calls are taken, lists and pings are still answered, and
// a cancellation frees a slot.
func TestBlockedCallsBlockNothingElse(t *testing.T) {
	const limit = 3
	for _, method := range []string{
		"ping", "initialize", "server/discover", "tools/list", "prompts/list", "resources/list", "resources/templates/list",
		"logging/setLevel", "resources/subscribe", "resources/unsubscribe", "tasks/get", "tasks/cancel", "tasks/update",
	} {
		t.Run(method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, out := newHost(), &output{}
				c := duplex.New(h, out, duplex.Config{MaxConcurrent: limit})
				for i := range 2 * limit {
					receive(t, c, request(strconv.Itoa(i), "wait"))
				}
				out.wants(t)
				receive(t, c, request("100", method))
				out.wants(t, result("100"))
				h.noted()

				receive(t, c, cancelled("0"), cancelled("5")) // one runs, the other waits
				if got, want := h.noted(), []string{"cause the client cancelled the request", "handle wait"}; !slices.Equal(got, want) {
					t.Errorf("noted %q, want %q", got, want)
				}
				close(h.release)
				synctest.Wait()
				if got := len(out.lines); got != 2*limit-2 {
					t.Errorf("%d answers, want %d", got, 2*limit-2)
				}
				c.Close(t.Context(), 0)
			})
		})
	}
}

// When the queue is full and no request has ended for a while, further requests
// are refused, each with its id. Messages that free a slot are still read.
func TestFullQueueRefuses(t *testing.T) {
	for name, padding := range map[string]int{"by number": 0, "by size": 1 << 20} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, out := newHost(), &output{}
				c := duplex.New(h, out, duplex.Config{MaxConcurrent: 1})
				text := func(id int) string {
					return fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"wait","params":{%s}}`, id, strings.Repeat(" ", padding))
				}
				start, last := time.Now(), 0
				for len(out.lines) == 0 && last < 5000 {
					receive(t, c, text(last))
					last++
					synctest.Wait()
				}
				want := 1025
				if padding > 0 {
					want = 16 // of a little more than 1 MiB, of which 16 MiB may wait
				}
				if last-1 != want || time.Since(start) != time.Second {
					t.Errorf("request %d is refused after %v, want %d and 1s", last-1, time.Since(start), want)
				}
				if len(out.lines) == 1 && !strings.HasPrefix(out.lines[0], fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"error":{"code":-32603`, want)) {
					t.Errorf("the refusal is %s", out.lines[0])
				}
				start, out.lines = time.Now(), nil
				receive(t, c, text(last), text(last+1))
				synctest.Wait()
				if len(out.lines) != 2 || time.Since(start) != 0 {
					t.Errorf("%d of 2 are refused after %v, want both at once", len(out.lines), time.Since(start))
				}
				out.lines = nil
				receive(t, c, cancelled("0"), request("9999", "ping"))
				out.wants(t, result("9999"))
				receive(t, c, text(last+2)) // finds room
				close(h.release)
				synctest.Wait()
				if got := len(out.lines); got != want {
					t.Errorf("%d answers, want %d", got, want)
				}
				c.Close(t.Context(), 0)
			})
		})
	}
}
