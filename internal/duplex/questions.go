package duplex

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/mcp"
)

const (
	// maxQuestions bounds the requests to one client that wait for answers.
	maxQuestions = 64

	// maxAnswerError bounds the part of a client's error message that is
	// repeated.
	maxAnswerError = 1024

	// DefaultAskTimeout is how long a client has to answer a request. It may
	// have to ask its user.
	DefaultAskTimeout = 5 * time.Minute
)

// Questions are the requests to one client that wait for answers. The caller
// provides the transport.
type Questions struct {
	prefix  string
	timeout time.Duration

	mu      sync.Mutex
	last    uint64
	waiting map[string]chan answer // by id; each has room for its one answer
	closed  error
}

// An answer is how a request to the client has ended.
type answer struct {
	result  []byte
	refused []byte // the error of the client, as JSON
	err     error
}

// NewQuestions returns an empty table. Its requests have ids that begin with
// the prefix. Tables for the same client need different prefixes, for example
// the tables of one session on several replicas. A request that is not answered
// within the timeout fails; 0 stands for [DefaultAskTimeout].
func NewQuestions(prefix string, timeout time.Duration) *Questions {
	if timeout <= 0 {
		timeout = DefaultAskTimeout
	}
	return &Questions{prefix: prefix, timeout: timeout, waiting: make(map[string]chan answer)}
}

// Ask sends a request to the client and waits for its result, which is raw
// JSON. Params are a JSON object, or nil. When the client answers with an
// error, Ask returns an [*AnswerError]. When ctx ends or the time is up, it
// tells the client that the request is cancelled (basic, "Cancellation").
func (q *Questions) Ask(ctx context.Context, send func(message []byte) error, method string, params []byte) ([]byte, error) {
	id, answers, err := q.enter()
	if err != nil {
		return nil, fmt.Errorf("ask the client (%s): %w", method, err)
	}
	defer q.forget(id)
	jsonrpc.NoteQuestionID(ctx, id)
	if err := send(appendQuestion(id, method, params)); err != nil {
		return nil, fmt.Errorf("ask the client (%s): %w", method, err)
	}

	timer := time.NewTimer(q.timeout)
	defer timer.Stop()
	var reason error
	select {
	case got := <-answers:
		return got.of(method)
	case <-ctx.Done():
		err, reason = ctx.Err(), context.Cause(ctx)
	case <-timer.C:
		err = fmt.Errorf("the client has not answered %s within %v", method, q.timeout)
		reason = err
	}
	q.forget(id)
	select {
	case got := <-answers: // it came at the last moment
		return got.of(method)
	default:
	}
	// When the client is gone, it need not be told.
	_ = send(appendCancelled(id, reason.Error()))
	return nil, err
}

// Resolve hands a client's response to the request that waits for it. It
// reports false when there is none: the response is unknown, late or repeated.
func (q *Questions) Resolve(reply jsonrpc.Reply) bool {
	if !jsonrpc.IsString(reply.ID) {
		return false // the ids of this table are strings
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	id := jsonrpc.UnquoteString(reply.ID)
	answers := q.waiting[id]
	if answers == nil {
		return false
	}
	delete(q.waiting, id)
	// The memory of the reply belongs to its message, which is reused.
	answers <- answer{result: bytes.Clone(reply.Result), refused: bytes.Clone(reply.Error)}
	return true
}

// Waits reports whether a request with an id waits for its answer.
func (q *Questions) Waits(id string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waiting[id] != nil
}

// Owns reports whether an id is of a request of this table, which may have ended.
func (q *Questions) Owns(id string) bool { return strings.HasPrefix(id, q.prefix) }

// Close fails all waiting requests and all further ones with err, because the
// client is gone.
func (q *Questions) Close(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed != nil {
		return
	}
	q.closed = err
	for id, answers := range q.waiting {
		delete(q.waiting, id)
		answers <- answer{err: err}
	}
}

func (q *Questions) enter() (id string, answers chan answer, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed != nil:
		return "", nil, q.closed
	case len(q.waiting) == maxQuestions:
		return "", nil, fmt.Errorf("%d requests wait for answers of the client already", maxQuestions)
	}
	q.last++
	id = q.prefix + strconv.FormatUint(q.last, 10)
	answers = make(chan answer, 1)
	q.waiting[id] = answers
	return id, answers, nil
}

func (q *Questions) forget(id string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.waiting, id)
}

// of returns the answer to a request of the given method.
func (got answer) of(method string) ([]byte, error) {
	if got.refused != nil {
		return nil, &AnswerError{Method: method, Raw: got.refused}
	}
	return got.result, got.err
}

// An AnswerError is the error that a client has answered a request with.
type AnswerError struct {
	Method string
	Raw    []byte // the error as the client wrote it
}

// Refusal returns the error as the client wrote it.
func (e *AnswerError) Refusal() []byte { return e.Raw }

// Error returns the message and the code. It does not rely on the client:
// either may be missing.
func (e *AnswerError) Error() string {
	code, message := "no code", "no message"
	members, _ := jsonrpc.ParseObject(e.Raw)
	if raw := members.Get("code"); raw != nil && !jsonrpc.IsString(raw) && jsonrpc.IsStringOrInteger(raw) {
		code = string(raw)
	}
	if text := jsonrpc.Text(members.Get("message")); text != "" {
		message = text
	}
	if len(message) > maxAnswerError {
		message = strings.ToValidUTF8(message[:maxAnswerError], "") + "…"
	}
	return fmt.Sprintf("the client answered %s: %s (%s)", e.Method, message, code)
}

func appendQuestion(id, method string, params []byte) []byte {
	var message jsonrpc.Builder
	message.AddString("jsonrpc", "2.0")
	message.AddString("id", id)
	message.AddString("method", method)
	if len(params) > 0 {
		message.Add("params", params)
	}
	return message.Object()
}

func appendCancelled(id, reason string) []byte {
	var params jsonrpc.Builder
	params.AddString("requestId", id)
	params.AddString("reason", reason)
	return jsonrpc.Notification{Method: mcp.MethodNotificationsCancelled, Params: params.Object()}.Append(nil)
}
