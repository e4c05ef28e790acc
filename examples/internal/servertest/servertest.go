// Package servertest runs an example as a process of its own and calls it over
// HTTP, as its users do.
package servertest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/client"
)

// Program returns the path of a program that testscript.Main has installed: the
// test binary itself, so that the race detector watches the server too.
func Program(t testing.TB, name string) string {
	t.Helper()
	file, err := exec.LookPath(name)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// A Process is a server that runs.
type Process struct {
	URL string // without a path

	log safeBuffer
}

// Log is what the server has written to standard error.
func (p *Process) Log() string { return p.log.String() }

// Start starts a program with some variables, as "NAME=value", added to the
// environment, waits until it answers and ends it with the test.
func Start(t testing.TB, program string, env ...string) *Process {
	t.Helper()
	port := freePort(t)
	p := &Process{URL: "http://127.0.0.1:" + port}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, program)
	cmd.Env = append(os.Environ(), append(env, "PORT="+port)...)
	cmd.Stdout, cmd.Stderr = &p.log, &p.log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() { cancel(); <-ended })
	p.wait(t, ended)
	return p
}

// wait returns when the server answers.
func (p *Process) wait(t testing.TB, ended <-chan struct{}) {
	t.Helper()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	limit := time.After(time.Minute)
	for {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.URL+"/healthz", nil)
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
			return
		}
		select {
		case <-ticker.C:
		case <-ended:
			t.Fatalf("the server has ended:\n%s", p.Log())
		case <-limit:
			t.Fatalf("the server does not answer:\n%s", p.Log())
		}
	}
}

// Client returns a client of the server at a URL, such as [Process].URL. It sends
// the token unless that is empty.
func Client(t testing.TB, server, token string) *client.Client {
	t.Helper()
	var opts []client.Option
	if token != "" {
		opts = append(opts, client.WithHeader("Authorization", "Bearer "+token))
	}
	c, err := client.Connect(t.Context(), server+"/mcp", opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// Call calls a tool and returns the text of its result. The error is the
// server's, or the text if the tool failed.
func Call(ctx context.Context, c *client.Client, tool string, arguments map[string]any) (string, error) {
	result, err := c.CallTool(ctx, tool, arguments)
	if err != nil {
		return "", err
	}
	if result.IsError {
		return "", fmt.Errorf("%s failed: %s", tool, result.Text())
	}
	return result.Text(), nil
}

func freePort(t testing.TB) string {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// A safeBuffer is a buffer that a process writes to and a test reads.
type safeBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}
