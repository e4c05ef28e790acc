package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// patience is how long a test waits for what happens soon when all is well.
const patience = 3 * time.Minute

// A bridgeProcess is a bridge as hosts run it, and its host.
type bridgeProcess struct {
	t       *testing.T
	cmd     *exec.Cmd
	in      io.WriteCloser
	stderr  strings.Builder
	lines   chan string
	asked   []string
	answers map[string][]answer
}

// An answer is a response.
type answer struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Message string `json:"message"`
		Data    struct {
			Kind string `json:"kind"`
		} `json:"data"`
	} `json:"error"`
	raw string
}

// setUp makes a profile named far in a new folder, and returns the folder.
func setUp(t *testing.T, url string, flags ...string) (home string) {
	t.Helper()
	home = t.TempDir()
	cmd := exec.CommandContext(t.Context(), "mcpengine", append([]string{"proxy", "far", url}, flags...)...)
	cmd.Env = append(os.Environ(), "MCPENGINE_HOME="+home)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("mcpengine proxy: %v: %s", err, out)
	}
	return home
}

// startBridge starts a bridge for the profile in the folder, and makes the
// handshake.
func startBridge(t *testing.T, home string) *bridgeProcess {
	t.Helper()
	b := &bridgeProcess{t: t, lines: make(chan string, 100), answers: make(map[string][]answer)}
	b.cmd = exec.CommandContext(t.Context(), "mcpengine", "bridge", "far")
	b.cmd.Env = append(os.Environ(), "MCPENGINE_HOME="+home)
	b.cmd.Stderr = &b.stderr
	in, err := b.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := b.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := b.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	b.in = in
	go func() {
		defer close(b.lines)
		lines := bufio.NewReader(out)
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			b.lines <- line
		}
	}()
	t.Cleanup(func() {
		in.Close()
		_ = b.cmd.Process.Kill() // it has ended when all is well
		for range b.lines {
		}
	})
	return b
}

// initialize makes the handshake.
func (b *bridgeProcess) initialize() {
	b.t.Helper()
	b.ask("0", "initialize", `{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"host","version":"1"}}`)
	if a := b.answer("0"); a.Error != nil {
		b.t.Fatalf("the handshake is answered with %s", a.raw)
	}
	b.send(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
}

func (b *bridgeProcess) send(line string) {
	b.t.Helper()
	if _, err := io.WriteString(b.in, line+"\n"); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bridgeProcess) ask(id, method, params string) {
	b.t.Helper()
	b.asked = append(b.asked, id)
	b.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"method":%q,"params":%s}`, id, method, params))
}

func (b *bridgeProcess) call(id, tool string) {
	b.t.Helper()
	b.ask(id, "tools/call", fmt.Sprintf(`{"name":%q,"arguments":{"text":"text %s"}}`, tool, id))
}

// answer returns the first answer to a request.
func (b *bridgeProcess) answer(id string) answer {
	b.t.Helper()
	late := time.After(patience)
	for len(b.answers[id]) == 0 {
		select {
		case line, ok := <-b.lines:
			if !ok {
				b.t.Fatalf("the bridge has ended: %s", &b.stderr)
			}
			b.take(line)
		case <-late:
			b.t.Fatalf("no answer to %s", id)
		}
	}
	return b.answers[id][0]
}

func (b *bridgeProcess) take(line string) {
	b.t.Helper()
	a := answer{raw: line}
	if err := json.Unmarshal([]byte(line), &a); err != nil {
		b.t.Errorf("the host received %q", line)
	}
	if a.Method == "" {
		b.answers[string(a.ID)] = append(b.answers[string(a.ID)], a)
	}
}

// echoed checks that a call was answered with what it said.
func (b *bridgeProcess) echoed(id string) {
	b.t.Helper()
	if a := b.answer(id); !strings.Contains(string(a.Result), "text "+id) {
		b.t.Errorf("the answer to %s is %s", id, a.raw)
	}
}

// end closes the host's end and checks that each request was answered once.
func (b *bridgeProcess) end() {
	b.t.Helper()
	b.in.Close()
	for line := range b.lines {
		b.take(line)
	}
	if err := b.cmd.Wait(); err != nil {
		b.t.Errorf("the bridge ended with %v: %s", err, &b.stderr)
	}
	for id, all := range b.answers {
		if len(all) != 1 || !slices.Contains(b.asked, id) {
			b.t.Errorf("answers to %s: %v", id, all)
		}
	}
	if len(b.answers) != len(b.asked) {
		b.t.Errorf("%d of %d requests are answered", len(b.answers), len(b.asked))
	}
}
