package mcpengine

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/mcp"
)

// restartAfter is how long a failed start of an extension is not repeated.
const restartAfter = time.Second

// lives starts and stops the extensions of an engine.
type lives struct {
	due  atomic.Bool   // extensions wait to be started
	turn chan struct{} // held while they are

	mu      sync.Mutex
	waiting []*extension
	started []*extension
	ctx     context.Context // of what has been started
	cancel  context.CancelFunc
	serving int // calls of Run and Serve
	ended   bool

	// The last failure, and when it happened. Only the goroutine that holds the turn
	// uses them.
	failure error
	failed  time.Time
}

// add has an extension started before the next request.
func (l *lives) add(x *extension) {
	if x.start == nil && x.stop == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return
	}
	if l.turn == nil {
		l.turn = make(chan struct{}, 1)
		l.ctx, l.cancel = context.WithCancel(context.Background())
	}
	l.waiting = append(l.waiting, x)
	l.due.Store(true)
}

// next returns the extension to start next, and nil when all have been.
func (l *lives) next() *extension {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		l.due.Store(false)
		return nil
	}
	return l.waiting[0]
}

// begun notes that an extension has been started. It reports false when the engine
// was closed in the meantime.
func (l *lives) begun(x *extension) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return false
	}
	l.waiting, l.started = l.waiting[1:], append(l.started, x)
	return true
}

// end ends the context of the extensions and returns those that have been started.
func (l *lives) end() []*extension {
	l.mu.Lock()
	defer l.mu.Unlock()
	started := l.started
	l.ended, l.started, l.waiting = true, nil, nil
	l.due.Store(false)
	if l.cancel != nil {
		l.cancel()
	}
	return started
}

func (l *lives) enter() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.serving++
}

// leave reports whether no call of Run or Serve is left.
func (l *lives) leave() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.serving--
	return l.serving == 0
}

// start starts the extensions that wait for it, in the order in which they were
// added.
func (e *Engine) start(ctx context.Context) error {
	l := &e.lives
	if !l.due.Load() {
		return nil
	}
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for x := l.next(); x != nil; x = l.next() {
		if l.failure != nil && time.Since(l.failed) < restartAfter {
			return l.failure
		}
		if err := e.startOne(l.ctx, x); err != nil {
			if l.failure == nil {
				e.logger.ErrorContext(ctx, "start an extension", "extension", x.id, "error", err)
			}
			l.failure, l.failed = fmt.Errorf("start the extension %s: %w", x.id, err), time.Now()
			return l.failure
		}
		l.failure = nil
		if !l.begun(x) {
			e.stopOne(ctx, x)
		}
	}
	return nil
}

// startOne starts an extension. A panic of its code is an error.
func (e *Engine) startOne(ctx context.Context, x *extension) (err error) {
	if x.start == nil {
		return nil
	}
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	return x.start(ctx, e)
}

// notStarted refuses a request because an extension does not start. The cause is
// in the log.
func notStarted() *jsonrpc.Error {
	return &jsonrpc.Error{
		Code: mcp.CodeInternalError, Message: "the server has not started: send the request again later",
		Refusal: &jsonrpc.Refusal{Status: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"1"}}},
	}
}

// leave stops the extensions when nothing serves the engine any more.
func (e *Engine) leave() {
	if e.lives.leave() {
		e.stop()
	}
}

// stop stops the extensions, the last one first.
func (e *Engine) stop() {
	started := e.lives.end()
	if len(started) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), e.httpConfig.ShutdownTimeout)
	defer cancel()
	for _, x := range slices.Backward(started) {
		e.stopOne(ctx, x)
	}
}

// stopOne stops an extension. It does not wait for one that ignores its context.
func (e *Engine) stopOne(ctx context.Context, x *extension) {
	if x.stop == nil {
		return
	}
	stopped := make(chan error, 1)
	go func() {
		err := fmt.Errorf("it ended its goroutine")
		defer func() {
			if v := recover(); v != nil {
				err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
			}
			stopped <- err
		}()
		err = x.stop(ctx)
	}()
	var err error
	select {
	case err = <-stopped:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		e.logger.WarnContext(ctx, "stop an extension", "extension", x.id, "error", err)
	}
}
