package streamable_test

import (
	"context"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/share"
	"github.com/mcpengine/mcpengine/internal/streamable"
	"github.com/mcpengine/mcpengine/mcp"
)

// A caller gets half of all slots for requests. Its further requests are
// refused before they are read. Requests of other callers, and subscriptions,
// are not.
func TestCallsAreShared(t *testing.T) {
	t.Parallel()
	const most = share.Calls / 2
	entered, leave := make(chan bool), make(chan struct{})
	c := config()
	c.Owner = func(ctx context.Context) string {
		user, _ := ctx.Value(userKey{}).(string)
		return user
	}
	s := streamable.New(handlerFunc(func(ctx context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
		entered <- true
		<-leave
		return complete(ctx, req, notify)
	}), c)
	var wg sync.WaitGroup
	begin := func(user, address, message string) {
		wg.Go(func() {
			r := newRequest(context.WithValue(t.Context(), userKey{}, user), message)
			r.RemoteAddr = address
			if strings.Contains(message, "listen") {
				r.Header.Set("Mcp-Method", "subscriptions/listen")
			}
			if w := serve(s, r); w.Code != http.StatusOK {
				t.Errorf("%s %s: HTTP %d %s", user, address, w.Code, w.Body)
			}
		})
		<-entered
	}
	for range most {
		begin("", "192.0.2.1:1000", call)
	}
	r := newRequest(t.Context(), call)
	r.RemoteAddr = "192.0.2.1:2000"
	w := serve(s, r)
	wantError(t, w, http.StatusTooManyRequests, mcp.CodeRateLimited, "too many requests")
	if w.Header().Get("Retry-After") == "" {
		t.Error("the refusal does not say when to come back")
	}
	begin("", "192.0.2.2:1000", call)
	begin("ann", "192.0.2.1:1000", call)
	close(leave)
	wg.Wait()

	leave = make(chan struct{})
	for range most + 1 {
		begin("", "192.0.2.1:1000", strings.Replace(call, "tools/call", "subscriptions/listen", 1))
	}
	begin("", "192.0.2.1:1000", call)
	close(leave)
	wg.Wait()
}

type userKey struct{}

// A handler that ends its goroutine is answered, and so is the next request.
func TestGoexit(t *testing.T) {
	t.Parallel()
	for _, notifies := range []bool{false, true} {
		ends := true
		server := listen(t, newServer(func(ctx context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
			if notifies {
				notify(progress(1))
			}
			if ends {
				runtime.Goexit()
			}
			return complete(ctx, req, notify)
		}))
		for _, want := range []string{"internal error", completed} {
			resp, err := post(t.Context(), server, strings.NewReader(call))
			if err != nil {
				t.Fatal(err)
			}
			body := make([]byte, 1<<10)
			n := 0
			for n < len(body) && !strings.Contains(string(body[:n]), want) {
				m, err := resp.Body.Read(body[n:])
				if n += m; err != nil {
					break
				}
			}
			if got := string(body[:n]); !strings.Contains(got, want) || !strings.Contains(got, `"id":1`) {
				t.Errorf("notifies %t: the answer is %q, want %s", notifies, got, want)
			}
			resp.Body.Close()
			ends = false
		}
	}
}
