package dev

import (
	"context"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/internal/sse"
)

// maxTries bounds how often a request is sent until a server accepts it.
const maxTries = 5

// call passes on a request that ends with its answer. Message is nil for a request
// that is not one of MCP.
func (f *Front) call(w http.ResponseWriter, r *http.Request, body []byte, message *jsonrpc.Message) {
	var last error
	for range maxTries {
		t, err := f.acquire(r.Context())
		if err != nil {
			refuse(w, message, errors.Join(err, last))
			return
		}
		end, ok := f.begin(t, r.Header.Get(sessionField))
		if !ok {
			continue
		}
		again := false
		again, last = f.try(w, r, body, message, t)
		end()
		if !again {
			return
		}
		f.await(r.Context(), t)
	}
	refuse(w, message, last)
}

// await gives another server a moment to replace one that does not answer.
func (f *Front) await(ctx context.Context, t *Target) {
	moment := time.NewTimer(f.config.Patience / maxTries)
	defer moment.Stop()
	select {
	case <-t.retired:
	case <-moment.C:
	case <-ctx.Done():
	}
}

// try passes a request to one server. It reports whether the request may be sent to
// another server, because this one has not received it or because it only reads.
func (f *Front) try(w http.ResponseWriter, r *http.Request, body []byte, message *jsonrpc.Message, t *Target) (again bool, err error) {
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	defer context.AfterFunc(t.cut, func() { cancel(context.Cause(t.cut)) })()
	resp, err := t.send(ctx, r, body)
	if err != nil {
		again = isUnsent(err) || message != nil && protocol.MethodOf(message.Method).Idempotent
		if !again {
			f.answerBroken(w, message, errors.Join(context.Cause(ctx), err))
		}
		return again && r.Context().Err() == nil, err
	}
	defer resp.Body.Close()
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	switch {
	case kind == "text/event-stream":
		copyHeader(w, resp)
		w.WriteHeader(resp.StatusCode)
		f.copyEvents(ctx, w, resp.Body, message)
	case kind == "application/json" && message != nil:
		answer, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
		if err != nil {
			f.answerBroken(w, message, errors.Join(context.Cause(ctx), err))
			return false, err
		}
		edited, found := f.edit(message, answer)
		if found {
			resp.StatusCode = http.StatusOK
		}
		f.answer(w, resp, edited)
	default:
		copyHeader(w, resp)
		w.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(w, resp.Body)
	}
	return false, nil
}

// isUnsent reports whether a request failed before the server had it.
func isUnsent(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

func (f *Front) answer(w http.ResponseWriter, resp *http.Response, answer []byte) {
	copyHeader(w, resp)
	w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
	w.WriteHeader(resp.StatusCode)
	_, _ = w.Write(answer)
}

// answerBroken answers a request whose server ended first. The HTTP status is 200,
// because the connection itself works.
func (f *Front) answerBroken(w http.ResponseWriter, message *jsonrpc.Message, err error) {
	if message == nil || message.ID == nil {
		http.Error(w, brokenOff(err).Error(), http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(errorResponse(message.ID, brokenOff(err)))
}

func copyHeader(w http.ResponseWriter, resp *http.Response) {
	for name, values := range resp.Header {
		switch name {
		case "Connection", "Keep-Alive", "Transfer-Encoding", "Content-Length", "Trailer", "Upgrade":
		default:
			w.Header()[name] = values
		}
	}
}

// keepAlive is how often a comment is sent on a stream that is silent.
const keepAlive = 15 * time.Second

// copyEvents passes on the event stream of a call. When it breaks off, an event
// with an error takes the place of the answer.
func (f *Front) copyEvents(ctx context.Context, w http.ResponseWriter, body io.Reader, message *jsonrpc.Message) {
	out := newEventWriter(w)
	out.flush()
	events, failure := readEvents(ctx, body)
	silence := time.NewTicker(keepAlive)
	defer silence.Stop()
	for {
		select {
		case e, ok := <-events:
			if !ok {
				if err := failure(); err != nil && message != nil && message.ID != nil {
					if cause := context.Cause(ctx); cause != nil {
						err = cause
					}
					out.message(errorResponse(message.ID, brokenOff(err)))
				}
				return
			}
			if message != nil {
				e.Data, _ = f.edit(message, e.Data)
			}
			out.event(e)
		case <-silence.C:
			out.comment()
		}
	}
}

// readEvents reads events until the stream or ctx ends. After the last event,
// failure returns the error that broke the stream off, or nil.
func readEvents(ctx context.Context, body io.Reader) (events <-chan sse.Event, failure func() error) {
	out := make(chan sse.Event)
	var failed error
	go func() {
		defer close(out)
		reader := sse.NewReader(body, maxBody)
		for {
			e, err := reader.Next()
			if err != nil {
				if !errors.Is(err, io.EOF) {
					failed = err
				}
				return
			}
			select {
			case out <- e:
			case <-ctx.Done():
				failed = context.Cause(ctx)
				return
			}
		}
	}()
	return out, func() error { return failed }
}

// An eventWriter writes an event stream. It ignores errors: they mean that the
// client has gone, and then the request ends by itself.
type eventWriter struct {
	w          io.Writer
	controller *http.ResponseController
}

func newEventWriter(w http.ResponseWriter) *eventWriter {
	return &eventWriter{w, http.NewResponseController(w)}
}

func (w *eventWriter) event(e sse.Event) {
	_, _ = w.w.Write(sse.Append(nil, e))
	w.flush()
}

func (w *eventWriter) message(text []byte) { w.event(sse.Event{Name: "message", Data: text}) }

func (w *eventWriter) comment() {
	_, _ = w.w.Write(sse.AppendComment(nil, ""))
	w.flush()
}

func (w *eventWriter) flush() { _ = w.controller.Flush() }

// forwardToSession passes on a message that gets no answer: a notification, or the
// answer to a question. A replaced server may still be working on the call that the
// message belongs to.
func (f *Front) forwardToSession(w http.ResponseWriter, r *http.Request, body []byte) {
	for _, t := range f.busy(r.Header.Get(sessionField)) {
		resp, err := t.send(r.Context(), r, body)
		if err != nil {
			continue
		}
		taken := resp.StatusCode < http.StatusMultipleChoices
		if taken {
			copyHeader(w, resp)
			w.WriteHeader(resp.StatusCode)
		}
		resp.Body.Close()
		if taken {
			return
		}
	}
	f.call(w, r, body, nil)
}
