package main

import (
	"context"
	"net"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine"
)

// A wire is the network between a bridge and a server.
type wire struct {
	t        *testing.T
	listener net.Listener
	target   string
	ended    sync.WaitGroup
	over     chan struct{}

	mu    sync.Mutex
	alive chan struct{} // closed when what is connected is cut off
	ends  []net.Conn
}

func newWire(t *testing.T, target string) *wire {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{t: t, listener: listener, target: target, alive: make(chan struct{}), over: make(chan struct{})}
	w.ended.Go(w.accept)
	t.Cleanup(func() {
		close(w.over)
		listener.Close()
		w.mu.Lock()
		for _, end := range w.ends {
			end.Close()
		}
		w.mu.Unlock()
		w.ended.Wait()
	})
	return w
}

func (w *wire) accept() {
	for {
		near, err := w.listener.Accept()
		if err != nil {
			return
		}
		far, err := new(net.Dialer).DialContext(context.WithoutCancel(w.t.Context()), "tcp", w.target)
		if err != nil {
			near.Close()
			continue
		}
		w.mu.Lock()
		w.ends = append(w.ends, near, far)
		alive := w.alive
		w.mu.Unlock()
		w.ended.Go(func() { w.carry(near, far, alive) })
		w.ended.Go(func() { w.carry(far, near, alive) })
	}
}

// carry hands on what one end sends, its end included.
func (w *wire) carry(to, from net.Conn, alive <-chan struct{}) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		select {
		case <-alive:
			<-w.over // neither end notices
			return
		default:
		}
		if _, writeErr := to.Write(buf[:n]); err != nil || writeErr != nil {
			to.Close()
			return
		}
	}
}

// vanish cuts off all that is connected: nothing passes any more, and nobody is
// told. What connects from now on is well.
func (w *wire) vanish() {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.alive)
	w.alive = make(chan struct{})
}

// A holder is a tool that holds its calls.
type holder struct{ held, release chan struct{} }

func addHold(e *mcpengine.Engine) holder {
	h := holder{held: make(chan struct{}, 100), release: make(chan struct{}, 100)}
	mcpengine.AddTool(e, "hold", "", func(ctx context.Context, in words) (string, error) {
		h.held <- struct{}{}
		select {
		case <-h.release:
		case <-ctx.Done():
		}
		return in.Text, nil
	})
	return h
}

// wait returns when n more calls are held.
func (h holder) wait(t *testing.T, n int) {
	t.Helper()
	late := time.After(patience)
	for range n {
		select {
		case <-h.held:
		case <-late:
			t.Fatal("the call does not arrive")
		}
	}
}

func newFar(t *testing.T) (*mcpengine.Engine, holder) {
	t.Helper()
	e := mcpengine.New("far")
	t.Cleanup(e.Close)
	mcpengine.AddTool(e, "echo", "", echo)
	return e, addHold(e)
}

// The network fails without a sign, as when a laptop moves to another: the
// calls under way fail after the time-out, and the next one does not try the
// connections that have gone with it.
func TestBridgeHalfOpen(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"2026-07-28", "2025-11-25"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			e, hold := newFar(t)
			server := httptest.NewServer(e)
			t.Cleanup(server.Close)
			w := newWire(t, server.Listener.Addr().String())
			home := setUp(t, "http://"+w.listener.Addr().String()+"/mcp", "--timeout", "2s", "--protocol", version)
			b := startBridge(t, home)
			b.initialize()

			for _, id := range []string{"1", "2", "3"} { // on a connection each
				b.call(id, "hold")
			}
			hold.wait(t, 3)
			for range 3 {
				hold.release <- struct{}{}
			}
			for _, id := range []string{"1", "2", "3"} {
				b.echoed(id)
			}

			b.call("4", "hold")
			hold.wait(t, 1)
			w.vanish()
			if a := b.answer("4"); a.Error == nil || a.Error.Data.Kind != "timeout" {
				t.Errorf("the answer is %s", a.raw)
			}
			b.call("5", "echo")
			b.echoed("5")
			b.end()
		})
	}
}
