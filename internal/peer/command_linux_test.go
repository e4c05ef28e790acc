package peer_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/internal/peer"
)

// adopt starts a server that ignores everything, prints its process id, and
// waits to be killed.
func adopt() {
	env := []string{behaviour + "=deaf"}
	c, err := peer.Start(context.Background(), peer.Command{Path: os.Args[0], Env: env, Stderr: os.Stderr}, peer.Config{})
	if err != nil {
		panic(err)
	}
	pid, err := c.Call(context.Background(), peer.Call{Method: "pid"})
	fmt.Fprintln(os.Stdout, string(pid), err)
	never := make(chan os.Signal, 1)
	signal.Notify(never, syscall.SIGUSR1)
	<-never
}

// deaf is a server that does not end with its input, nor when it is asked to.
func deaf() {
	ignored := make(chan os.Signal, 1)
	signal.Notify(ignored, syscall.SIGTERM)
	handshakeProcess(false)
	for range ignored {
	}
}

// A server does not outlive a killed program, which cannot close its
// connections.
func TestKilledParent(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// While the server is alive, it holds the other end of the pipe open.
	alive, inherited, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer alive.Close()
	parent := exec.CommandContext(t.Context(), self)
	parent.Env = append(os.Environ(), behaviour+"=adopt")
	parent.Stderr = inherited
	stdout, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	inherited.Close()
	var pid int
	if _, err := fmt.Fscanf(stdout, `{"pid":%d} <nil>`, &pid); err != nil {
		t.Errorf("what the parent says: %v", err)
	}
	_ = parent.Process.Kill()
	_ = parent.Wait() // it was killed
	if err := alive.SetReadDeadline(time.Now().Add(3 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(alive); err != nil {
		t.Errorf("the server is still there: %v, %s", err, rest)
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// The threads of a program come and go. A server is not killed with the one that
// happened to start it.
func TestEndedThread(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var c *peer.Conn
	var first []byte
	var ended sync.WaitGroup
	ended.Go(func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with this
		env := append(os.Environ(), behaviour+"=touchy")
		if c, err = peer.Start(t.Context(), peer.Command{Path: self, Env: env}, peer.Config{}); err != nil {
			return
		}
		first, err = c.Call(t.Context(), peer.Call{Method: "pid"})
	})
	ended.Wait()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	again, err := c.Call(t.Context(), peer.Call{Method: "pid"})
	if err != nil || string(again) != string(first) {
		t.Errorf("the server was %s and is %s, %v", first, again, err)
	}
	if !strings.HasPrefix(string(first), `{"pid":`) {
		t.Errorf("the server says %s", first)
	}
}
