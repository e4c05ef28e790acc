package peer

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/internal/sse"
)

// A session is a link over Streamable HTTP in a handshake version.
type session struct {
	*endpoint
	url      *url.URL
	requests *serverRequests

	progress progressRoutes

	// header has the fields of every request. After the handshake they include
	// the version, and the session id if the server gave one.
	header atomic.Pointer[http.Header]

	cancel     context.CancelFunc // of the stream for unrelated messages
	background Background

	once   sync.Once
	broken chan struct{}
}

func newSession(e *endpoint, u *url.URL) *session {
	s := &session{endpoint: e, url: u, broken: make(chan struct{})}
	header := postHeader("")
	s.header.Store(&header)
	s.requests = newServerRequests(e.config.OnRequest, s.send)
	return s
}

// begin sets the session and the version of later requests. It is called when the
// handshake has been answered.
func (s *session) begin(id, version string) {
	header := postHeader(version)
	if id != "" {
		header[sessionField] = []string{id}
	}
	s.header.Store(&header)
}

const sessionField = "Mcp-Session-Id"

// id returns the id of the session, and "" without one.
func (s *session) id() string { return s.header.Load().Get(sessionField) }

func (s *session) hasID() bool { return (*s.header.Load())[sessionField] != nil }

// openWait is how long the first call waits for the stream of unrelated messages.
// Servers drop such messages while there is no stream.
const openWait = 250 * time.Millisecond

// listen opens the stream of unrelated messages, if the config has a use for
// them.
func (s *session) listen() {
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	if s.config.OnNotification == nil && s.config.OnRequest == nil {
		return
	}
	opened := make(chan struct{})
	s.background.Run(func() { s.follow(ctx, sync.OnceFunc(func() { close(opened) })) })
	within(opened, openWait)
}

func (s *session) lose() { s.once.Do(func() { close(s.broken) }) }

func (s *session) call(ctx context.Context, p *pendingCall) ([]byte, error) {
	defer s.progress.add(p)()
	result, _, err := s.exchange(ctx, p)
	if err != nil && ctx.Err() != nil && p.Method != protocol.MethodInitialize {
		s.background.Run(func() { s.cancelRemote(p.idText) })
	}
	return result, err
}

// cancelRemote tells the server that a request is cancelled.
func (s *session) cancelRemote(id []byte) {
	ctx, cancel := context.WithTimeout(context.Background(), s.config.CloseTimeout)
	defer cancel()
	_ = s.send(ctx, cancelled(id)) // best effort: the answer is dropped in any case
}

func cancelled(id []byte) []byte {
	message := append([]byte(nil), `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":`...)
	return append(append(message, id...), "}}"...)
}

// exchange sends a request and reads the answer. It resumes a stream that ends
// before the answer.
func (s *session) exchange(ctx context.Context, p *pendingCall) ([]byte, http.Header, error) {
	header := s.header.Load().Clone()
	for name, values := range p.Header {
		if header[name] == nil {
			header[name] = values
		}
	}
	if p.Replay {
		repeatable(header)
	}
	resp, err := s.do(ctx, http.MethodPost, s.url, header, p.message)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, nil, s.unlessLost(p.Method, resp.StatusCode, refusal(resp, p.idText), false)
	}
	p.touch()
	a := &answer{pendingCall: p, limit: s.config.MaxMessage, requests: s.requests}
	result, at, err := a.read(resp)
	if errors.Is(err, errCut) && at.lastID != "" && len(at.lastID) <= maxEventID && ctx.Err() == nil {
		resp.Body.Close()
		result, err = s.resume(ctx, a, at)
	}
	if wraps[*jsonrpc.Error](err) && !wraps[*ProtocolError](err) {
		err = s.unlessLost(p.Method, http.StatusOK, err, false)
	}
	return result, resp.Header, err
}

// unlessLost returns the error with which a message was refused, or a
// [*SessionError] if the refusal says that the session is lost.
func (s *session) unlessLost(method string, status int, err error, sent bool) error {
	if method == "initialize" || !saysSessionLost(status, err, s.hasID()) {
		return err
	}
	s.lose()
	return &SessionError{Sent: sent, Err: err}
}

// Waiting times before a stream is resumed: the default, which the server may
// change, and bounds.
const (
	resumeWait    = time.Second
	minResumeWait = 50 * time.Millisecond
	maxResumeWait = 30 * time.Second
	maxResumes    = 8 // in a row without an event
)

// resume reads the rest of an answer from where its stream was cut (2025-11-25,
// transports, "Resumability and Redelivery").
func (s *session) resume(ctx context.Context, a *answer, at position) ([]byte, error) {
	var result []byte
	err := error(&UnreachableError{Sent: true, Err: errCut})
	for failures := 0; failures < maxResumes; failures++ {
		wait := at.retry
		if wait <= 0 {
			wait = resumeWait << failures
		}
		if err := Sleep(ctx, min(max(wait, minResumeWait), maxResumeWait)); err != nil {
			return nil, err
		}
		var next position
		result, next, err = s.reopen(ctx, a, at.lastID)
		if err == nil || !isCut(err) || ctx.Err() != nil {
			return result, err
		}
		if next.lastID != "" {
			at.lastID = next.lastID
		}
		if next.retry > 0 {
			at.retry = next.retry
		}
		if next.moved {
			failures = -1
		}
	}
	return nil, err
}

