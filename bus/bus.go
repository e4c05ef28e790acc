// Package bus connects the replicas of a server, so that a client may reach any
// of them with any request.
//
// A bus carries short sealed messages: that something has changed, and messages
// of clients that reached one replica while another one waits for them. Pass it
// to mcpengine.WithBus. [Memory] connects engines of one process; the modules
// bus/postgres and bus/redis connect replicas over PostgreSQL and Redis.
package bus

import (
	"context"
	"time"
)

// MaxMessage is the length of the longest message that an engine publishes. A
// message is printable ASCII.
const MaxMessage = 64 << 10

// A Bus carries messages between the replicas of a server. It may lose messages
// while a replica is not connected, because an engine that connects again acts
// as if everything had changed. It need not keep strangers out: the engine
// seals the messages that it publishes and ignores those that it cannot open.
//
// The methods are called concurrently. Package bustest tests an implementation.
type Bus interface {
	// Publish sends a message to every replica that is subscribed. The sender may
	// receive it too. It does not keep the slice. It returns an error when the
	// message may not have been sent; the engine then publishes it again after
	// the next connection, if it still matters.
	Publish(ctx context.Context, message []byte) error

	// Subscribe receives messages until ctx ends or the connection is lost, and
	// returns the reason. It calls ready once, as soon as no further message is
	// missed, and receive for each message, one at a time. When it returns
	// before ctx has ended, the engine calls it again.
	Subscribe(ctx context.Context, ready func(), receive func(message []byte)) error
}

// A State says how an engine is connected to its bus.
type State struct {
	// Connected says that messages of other replicas arrive.
	Connected bool

	// Since is when the connection was made or lost, or zero when there has
	// been none.
	Since time.Time

	// Err is why there is no connection, if a reason is known.
	Err error

	// Ignored counts the messages that were not for this engine: they belong to
	// another server, have another version of the format, or cannot be opened.
	Ignored uint64
}
