// Package redis connects the replicas of a server over Redis, or a server that
// speaks its protocol: [New] is a bus for mcpengine.WithBus, on PUBLISH and
// SUBSCRIBE.
//
// Messages are sealed for one server, so that others who reach the same Redis
// can neither read nor make them.
package redis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/mcpengine/mcpengine/bus"
)

const (
	defaultChannel = "mcpengine"

	// silence is how long the connection may be silent before it is checked,
	// because one whose other end has vanished is silent too.
	silence = 15 * time.Second

	// checkTime bounds the check.
	checkTime = 5 * time.Second
)

var errSilent = errors.New("the connection does not answer")

// A Bus is a [bus.Bus] over PUBLISH and SUBSCRIBE.
type Bus struct {
	client  redis.UniversalClient
	channel string
}

var _ bus.Bus = (*Bus)(nil)

// An Option adjusts a [Bus].
type Option func(*Bus)

// WithChannel sets the channel. The default is "mcpengine". Servers need no
// channels of their own, because messages are sealed for one server; a busy one
// may want one.
func WithChannel(name string) Option { return func(b *Bus) { b.channel = name } }

// New returns a bus on the client, which may be one of a single server, of
// Sentinel or of a cluster. The bus does not close it.
func New(client redis.UniversalClient, opts ...Option) *Bus {
	b := &Bus{client: client, channel: defaultChannel}
	for _, opt := range opts {
		opt(b)
	}
	return b
}

// Publish implements [bus.Bus].
func (b *Bus) Publish(ctx context.Context, message []byte) error {
	if err := b.client.Publish(ctx, b.channel, message).Err(); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	return nil
}

// Subscribe implements [bus.Bus]. The client would connect again by itself, but
// the engine has to know that messages may have been missed: the subscription
// ends with the first failure.
func (b *Bus) Subscribe(ctx context.Context, ready func(), receive func([]byte)) error {
	subscription := b.client.Subscribe(ctx) // to no channel: that would ignore an error
	defer subscription.Close()
	defer context.AfterFunc(ctx, func() { subscription.Close() })() // ends a read
	if err := subscription.Subscribe(ctx, b.channel); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	for checked := false; ; {
		patience := silence
		if checked {
			patience = checkTime
		}
		got, err := subscription.ReceiveTimeout(ctx, patience)
		var timeout net.Error
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			checked = false
		case !errors.As(err, &timeout) || !timeout.Timeout():
			return fmt.Errorf("receive: %w", err)
		case checked:
			return fmt.Errorf("receive: %w", errSilent)
		default:
			if err := subscription.Ping(ctx); err != nil {
				return fmt.Errorf("receive: %w", err)
			}
			checked = true
			continue
		}
		switch got := got.(type) {
		case *redis.Subscription:
			ready()
		case *redis.Message:
			receive([]byte(got.Payload))
		}
	}
}