// isCut reports whether another attempt to open the stream may succeed.
func isCut(err error) bool {
	if status, ok := errors.AsType[*StatusError](err); ok {
		return status.Status >= 500 || status.Status == http.StatusTooManyRequests
	}
	_, ok := errors.AsType[*UnreachableError](err)
	return ok
}

func (s *session) reopen(ctx context.Context, a *answer, lastID string) ([]byte, position, error) {
	resp, err := s.get(ctx, lastID)
	if err != nil {
		return nil, position{}, err
	}
	defer resp.Body.Close()
	// A stream that is opened again and again without a message is silence.
	return a.readEvents(resp.Body)
}

// maxEventID bounds the id of an event that a stream is resumed from. A longer
// one is not sent back: few servers take a field of its size.
const maxEventID = 4 << 10

// get opens a stream.
func (s *session) get(ctx context.Context, lastID string) (*http.Response, error) {
	header := s.header.Load().Clone()
	header["Accept"] = []string{"text/event-stream"}
	delete(header, "Content-Type")
	if lastID != "" && len(lastID) <= maxEventID {
		header["Last-Event-Id"] = []string{lastID}
	}
	resp, err := s.do(ctx, http.MethodGet, s.url, header, nil)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		if lastID == "" {
			return nil, refusal(resp, nil) // 404 may mean that there is no such stream
		}
		return nil, s.unlessLost("", resp.StatusCode, refusal(resp, nil), true)
	}
	if mediaType(resp.Header) != "text/event-stream" {
		resp.Body.Close()
		return nil, protocolErrorf("a GET is answered with content type %.64q", resp.Header.Get("Content-Type"))
	}
	return resp, nil
}

// follow reads the stream of unrelated messages until ctx ends, or until the
// server says that there is no such stream. It calls opened after the first
// attempt.
func (s *session) follow(ctx context.Context, opened func()) {
	var at position
	for failures := 0; ; failures++ {
		resp, err := s.get(ctx, at.lastID)
		opened()
		if err != nil && !isCut(err) {
			return
		}
		if err == nil {
			if s.deliver(resp.Body, &at) {
				failures = 0
			}
			resp.Body.Close()
		}
		wait := max(at.retry, resumeWait<<min(failures, 5))
		if at.retry > 0 && failures == 0 {
			wait = at.retry
		}
		if Sleep(ctx, min(max(wait, minResumeWait), maxResumeWait)) != nil {
			return
		}
	}
}

// deliver handles the messages of a stream and reports whether an event arrived.
func (s *session) deliver(body io.Reader, at *position) (moved bool) {
	events := sse.NewReader(body, s.config.MaxMessage)
	for {
		event, err := events.Next()
		if id := events.LastEventID(); id != "" {
			at.lastID = id
		}
		if retry, ok := events.Retry(); ok {
			at.retry = retry
		}
		if err != nil {
			return moved
		}
		moved = true
		var m jsonrpc.Message
		if len(event.Data) == 0 || event.Name != "" && event.Name != "message" || readMessage(&m, event.Data) != nil {
			continue
		}
		s.unrelated(&m)
	}
}

// unrelated handles a message that does not belong to a call.
func (s *session) unrelated(m *jsonrpc.Message) {
	switch {
	case m.IsResponse() || s.requests.cancelled(m):
	case m.ID != nil:
		s.requests.serve(m, nil)
	case s.progress.deliver(m):
	case s.config.OnNotification != nil:
		s.config.OnNotification(notification(m))
	}
}

func notification(m *jsonrpc.Message) jsonrpc.Notification {
	if m.Params == nil {
		return jsonrpc.Notification{Method: m.Method, Params: []byte("{}")}
	}
	return jsonrpc.Notification{Method: m.Method, Params: m.Params}
}

func (s *session) send(ctx context.Context, message []byte) error {
	header := s.header.Load().Clone()
	repeatable(header) // notifications and responses have no effect the second time
	return s.post(func() (*http.Response, error) { return s.do(ctx, http.MethodPost, s.url, header, message) })
}

func (s *session) quiet() time.Duration { return s.requests.quiet() }

func (s *session) done() <-chan struct{} { return s.broken }

// close ends the session on the server, unless it is lost.
func (s *session) close() {
	if s.cancel != nil {
		s.cancel()
	}
	s.requests.close()
	s.background.Close()
	select {
	case <-s.broken:
		return
	default:
	}
	if !s.hasID() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.config.CloseTimeout)
	defer cancel()
	header := s.header.Load().Clone()
	delete(header, "Content-Type")
	// A server that does not end sessions answers 405.
	_ = s.post(func() (*http.Response, error) { return s.do(ctx, http.MethodDelete, s.url, header, nil) })
}
