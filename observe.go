package mcpengine

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"runtime/debug"
	"slices"
	"time"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/mcp"
)

// An Observer is told of every request that the engine answers: those whose
// caller is refused and those that fail included. It is called before
// anything is decided about the request. The rules, the middleware and the
// handler run with the context that it returns, which must come from ctx. The
// function it returns, if any, is called once with the outcome, before the
// answer is sent: it must not block. An observer that panics fails the request, or
// is logged when the request has its answer. Once that function has been called, the
// Request is not valid any more.
//
// Telemetry and audit are observers. To change requests or results, use
// [WithMiddleware].
type Observer func(ctx context.Context, req *Request) (context.Context, func(Outcome))

// WithObserver adds observers. The first one given begins first and ends last.
// Without an observer, requests cost nothing more.
func WithObserver(observers ...Observer) Option {
	return engineOption(func(e *Engine) { e.observers = append(e.observers, observers...) })
}

// WithFlush adds functions that send what the program has buffered, such as
// telemetry. On AWS Lambda they are called after each answer has been sent, because the
// platform freezes the process then. They run at once, in one goroutine each; their
// context ends after 500 ms, or shortly before the invocation does. The next invocation
// waits for them, so after a flush that was late they get 50 ms until one is in time.
// The log says so once. Elsewhere they are not called: a program flushes when Run has
// returned.
func WithFlush(functions ...func(ctx context.Context) error) Option {
	return engineOption(func(e *Engine) { e.flushes.all = append(e.flushes.all, functions...) })
}

// flushes are the functions of [WithFlush]. One goroutine calls them.
type flushes struct {
	all  []func(context.Context) error
	late bool // the last flush was not in time
	told bool // the log says that one failed
}

// lateFlush is the time of a flush after one that was late.
const lateFlush = 50 * time.Millisecond

// flush calls the functions of [WithFlush], and returns when ctx has ended at the
// latest.
func (e *Engine) flush(ctx context.Context) {
	f := &e.flushes
	if f.late {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, lateFlush)
		defer cancel()
	}
	results := make(chan error, len(f.all)) // has room for functions that ignore ctx
	for _, flush := range f.all {
		go func() { results <- safely(ctx, flush) }()
	}
	var errs []error
	for range f.all {
		select {
		case err := <-results:
			errs = append(errs, err)
		case <-ctx.Done():
			errs = append(errs, ctx.Err())
		}
	}
	f.late = ctx.Err() != nil
	if err := errors.Join(errs...); err != nil && !f.told {
		f.told = true
		e.logger.WarnContext(ctx, "what was buffered could not be sent after an answer", "error", err)
	}
}

// An Outcome is how a request ended.
type Outcome struct {
	// Allowed says that the caller was let pass. Without [WithAuth] every caller
	// is. [Request.Policy] has the reason.
	Allowed bool

	// Rule is the rule of [Allow] that refused the caller, and empty when
	// something else did.
	Rule string

	// Error is the JSON-RPC error that the client gets, and nil when it gets a
	// result.
	Error *mcp.Error

	// Cause is the error that Error stands for, or the error of the tool that
	// became a result for the model. It may hold secrets.
	Cause error

	// IsError says that a tool failed: its result has isError.
	IsError bool

	// ResultType is the type of the result, such as "complete" or
	// "input_required", in every protocol version. It is empty for an error.
	ResultType mcp.ResultType

	// Size is the length of the answer in bytes.
	Size int

	// Duration is how long the request took.
	Duration time.Duration
}

// A Refusal is an HTTP request that is turned away before its message is read: its
// token is not valid, its Origin or Host is not allowed, or its caller has its share
// of requests.
type Refusal struct {
	// Request is the HTTP request. Its header fields hold secrets.
	Request *http.Request

	// Status and Reason are the HTTP status and the message that the client gets.
	Status int
	Reason string
}

// WithRefusalObserver adds functions that are told of the requests that no
// [Observer] is told of, because their messages are never read. They are called before
// the answer is sent: they must not block.
func WithRefusalObserver(observers ...func(context.Context, Refusal)) Option {
	return engineOption(func(e *Engine) { e.refusalObservers = append(e.refusalObservers, observers...) })
}

