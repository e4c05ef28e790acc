//go:build unix

package peer_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/peer"
)

// The test program is the server, too, when this names how it behaves.
const behaviour = "PEER_TEST_SERVER"

func TestMain(m *testing.M) {
	switch os.Getenv(behaviour) {
	case "":
		os.Exit(m.Run()) //nolint:forbidigo // the program's main
	case "good":
		_ = newEngine().ServeStdio(context.Background(), os.Stdin, os.Stdout)
	case "touchy": // ends at an unknown method
		handshakeProcess(true)
	case "dying": // ends at the message after an unknown method
		noteStart()
		dying()
	case "counted":
		noteStart()
		handshakeProcess(true)
	case "polite": // ends when it is asked to
		asked := make(chan os.Signal, 1)
		signal.Notify(asked, syscall.SIGTERM)
		handshakeProcess(false)
		<-asked
		if err := os.WriteFile(os.Getenv("PIDS"), nil, 0o600); err != nil {
			panic(err)
		}
	case "careless": // ends with its input, and leaves a process behind
		leave()
		handshakeProcess(false)
	case "adopt":
		adopt()
	case "deaf":
		deaf()
	case "stubborn": // ends only when it is killed
		signal.Ignore(syscall.SIGTERM)
		leave()
		handshakeProcess(false)
		select {}
	}
}

// noteStart adds a line to the file that STARTS names.
func noteStart() {
	f, err := os.OpenFile(os.Getenv("STARTS"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	if _, err := fmt.Fprintln(f, os.Getpid()); err != nil {
		panic(err)
	}
}

// dying is a server that ignores server/discover and exits at the next message.
// Python programs do so when their reader thread is waiting for a line.
func dying() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var m jsonrpc.Message
		_ = m.Parse(lines.Bytes())
		switch {
		case m.Method == "server/discover":
			lines.Scan()
			return
		case m.Method == "initialize":
			answer(os.Stdout, string(m.ID), initialized)
		case m.ID != nil:
			answer(os.Stdout, string(m.ID), fmt.Sprintf(`{"pid":%d}`, os.Getpid()))
		}
	}
}

// leave starts a process that outlives the server.
func leave() {
	child := exec.Command("sleep", "1000") //nolint:noctx // it is to be orphaned
	child.Stdout = os.Stdout               // which keeps it open
	if err := child.Start(); err != nil {
		panic(err)
	}
	pids := fmt.Sprintln(os.Getpid(), child.Process.Pid)
	if err := os.WriteFile(os.Getenv("PIDS"), []byte(pids), 0o600); err != nil {
		panic(err)
	}
}

// handshakeProcess is a server of a handshake version that answers every
// request with its process id.
func handshakeProcess(touchy bool) {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var m jsonrpc.Message
		_ = m.Parse(lines.Bytes())
		switch {
		case m.Method == "initialize":
			answer(os.Stdout, string(m.ID), initialized)
		case m.Method == "server/discover" && touchy, m.Method == "end":
			os.Exit(3) //nolint:forbidigo // a program of its own
		case m.ID != nil && m.Method != "server/discover":
			answer(os.Stdout, string(m.ID), fmt.Sprintf(`{"pid":%d}`, os.Getpid()))
		case m.ID != nil:
			fmt.Fprintf(os.Stdout, `{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"no"}}`+"\n", m.ID)
		}
	}
}

