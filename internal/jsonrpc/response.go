package jsonrpc

import (
	"net/http"
	"sync"
)

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
	// Body is the message without its Tail. Without a Tail it is the complete
	// message.
	Body []byte

	// Tail ends the message. Many responses share it, so that what is long and
	// always the same is not copied into each. Only the response to a request
	// that says Tails has one.
	Tail []byte

	// Code is the code of the error in Body, and 0 for a result.
	Code int

	// Status is the HTTP status that the outcome calls for.
	Status int

	// Refusal belongs to the error in Body. It is nil unless the caller was turned
	// away.
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
	r.Body = err.Append(r.Body)
	r.Body = append(r.Body, '}')
}
