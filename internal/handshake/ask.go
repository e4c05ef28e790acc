package handshake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

const (
	// maxAsks bounds the requests to one client that wait for their answers.
	maxAsks = 64

	// maxClientError bounds what is repeated of a client's error.
	maxClientError = 1024

	// DefaultAskTimeout is how long a client has to answer a request. It may
	// have to ask its user.
	DefaultAskTimeout = 5 * time.Minute
)

// Asks are the requests to one client that wait for their answers. What is
// sent, and what comes back, goes over a transport that the caller knows.
type Asks struct {
	prefix  string
	timeout time.Duration

	mu      sync.Mutex
	last    uint64
	waiting map[string]chan answer // by id; each has room for its one answer
	closed  error
}

// An answer is what became of a request to the client.
type answer struct {
	result []byte
	err    error
}

// NewAsks returns an empty table. Its requests have ids that begin with the
// prefix, which must differ between tables whose clients could mistake them for
// each other: the tables of one session on several replicas. A request that is
// not answered within the timeout fails; 0 stands for [DefaultAskTimeout].
func NewAsks(prefix string, timeout time.Duration) *Asks {
	if timeout <= 0 {
		timeout = DefaultAskTimeout
	}
	return &Asks{prefix: prefix, timeout: timeout, waiting: make(map[string]chan answer)}
}

// Ask sends a request to the client and waits for its result, which is raw
// JSON. Params are a JSON object, or nil. An error that the client answers is
// returned as a Go error. When nobody waits any more, because ctx has ended or
// the time is up, the client is told that the request is cancelled (basic,
// "Cancellation").
func (a *Asks) Ask(ctx context.Context, send func(message []byte) error, method string, params []byte) ([]byte, error) {
	id, waits, err := a.enter()
	if err != nil {
		return nil, fmt.Errorf("ask the client (%s): %w", method, err)
	}
	defer a.forget(id)
	if err := send(appendAsk(id, method, params)); err != nil {
		return nil, fmt.Errorf("ask the client (%s): %w", method, err)
	}

	timer := time.NewTimer(a.timeout)
	defer timer.Stop()
	var reason error
	select {
	case got := <-waits:
		return got.of(method)
	case <-ctx.Done():
		err, reason = ctx.Err(), context.Cause(ctx)
	case <-timer.C:
		err = fmt.Errorf("the client has not answered %s within %v", method, a.timeout)
		reason = err
	}
	a.forget(id)
	select {
	case got := <-waits: // it came at the last moment
		return got.of(method)
	default:
	}
	// The client may be gone, and then there is nobody to be told.
	_ = send(appendCancelled(id, reason.Error()))
	return nil, err
}

// Resolve hands a client's response to the request that waits for it, and
// reports whether one does. A response that nobody waits for is unknown, late
// or has come before, and is ignored.
func (a *Asks) Resolve(reply jsonrpc.Reply) bool {
	if len(reply.ID) == 0 || reply.ID[0] != '"' {
		return false // the ids of this table are strings
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	id := jsonrpc.UnquoteString(reply.ID)
	waits := a.waiting[id]
	if waits == nil {
		return false
	}
	delete(a.waiting, id)
	if reply.Error != nil {
		waits <- answer{err: clientError(reply.Error)}
		return true
	}
	// The message that it came in is not ours.
	waits <- answer{result: bytes.Clone(reply.Result)}
	return true
}

// Close fails all requests that wait, and all that follow, with err: the client
// is gone.
func (a *Asks) Close(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed != nil {
		return
	}
	a.closed = err
	for id, waits := range a.waiting {
		delete(a.waiting, id)
		waits <- answer{err: err}
	}
}

func (a *Asks) enter() (id string, waits chan answer, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.closed != nil:
		return "", nil, a.closed
	case len(a.waiting) == maxAsks:
		return "", nil, fmt.Errorf("%d requests wait for answers of the client already", maxAsks)
	}
	a.last++
	id = a.prefix + strconv.FormatUint(a.last, 10)
	waits = make(chan answer, 1)
	a.waiting[id] = waits
	return id, waits, nil
}

func (a *Asks) forget(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.waiting, id)
}

// of returns the answer to a request of the given method.
func (got answer) of(method string) ([]byte, error) {
	if refused, ok := errors.AsType[*refusal](got.err); ok {
		return nil, fmt.Errorf("the client answered %s: %w", method, refused)
	}
	return got.result, got.err
}

// A refusal is the error of a client's response.
type refusal struct {
	code    string
	message string
}

func (r *refusal) Error() string { return fmt.Sprintf("%s (%s)", r.message, r.code) }

// clientError reads the error of a response. Whatever it lacks, the request has
// failed.
func clientError(raw []byte) *refusal {
	r := &refusal{code: "no code", message: "no message"}
	members, err := jsonrpc.ParseObject(raw)
	if err != nil {
		return r
	}
	if code := members.Get("code"); code != nil && code[0] != '"' && jsonrpc.IsStringOrInteger(code) {
		r.code = string(code)
	}
	if message := members.Get("message"); jsonrpc.IsString(message) && len(message) > 2 {
		r.message = jsonrpc.UnquoteString(message)
	}
	if len(r.message) > maxClientError {
		r.message = strings.ToValidUTF8(r.message[:maxClientError], "") + "…"
	}
	return r
}

func appendAsk(id, method string, params []byte) []byte {
	message := append([]byte(`{"jsonrpc":"2.0","id":`), jsonrpc.AppendString(nil, id)...)
	message = append(message, `,"method":`...)
	message = jsonrpc.AppendString(message, method)
	if params != nil {
		message = append(message, `,"params":`...)
		message = append(message, params...)
	}
	return append(message, '}')
}

func appendCancelled(id, reason string) []byte {
	params := append([]byte(`{"requestId":`), jsonrpc.AppendString(nil, id)...)
	params = append(params, `,"reason":`...)
	params = append(jsonrpc.AppendString(params, reason), '}')
	return jsonrpc.Notification{Method: "notifications/cancelled", Params: params}.Append(nil)
}