func startSelf(t *testing.T, how string, config peer.Config, env ...string) *peer.Conn {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := peer.Command{Path: self, Env: append(os.Environ(), append(env, behaviour+"="+how)...), Stderr: t.Output()}
	c, err := peer.Start(t.Context(), command, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestCommand(t *testing.T) {
	t.Parallel()
	c := startSelf(t, "good", peer.Config{})
	result, err := c.Call(t.Context(), callTool("weather", `{"city":"Tokyo"}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := text(t, result); got != "sunny in Tokyo" || c.Version() != "2026-07-28" {
		t.Errorf("weather = %q on %s", got, c.Version())
	}
}

// A server that ends at a message before the handshake is started again for the
// handshake, and one that ends later by the next call.
func TestRestart(t *testing.T) {
	t.Parallel()
	c := startSelf(t, "touchy", peer.Config{})
	first, err := c.Call(t.Context(), peer.Call{Method: "pid"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Call(t.Context(), peer.Call{Method: "end"})
	if kind(err) != "unreachable" || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("end: %v", err)
	}
	second, err := c.Call(t.Context(), peer.Call{Method: "pid"})
	if err != nil {
		t.Fatal(err)
	}
	if string(first) == string(second) {
		t.Errorf("the same process answered: %s", second)
	}
}

// A program that exits at server/discover is started once more. Later connections
// with the same cache key begin with the handshake.
func TestDiesOfDiscovery(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, how := range []string{"counted", "dying"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			file, cache := filepath.Join(t.TempDir(), "starts"), &peer.MemoryCache{}
			command := peer.Command{Path: self, Key: "command:x", Stderr: t.Output(), Env: append(os.Environ(), behaviour+"="+how, "STARTS="+file)}
			for _, want := range []int{2, 3} {
				c, err := peer.Start(t.Context(), command, peer.Config{Cache: cache, ProbeTimeout: 200 * time.Millisecond})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := c.Call(t.Context(), peer.Call{Method: "pid"}); err != nil {
					t.Error(err)
				}
				c.Close()
				starts, err := os.ReadFile(file)
				if err != nil || strings.Count(string(starts), "\n") != want {
					t.Errorf("started %d times, want %d (%v)", strings.Count(string(starts), "\n"), want, err)
				}
			}
			if known, _ := cache.Load("command:x"); known.Version != "2025-06-18" {
				t.Errorf("remembered %v", known)
			}
		})
	}
}

func TestNoSuchCommand(t *testing.T) {
	t.Parallel()
	_, err := peer.Start(t.Context(), peer.Command{Path: "/no/such/program"}, peer.Config{})
	if kind(err) != "unreachable" {
		t.Errorf("Start: %v", err)
	}
}

// An unknown version is an error.
func TestUnknownVersion(t *testing.T) {
	t.Parallel()
	config := peer.Config{Versions: []string{"2099-01-01"}}
	in, out := io.Pipe()
	_, err := peer.Attach(t.Context(), in, out, config)
	if kind(err) != "protocol" {
		t.Errorf("Attach: %v", err)
	}
	_, err = peer.Dial(t.Context(), "http://127.0.0.1:1/mcp", config)
	if kind(err) != "protocol" {
		t.Errorf("Dial: %v", err)
	}
}

// A server is asked to end before it is killed.
func TestPolite(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "asked")
	c := startSelf(t, "polite", peer.Config{CloseTimeout: 200 * time.Millisecond}, "PIDS="+file)
	if _, err := c.Call(t.Context(), peer.Call{Method: "pid"}); err != nil {
		t.Fatal(err)
	}
	c.Close()
	if _, err := os.Stat(file); err != nil {
		t.Errorf("the server was not asked to end: %v", err)
	}
}

// Neither a server that ignores everything nor what it has started outlives the
// connection.
func TestOrphans(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"careless", "stubborn"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			testOrphans(t, how)
		})
	}
}

func testOrphans(t *testing.T, how string) {
	file := filepath.Join(t.TempDir(), "pids")
	c := startSelf(t, how, peer.Config{CloseTimeout: 100 * time.Millisecond}, "PIDS="+file)
	if _, err := c.Call(t.Context(), peer.Call{Method: "pid"}); err != nil {
		t.Fatal(err)
	}
	c.Close()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for word := range strings.FieldsSeq(string(data)) {
		pid, err := strconv.Atoi(word)
		if err != nil {
			t.Fatal(err)
		}
		// It takes a moment to be killed, and a grandchild cannot be waited for.
		for end := time.Now().Add(time.Minute); isRunning(pid); {
			if time.Now().After(end) {
				t.Fatalf("process %d is still there", pid)
			}
			runtime.Gosched()
		}
	}
}

// isRunning reports whether the process exists and is not a zombie, for which
// only the machine's init can wait.
func isRunning(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}
