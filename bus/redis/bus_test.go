package redis_test

import (
	"testing"

	"github.com/mcpengine/mcpengine/bus"
	"github.com/mcpengine/mcpengine/bus/bustest"
	busredis "github.com/mcpengine/mcpengine/bus/redis"
	"github.com/mcpengine/mcpengine/bus/redis/internal/redistest"
)

func TestBus(t *testing.T) {
	t.Parallel()
	s := redistest.New(t)
	bustest.Run(t, bustest.Server{
		Connect: func(t *testing.T, channel string) bus.Bus {
			return busredis.New(s.Client(t), busredis.WithChannel(channel))
		},
		Stop:  func(*testing.T) { s.Kill() },
		Start: s.Start,
	})
}

// Without an option, replicas meet on one channel.
func TestDefaultChannel(t *testing.T) {
	t.Parallel()
	s := redistest.New(t)
	client := s.Client(t)
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