// refused tells the observers of a refusal. One that panics takes no answer away.
func (e *Engine) refused(r *http.Request, status int, reason string) {
	defer func() {
		if v := recover(); v != nil {
			e.logger.ErrorContext(r.Context(), "an observer panicked", "panic", v, "stack", string(debug.Stack()))
		}
	}()
	for _, observer := range e.refusalObservers {
		observer(r.Context(), Refusal{Request: r, Status: status, Reason: reason})
	}
}

// A Session is a session that has ended. Protocol version 2026-07-28 has none over
// HTTP.
type Session struct {
	// ProtocolVersion is the version that the client spoke.
	ProtocolVersion string

	// HTTP says that the session was over HTTP, and not over stdio.
	HTTP bool

	// Duration is how long it has lasted.
	Duration time.Duration
}

// WithSessionObserver adds functions that are told of each session that has ended: a
// client of a handshake version has deleted it, or the connection that carried it,
// of stdio or HTTP+SSE, is closed. Of a session over HTTP that its client leaves
// without a word, any replica may get the next request at any time, so that it has no
// end.
func WithSessionObserver(observers ...func(Session)) Option {
	return engineOption(func(e *Engine) { e.sessionObservers = append(e.sessionObservers, observers...) })
}

// sessionEnded tells the observers of a session. Version is empty when the client has
// named none.
func (e *Engine) sessionEnded(version string, http bool, began time.Time) {
	defer func() {
		if v := recover(); v != nil {
			e.logger.Error("an observer panicked", "panic", v, "stack", string(debug.Stack()))
		}
	}()
	s := Session{cmp.Or(version, mcp.LatestProtocolVersion), http, time.Since(began)}
	for _, observer := range e.sessionObservers {
		observer(s)
	}
}

// observation is what observers are told about a request.
type observation struct {
	ends []func(Outcome)
	room [3]func(Outcome) // for ends, so that there is one allocation
	observed
}

// observed is what has been observed so far.
type observed struct {
	denied  bool
	rule    string
	err     *jsonrpc.Error
	cause   error
	isError bool

	resultType mcp.ResultType // of a result of middleware
}

// observe calls the observers and keeps what they want to be told. A subscription that
// stands for the stream of a session is no request of a client.
func (r *Request) observe() {
	if r.wire.Own {
		return
	}
	for _, observer := range r.engine.observers {
		ctx, end := observer(r.ctx.Context, r)
		r.ctx.Context = ctx
		if end == nil {
			continue
		}
		if r.observed == nil {
			r.observed = new(observation)
			r.observed.ends = r.observed.room[:0]
		}
		r.observed.ends = append(r.observed.ends, end)
	}
}

// tellObservers tells the observers the outcome.
func (r *Request) tellObservers(resp *jsonrpc.Response) {
	if r.observed == nil {
		return
	}
	outcome := r.outcome(resp)
	for _, end := range slices.Backward(r.observed.ends) {
		r.tell(end, outcome)
	}
}

// tellDenied tells the observers of a request that a transport turns away without
// [core.Handle].
func (r *Request) tellDenied(ctx context.Context, err *jsonrpc.Error) {
	defer func() {
		if v := recover(); v != nil {
			r.engine.logger.ErrorContext(ctx, "an observer panicked", requestAttrs(r, "panic", v, "stack", string(debug.Stack()))...)
		}
	}()
	r.ctx, r.wire.Received = requestContext{ctx, r}, time.Now()
	if r.version = findVersion(r.Meta(mcp.MetaProtocolVersion), r.wire.Handshake); r.version == nil {
		r.version = protocol.Unnamed()
	}
	r.observe()
	r.observed.denied = true
	resp := jsonrpc.NewResponse()
	defer resp.Release()
	r.fail(resp, err)
	r.tellObservers(resp)
}

