package redis_test

import (
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/mcpengine/mcpengine/bus"
	"github.com/mcpengine/mcpengine/bus/bustest"
	busredis "github.com/mcpengine/mcpengine/bus/redis"
)

const patience = 30 * time.Second

// A server is a redis-server of the test's own.
type server struct {
	port    int
	program string
	cmd     *exec.Cmd
}

func startServer(t *testing.T) *server {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("out of reach: Redis is not installed (scripts/install-redis)")
	}
	s := &server{port: freePort(t), program: program}
	s.start(t)
	t.Cleanup(s.kill)
	return s
}

func (s *server) start(t *testing.T) {
	t.Helper()
	//nolint:noctx // it ends with the test
	s.cmd = exec.Command(s.program, "--bind", "127.0.0.1", "--port", strconv.Itoa(s.port), "--save", "", "--dir", t.TempDir())
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	client := s.client(t)
	for deadline := time.Now().Add(patience); client.Ping(t.Context()).Err() != nil; {
		if time.Now().After(deadline) {
			t.Fatal("redis-server does not start")
		}
	}
}

func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

func (s *server) client(t *testing.T) *redis.Client {
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

func TestBus(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	bustest.Run(t, bustest.Server{
		Connect: func(t *testing.T, channel string) bus.Bus {
			return busredis.New(s.client(t), busredis.WithChannel(channel))
		},
		Stop:  func(*testing.T) { s.kill() },
		Start: s.start,
	})
}

// Without an option, replicas meet on one channel.
func TestDefaultChannel(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	client := s.client(t)
	sub := client.Subscribe(t.Context(), "mcpengine")
	t.Cleanup(func() { sub.Close() })
	if _, err := sub.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := busredis.New(client).Publish(t.Context(), []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if message, err := sub.ReceiveMessage(t.Context()); err != nil || message.Payload != "hello" {
		t.Errorf("the channel has %v, %v", message, err)
	}
}
