package peer_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/mcp"
)

func TestCall(t *testing.T) {
	t.Parallel()
	eachWay(t, nil, func(t *testing.T, w way) {
		c := w.connect(t, newEngine(), peer.Config{})
		if got := c.Version(); got != w.version {
			t.Errorf("Version() = %q, want %q", got, w.version)
		}
		s := c.Server()
		if !strings.Contains(string(s.Info), `"fixture"`) || s.Instructions != "Be quick." || !strings.Contains(string(s.Capabilities), `"tools"`) {
			t.Errorf("Server() = %s, %s, %q", s.Info, s.Capabilities, s.Instructions)
		}
		result, err := c.Call(t.Context(), callTool("weather", `{"city":"Tokyo"}`))
		if err != nil {
			t.Fatal(err)
		}
		if got := text(t, result); got != "sunny in Tokyo" {
			t.Errorf("weather = %q", got)
		}
		_, err = c.Call(t.Context(), peer.Call{Method: "no/such"})
		if rpcErr, ok := errors.AsType[*jsonrpc.Error](err); !ok || rpcErr.Code != mcp.CodeMethodNotFound {
			t.Errorf("no/such: %v, want -32601", err)
		}
		if _, err := c.Call(t.Context(), callTool("weather", `{"city":"Oslo"}`)); err != nil {
			t.Errorf("after an error: %v", err)
		}
	})
}

// Progress has the caller's token, and arrives in order and before the result,
// even if two callers use the same token.
func TestProgress(t *testing.T) {
	t.Parallel()
	eachWay(t, nil, func(t *testing.T, w way) {
		c := w.connect(t, newEngine(), peer.Config{})
		done := make(chan []string)
		for range 2 {
			go func() {
				var got []string
				call := callTool("climb", `{}`)
				call.Params = jsonrpc.SetMeta(call.Params, "progressToken", []byte(`"mine"`))
				call.OnNotification = func(n jsonrpc.Notification) { got = append(got, n.Method+" "+string(n.Params)) }
				if _, err := c.Call(t.Context(), call); err != nil {
					t.Error(err)
				}
				done <- got
			}()
		}
		for range 2 {
			got := <-done
			if len(got) != 3 {
				t.Fatalf("got %d notifications, want 3: %q", len(got), got)
			}
			if !strings.Contains(got[2], `"progressToken":"mine"`) || !strings.Contains(got[2], `"progress":3`) {
				t.Errorf("the last notification is %s", got[2])
			}
		}
	})
}

// The server's log messages during the only call arrive before the result, even
// if they do not say which call they belong to.
func TestLogOfACall(t *testing.T) {
	t.Parallel()
	eachWay(t, nil, func(t *testing.T, w way) {
		e := newEngine()
		mcpengine.AddTool(e, "note", "", func(ctx context.Context, _ none) (string, error) {
			mcpengine.Log(ctx, "warning", "test", "noted")
			return "", nil
		})
		c := w.connect(t, e, peer.Config{OnNotification: func(jsonrpc.Notification) {}})
		for range 20 {
			var got []string
			call := callTool("note", `{}`)
			call.Params = jsonrpc.SetMeta(call.Params, "io.modelcontextprotocol/logLevel", []byte(`"info"`))
			call.OnNotification = func(n jsonrpc.Notification) { got = append(got, n.Method) }
			if _, err := c.Call(t.Context(), call); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, []string{"notifications/message"}) {
				t.Fatalf("got %q before the result, want the log message", got)
			}
		}
	})
}

// When the context of a call ends, the server is told of the cancellation, and
// Call returns the cause.
func TestCancel(t *testing.T) {
	t.Parallel()
	eachWay(t, nil, func(t *testing.T, w way) {
		e := newEngine()
		started, ended := addWait(e)
		c := w.connect(t, e, peer.Config{})
		ctx, cancel := context.WithCancelCause(t.Context())
		reason := errors.New("enough")
		go func() {
			<-started
			cancel(reason)
		}()
		_, err := c.Call(ctx, callTool("wait", `{}`))
		if !errors.Is(err, reason) {
			t.Errorf("Call: %v, want %v", err, reason)
		}
		<-ended
		if _, err := c.Call(t.Context(), callTool("weather", `{"city":"Oslo"}`)); err != nil {
			t.Errorf("after a cancelled call: %v", err)
		}
	})
}

// Close ends the calls under way.
func TestClose(t *testing.T) {
	t.Parallel()
	eachWay(t, nil, func(t *testing.T, w way) {
		e := newEngine()
		started, ended := addWait(e)
		c := w.connect(t, e, peer.Config{})
		result := make(chan error)
		go func() {
			_, err := c.Call(context.WithoutCancel(t.Context()), callTool("wait", `{}`))
			result <- err
		}()
		<-started
		c.Close()
		if err := <-result; !errors.Is(err, peer.ErrClosed) {
			t.Errorf("Call: %v, want %v", err, peer.ErrClosed)
		}
		<-ended
		if _, err := c.Call(t.Context(), callTool("weather", `{}`)); !errors.Is(err, peer.ErrClosed) {
			t.Errorf("Call after Close: %v, want %v", err, peer.ErrClosed)
		}
		c.Close()
	})
}

