package bridge

import (
	"context"
	"log/slog"
	"time"

	"github.com/mcpengine/mcpengine/internal/peer"
)

// A Filter chooses tools by name. A tool must pass all of it.
type Filter struct {
	// Allow lists the tools to keep. The default is all.
	Allow []string
	// Deny lists tools to drop.
	Deny []string
	// ReadOnly keeps only tools that say they change nothing (readOnlyHint).
	ReadOnly bool
}

// A Config says where the server is, and which of its tools the host may use.
type Config struct {
	// Name is the name of a server that does not name itself. Optional.
	Name string

	// URL is where the server is. Required, unless Dial is given.
	URL string

	// Dial connects to the server. Its config introduces the host, and has the
	// functions that receive what the server sends. The default is [peer.Dial]
	// with URL.
	Dial func(ctx context.Context, config peer.Config) (*peer.Conn, error)

	// Peer adjusts the connection. The bridge fills in the client and the
	// functions. With a Cache the host's handshake is answered before anything is
	// sent to a server that has an entry.
	Peer peer.Config

	// Tools chooses the tools that are listed and may be called.
	Tools Filter

	// Pin is what the server is known to offer. Optional. The definitions are
	// compared as the server sends them, so Peer.Versions has to name the version
	// in which they were recorded.
	Pin *Pin

	// MaxMessage bounds a message of the host, in bytes. The default is 16 MiB.
	MaxMessage int

	// MaxConcurrent bounds the requests that are under way at once, as in
	// [stdio.Config]. The default is 128.
	MaxConcurrent int

	// AskTimeout is how long the host may take to answer a question of the
	// server, for which it may have to ask its user. The default is 10 minutes.
	AskTimeout time.Duration

	// Grace is how long requests under way may go on when the host has closed
	// its end. The end of the context of [Serve] ends it. The default is 5
	// seconds.
	Grace time.Duration

	// Logger gets warnings and errors. The default drops them.
	Logger *slog.Logger

	// Observer is told of each request of the host. What is sent to the server, the
	// observer of Peer is told. Optional.
	Observer Observer

	// Questions is told of each question of the server. Optional.
	Questions QuestionObserver
}

// closeTimeout is how long the bridge waits for a server at a URL to take a
// cancellation, and then the end of its session. Both have to fit into the 2
// seconds between SIGTERM and SIGKILL.
const closeTimeout = 600 * time.Millisecond

func (c Config) withDefaults() Config {
	if c.Name == "" {
		c.Name = "mcpengine"
	}
	if c.Dial == nil {
		if c.Peer.CloseTimeout <= 0 {
			c.Peer.CloseTimeout = closeTimeout
		}
		c.Dial = func(ctx context.Context, config peer.Config) (*peer.Conn, error) {
			return peer.Dial(ctx, c.URL, config)
		}
	}
	if c.MaxMessage <= 0 {
		c.MaxMessage = 16 << 20
	}
	if c.AskTimeout <= 0 {
		c.AskTimeout = 10 * time.Minute
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// known returns the entry of the cache for the server.
func (c *Config) known() (peer.Known, bool) {
	if c.Peer.Cache == nil {
		return peer.Known{}, false
	}
	return c.Peer.Cache.Load(serverKey(c.URL))
}
