package mcpengine

import (
	"context"
	"errors"
	"slices"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/mcp"
)

// A Question is a request of the server to a client of a handshake version, such as
// "elicitation/create".
type Question struct {
	// Request is the request of the client in whose course the question is asked.
	Request *Request

	// Method and Params are what the client is sent. Params are JSON, or nil.
	Method string
	Params []byte

	// ID is the id of the question. It is set when the observer is told the end.
	ID string

	// Meta is where the observer puts what it adds to the "_meta" of the question. It
	// is nil at first.
	Meta map[string]string
}

// WithQuestionObserver adds functions that are told of each question before it is sent
// to a client. The question is sent with the context that the function returns, which
// must come from ctx. The function it returns, if any, is called once with the answer or
// the error, which is an [*mcp.Error] if the client has refused to answer.
//
// In protocol version 2026-07-28 a question is no request, but a part of a result, and
// its answer comes with another request, maybe to another replica. An [Observer] sees
// both requests; the functions are not called.
func WithQuestionObserver(observers ...func(context.Context, *Question) (context.Context, func(answer []byte, err error))) Option {
	return engineOption(func(e *Engine) { e.questionObservers = append(e.questionObservers, observers...) })
}

// observeQuestion tells the observers of a question, to which they may add, and returns
// the function that tells them the answer.
func (r *Request) observeQuestion(ctx context.Context, method string, params []byte) (context.Context, []byte, func([]byte, error)) {
	var ends []func([]byte, error)
	q := &Question{Request: r, Method: method, Params: params}
	for _, observer := range r.engine.questionObservers {
		var end func([]byte, error)
		if ctx, end = observer(ctx, q); end != nil {
			ends = append(ends, end)
		}
	}
	if q.Meta != nil && params == nil {
		params = []byte("{}")
	}
	for key, value := range q.Meta {
		params = jsonrpc.SetMeta(params, key, jsonrpc.AppendString(nil, value))
	}
	if ends == nil {
		return ctx, params, func([]byte, error) {}
	}
	ctx = jsonrpc.WithQuestionID(ctx, func(id string) { q.ID = id })
	return ctx, params, func(answer []byte, err error) {
		err = refusedAnswer(err)
		for _, end := range slices.Backward(ends) {
			end(answer, err)
		}
	}
}

// A refusedQuestion is the error of a client that has refused to answer.
type refusedQuestion interface {
	error
	Refusal() []byte // as the client wrote it
}

// refusedAnswer returns the error of a client that has refused to answer, and any other
// error as it is.
func refusedAnswer(err error) error {
	refused, ok := errors.AsType[refusedQuestion](err)
	if !ok {
		return err
	}
	theirs, parseErr := jsonrpc.ParseError(refused.Refusal())
	if parseErr != nil {
		return err
	}
	return &mcp.Error{Code: theirs.Code, Message: theirs.Message, Data: theirs.Data}
}
