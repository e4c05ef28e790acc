package oidctest

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// A ready is the process's answer to a line of its input.
type ready struct {
	Port int             `json:"port"`
	Keys json.RawMessage `json:"keys"`
}

// A process is one run of node/server.mjs.
type process struct {
	cmd    *exec.Cmd
	mu     sync.Mutex // one command at a time
	stdin  io.WriteCloser
	stdout *bufio.Reader
	stderr *strings.Builder
	end    sync.Once
}

func (p *Provider) start() {
	p.tb.Helper()
	folder := repository(p.tb)
	tools := filepath.Join(folder, ".tools", "oidc")
	if _, err := os.Stat(filepath.Join(tools, "stamp")); err != nil {
		p.tb.Skip("the OpenID provider is not installed: run scripts/install-oidc")
	}
	// It also ends with its input, so that it does not outlive a test that
	// crashed.
	cmd := exec.CommandContext(p.tb.Context(), filepath.Join(tools, "node"),
		filepath.Join(folder, "internal", "oidctest", "node", "server.mjs"), filepath.Join(tools, "node_modules"))
	p.proc = &process{cmd: cmd, stderr: &strings.Builder{}}
	cmd.Stderr = p.proc.stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		p.tb.Fatalf("oidctest: %v", err)
	}
	p.proc.stdout = bufio.NewReader(stdout)
	if p.proc.stdin, err = cmd.StdinPipe(); err != nil {
		p.tb.Fatalf("oidctest: %v", err)
	}
	if err := cmd.Start(); err != nil {
		p.tb.Fatalf("oidctest: start the provider: %v", err)
	}
	if p.ready, err = p.proc.send(p.config); err != nil {
		p.Kill()
		p.tb.Fatalf("oidctest: start the provider: %v\n%s", err, p.proc.stderr)
	}
}

func (p *Provider) command(name string) {
	p.tb.Helper()
	said, err := p.proc.send([]byte(`"` + name + `"`))
	if err != nil {
		p.tb.Fatalf("oidctest: %s: %v", name, err)
	}
	p.ready = said
}

// send writes a line and waits until it is done.
func (p *process) send(line []byte) (ready, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := p.stdin.Write(append(line, '\n')); err != nil {
		return ready{}, fmt.Errorf("write: %w", err)
	}
	said, err := p.stdout.ReadBytes('\n')
	if err != nil {
		return ready{}, fmt.Errorf("read: %w", err)
	}
	var r ready
	if err := json.Unmarshal(said, &r); err != nil {
		return ready{}, fmt.Errorf("decode %.80s: %w", said, err)
	}
	return r, nil
}

func (p *process) kill() {
	p.end.Do(func() {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait() // it was killed: the error says no more
	})
}

// repository returns the folder with the script that installs the provider. It is
// the folder of the test's module or one above.
func repository(tb testing.TB) string {
	tb.Helper()
	folder, err := os.Getwd()
	for ; err == nil; folder = filepath.Dir(folder) {
		if _, missing := os.Stat(filepath.Join(folder, "scripts", "install-oidc")); missing == nil {
			return folder
		}
		if folder == filepath.Dir(folder) {
			err = errors.New("no scripts/install-oidc in any folder above")
		}
	}
	tb.Fatalf("oidctest: find the repository: %v", err)
	return ""
}
