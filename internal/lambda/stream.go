package lambda

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
)

// maxHeld bounds the part of an answer that waits for the handler to flush or
// end.
const maxHeld = 256 << 10

var (
	errAborted   = errors.New("the handler panicked after it had begun to answer")
	errAbandoned = errors.New("nobody takes the answer any more")
)

// A Stream is an answer that the handler may still be writing. It has no
// exported fields, so that runtime clients do not encode it as JSON.
type Stream struct {
	reader      io.Reader
	contentType string
	end         func()
}

// Read reads the next part of the answer.
func (s *Stream) Read(p []byte) (int, error) { return s.reader.Read(p) }

// ContentType returns the content type, which tells the platform how the answer
// is framed.
func (s *Stream) ContentType() string { return s.contentType }

// Close ends the request, if it has not ended, and waits for the handler.
func (s *Stream) Close() error {
	s.end()
	return nil
}

const framedType = "application/vnd.awslambda.http-integration-response"

// InvokeStream returns the answer to one invocation as a stream. The client
// gets it while the handler writes it, from the handler's first flush on. For
// front ends that cannot stream it is complete, as from Invoke.
func (a *Adapter) InvokeStream(ctx context.Context, payload []byte) (*Stream, error) {
	x, err := a.begin(ctx, payload)
	if err != nil {
		return nil, err
	}
	if !x.frontEnd.streams {
		x.run(ctx)
		return &Stream{bytes.NewReader(x.reply(ctx)), "application/json", func() {}}, nil
	}
	return x.stream(ctx), nil
}

// stream starts the handler and returns when there is something to send.
func (x *exchange) stream(ctx context.Context) *Stream {
	ctx, cancel := context.WithCancelCause(ctx)
	reader, writer := io.Pipe()
	p := &pipe{w: writer, ready: make(chan struct{}), cancel: cancel}
	x.writer.pipe = p
	served := make(chan struct{})
	go func() { // Stream.Close waits for it
		defer close(served)
		defer p.w.Close()
		x.serve(ctx)
	}()

	s := &Stream{contentType: framedType}
	s.end = func() {
		cancel(errAbandoned)
		reader.CloseWithError(errAbandoned)
		<-served
	}
	select {
	case <-p.ready:
		s.reader = reader
	case <-served:
		if p.opened {
			s.reader = reader
			break
		}
		if x.writer.status == 0 {
			x.writer.WriteHeader(http.StatusOK)
		}
		s.reader = bytes.NewReader(x.writer.prelude())
	}
	return s
}

// A pipe carries an answer to the runtime client while it is written. Only the
// handler's side uses it.
type pipe struct {
	w      *io.PipeWriter
	ready  chan struct{} // closed when opened
	opened bool
	cancel context.CancelCauseFunc
}

func (p *pipe) open(prelude []byte) error {
	p.opened = true
	close(p.ready)
	_, err := p.Write(prelude)
	return err
}

// Write returns when the runtime client has read b. When that fails, Write
// cancels the request: a handler that only waits for events would not notice
// otherwise.
func (p *pipe) Write(b []byte) (int, error) {
	n, err := p.w.Write(b)
	if err != nil {
		p.cancel(errAbandoned)
	}
	return n, err
}

func (p *pipe) fail(err error) { p.w.CloseWithError(err) }
