package handshake

import (
	"context"
	"errors"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/internal/streamable"
	"github.com/mcpengine/mcpengine/mcp"
)

// An exchange is the answer to one POST.
type exchange struct {
	http     *HTTP
	session  *session
	w        http.ResponseWriter
	r        *http.Request
	stream   stream
	response httpResponse
	began    time.Time
	id       []byte // of the request, empty for a batch

	owned    bool // HTTP waits for it
	panicked bool
}

func newExchange(h *HTTP, s *session, w http.ResponseWriter, r *http.Request, began time.Time) *exchange {
	x := &exchange{http: h, session: s, w: w, r: r, began: began, response: httpResponse{w: w, r: r, ended: make(chan struct{})}}
	x.stream = stream{session: s, kind: answerStream, response: &x.response, dropped: streamable.Buffers(w)}
	return x
}

// postRequest answers a request. The status is 200 even for an error, because
// to clients of the handshake versions 404 means that the session has ended.
func (h *HTTP) postRequest(w http.ResponseWriter, r *http.Request, s *session, req *jsonrpc.Request) (kept bool) {
	if resp := h.answer(r.Context(), s, req); resp != nil {
		defer resp.Release()
		h.writeResponse(w, req.Began, resp)
		return false
	}
	x := newExchange(h, s, w, r, req.Began)
	req.Tails, x.id = true, req.ID
	return x.serve(func() {
		if resp := x.run(req); resp != nil {
			x.finish(resp)
			resp.Release()
		} else {
			x.stream.finishEmpty()
		}
	})
}

// serve calls answer, which writes the answer, and returns when the HTTP
// response has ended. In a session the answer may outlive the HTTP response,
// because the client can come back for the rest. Another goroutine therefore
// writes it, and [HTTP] waits for that goroutine. Kept says that it
// still uses the message.
func (x *exchange) serve(answer func()) (kept bool) {
	x.http.enter(x)
	if x.session.sessionless() || !x.owned {
		x.attempt(answer)
		x.abort()
		return false
	}
	x.stream.detachable = true
	done := make(chan struct{})
	x.http.workers.run(func() {
		defer close(done)
		x.attempt(answer)
	})
	select {
	case <-x.r.Context().Done():
		x.stream.detach(&x.response)
	case <-x.response.ended:
	case <-done:
	}
	if x.stream.goesOn() {
		return true
	}
	<-done
	x.abort()
	return false
}

// abort breaks the connection off if the handler has panicked.
func (x *exchange) abort() {
	if x.panicked {
		panic(http.ErrAbortHandler)
	}
}

// attempt calls answer and then ends the stream. It sends an error when a
// handler has ended its goroutine ([runtime.Goexit]).
func (x *exchange) attempt(answer func()) {
	returned := false
	defer func() {
		v := recover()
		switch {
		case returned:
		case v == nil:
			x.cut(jsonrpc.ErrInternal)
		default:
			x.panicked = true
			if err, _ := v.(error); !errors.Is(err, http.ErrAbortHandler) {
				x.http.config.Logger.Error("request panicked", "panic", v, "stack", string(debug.Stack()))
			}
		}
		x.stream.hangUp()
		x.http.leave(x)
	}()
	answer()
	returned = true
}

// cut ends the answer with an error.
func (x *exchange) cut(err *jsonrpc.Error) {
	resp := jsonrpc.ErrorResponse(x.id, err)
	defer resp.Release()
	x.stream.cut(resp)
}

// run runs a request and returns the response, or nil when the client does not
// want one any more.
func (x *exchange) run(req *jsonrpc.Request) *jsonrpc.Response {
	s := x.session
	req.OnRun = x.stream.run
	if s.sessionless() {
		s.adapt(req, protocol.DefaultLevel)
		return x.http.handler.Handle(x.r.Context(), req, x.stream.notify)
	}
	c := begin(x.r.Context(), req.ID)
	level, ok := s.enter(c)
	if !ok {
		return jsonrpc.ErrorResponse(req.ID, jsonrpc.Errorf(mcp.CodeInvalidRequest, "%s", errNoSession.message))
	}
	defer c.cancel(errAnswered)
	defer s.leave(c)
	x.stream.answers(c)
	s.adapt(req, level)
	if !x.http.config.JSONOnly {
		req.Asker = x
		if s.peer.traits().StartsWithID {
			req.StreamCloser = &x.stream
		}
	}
	resp := x.http.handler.Handle(c.ctx, req, x.stream.notify)
	if c.unwanted() {
		resp.Release()
		return nil
	}
	return resp
}

// Ask implements [jsonrpc.Asker].
func (x *exchange) Ask(ctx context.Context, method string, params []byte) ([]byte, error) {
	return x.session.requests().Ask(ctx, x.stream.send, method, params)
}

// finish sends the response, as JSON or as the last event of the stream.
func (x *exchange) finish(resp *jsonrpc.Response) {
	if !x.stream.finish(resp) {
		x.http.writeResponse(x.w, x.began, resp)
	}
}

// answer answers the requests that are about the session, and refuses methods
// that no handshake version has. It returns nil for all other requests.
func (h *HTTP) answer(ctx context.Context, s *session, req *jsonrpc.Request) *jsonrpc.Response {
	m := h.methods.Of(req)
	if !m.Local && m.In(true) {
		return nil
	}
	err := jsonrpc.Authorize(ctx, h.handler, req)
	switch {
	case err != nil:
	case req.Method == protocol.MethodLoggingSetLevel:
		err = s.answerSetLevel(ctx, req)
	case m.Local:
		err = s.answerSubscribe(ctx, req)
	default:
		err = notFound(req.Method)
	}
	if err != nil {
		return jsonrpc.ErrorResponse(req.ID, err)
	}
	return emptyResult(req.ID)
}

func (s *session) answerSetLevel(ctx context.Context, req *jsonrpc.Request) *jsonrpc.Error {
	level, err := logLevel(req)
	if err != nil || s.sessionless() {
		return err
	}
	s.setLevel(level)
	s.share(ctx, levelItem, level)
	return nil
}

func (s *session) answerSubscribe(ctx context.Context, req *jsonrpc.Request) *jsonrpc.Error {
	if !s.http.listens() {
		return notFound(req.Method)
	}
	uri, err := resourceURI(req)
	if err != nil {
		return err
	}
	if req.Method == protocol.MethodResourcesUnsubscribe {
		s.unsubscribe(uri)
		s.share(ctx, uriItem+uri, "")
		return nil
	}
	err = s.subscribe(ctx, uri)
	if err == nil {
		s.share(ctx, uriItem+uri, isSet)
	}
	return err
}

// postReply takes the client's response to a request of the server. It accepts
// a response to no known request too: the response may be late.
func (h *HTTP) postReply(w http.ResponseWriter, r *http.Request, s *session, body []byte) {
	reply, err := jsonrpc.ParseReply(body)
	if err == nil {
		err = s.take(r.Context(), reply, body)
	}
	if err != nil {
		sendError(w, nil, err)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// take hands a response to the request that waits for it, here or on another
// replica. The message is the response as the client wrote it.
func (s *session) take(ctx context.Context, reply jsonrpc.Reply, message []byte) *jsonrpc.Error {
	if s.resolve(reply) {
		return nil
	}
	if s.http.remote != nil && !s.sessionless() {
		passed, err := s.http.remote.answer(ctx, s, reply, message)
		if passed || err != nil {
			return err
		}
	}
	s.http.config.Logger.Debug("ignore response: nobody waits for it", "id", string(reply.ID))
	return nil
}
