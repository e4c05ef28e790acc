package duplex

import (
	"context"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// A Stateful handler takes part in the whole connection and not only in
// requests: it remembers what the client has told it in a handshake, and sends
// requests and notifications of its own. Protocol versions before 2026-07-28
// need one.
//
// Handle is called as always. The other methods but Close are called one at a
// time, in the order in which the messages have come in.
type Stateful interface {
	jsonrpc.Handler

	// Connect is called before anything else. Send sends a message of the
	// handler's own to the client, takes the slice over, and returns an error
	// when the client cannot be reached any more.
	Connect(send func(message []byte) error)

	// Accept is shown a request before Handle is called with it. An error
	// answers the request in place of Handle. All requests of a batch are
	// accepted before the first of them is handled.
	Accept(ctx context.Context, req *jsonrpc.Request, batched bool) *jsonrpc.Error

	// Batches reports whether the client may send batches.
	Batches() bool

	// Notification is shown every notification but notifications/cancelled. An
	// error says why it is ignored.
	Notification(ctx context.Context, req *jsonrpc.Request) *jsonrpc.Error

	// Reply is shown a response of the client. An error is sent to the client.
	Reply(message []byte) *jsonrpc.Error

	// Close says that no more messages come from the client. It is called
	// once, and must not wait for calls of Handle.
	Close()
}
