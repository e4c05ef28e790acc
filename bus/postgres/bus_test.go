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
	"github.com/mcpengine/mcpengine/bus/bustest"
	"github.com/mcpengine/mcpengine/bus/postgres"
	"github.com/mcpengine/mcpengine/internal/pgtest"
)

const patience = 3 * time.Minute

func newPool(t *testing.T, url string) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func TestBus(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	url := server.Database(t, "bus")
	bustest.Run(t, bustest.Server{
		Connect: func(t *testing.T, channel string) bus.Bus {
			return postgres.New(newPool(t, url), postgres.WithChannel(channel))
		},
		Stop:  func(t *testing.T) { server.Stop(t) },
		Start: func(t *testing.T) { server.Restart(t) },
	})
}

// A pooler that changes sessions behind LISTEN is reported, and not taken for a
// bus on which nothing happens.
func TestBusBehindPooler(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	url := server.Database(t, "bus")
	direct := "127.0.0.1:" + strconv.Itoa(server.Port)
	b := postgres.New(newPool(t, strings.Replace(url, direct, startPooler(t, direct), 1)))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err := b.Subscribe(ctx, func() { t.Error("the bus is ready") }, func([]byte) {})
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
