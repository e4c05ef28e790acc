package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"time"
)

// A usage is what a server process has consumed since it started.
type usage struct {
	CPU time.Duration `json:"cpu"`
}

// serveChild is the body of a server process. It prints its address, answers
// each line on stdin with its usage, and ends with stdin. If answers is set,
// the answers to calls are prepared.
func serveChild(ctx context.Context, s rival, r row, answers bool, stdin io.Reader, stdout io.Writer) error {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	if answers {
		listener = answerer{listener}
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	served := make(chan error, 1)
	go func() { served <- serveHTTP(ctx, s.serve(r.setup), listener) }()
	fmt.Fprintln(stdout, listener.Addr())
	for lines := bufio.NewScanner(stdin); lines.Scan(); {
		cpu, err := processCPU()
		if err != nil {
			return fmt.Errorf("read own usage: %w", err)
		}
		if err := json.NewEncoder(stdout).Encode(usage{cpu}); err != nil {
			return fmt.Errorf("answer usage: %w", err)
		}
	}
	stop()
	return <-served
}

// serveHTTP serves until ctx ends: with the framework's own HTTP server, as its
// documentation says, or with net/http's if the framework has none.
func serveHTTP(ctx context.Context, h http.Handler, listener net.Listener) error {
	if framework, ok := h.(interface {
		Serve(ctx context.Context, l net.Listener) error
	}); ok {
		return framework.Serve(ctx, listener)
	}
	server := &http.Server{Handler: h}
	context.AfterFunc(ctx, func() { server.Close() })
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// childCommand runs this program again in another role, on one processor.
func childCommand(ctx context.Context, args ...string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find own executable: %w", err)
	}
	command := exec.CommandContext(ctx, self, args...)
	command.Env = append(os.Environ(), "GOMAXPROCS=1")
	command.Stderr = os.Stderr
	return command, nil
}

// A child is a running server process.
type child struct {
	address string
	command *exec.Cmd
	stdin   io.WriteCloser
	stdout  *bufio.Reader
}

// startChild starts a server in the role "serve" or "answer".
func startChild(ctx context.Context, role string, s rival, r row) (*child, error) {
	command, err := childCommand(ctx, role, s.name, r.name)
	if err != nil {
		return nil, err
	}
	stdin, err := command.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("open child's stdin: %w", err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("open child's stdout: %w", err)
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start child: %w", err)
	}
	c := &child{command: command, stdin: stdin, stdout: bufio.NewReader(stdout)}
	line, err := c.stdout.ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read child's address: %w", err), c.stop())
	}
	c.address = line[:len(line)-1]
	return c, nil
}

// usage asks the process what it has consumed.
func (c *child) usage() (usage, error) {
	if _, err := io.WriteString(c.stdin, "usage\n"); err != nil {
		return usage{}, fmt.Errorf("ask child's usage: %w", err)
	}
	line, err := c.stdout.ReadBytes('\n')
	if err != nil {
		return usage{}, fmt.Errorf("read child's usage: %w", err)
	}
	var u usage
	if err := json.Unmarshal(line, &u); err != nil {
		return usage{}, fmt.Errorf("decode child's usage: %w", err)
	}
	return u, nil
}

func (c *child) stop() error {
	closed := c.stdin.Close()
	if err := c.command.Wait(); err != nil {
		return fmt.Errorf("stop child: %w", err)
	}
	return closed
}