// A server of a handshake version asks while it answers.
func TestAsked(t *testing.T) {
	t.Parallel()
	eachWay(t, func(w way) bool { return isHandshake(w.version) && w.version >= "2025-06-18" }, func(t *testing.T, w way) {
		config := peer.Config{Capabilities: []byte(`{"elicitation":{}}`)}
		config.OnRequest = func(_ context.Context, method string, params []byte) ([]byte, error) {
			if method != "elicitation/create" || !strings.Contains(string(params), "Who?") {
				t.Errorf("asked for %s %s", method, params)
			}
			return []byte(`{"action":"accept","content":{"name":"Ada"}}`), nil
		}
		c := w.connect(t, newEngine(), config)
		result, err := c.Call(t.Context(), callTool("ask", `{}`))
		if err != nil {
			t.Fatal(err)
		}
		if got := text(t, result); got != "hello Ada" {
			t.Errorf("ask = %q", got)
		}
		call := callTool("ask", `{}`)
		call.OnRequest = func(context.Context, string, []byte) ([]byte, error) {
			return []byte(`{"action":"accept","content":{"name":"Grace"}}`), nil
		}
		if result, err = c.Call(t.Context(), call); err != nil {
			t.Fatal(err)
		}
		if got := text(t, result); got != "hello Grace" {
			t.Errorf("ask = %q", got)
		}
	})
}

// A notification that belongs to no call goes to the owner of the connection.
func TestUnrelated(t *testing.T) {
	t.Parallel()
	eachWay(t, func(w way) bool { return isHandshake(w.version) }, func(t *testing.T, w way) {
		received := make(chan string, 1000)
		c := w.connect(t, newEngine(), peer.Config{OnNotification: func(n jsonrpc.Notification) { received <- n.Method }})
		for { // until the stream is open
			if _, err := c.Call(t.Context(), callTool("grow", `{}`)); err != nil {
				t.Fatal(err)
			}
			select {
			case got := <-received:
				if got != "notifications/tools/list_changed" {
					t.Errorf("received %s", got)
				}
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	})
}

// A subscription's notifications belong to the call that opened it.
func TestListen(t *testing.T) {
	t.Parallel()
	eachWay(t, func(w way) bool { return !isHandshake(w.version) }, func(t *testing.T, w way) {
		c := w.connect(t, newEngine(), peer.Config{})
		ctx, cancel := context.WithCancel(t.Context())
		received := make(chan string)
		ended := make(chan error)
		go func() {
			_, err := c.Call(ctx, peer.Call{
				Method: "subscriptions/listen", Params: []byte(`{"notifications":{"toolsListChanged":true}}`),
				OnNotification: func(n jsonrpc.Notification) { received <- n.Method },
			})
			ended <- err
		}()
		got := []string{<-received}
		if _, err := c.Call(t.Context(), callTool("grow", `{}`)); err != nil {
			t.Fatal(err)
		}
		got = append(got, <-received)
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("listen ended with %v", err)
		}
		want := []string{"notifications/subscriptions/acknowledged", "notifications/tools/list_changed"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("received (-want +got):\n%s", diff)
		}
	})
}

// By default a server of all versions is spoken to in the latest.
func TestStateless(t *testing.T) {
	t.Parallel()
	eachWay(t, func(w way) bool { return w.version == "2025-11-25" }, func(t *testing.T, w way) {
		w.version = ""
		c, err := w.dial(t, newEngine(), peer.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		want := "2026-07-28"
		if strings.HasPrefix(w.name, "sse") {
			want = "2025-11-25"
		}
		if got := c.Version(); got != want {
			t.Errorf("Version() = %s, want %s", got, want)
		}
	})
}

func TestMirror(t *testing.T) {
	t.Parallel()
	c := ways()[0].connect(t, newEngine(), peer.Config{})
	mirror, err := peer.ParseMirror([]byte(`{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	call := callTool("weather", `{"city":"Köln","region":" west "}`)
	_, err = c.Call(t.Context(), call)
	if rpcErr, ok := errors.AsType[*jsonrpc.Error](err); !ok || rpcErr.Code != mcp.CodeHeaderMismatch {
		t.Errorf("without the field: %v, want -32020", err)
	}
	call.Mirror = mirror
	if _, err := c.Call(t.Context(), call); err != nil {
		t.Errorf("with the field: %v", err)
	}
}
