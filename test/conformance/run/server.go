package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"time"
)

// How long the server may take.
const (
	startTimeout = 10 * time.Second
	stopTimeout  = 15 * time.Second
)

// A server is the program under test, running.
type server struct {
	url string
	cmd *exec.Cmd
	log bytes.Buffer // complete once exited is closed

	exited chan struct{}
	err    error // of the process, once exited is closed
}

// startServer starts the program and returns when it serves. The server is
// killed when ctx ends.
func startServer(ctx context.Context, path string) (*server, error) {
	port, err := freePort(ctx)
	if err != nil {
		return nil, fmt.Errorf("find a free port: %w", err)
	}
	s := &server{url: "http://localhost:" + port, cmd: exec.CommandContext(ctx, path), exited: make(chan struct{})}
	s.cmd.Env = append(os.Environ(), "PORT="+port)
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the server, which make build builds: %w", err)
	}
	go func() {
		s.err = s.cmd.Wait()
		close(s.exited)
	}()
	if err := s.ready(ctx); err != nil {
		s.kill()
		return nil, fmt.Errorf("start %s: %w\n%s", path, err, s.log.String())
	}
	return s, nil
}

// freePort returns a port of the loopback interface that nobody listened on a
// moment ago.
func freePort(ctx context.Context) (string, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "localhost:0")
	if err != nil {
		return "", err
	}
	port := listener.Addr().(*net.TCPAddr).Port
	return strconv.Itoa(port), listener.Close()
}

// ready returns when the server answers.
func (s *server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for !s.healthy(ctx) {
		select {
		case <-poll.C:
		case <-s.exited:
			return fmt.Errorf("it ended before it served: %v", s.cmd.ProcessState)
		case <-ctx.Done():
			return fmt.Errorf("it does not answer at %s/healthz: %w", s.url, ctx.Err())
		}
	}
	return nil
}

func (s *server) healthy(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/healthz", http.NoBody)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// stop asks the server to end and waits for it. A server that does not end, or
// not in good order, is an error.
func (s *server) stop() error {
	if s.cmd.Process.Signal(os.Interrupt) != nil {
		// It has ended already, or the platform knows no such signal.
		s.kill()
		return nil
	}
	select {
	case <-s.exited:
	case <-time.After(stopTimeout):
		s.kill()
		return fmt.Errorf("the server did not end within %v", stopTimeout)
	}
	if s.err != nil {
		return fmt.Errorf("the server did not end in good order: %w", s.err)
	}
	return nil
}

func (s *server) kill() {
	_ = s.cmd.Process.Kill() // the only error is that it has ended
	<-s.exited
}
