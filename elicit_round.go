package mcpengine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/schema"
	"github.com/mcpengine/mcpengine/internal/seal"
	"github.com/mcpengine/mcpengine/mcp"
)

// Bounds of a multi round-trip request.
const (
	// stateTTL is how long a client has to come back with the answers.
	stateTTL = 15 * time.Minute

	// maxAsks is how many questions one round may have.
	maxAsks = 32

	statePurpose = "requestState"
)

// ErrInputRequired is the error of a question until it is answered.
var ErrInputRequired = errors.New("the client has been asked for input: return this error and the handler will run again with the answer")

// A subject is what a request is about. Questions of its handler are bound to it.
type subject struct {
	mayAsk bool
	name   string
	args   []byte
}

// A round is one run of a handler within a multi round-trip request: the answers
// and steps of earlier rounds, and the questions of this one (multi round-trip
// requests, "Basic Workflow").
type round struct {
	mu      sync.Mutex
	state   state
	answers map[string]json.RawMessage // of this round's request
	pending []*ask
	sent    bool // the questions were
	used    names
}

func newRound() *round { return &round{used: make(names)} }

// A state is what the next run of the handler needs. The client keeps it, sealed.
type state struct {
	Expires int64                      `json:"exp"`
	Answers map[string]json.RawMessage `json:"answers,omitempty"`
	Steps   map[string]json.RawMessage `json:"steps,omitempty"`
}

// An ask is one question to the client.
type ask struct {
	key    string
	method string
	params []byte
	schema givenSchema // of a form
}

func newAsk(method string, opts []AskOption) *ask {
	a := &ask{method: method}
	for _, opt := range opts {
		opt.applyToAsk(a)
	}
	return a
}

var errCannotAsk = mcp.Errorf(mcp.CodeInvalidRequest,
	"the server has to ask the client, which this connection cannot carry: use a session, stdio, or protocol version %s", mcp.LatestProtocolVersion)

// asking returns the request of ctx, prepared for a question.
func asking(ctx context.Context) (*Request, error) {
	req, err := remembering(ctx)
	if err == nil && req.version.Handshake && req.asker == nil {
		// Without a session, the capabilities that the client declared are not known
		// either.
		return nil, errCannotAsk
	}
	return req, err
}

// remembering returns the request of ctx, with a memory.
func remembering(ctx context.Context) (*Request, error) {
	req := RequestFrom(ctx)
	switch {
	case req == nil:
		return nil, errors.New("mcpengine: the context does not come from a handler")
	case !req.subject.mayAsk:
		return nil, internalf("input can be asked for by tools, resources and prompts only")
	}
	req.mu.Lock()
	defer req.mu.Unlock()
	if req.memory() == nil {
		req.round = newRound()
	}
	return req, nil
}

// resume records what the request is about and restores the answers and steps of
// earlier rounds. Every method that may ask calls it before its handler runs, so
// that a forged state is refused even if the handler asks nothing.
func (r *Request) resume(name string, args []byte) error {
	r.subject = subject{true, name, args}
	sealed, answers := r.param("requestState"), r.param("inputResponses")
	if sealed == nil && answers == nil {
		return nil
	}
	r.round = newRound()
	if sealed != nil {
		if err := r.openState(sealed); err != nil {
			return err
		}
	}
	if answers == nil {
		return nil
	}
	members, err := jsonrpc.ParseObject(answers)
	if err != nil {
		return jsonrpc.Errorf(mcp.CodeInvalidParams, "params.inputResponses must be an object")
	}
	r.round.answers = make(map[string]json.RawMessage, len(members))
	for _, m := range members {
		r.round.answers[string(m.Name)] = bytes.Clone(m.Value)
	}
	return nil
}

var errState = jsonrpc.Errorf(mcp.CodeInvalidParams, "requestState is not valid for this request, or has expired: send the request without it")

// openState restores a state. It refuses one that was not sealed for this caller
// and this request (multi round-trip requests, "Server Requirements").
func (r *Request) openState(sealed []byte) error {
	if !jsonrpc.IsString(sealed) {
		return errState
	}
	plain, err := r.engine.ring.Open(statePurpose, jsonrpc.UnquoteString(sealed), r.stateOwner())
	if err != nil {
		return errState
	}
	if err := json.Unmarshal(plain, &r.round.state); err != nil {
		return errState
	}
	if time.Now().Unix() >= r.round.state.Expires {
		return errState
	}
	return nil
}

