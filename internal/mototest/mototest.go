// Package mototest starts moto, which stands in for AWS, for tests.
package mototest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// A Server is moto's server on the loopback interface.
type Server struct {
	URL string

	cmd  *exec.Cmd
	read chan struct{} // closed when its output has ended
}

// patience is how long the start may take.
const patience = 2 * time.Minute

// ErrMissing reports that moto is not installed.
var ErrMissing = errors.New("moto's server is not installed: scripts/install-python")

// Launch starts a server. The caller must call [Server.Stop].
func Launch(ctx context.Context) (*Server, error) {
	program, err := exec.LookPath("moto_server")
	if err != nil {
		return nil, ErrMissing
	}
	// It chooses the port: one that the test chose could be gone by then.
	s := &Server{cmd: exec.CommandContext(ctx, program, "-H", "127.0.0.1", "-p", "0"), read: make(chan struct{})}
	// It checks that the policy to attach exists only when it has loaded them.
	s.cmd.Env = append(os.Environ(), "MOTO_IAM_LOAD_MANAGED_POLICIES=true")
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start moto: %w", err)
	}
	address := make(chan string, 1)
	go func() {
		defer close(s.read)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			if _, found, ok := strings.Cut(lines.Text(), "Running on "); ok {
				address <- found
				break
			}
		}
		_, _ = io.Copy(io.Discard, stderr) // so that it never waits for a reader
	}()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case s.URL = <-address:
		return s, nil
	case <-s.read:
		err = errors.New("moto has ended")
	case <-timer.C:
		err = errors.New("moto does not start")
	}
	s.Stop()
	return nil, err
}

// Stop ends the server.
func (s *Server) Stop() {
	_ = s.cmd.Process.Kill()
	<-s.read
	_ = s.cmd.Wait() // it was killed, which is no news
}

// Start starts a server, ends it with the test, and returns its address. The test
// is skipped where moto is not installed.
func Start(t testing.TB) string {
	t.Helper()
	s, err := Launch(t.Context())
	if errors.Is(err, ErrMissing) {
		t.Skip("out of reach: " + err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s.URL
}
