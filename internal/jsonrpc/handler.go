package jsonrpc

import (
	"context"
)

// A Handler answers requests. It is all that a transport knows of the engine.
type Handler interface {
	// Handle answers req. While it runs it may call notify, from any
	// goroutine, with notifications that belong to the request; after it has
	// returned it must not. The response is never nil, and the caller releases
	// it. Cancelling ctx abandons the request.
	//
	// Req and everything it points to stay valid until Handle returns.
	//
	// Handle does not return when code of the server's author ends the goroutine
	// ([runtime.Goexit]). A transport then answers with [ErrInternal], in a
	// deferred function, or has called [Isolate].
	Handle(ctx context.Context, req *Request, notify func(Notification)) *Response
}

// Isolate answers req like run, which it calls in a goroutine of its own, and
// with [ErrInternal] when that goroutine ends before run returns. It is for
// requests that are rare: a call costs half as much again.
func Isolate(req *Request, run func() *Response) *Response {
	answered := make(chan *Response, 1)
	go func() {
		resp, returned := (*Response)(nil), false
		defer func() {
			if !returned {
				resp = ErrorResponse(req.ID, ErrInternal)
			}
			answered <- resp
		}()
		resp = run()
		returned = true
	}()
	return <-answered
}

// An Authorizer is a handler that may refuse callers.
type Authorizer interface {
	// Authorize returns the error with which Handle would refuse the caller
	// of req, and nil when it would not. For what a transport does without the
	// handler, and for requests that run together or not at all.
	Authorize(ctx context.Context, req *Request) *Error
}

// Authorize asks h, if it is an Authorizer.
func Authorize(ctx context.Context, h Handler, req *Request) *Error {
	if a, ok := h.(Authorizer); ok {
		return a.Authorize(ctx, req)
	}
	return nil
}
