package bridge

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/mcp"
)

// maxPending bounds the requests that wait for input.
const maxPending = 64

// pendingInputs are the requests that wait for input from a host of 2026-07-28, by
// their state. The server goes on with such a request when the host sends it
// again.
type pendingInputs struct {
	mu      sync.Mutex
	waiting map[string]*pendingInput
}

func (t *pendingInputs) put(p *pendingInput) (state string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting) == maxPending {
		return "", jsonrpc.Errorf(mcp.CodeInternalError, "%d requests wait for input already", maxPending)
	}
	state = rand.Text()
	t.waiting[state] = p
	return state, nil
}

func (t *pendingInputs) take(state string) *pendingInput {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.waiting[state]
	delete(t.waiting, state)
	return p
}

// A pendingInput is a request to a server of a handshake version, which asks
// questions while it works on the request. It is one request to the server, and one
// to the bridge for each round.
type pendingInput struct {
	method, tool string
	capabilities []byte // of the client
	level        string // of log messages

	cancel    context.CancelCauseFunc
	questions chan *question
	done      chan struct{} // closed when there is an outcome
	result    []byte
	err       error

	// These belong to the current round.
	asked []*question // not answered yet
	last  int
	timer *time.Timer

	mu     sync.Mutex // held while a notification is sent
	notify func(jsonrpc.Notification)
	token  []byte
}

// A question is a request of the server.
type question struct {
	key    string
	method string
	params []byte
	answer chan []byte // buffers the one answer
}

// errNoInput ends a request whose input does not come.
var errNoInput = errors.New("the host has not sent the input in time")

// callWithInput sends a request, or goes on with one that waits for input.
func (x *exchange) callWithInput(ctx context.Context, level string) ([]byte, error) {
	defer peer.AwaitPerson(ctx)() // the request that goes on has a limit of its own
	state := x.req.Params.Get("requestState")
	if state == nil {
		return x.round(ctx, x.begin(ctx, level))
	}
	p := x.pending.take(jsonrpc.Text(state))
	if p == nil || p.method != x.req.Method || p.tool != x.tool() {
		if p != nil {
			p.end(errNoInput)
		}
		return nil, jsonrpc.Errorf(mcp.CodeInvalidParams, "requestState is unknown, or it took too long: send the request again without it")
	}
	p.timer.Stop()
	p.attach(x) // before the answers, because progress may follow them at once
	responses, _ := jsonrpc.ParseObject(x.req.Params.Get("inputResponses"))
	open := p.asked[:0]
	for _, q := range p.asked {
		answer := responses.Get(q.key)
		if answer == nil {
			open = append(open, q)
			continue
		}
		q.answer <- bytes.Clone(answer)
	}
	p.asked = open
	return x.round(ctx, p)
}

// begin sends the request. It goes on when the round ends that ctx belongs to.
func (x *exchange) begin(ctx context.Context, level string) *pendingInput {
	detached := x.detached()
	p := &pendingInput{
		method: detached.req.Method, tool: detached.tool(), level: level,
		capabilities: detached.req.Meta.Get(mcp.MetaClientCapabilities),
		questions:    make(chan *question), done: make(chan struct{}),
	}
	ctx, cancel := context.WithCancelCause(observed{x.context, ctx})
	p.cancel = cancel
	p.attach(x)
	call := detached.call()
	call.OnNotification = p.forward
	call.OnRequest = func(ctx context.Context, method string, params []byte) ([]byte, error) {
		return x.question(ctx, &Question{Method: method, Params: params, ID: peer.RequestID(ctx), Request: detached.req}, p.ask)
	}
	running := x.background.Run(func() {
		defer close(p.done)
		defer cancel(nil)
		ctx, stop := detached.limited(ctx, call.Method)
		defer stop()
		p.result, p.err = detached.forward(ctx, call)
	})
	if !running {
		p.err = errOver
		close(p.done)
	}
	return p
}

// round waits for the outcome, or for a question. The exchange is attached.
func (x *exchange) round(ctx context.Context, p *pendingInput) ([]byte, error) {
	defer p.detach()
	if len(p.asked) == 0 {
		select {
		case q := <-p.questions:
			p.add(q)
		case <-p.done:
			return p.result, p.err
		case <-ctx.Done():
			p.end(context.Cause(ctx))
			return nil, context.Cause(ctx)
		}
	}
	state, err := x.pending.put(p)
	if err != nil {
		p.end(err)
		return nil, err
	}
	p.timer = time.AfterFunc(x.config.AskTimeout, func() {
		if x.pending.take(state) == p {
			p.end(errNoInput)
		}
	})
	return p.require(state), nil
}

func (p *pendingInput) add(q *question) {
	p.last++
	q.key = strconv.Itoa(p.last)
	p.asked = append(p.asked, q)
}

// require returns the result that asks for input.
func (p *pendingInput) require(state string) []byte {
	result := []byte(`{"resultType":"input_required","inputRequests":{`)
	for i, q := range p.asked {
		if i > 0 {
			result = append(result, ',')
		}
		result = append(jsonrpc.AppendString(result, q.key), `:{"method":`...)
		result = jsonrpc.AppendString(result, q.method)
		if len(q.params) > 0 {
			result = append(append(result, `,"params":`...), q.params...)
		}
		result = append(result, '}')
	}
	result = append(result, `},"requestState":`...)
	return append(jsonrpc.AppendString(result, state), '}')
}

// end cancels the request, and waits until it has ended.
func (p *pendingInput) end(cause error) {
	p.cancel(cause)
	<-p.done
}

// ask takes a question of the server, and waits for the answer.
func (p *pendingInput) ask(ctx context.Context, method string, params []byte) ([]byte, error) {
	switch {
	case !protocol.MethodOf(p.method).Asks:
		return nil, jsonrpc.Errorf(mcp.CodeMethodNotFound, "the client cannot be asked in the course of %s", p.method)
	case !declares(p.capabilities, method):
		return nil, jsonrpc.Errorf(mcp.CodeMethodNotFound, "the client does not answer %.64s", method)
	}
	q := &question{method: method, params: params, answer: make(chan []byte, 1)}
	select {
	case p.questions <- q:
	case <-p.done:
		return nil, errOver
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	select {
	case answer := <-q.answer:
		return answer, nil
	case <-p.done:
		return nil, errOver
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// attach makes the exchange the one that gets the notifications of the request.
func (p *pendingInput) attach(x *exchange) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.notify, p.token = x.notify, bytes.Clone(x.req.Meta.Get(mcp.MetaProgressToken))
}

func (p *pendingInput) detach() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.notify = nil
}

// forward hands a notification on while an exchange is attached.
func (p *pendingInput) forward(n jsonrpc.Notification) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.notify == nil:
	case n.Method == mcp.MethodNotificationsProgress && p.token == nil:
	case n.Method == mcp.MethodNotificationsProgress:
		n.Params = jsonrpc.Set(n.Params, mcp.MetaProgressToken, p.token)
		p.notify(n)
	case n.Method == mcp.MethodNotificationsMessage && !isLoud(n.Params, p.level):
	default:
		p.notify(n)
	}
}
