//go:build unix

package main

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine"
)

// stop stops the process, as a laptop that is closed does, and returns when it
// stands still.
func (b *bridgeProcess) stop() {
	b.t.Helper()
	pid := b.cmd.Process.Pid
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		b.t.Fatal(err)
	}
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(pid, &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
		b.t.Fatalf("the bridge is not stopped: %v, %v", status, err)
	}
}

func (b *bridgeProcess) resume() {
	b.t.Helper()
	if err := syscall.Kill(b.cmd.Process.Pid, syscall.SIGCONT); err != nil {
		b.t.Fatal(err)
	}
}

// serveAt serves the engine at an address until the function that is returned is
// called, which breaks all connections.
func serveAt(t *testing.T, address string, e *mcpengine.Engine) (at string, kill func()) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: e, ReadHeaderTimeout: time.Minute}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(listener) // until it is closed
	}()
	kill = func() {
		server.Close()
		<-ended
	}
	t.Cleanup(kill)
	return listener.Addr().String(), kill
}

// The bridge sleeps while requests are under way, more arrive, and the server is
// killed and started again. When it wakes up each request gets its one answer: a
// call that the server had is not made twice, and the host can go on.
func TestBridgeAsleep(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"2026-07-28", "2025-11-25"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			before, hold := newFar(t)
			address, kill := serveAt(t, "127.0.0.1:0", before)
			b := startBridge(t, setUp(t, "http://"+address+"/mcp", "--protocol", version))
			b.initialize()
			b.call("1", "hold")
			b.call("2", "hold")
			hold.wait(t, 2)

			b.stop()
			b.ask("3", "tools/list", "{}")
			b.call("4", "echo")
			kill()
			after, again := newFar(t)
			serveAt(t, address, after)
			b.resume()

			for _, id := range []string{"1", "2"} {
				if a := b.answer(id); a.Error == nil || a.Error.Data.Kind != "unreachable" {
					t.Errorf("the answer to %s is %s", id, a.raw)
				}
			}
			if a := b.answer("3"); a.Error != nil {
				t.Errorf("the list is answered with %s", a.raw)
			}
			b.answer("4") // whatever it is: the server may have had it
			b.call("5", "echo")
			b.echoed("5")
			b.end()
			if n := len(again.held); n != 0 {
				t.Errorf("%d calls were made twice", n)
			}
		})
	}
}

// The server is killed and started again while the bridge looks on.
func TestBridgeServerKilled(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"2026-07-28", "2025-11-25"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			first, hold := newFar(t)
			address, kill := serveAt(t, "127.0.0.1:0", first)
			b := startBridge(t, setUp(t, "http://"+address+"/mcp", "--protocol", version))
			b.initialize()
			b.call("1", "hold")
			hold.wait(t, 1)
			kill()
			if a := b.answer("1"); a.Error == nil || a.Error.Data.Kind != "unreachable" {
				t.Errorf("the answer is %s", a.raw)
			}
			b.ask("2", "tools/list", "{}") // finds nobody, and is patient
			second, _ := newFar(t)
			serveAt(t, address, second)
			if a := b.answer("2"); a.Error != nil {
				t.Errorf("the list is answered with %s", a.raw)
			}
			b.call("3", "echo")
			b.echoed("3")
			b.end()
		})
	}
}

// A host ends the bridge as it ends every server: it closes its input, and sends
// SIGTERM when that does not end it in time. The server is told that the call is
// cancelled, and the session ended.
func TestBridgeSignalled(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"2026-07-28", "2025-11-25"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			e := mcpengine.New("far")
			t.Cleanup(e.Close)
			started, cancelled := make(chan struct{}), make(chan struct{})
			mcpengine.AddTool(e, "wait", "", func(ctx context.Context, _ words) (string, error) {
				close(started)
				<-ctx.Done()
				close(cancelled)
				return "", ctx.Err()
			})
			var deleted atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodDelete {
					deleted.Add(1)
				}
				e.ServeHTTP(w, r)
			}))
			t.Cleanup(server.Close)
			b := startBridge(t, setUp(t, server.URL+"/mcp", "--protocol", version))
			b.initialize()
			b.call("1", "wait")
			<-started
			b.in.Close()
			if err := b.cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if a := b.answer("1"); a.Error == nil {
				t.Errorf("the call is answered with %s", a.raw)
			}
			b.end()
			<-cancelled
			if got, want := deleted.Load() > 0, version != "2026-07-28"; got != want {
				t.Errorf("the session was ended: %v, want %v", got, want)
			}
		})
	}
}
