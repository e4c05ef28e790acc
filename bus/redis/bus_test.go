package redis_test

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/mcpengine/mcpengine/bus"
	busredis "github.com/mcpengine/mcpengine/bus/redis"
)

const patience = 30 * time.Second

// A server is a redis-server of the test's own.
type server struct {
	t       *testing.T
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
	s := &server{t: t, port: freePort(t), program: program}
	s.start()
	t.Cleanup(s.kill)
	return s
}

func (s *server) start() {
	s.t.Helper()
	//nolint:noctx // it ends with the test
	s.cmd = exec.Command(s.program, "--bind", "127.0.0.1", "--port", strconv.Itoa(s.port), "--save", "", "--dir", s.t.TempDir())
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	client := s.client()
	for deadline := time.Now().Add(patience); client.Ping(s.t.Context()).Err() != nil; {
		if time.Now().After(deadline) {
			s.t.Fatal("redis-server does not start")
		}
	}
}

func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

func (s *server) client() *redis.Client {
	client := redis.NewClient(&redis.Options{Addr: fmt.Sprintf("127.0.0.1:%d", s.port)})
	s.t.Cleanup(func() { client.Close() })
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

// A subscriber is one call of Subscribe.
type subscriber struct {
	ready    chan bool
	messages chan string
	ended    chan error
}

func subscribe(ctx context.Context, b bus.Bus) *subscriber {
	s := &subscriber{make(chan bool, 10), make(chan string, 100), make(chan error, 1)}
	go func() {
		s.ended <- b.Subscribe(ctx, func() { s.ready <- true }, func(message []byte) { s.messages <- string(message) })
	}()
	return s
}

func await[T any](t *testing.T, c <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
	}
	return v
}

func TestBus(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	one, two := busredis.New(s.client()), busredis.New(s.client())
	other := busredis.New(s.client(), busredis.WithChannel("other"))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	here, there := subscribe(ctx, one), subscribe(ctx, two)
	await(t, here.ready, "the first subscription")
	await(t, there.ready, "the second subscription")
	if err := other.Publish(ctx, []byte("elsewhere")); err != nil {
		t.Fatal(err)
	}
	for _, message := range []string{"short", strings.Repeat("x", bus.MaxMessage)} {
		if err := one.Publish(ctx, []byte(message)); err != nil {
			t.Fatal(err)
		}
		for name, sub := range map[string]*subscriber{"sender": here, "other": there} {
			if got := await(t, sub.messages, "a message"); got != message {
				t.Errorf("the %s gets %.20q (%d bytes), want %.20q (%d bytes)", name, got, len(got), message, len(message))
			}
		}
	}
	cancel()
	if err := await(t, here.ended, "the end"); err == nil {
		t.Error("Subscribe returns nil when its context ends")
	}
}

// A subscription ends when the server does, and the next one works.
func TestBusAfterRestart(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	b := busredis.New(s.client())
	first := subscribe(t.Context(), b)
	await(t, first.ready, "the subscription")
	s.kill()
	if err := await(t, first.ended, "the end"); err == nil {
		t.Error("Subscribe returns nil when the connection is lost")
	}
	if err := b.Publish(t.Context(), []byte("x")); err == nil {
		t.Error("Publish returns nil while there is no server")
	}
	if err := await(t, subscribe(t.Context(), b).ended, "a refusal"); err == nil {
		t.Error("Subscribe returns nil while there is no server")
	}
	s.start()
	second := subscribe(t.Context(), b)
	await(t, second.ready, "the second subscription")
	if len(first.ready) > 0 {
		t.Error("the first subscription has connected again by itself")
	}
	if err := b.Publish(t.Context(), []byte("again")); err != nil {
		t.Fatal(err)
	}
	if got := await(t, second.messages, "a message"); got != "again" {
		t.Errorf("the message is %q", got)
	}
}
