// Package postgres connects the replicas of a server over PostgreSQL.
//
// [New] is a bus for mcpengine.WithBus, on LISTEN and NOTIFY. [NewEvents] is a
// store for mcpengine.HTTPConfig.Events, so that clients of handshake versions
// can resume a stream at any replica.
//
// LISTEN belongs to a session of the database. The bus keeps a connection of its
// own for it, which must lead to the server itself: a pooler that changes the
// session between transactions, such as PgBouncer in transaction mode, breaks
// it, and Subscribe then returns an error that says so.
package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mcpengine/mcpengine/bus"
)

const (
	defaultChannel = "mcpengine"

	// maxPayload is what NOTIFY takes, "shorter than 8000 bytes", without the
	// header of a piece.
	maxPayload = 7900

	// silence is how long the connection may be silent before it is checked.
	silence = 15 * time.Second

	// checkTime bounds the check, and the time that the first notification may
	// take.
	checkTime = 5 * time.Second
)

var errPooled = errors.New("LISTEN gets no notifications: the connection goes through a pooler that changes sessions (PgBouncer in transaction mode, for example); the bus needs a direct connection")

// A Bus is a [bus.Bus] over LISTEN and NOTIFY.
type Bus struct {
	pool    *pgxpool.Pool
	channel string
}

var _ bus.Bus = (*Bus)(nil)

// An Option adjusts a [Bus].
type Option func(*Bus)

// WithChannel sets the channel. The default is "mcpengine". Servers need no
// channels of their own, because messages are sealed for one server; a busy one
// may want one.
func WithChannel(name string) Option { return func(b *Bus) { b.channel = name } }

// New returns a bus on the database of a pool. The bus takes one connection out
// of the pool to listen, and borrows one for each message that it sends. It does
// not close the pool.
func New(pool *pgxpool.Pool, opts ...Option) *Bus {
	b := &Bus{pool: pool, channel: defaultChannel}
	for _, opt := range opts {
		opt(b)
	}
	return b
}

// Publish implements [bus.Bus]. A message longer than NOTIFY takes is sent in
// pieces, in one transaction, which keeps them together.
func (b *Bus) Publish(ctx context.Context, message []byte) error {
	_, err := b.pool.Exec(ctx, "SELECT pg_notify($1, piece) FROM unnest($2::text[]) WITH ORDINALITY AS p (piece, i) ORDER BY i", b.channel, split(string(message)))
	if err != nil {
		return fmt.Errorf("notify: %w", err)
	}
	return nil
}

// Subscribe implements [bus.Bus].
func (b *Bus) Subscribe(ctx context.Context, ready func(), receive func([]byte)) error {
	conn, err := b.listen(ctx)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkTime)
		defer cancel()
		_ = conn.Close(closing)
	}()
	probe := probePrefix + rand.Text()
	if _, err := b.pool.Exec(ctx, "SELECT pg_notify($1, $2)", b.channel, probe); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	var pieces joiner
	for probed := false; ; {
		payload, err := next(ctx, conn, probed)
		switch {
		case err != nil:
			return fmt.Errorf("listen: %w", err)
		case payload == probe:
			probed = true
			ready()
		case probed:
			if message := pieces.add(payload); message != nil {
				receive(message)
			}
		}
	}
}

// listen returns a connection that listens. It has left the pool, so that its
// session lasts.
func (b *Bus) listen(ctx context.Context) (*pgx.Conn, error) {
	pooled, err := b.pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	conn := pooled.Hijack()
	if _, err := conn.Exec(ctx, "LISTEN "+pgx.Identifier{b.channel}.Sanitize()); err != nil {
		_ = conn.Close(ctx)
		return nil, err
	}
	return conn, nil
}

// next returns the next payload. It checks a connection that is silent, because
// one whose other end has vanished is silent too. Before the probe has come, the
// silence means that none will come.
func next(ctx context.Context, conn *pgx.Conn, probed bool) (string, error) {
	for {
		patience := silence
		if !probed {
			patience = checkTime
		}
		waiting, cancel := context.WithTimeout(ctx, patience)
		notification, err := conn.WaitForNotification(waiting)
		cancel()
		switch {
		case err == nil:
			return notification.Payload, nil
		case ctx.Err() != nil || waiting.Err() == nil:
			return "", err
		case !probed:
			return "", errPooled
		}
		checking, cancel := context.WithTimeout(ctx, checkTime)
		err = conn.Ping(checking)
		cancel()
		if err != nil {
			return "", err
		}
	}
}

// Forms of a payload: a probe, a message, and a piece of one, which names the
// message and how many pieces follow.
const (
	probePrefix = "?"
	wholePrefix = ":"
)

// split returns the payloads that carry a message.
func split(message string) []string {
	if len(message) <= maxPayload {
		return []string{wholePrefix + message}
	}
	var payloads []string
	id := rand.Text()
	for following := (len(message) - 1) / maxPayload; len(message) > 0; following-- {
		piece := message[:min(len(message), maxPayload)]
		message = message[len(piece):]
		payloads = append(payloads, fmt.Sprintf("%s %d%s%s", id, following, wholePrefix, piece))
	}
	return payloads
}

// A joiner puts messages together. The pieces of a message come one after the
// other, because they were sent in one transaction.
type joiner struct {
	id        string
	following int
	message   []byte
}

// add returns a message when its last piece has come, and nil before. It drops
// what does not fit.
func (j *joiner) add(payload string) []byte {
	header, piece, ok := strings.Cut(payload, wholePrefix)
	if !ok || strings.HasPrefix(header, probePrefix) {
		return nil
	}
	if header == "" {
		return []byte(piece)
	}
	var id string
	var following int
	if _, err := fmt.Sscanf(header, "%s %d", &id, &following); err != nil || following < 0 {
		return nil
	}
	switch {
	case id != j.id:
		*j = joiner{id: id, following: following}
	case following != j.following-1 || len(j.message) > bus.MaxMessage:
		*j = joiner{}
		return nil
	}
	j.following, j.message = following, append(j.message, piece...)
	if following > 0 {
		return nil
	}
	message := j.message
	*j = joiner{}
	return message
}
