package jsonrpc

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/internal/share"
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

// An Authorizer is a handler that may turn callers away.
type Authorizer interface {
	// Authorize returns the error with which Handle would turn away the caller
	// of req, and nil when it would not. For what a transport does without the
	// handler, and for requests that run together or not at all.
	Authorize(ctx context.Context, req *Request) *Error
}

// Authorize asks h, if it is one to turn callers away.
func Authorize(ctx context.Context, h Handler, req *Request) *Error {
	if a, ok := h.(Authorizer); ok {
		return a.Authorize(ctx, req)
	}
	return nil
}

// A Request is a parsed request, or a notification when its ID is nil. Its
// byte slices alias the message it was parsed from.
type Request struct {
	// ID is the request's id as it stood in the message, a JSON string or
	// integer, to be echoed byte for byte.
	ID []byte

	Method string

	// Params holds the members of "params" and Meta those of its "_meta".
	// RawParams is nil when there are none, and HasMeta tells an empty "_meta"
	// from an absent one.
	Params    Object
	RawParams []byte
	Meta      Object
	HasMeta   bool

	// ClientInfo holds the members of the implementation in Meta.
	ClientInfo Object

	// Header holds the fields of the HTTP request that carried the message and
	// is nil on other transports. The engine checks the parameters mirrored
	// into it (streamable-http, "Custom Headers from Tool Parameters").
	Header http.Header

	// Began is when the HTTP request that carried the message did. It is zero on
	// other transports.
	Began time.Time

	// Caller is to whose share of what callers have in common the request
	// counts.
	Caller share.Caller

	// Handshake says that the request comes from a connection of a version with
	// a handshake, and that Meta holds what the connection knows.
	Handshake bool

	// Tails says that the transport sends the Tail of a response.
	Tails bool

	// OnRun is called when the request is about to run, and so after all that
	// refuses it because of its caller. Nil does nothing.
	OnRun func()

	// Asker reaches the client where the connection can carry requests to it,
	// and is nil elsewhere.
	Asker Asker

	// StreamCloser ends the HTTP response that carries the answer where the
	// client can come back for the rest, and is nil elsewhere.
	StreamCloser StreamCloser

	envelope Object
	members  struct { // room for what Parse keeps
		envelope [6]Member
		params   [6]Member
		meta     [6]Member
		client   [3]Member
		levels   [4]level
	}
}

// An Asker sends requests to the client.
type Asker interface {
	// Ask sends a request and waits for its result, which is raw JSON.
	Ask(ctx context.Context, method string, params []byte) (result []byte, err error)
}

// A StreamCloser ends HTTP responses that are event streams.
type StreamCloser interface {
	// CloseStream ends the response. The client comes back for what follows
	// after the retry time (2025-11-25, transports, "Sending Messages to the
	// Server").
	CloseStream(retry time.Duration)
}

// IsNotification reports whether the message expects no response.
func (r *Request) IsNotification() bool { return r.ID == nil }

// A Notification is a one-way message to the client.
type Notification struct {
	Method string
	Params []byte // a JSON object
}

// Append appends the encoded message to dst.
func (n Notification) Append(dst []byte) []byte {
	dst = append(dst, `{"jsonrpc":"2.0","method":"`...)
	dst = append(dst, n.Method...)
	dst = append(dst, `","params":`...)
	dst = append(dst, n.Params...)
	return append(dst, '}')
}

// A Response is an encoded response on its way to the client.
type Response struct {
	// Body is the message as far as its Tail, the complete message when there
	// is none.
	Body []byte

	// Tail ends the message. Many responses share it, so that what is long and
	// always the same is not copied into each. Only the response to a request
	// that says Tails has one.
	Tail []byte

	// Code is the code of the error in Body, and 0 for a result.
	Code int

	// Status is the HTTP status that the outcome calls for.
	Status int

	// Refusal is that of the error in Body, if the caller was turned away.
	Refusal *Refusal
}

var responses = sync.Pool{New: func() any { return new(Response) }}

// maxPooled bounds the buffers that pools keep, so that one large message does
// not stay in memory.
const maxPooled = 64 << 10

// NewResponse returns an empty response whose Body has been used before, to
// append to.
func NewResponse() *Response {
	r := responses.Get().(*Response)
	r.Body, r.Tail, r.Code, r.Status, r.Refusal = r.Body[:0], nil, 0, http.StatusOK, nil
	return r
}

// Release gives r back for reuse. Neither r nor its Body may be used
// afterwards.
func (r *Response) Release() {
	r.Tail = nil
	if cap(r.Body) > maxPooled {
		r.Body = nil
	}
	responses.Put(r)
}

// ErrorResponse returns the response that answers the request with the given
// id, or no request in particular when id is nil, with err.
func ErrorResponse(id []byte, err *Error) *Response {
	r := NewResponse()
	r.SetError(id, err)
	return r
}

// BeginResult starts a result response to the request with the given id. The
// caller appends the result object to Body and then calls [Response.EndResult].
func (r *Response) BeginResult(id []byte) {
	r.Body = append(r.Body[:0], `{"jsonrpc":"2.0","id":`...)
	r.Body = append(r.Body, id...)
	r.Body = append(r.Body, `,"result":`...)
}

// EndResult ends what [Response.BeginResult] started. A Tail has that end.
func (r *Response) EndResult() {
	if r.Tail == nil {
		r.Body = append(r.Body, '}')
	}
}

// Whole returns the complete message, which it puts into Body.
func (r *Response) Whole() []byte {
	r.Body, r.Tail = append(r.Body, r.Tail...), nil
	return r.Body
}

// SetError replaces whatever r holds with an error response. A nil id is left
// out, because the schema has no null id ("JSONRPCErrorResponse").
func (r *Response) SetError(id []byte, err *Error) {
	r.Code, r.Status, r.Refusal = err.Code, err.status(), err.Refusal
	r.Body, r.Tail = append(r.Body[:0], `{"jsonrpc":"2.0",`...), nil
	if id != nil {
		r.Body = append(r.Body, `"id":`...)
		r.Body = append(r.Body, id...)
		r.Body = append(r.Body, ',')
	}
	r.Body = append(r.Body, `"error":`...)
	r.Body = err.append(r.Body)
	r.Body = append(r.Body, '}')
}
