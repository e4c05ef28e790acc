package bridge

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/peer"
)

// maxAsks bounds the questions to the host that wait for answers.
const maxAsks = 64

// asks are the requests to the host that wait for their answers. Unlike those of
// an engine, they belong to somebody else: an error of the host is handed on as
// it is.
type asks struct {
	timeout time.Duration

	mu      sync.Mutex
	last    int64
	waiting map[string]chan jsonrpc.Reply // by id; each has room for its one answer
	closed  bool
}

func newAsks(timeout time.Duration) *asks {
	return &asks{timeout: timeout, waiting: make(map[string]chan jsonrpc.Reply)}
}

// ask sends a request to the host and waits for its result. The host is told
// when nobody waits any more.
func (a *asks) ask(ctx context.Context, send func([]byte) error, method string, params []byte) ([]byte, error) {
	defer peer.AwaitPerson(ctx)()
	id, waits, err := a.enter()
	if err != nil {
		return nil, fmt.Errorf("ask the host (%s): %w", method, err)
	}
	defer a.forget(id)
	if err := send(appendAsk(id, method, params)); err != nil {
		return nil, fmt.Errorf("ask the host (%s): %w", method, err)
	}
	timer := time.NewTimer(a.timeout)
	defer timer.Stop()
	select {
	case reply, ok := <-waits:
		return outcome(method, reply, ok)
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-timer.C:
		err = fmt.Errorf("the host has not answered %s within %v", method, a.timeout)
	}
	a.forget(id)
	select {
	case reply, ok := <-waits: // it came at the last moment
		return outcome(method, reply, ok)
	default:
	}
	cancelled := append([]byte(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"`), id...)
	_ = send(append(cancelled, `"}}`...)) // the host may be gone
	return nil, err
}

// outcome is what the answer to a question says. There is none, and ok is false,
// when the host is gone.
func outcome(method string, reply jsonrpc.Reply, ok bool) ([]byte, error) {
	switch {
	case !ok:
		return nil, errOver
	case reply.Error == nil:
		return reply.Result, nil
	}
	rpcErr, err := jsonrpc.ParseError(reply.Error)
	if err != nil {
		return nil, fmt.Errorf("read the host's answer to %s: %w", method, err)
	}
	return nil, rpcErr
}

func appendAsk(id, method string, params []byte) []byte {
	message := append([]byte(`{"jsonrpc":"2.0","id":"`), id...)
	message = jsonrpc.AppendString(append(message, `","method":`...), method)
	if len(params) > 0 {
		message = append(append(message, `,"params":`...), params...)
	}
	return append(message, '}')
}

func (a *asks) enter() (string, chan jsonrpc.Reply, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.closed:
		return "", nil, errOver
	case len(a.waiting) == maxAsks:
		return "", nil, fmt.Errorf("%d questions wait for answers already", maxAsks)
	}
	a.last++
	id := "bridge-" + strconv.FormatInt(a.last, 10)
	waits := make(chan jsonrpc.Reply, 1)
	a.waiting[id] = waits
	return id, waits, nil
}

func (a *asks) forget(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.waiting, id)
}

// resolve hands an answer to whoever waits for it, and reports whether somebody
// does.
func (a *asks) resolve(reply jsonrpc.Reply) bool {
	if len(reply.ID) == 0 || reply.ID[0] != '"' {
		return false // the ids of this table are strings
	}
	id := jsonrpc.UnquoteString(reply.ID)
	a.mu.Lock()
	defer a.mu.Unlock()
	waits := a.waiting[id]
	if waits == nil {
		return false
	}
	delete(a.waiting, id)
	// The message that it came in is not ours.
	waits <- jsonrpc.Reply{Result: bytes.Clone(reply.Result), Error: bytes.Clone(reply.Error)}
	return true
}

// close fails all that wait, and all that follow.
func (a *asks) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	for id, waits := range a.waiting {
		delete(a.waiting, id)
		close(waits)
	}
}
