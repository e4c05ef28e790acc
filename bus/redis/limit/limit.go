// Package limit counts calls per minute in Redis, or in a server that speaks its
// protocol, so that all replicas of a server count a caller together:
//
//	e := mcpengine.New("board", mcpengine.CallsPerMinute(600), mcpengine.WithLimiter(limit.New(client)))
//
// A script counts each call in one step. The time is that of Redis, so that the
// clocks of the replicas do not matter. Redis keeps one number for each caller that
// has called within the last minute, and no names: a key is a digest.
package limit

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/mcp"
)

const defaultPrefix = "mcpengine:limit:"

//go:embed take.lua
var takeSource string

var takeScript = redis.NewScript(takeSource)

// A Limiter counts in Redis. It is an [mcpengine.Limiter].
type Limiter struct {
	client redis.UniversalClient
	prefix string
	refuse bool
}

var _ mcpengine.Limiter = (*Limiter)(nil)

// An Option adjusts a [Limiter].
type Option func(*Limiter)

// WithPrefix sets what keys begin with. The default is "mcpengine:limit:". Servers
// may share a prefix, because a key depends on the server too.
func WithPrefix(prefix string) Option { return func(l *Limiter) { l.prefix = prefix } }

// RefuseWithoutRedis refuses requests, with -32603 and HTTP 503, while Redis cannot
// be reached. By default each replica counts for itself then, so that a caller may
// make as many calls at each of them.
func RefuseWithoutRedis() Option { return func(l *Limiter) { l.refuse = true } }

// New returns a limiter on the client, which may be one of a single server, of
// Sentinel or of a cluster. The limiter does not close it.
func New(client redis.UniversalClient, opts ...Option) *Limiter {
	l := &Limiter{client: client, prefix: defaultPrefix}
	for _, opt := range opts {
		opt(l)
	}
	return l
}

// Take implements [mcpengine.Limiter].
func (l *Limiter) Take(ctx context.Context, key string, perMinute int) (time.Duration, error) {
	sum := sha256.Sum256([]byte(key))
	name := l.prefix + base64.RawURLEncoding.EncodeToString(sum[:16])
	wait, err := l.run(ctx, name, time.Minute/time.Duration(perMinute))
	switch {
	case err == nil:
		return wait, nil
	case l.refuse:
		return 0, &unavailable{mcp.Errorf(mcp.CodeInternalError, "the server cannot check its limits at the moment: try again later"), err}
	}
	return 0, fmt.Errorf("count in Redis: %w", err)
}

// run runs the script. A client ends at its own timeouts, and not with the context,
// unless it is configured to.
func (l *Limiter) run(ctx context.Context, name string, interval time.Duration) (time.Duration, error) {
	type answer struct {
		micros int64
		err    error
	}
	got := make(chan answer, 1)
	go func() {
		micros, err := takeScript.Run(ctx, l.client, []string{name}, time.Minute.Microseconds(), interval.Microseconds()).Int64()
		got <- answer{micros, err}
	}()
	select {
	case a := <-got:
		return time.Duration(a.micros) * time.Microsecond, a.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// An unavailable error is what the client gets, and the reason for the log.
type unavailable struct {
	public *mcp.Error
	cause  error
}

func (e *unavailable) Error() string   { return fmt.Sprintf("count in Redis: %v", e.cause) }
func (e *unavailable) Unwrap() []error { return []error{e.public, e.cause} }