// stateOwner returns a digest of the caller, method, name and arguments that a
// state is bound to. The arguments are in canonical form, because a client may
// encode them differently the next time.
func (r *Request) stateOwner() []byte {
	args := schema.Canonical(r.subject.args)
	h := sha256.New()
	for _, part := range [][]byte{[]byte(callerID(r.user)), []byte(r.wire.Method), []byte(r.subject.name), args} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		h.Write(part)
	}
	return h.Sum(nil)
}

// ask returns the client's answer, or puts the question to it.
func (r *Request) ask(ctx context.Context, a *ask) ([]byte, error) {
	if r.version.Handshake {
		return r.askNow(ctx, a)
	}
	return r.memory().ask(a)
}

func (q *round) ask(a *ask) ([]byte, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.used.name(a); err != nil {
		return nil, err
	}
	if answer, ok := q.state.Answers[a.key]; ok {
		return answer, nil
	}
	if answer, ok := q.answers[a.key]; ok {
		if !jsonrpc.IsObject(answer) {
			return nil, a.invalid("must be an object")
		}
		if q.state.Answers == nil {
			q.state.Answers = make(map[string]json.RawMessage)
		}
		q.state.Answers[a.key] = answer
		return answer, nil
	}
	if len(q.pending) == maxAsks {
		return nil, internalf("more than %d questions in one round", maxAsks)
	}
	q.pending = append(q.pending, a)
	return nil, ErrInputRequired
}

// askNow puts the question to a client whose connection carries requests, and
// waits for the answer.
func (r *Request) askNow(ctx context.Context, a *ask) ([]byte, error) {
	params := r.version.Question(a.method, a.params)
	ctx, params, end := r.observeQuestion(ctx, a.method, params)
	answer, err := r.asker.Ask(ctx, a.method, params)
	end(answer, err)
	if err != nil {
		return nil, err
	}
	if !jsonrpc.IsObject(answer) {
		return nil, a.invalid("must be an object")
	}
	return answer, nil
}

// step returns the value of the step in an earlier run, or runs it and keeps its
// value.
func (q *round) step(ctx context.Context, s StepInfo, run stepFunc) ([]byte, error) {
	q.mu.Lock()
	first, done := q.used.claim("step "+s.Name), q.state.Steps[s.Name]
	q.mu.Unlock()
	switch {
	case !first:
		return nil, errStepTwice(s.Name)
	case s.values != nil:
		return nil, internalf("Step(%q): its options need a durable tool", s.Name)
	case done != nil:
		return done, nil
	}
	value, err := run(ctx)
	if err != nil {
		return nil, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.state.Steps == nil {
		q.state.Steps = make(map[string]json.RawMessage)
	}
	q.state.Steps[s.Name] = value
	return value, nil
}

// asks reports whether a question waits for its answer.
func (q *round) asks() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.pending) > 0
}

// noteUnsent logs, once for each feature, that its handler has asked something and
// returned a result all the same: the client never sees the question.
func (r *Request) noteUnsent() {
	f := r.target.feature()
	if f == nil || !r.round.unsent() {
		return
	}
	f.unsent.Do(func() {
		r.engine.logger.WarnContext(r.ctx.Context, "a question to the client was not sent: the handler must return the error of the question",
			"method", r.Method(), "name", f.name)
	})
}

// unsent reports whether a question waits that the client has not been sent.
func (q *round) unsent() bool {
	if q == nil {
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.pending) > 0 && !q.sent
}

// isSent reports whether the client has been sent the questions.
func (q *round) isSent() bool {
	if q == nil {
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.sent
}

// appendInputRequired appends the result that ends the round.
func (r *Request) appendInputRequired(dst []byte) ([]byte, error) {
	q := r.round
	q.mu.Lock()
	defer q.mu.Unlock()
	result := mcp.InputRequiredResult{
		ResultType:    mcp.ResultTypeInputRequired,
		Meta:          r.engine.resultMeta(nil),
		InputRequests: make(mcp.InputRequests, len(q.pending)),
	}
	for _, a := range q.pending {
		result.InputRequests[a.key] = mcp.InputRequest{Method: a.method, Params: a.params}
	}
	q.state.Expires = time.Now().Add(stateTTL).Unix()
	plain, err := encode(q.state)
	if err != nil {
		return dst, internalf("encode requestState: %w", err)
	}
	sealed, err := r.engine.sealState(plain, r.stateOwner())
	if err != nil {
		return dst, err
	}
	result.RequestState = &sealed
	q.sent = true
	return appendJSON(dst, result)
}

func (e *Engine) sealState(plain, owner []byte) (string, error) {
	if len(plain) > seal.MaxPlaintext {
		return "", internalf("the answers and steps take %d bytes, more than the %d that fit into requestState", len(plain), seal.MaxPlaintext)
	}
	return e.ring.Seal(statePurpose, plain, owner), nil
}