// tell tells one observer. The request has its answer already, which an observer that
// panics does not take away.
func (r *Request) tell(end func(Outcome), outcome Outcome) {
	defer func() {
		if v := recover(); v != nil {
			r.engine.logger.ErrorContext(r.ctx.Context, "an observer panicked", requestAttrs(r, "panic", v, "stack", string(debug.Stack()))...)
		}
	}()
	end(outcome)
}

func (r *Request) outcome(resp *jsonrpc.Response) Outcome {
	o := Outcome{
		Allowed: !r.observed.denied,
		Rule:    r.observed.rule,
		Cause:   r.observed.cause,
		IsError: r.observed.isError,
		Size:    len(resp.Body) + len(resp.Tail),

		Duration: time.Since(r.wire.Received),
	}
	switch err := r.observed.err; {
	case err != nil:
		o.Error = &mcp.Error{Code: err.Code, Message: err.Message, Data: err.Data}
	case r.observed.resultType != "":
		o.ResultType = r.observed.resultType
	case r.round.isSent():
		o.ResultType = mcp.ResultTypeInputRequired
	default:
		o.ResultType = mcp.ResultTypeComplete
	}
	return o
}

// Policy returns the entry of [Engine.Explain] for what the request is about. It
// is zero for a method that is about no feature, and for a feature that does not
// exist.
func (r *Request) Policy() PolicyEntry {
	t := &r.target
	if f := t.feature(); f != nil {
		return r.engine.explain(t.kind(), f)
	}
	switch {
	case t.method.About == protocol.AboutServer || t.method.About == protocol.AboutFilter:
		return r.engine.explainDiscovery()
	}
	return PolicyEntry{}
}

// fail answers the request with an error.
func (r *Request) fail(resp *jsonrpc.Response, err *jsonrpc.Error) {
	if r.observed != nil {
		r.observed.err = err
	}
	resp.SetError(r.wire.ID, err)
}

// noteCause notes the error behind what the client gets, for observers.
func (r *Request) noteCause(err error) {
	if r.observed != nil {
		r.observed.cause = err
	}
}

// noteToolError notes that the result says that the tool failed, for observers.
func (r *Request) noteToolError(cause error) {
	if r.observed != nil {
		r.observed.isError, r.observed.cause = true, cause
	}
}

// noteReplaced notes what a result of middleware says, for observers.
func (r *Request) noteReplaced(result []byte) {
	if r.observed == nil {
		return
	}
	members, _ := jsonrpc.ParseObject(result)
	r.observed.isError = string(members.Get("isError")) == "true"
	r.observed.resultType = mcp.ResultType(jsonrpc.Text(members.Get("resultType")))
}

// Received returns when the engine got the request, for observers. It is zero for an
// engine without an [Observer].
func (r *Request) Received() time.Time { return r.wire.Received }

// ID returns the id of the request as JSON.
func (r *Request) ID() []byte { return r.wire.ID }

// HasMethod reports whether the engine has the method of the request. Names of
// methods that it does not have are whatever a client makes up.
func (r *Request) HasMethod() bool {
	if served := r.target.served; served != nil {
		return served.extension.settings[r.version] != nil
	}
	m, ok := methods[r.wire.Method]
	return ok && m.in(r)
}

// FeatureName returns the name, URI or URI template by which the feature is
// registered that the request is about. It is empty when there is none: unlike
// [Request.Name], it is never what a client makes up.
func (r *Request) FeatureName() string {
	if f := r.target.feature(); f != nil {
		return f.name
	}
	return ""
}

// InputSchema returns the JSON Schema of the arguments of the tool that the request
// calls, and nil when it calls none. It must not be changed.
func (r *Request) InputSchema() []byte {
	if t := r.target.tool; t != nil {
		return t.input.JSON()
	}
	return nil
}

// User returns the verified caller, and nil when there is none.
func (r *Request) User() *auth.User { return r.user }

// SessionID returns the id of the session of a handshake version, over HTTP, that the
// request belongs to. It is empty for a request without a session, and so for each of
// 2026-07-28.
func (r *Request) SessionID() string { return r.wire.Session }

// HTTP returns the HTTP request that carried the request, or nil on other
// transports. It must not be changed, and its body has been read.
func (r *Request) HTTP() *http.Request { return r.wire.HTTP }
