package peer

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/mcp"
)

// CannotAnswer is what a server is told of an error that is the client's own business.
const CannotAnswer = "the client could not answer"

// maxServerRequests bounds the requests of the server that are being answered.
const maxServerRequests = 64

// A serverRequests answers the requests that the server sends, each in its own
// goroutine. Make one with [newServerRequests].
type serverRequests struct {
	answer  RequestFunc // may be nil
	respond func(ctx context.Context, message []byte) error

	mu      sync.Mutex
	running map[string]context.CancelFunc // by id
	ended   time.Time                     // when one was answered last
	closed  bool
	wait    sync.WaitGroup
}

func newServerRequests(answer RequestFunc, respond func(context.Context, []byte) error) *serverRequests {
	return &serverRequests{answer: answer, respond: respond, running: make(map[string]context.CancelFunc)}
}

// serve answers a request with answer, or with the default if answer is nil.
func (a *serverRequests) serve(m *jsonrpc.Message, answer RequestFunc) {
	if answer == nil {
		answer = a.answer
	}
	// The buffer of the message may be reused before the answer is ready.
	id, method, params := append([]byte(nil), m.ID...), m.Method, append([]byte(nil), m.Params...)
	refusal := jsonrpc.Errorf(mcp.CodeMethodNotFound, "the client does not answer %s", method)
	switch {
	case method == "ping":
		answer = func(context.Context, string, []byte) ([]byte, error) { return []byte("{}"), nil }
	case answer == nil:
		answer = func(context.Context, string, []byte) ([]byte, error) { return nil, refusal }
	}
	ctx, cancel := context.WithCancel(context.WithValue(context.Background(), requestID{}, string(id))) // ends with the link
	if !a.begin(string(id), cancel) {
		cancel()
		return
	}
	go func() {
		defer a.end(string(id), cancel)
		result, err := answer(ctx, method, params)
		if ctx.Err() != nil {
			return // the server has cancelled the request
		}
		_ = a.respond(ctx, encodeResponse(id, result, err)) // the server notices that the answer is missing
	}()
}

// requestID is the key of the id of a server's request.
type requestID struct{}

// RequestID returns the id, as JSON, of the server's request that the context of a
// [RequestFunc] belongs to, and "" for any other context.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestID{}).(string)
	return id
}

// begin registers a request. It refuses one whose id is in use, which breaks the
// protocol, and one beyond the limit.
func (a *serverRequests) begin(id string, cancel context.CancelFunc) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, taken := a.running[id]
	if taken || a.closed || len(a.running) == maxServerRequests {
		return false
	}
	a.running[id] = cancel
	a.wait.Add(1)
	return true
}

func (a *serverRequests) end(id string, cancel context.CancelFunc) {
	cancel()
	a.mu.Lock()
	delete(a.running, id)
	a.ended = time.Now()
	a.mu.Unlock()
	a.wait.Done()
}

// quiet returns how long no request has been pending. A server that waits for an
// answer, which a person may have to give, is not silent.
func (a *serverRequests) quiet() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.running) > 0 {
		return 0
	}
	return time.Since(a.ended)
}

// cancelled acts on the server's notifications/cancelled, and reports whether
// it names a request that is being answered.
func (a *serverRequests) cancelled(m *jsonrpc.Message) bool {
	if m.Method != "notifications/cancelled" {
		return false
	}
	params, err := jsonrpc.ParseObject(m.Params)
	if err != nil {
		return false
	}
	a.mu.Lock()
	cancel := a.running[string(params.Get("requestId"))]
	a.mu.Unlock()
	if cancel == nil {
		return false
	}
	cancel()
	return true
}

// close cancels the pending requests and waits for their goroutines.
func (a *serverRequests) close() {
	a.mu.Lock()
	a.closed = true
	for _, cancel := range a.running {
		cancel()
	}
	a.mu.Unlock()
	a.wait.Wait()
}

func encodeResponse(id, result []byte, err error) []byte {
	r := jsonrpc.NewResponse()
	defer r.Release()
	if err == nil && (len(result) == 0 || result[0] != '{' || jsonrpc.Valid(result) != nil) {
		err = errors.New("the result is not an object")
	}
	if err == nil {
		r.BeginResult(id)
		r.Body = append(r.Body, result...)
		r.EndResult()
		return append([]byte(nil), r.Body...)
	}
	rpcErr, ok := errors.AsType[*jsonrpc.Error](err)
	if !ok {
		rpcErr = jsonrpc.Errorf(mcp.CodeInternalError, CannotAnswer)
	}
	r.SetError(id, rpcErr)
	return append([]byte(nil), r.Body...)
}
