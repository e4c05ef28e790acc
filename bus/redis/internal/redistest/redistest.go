// Package redistest starts a Redis for a test.
package redistest

import (
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// patience is how long the server may take to start.
const patience = 30 * time.Second

// A Server is a redis-server of the test's own.
type Server struct {
	port    int
	program string
	cmd     *exec.Cmd
}

// New starts a server, which ends with the test. The test is skipped when Redis is
// not installed.
func New(t *testing.T) *Server {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("out of reach: Redis is not installed (scripts/install-redis)")
	}
	s := &Server{port: freePort(t), program: program}
	s.Start(t)
	t.Cleanup(s.Kill)
	return s
}

// Start starts the server again.
func (s *Server) Start(t *testing.T) {
	t.Helper()
	//nolint:noctx // it ends with the test
	s.cmd = exec.Command(s.program, "--bind", "127.0.0.1", "--port", strconv.Itoa(s.port), "--save", "", "--dir", t.TempDir())
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	client := s.Client(t)
	for deadline := time.Now().Add(patience); client.Ping(t.Context()).Err() != nil; {
		if time.Now().After(deadline) {
			t.Fatal("redis-server does not start")
		}
	}
}

// Kill ends the server.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// Client returns a client of the server.
func (s *Server) Client(t *testing.T) *redis.Client {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: fmt.Sprintf("127.0.0.1:%d", s.port)})
	t.Cleanup(func() { client.Close() })
	return client
}

func freePort(t *testing.T) int {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}
