package duplex

import (
	"context"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// A Stateful handler takes part in the whole connection and not only in
// requests: it remembers the handshake, and sends requests and notifications of
// its own. The handshake versions need one.
//
// Handle is called for each request, concurrently. The other methods except
// Close are called one at a time, in the order in which the messages have come
// in.
type Stateful interface {
	jsonrpc.Handler

	// Connect is called first. Send sends a message of the handler to the
	// client, takes the slice over, and returns an error when the client cannot
	// be reached any more.
	Connect(send func(message []byte) error)

	// Accept is called with a request before Handle. When it returns an error,
	// that is the answer and Handle is not called. All requests of a batch are
	// accepted before the first of them is handled.
	Accept(ctx context.Context, req *jsonrpc.Request, batched bool) *jsonrpc.Error

	// Batches reports whether the client may send batches.
	Batches() bool

	// Notification is called with every notification except
	// notifications/cancelled. An error says why it is ignored.
	Notification(ctx context.Context, req *jsonrpc.Request) *jsonrpc.Error

	// Reply is called with a response of the client. An error is sent to the
	// client.
	Reply(message []byte) *jsonrpc.Error

	// Close says that no more messages come from the client. It is called
	// once, and must not wait for calls of Handle.
	Close()
}
