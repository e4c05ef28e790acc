package bridge

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"github.com/mcpengine/mcpengine/internal/duplex"
	"github.com/mcpengine/mcpengine/internal/handshake"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/internal/stdio"
)

// A bridge is one host and one server. It answers the messages of the host's
// connection, as a [github.com/mcpengine/mcpengine/internal/duplex.Stateful].
type bridge struct {
	config    Config
	context   context.Context // of work that belongs to no request; ends with Serve
	cancel    context.CancelCauseFunc
	toHost    func(message []byte) error
	questions *duplex.Questions // to the host
	server    *server
	tools     tools
	pinned    pinning
	pending   pendingInputs
	requests  requests
	listeners listeners
	outbox    chan jsonrpc.Notification // for the server
	mirrored  sync.Map                  // the parameter that Mcp-Name mirrors, by method of an extension

	background peer.Background
	silent     func() // is called when the server has left a request without an answer; optional

	// Host is what the host said of itself in the handshake. Nil without one.
	host  atomic.Pointer[handshake.Peer]
	level atomic.Pointer[string] // of logging/setLevel

	mu        sync.Mutex
	resources map[string]*subscription // that a host of a handshake version has subscribed to
	lists     bool                     // it is told of changes of lists
	updates   map[string]int           // how many listeners each resource has
	setTo     string                   // the log level that the server was told
}

// errOver ends the work that is left when the host is gone.
var errOver = errors.New("the bridge has ended")

// newBridge returns a bridge, which [bridge.end] ends. Work that belongs to no
// request has the values of ctx, and does not end with it.
func newBridge(ctx context.Context, config Config) *bridge {
	config = config.withDefaults()
	b := &bridge{
		config:    config,
		questions: duplex.NewQuestions("bridge-", config.AskTimeout),
		outbox:    make(chan jsonrpc.Notification, outboxSize),
		resources: make(map[string]*subscription), updates: make(map[string]int),
	}
	b.context, b.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	b.pinned.pin, b.pinned.logger = config.Pin, config.Logger
	b.server = newServer(b)
	b.listeners.closing = make(chan struct{})
	b.pending.waiting = make(map[string]*pendingInput)
	b.background.Run(b.forwardNotifications)
	return b
}

// end ends the work that is left, and waits for it.
func (b *bridge) end() {
	b.listeners.close()
	b.cancel(errOver)
	b.background.Close()
	b.server.close()
}

// Serve relays between the host on in and out and the server, until the input
// ends. It writes only messages to out. When it returns, its goroutines and
// connections have ended. If no request was answered, its error says why; see
// [ExitCode]. When ctx ends first, the error is its cause. The end of ctx also
// ends the grace of requests under way: within 1.5 seconds they and the session
// with the server are ended.
func Serve(ctx context.Context, in io.Reader, out io.Writer, config Config) error {
	b := newBridge(ctx, config)
	err := stdio.Serve(ctx, b, in, out, stdio.Config{
		MaxMessage: b.config.MaxMessage, MaxConcurrent: b.config.MaxConcurrent,
		Grace: b.config.Grace, Logger: b.config.Logger,
		Closing: b.listeners.close,
	})
	b.end()
	if err == nil {
		err = b.server.failure()
	}
	return err
}

// Connect takes the function that sends a message to the host.
func (b *bridge) Connect(send func(message []byte) error) { b.toHost = send }

// Close fails the questions to the host that wait for answers.
func (b *bridge) Close() { b.questions.Close(errOver) }

// Reply takes the host's answer to a question of the server.
func (b *bridge) Reply(message []byte) *jsonrpc.Error {
	reply, err := jsonrpc.ParseReply(message)
	switch {
	case err != nil:
		b.config.Logger.Debug("ignore a response of the host", "error", err)
	case !b.questions.Resolve(reply):
		b.config.Logger.Debug("ignore a response of the host: nobody waits for it")
	}
	return nil
}

// outboxSize is how many notifications of the host may wait for the server.
const outboxSize = 64

// forwardNotifications sends the host's notifications to the server, in their
// order.
func (b *bridge) forwardNotifications() {
	for {
		select {
		case n := <-b.outbox:
			c, err := b.server.connected(b.context, b.introduction(nil))
			if err == nil && c.Handshake() {
				err = c.Notify(b.context, n.Method, n.Params)
			}
			if err != nil {
				b.config.Logger.Debug("drop a notification of the host", "method", n.Method, "error", err)
			}
		case <-b.context.Done():
			return
		}
	}
}
