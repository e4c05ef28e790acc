package postgres_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mcpengine/mcpengine/bus"
	"github.com/mcpengine/mcpengine/bus/postgres"
	"github.com/mcpengine/mcpengine/internal/pgtest"
)

const patience = 30 * time.Second

func newPool(t *testing.T, url string) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
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
	url := pgtest.Start(t).Database(t, "bus")
	one, two := postgres.New(newPool(t, url)), postgres.New(newPool(t, url))
	other := postgres.New(newPool(t, url), postgres.WithChannel(`the "other"`))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	here, there, elsewhere := subscribe(ctx, one), subscribe(ctx, two), subscribe(ctx, other)
	await(t, here.ready, "the first subscription")
	await(t, there.ready, "the second subscription")
	await(t, elsewhere.ready, "a subscription of another channel")
	if err := other.Publish(ctx, []byte("elsewhere")); err != nil {
		t.Fatal(err)
	}
	if got := await(t, elsewhere.messages, "a message"); got != "elsewhere" {
		t.Errorf("the other channel has %q", got)
	}
	for _, message := range []string{"", "short", strings.Repeat("x", 7900), strings.Repeat("y", 7901), strings.Repeat("z", bus.MaxMessage), "short"} {
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
	server := pgtest.Start(t)
	b := postgres.New(newPool(t, server.Database(t, "bus")))
	first := subscribe(t.Context(), b)
	await(t, first.ready, "the subscription")
	server.Stop(t)
	if err := await(t, first.ended, "the end"); err == nil {
		t.Error("Subscribe returns nil when the connection is lost")
	}
	if err := b.Publish(t.Context(), []byte("x")); err == nil {
		t.Error("Publish returns nil while there is no server")
	}
	server.Restart(t)
	var second *subscriber
	for deadline := time.Now().Add(patience); ; {
		second = subscribe(t.Context(), b)
		select {
		case <-second.ready:
		case err := <-second.ended: // a connection of the pool that is not known to be lost
			if time.Now().After(deadline) {
				t.Fatal(err)
			}
			continue
		}
		break
	}
	if err := b.Publish(t.Context(), []byte("again")); err != nil {
		t.Fatal(err)
	}
	if got := await(t, second.messages, "a message"); got != "again" {
		t.Errorf("the message is %q", got)
	}
}

// A pooler that changes sessions behind LISTEN is reported, and not taken for a
// bus on which nothing happens.
func TestBusBehindPooler(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	url := server.Database(t, "bus")
	direct := "127.0.0.1:" + strconv.Itoa(server.Port)
	b := postgres.New(newPool(t, strings.Replace(url, direct, startPooler(t, direct), 1)))
	err := await(t, subscribe(t.Context(), b).ended, "the end")
	if err == nil || !strings.Contains(err.Error(), "PgBouncer in transaction mode") {
		t.Errorf("Subscribe = %v, want an error that names PgBouncer", err)
	}
}

// startPooler starts a stand-in for a pooler, which loses notifications because
// they arrive at a session that its client does not have any more.
func startPooler(t *testing.T, server string) (address string) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			upstream, err := new(net.Dialer).DialContext(t.Context(), "tcp", server)
			if err != nil {
				client.Close()
				return
			}
			go func() {
				defer upstream.Close()
				_, _ = io.Copy(upstream, client)
			}()
			go func() {
				defer client.Close()
				_ = copyWithoutNotifications(client, upstream)
			}()
		}
	}()
	return listener.Addr().String()
}

func copyWithoutNotifications(dst io.Writer, src io.Reader) error {
	const notificationResponse = 'A'
	for {
		header := make([]byte, 5) // a type, and a length that counts itself
		if _, err := io.ReadFull(src, header); err != nil {
			return err
		}
		message := append(header, make([]byte, binary.BigEndian.Uint32(header[1:])-4)...)
		if _, err := io.ReadFull(src, message[5:]); err != nil {
			return err
		}
		if message[0] == notificationResponse {
			continue
		}
		if _, err := dst.Write(message); err != nil {
			return err
		}
	}
}
