package streamable

import (
	"context"
	"runtime"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// A semaphore lets large messages be parsed on at most half of the processors.
// Go gives each of many goroutines that compute ten milliseconds in turn, so
// that a few callers with large messages would otherwise make every small
// request wait for all of them.
type semaphore chan struct{}

func newSemaphore() semaphore { return make(semaphore, max(1, runtime.GOMAXPROCS(0)/2)) }

// enter waits for a turn. It reports false when ctx ends first.
func (t semaphore) enter(ctx context.Context) bool {
	select {
	case t <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (t semaphore) leave() { <-t }

// largeMessage is the size from which a message waits for its turn. Smaller
// ones take less time than a turn is worth.
const largeMessage = 64 << 10

// parse parses the message in x.body. It reports false when ctx ends before the
// message had its turn: the client does not wait for an answer any more.
func (x *exchange) parse(ctx context.Context) (ok bool, err *jsonrpc.Error) {
	if len(x.body) > largeMessage {
		if !x.server.large.enter(ctx) {
			return false, nil
		}
		defer x.server.large.leave()
	}
	return true, x.request.Parse(x.body)
}
