package handshake

import (
	"bytes"
	"context"
	"encoding/binary"
	"strings"
	"sync"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/replicas"
	"github.com/mcpengine/mcpengine/mcp"
)

const (
	questionPurpose = "question"

	// maxRemoteAnswer bounds an answer that reaches another replica than the one
	// that has asked. It travels in pieces.
	maxRemoteAnswer = 4 << 20
	answerPiece     = 32 << 10

	// maxRequestID bounds the id of a request that is cancelled on another
	// replica. No request has a longer one.
	maxRequestID = 256
)

// A remote shares with the other replicas what clients have told one of them. A
// message names its session by [nameOf]. Every replica gets every message and
// ignores a message that does not concern it.
type remote struct {
	http   *HTTP
	link   *replicas.Link
	states states

	mu      sync.Mutex
	waiting map[string][]chan struct{} // for the state of a session, by its name
	follows map[string][]*follower     // by key of the stream
	behind  map[*stream]bool           // followers have not been told of their last events
	telling bool
}

func newRemote(h *HTTP, link *replicas.Link) *remote {
	r := &remote{
		http: h, link: link, waiting: make(map[string][]chan struct{}),
		follows: make(map[string][]*follower), behind: make(map[*stream]bool),
	}
	r.states.init(h.config.MaxSessions)
	link.Handle(replicas.KindAnswer, r.receiveAnswer)
	link.Handle(replicas.KindCancel, r.receiveCancel)
	link.Handle(replicas.KindState, r.receiveState)
	link.Handle(replicas.KindWho, r.receiveWho)
	link.Handle(replicas.KindFollow, r.receiveFollow)
	link.Handle(replicas.KindProgress, r.receiveProgress)
	link.OnReturn(r.returned)
	return r
}

// cancel passes on that the client has cancelled a request which does not run
// here.
func (r *remote) cancel(ctx context.Context, s *session, id []byte) {
	if len(id) <= maxRequestID {
		r.link.Post(ctx, s.from.Key(), replicas.KindCancel, []byte(s.name), id)
	}
}

func (r *remote) receiveCancel(fields [][]byte) {
	if len(fields) < 2 {
		return
	}
	if s := r.http.sessions.named(string(fields[0])); s != nil {
		s.cancel(fields[1])
	}
}

// questionPrefix returns the prefix of the ids of a session's questions. Every
// replica can tell that one of them has made it, so that clients cannot make
// replicas pass on answers to questions that were never asked.
func (r *remote) questionPrefix(s *session) string {
	return "s-" + r.http.config.Keys.Seal(questionPurpose, nil, []byte(s.name)) + "-"
}

func (r *remote) isQuestion(s *session, id string) bool {
	id, ok := strings.CutPrefix(id, "s-")
	i := strings.LastIndexByte(id, '-')
	if !ok || i < 0 {
		return false
	}
	_, err := r.http.config.Keys.Open(questionPurpose, id[:i], []byte(s.name))
	return err == nil
}

// answer passes on a response to a question of another replica. It reports false
// when no other replica has asked it.
func (r *remote) answer(ctx context.Context, s *session, reply jsonrpc.Reply, message []byte) (passed bool, err *jsonrpc.Error) {
	if !jsonrpc.IsString(reply.ID) {
		return false, nil
	}
	id := jsonrpc.UnquoteString(reply.ID)
	if s.hasAsked(id) || !r.isQuestion(s, id) {
		return false, nil
	}
	if len(message) > maxRemoteAnswer {
		err = jsonrpc.Errorf(mcp.CodeInvalidRequest, "the response has more than %d bytes and cannot be passed on to the replica that waits for it", maxRemoteAnswer)
		resp := jsonrpc.ErrorResponse(reply.ID, err)
		defer resp.Release()
		message = resp.Body // so that the question ends
	}
	pieces := uint64((len(message) + answerPiece - 1) / answerPiece) //nolint:gosec // at most 128
	for i := range pieces {
		piece := message[:min(len(message), answerPiece)]
		message = message[len(piece):]
		r.link.Post(ctx, s.from.Key(), replicas.KindAnswer, []byte(s.name), []byte(id),
			binary.AppendUvarint(nil, i), binary.AppendUvarint(nil, pieces), piece)
	}
	return true, err
}

// A partialAnswer is the pieces of an answer that have come so far.
type partialAnswer struct {
	pieces  [][]byte
	missing int
}

func (r *remote) receiveAnswer(fields [][]byte) {
	if len(fields) < 5 {
		return
	}
	i, n := binary.Uvarint(fields[2])
	pieces, m := binary.Uvarint(fields[3])
	s := r.http.sessions.named(string(fields[0]))
	if s == nil || n <= 0 || m <= 0 || i >= pieces || pieces > maxRemoteAnswer/answerPiece+1 {
		return
	}
	message := s.assemble(string(fields[1]), int(i), int(pieces), fields[4]) //nolint:gosec // checked above
	if reply, err := jsonrpc.ParseReply(message); err == nil {
		s.resolve(reply)
	}
}

// assemble returns the answer to a question when its last piece has come, and
// nil before. It keeps nothing for questions that do not wait here.
func (s *session) assemble(id string, i, pieces int, piece []byte) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range s.partial {
		if s.asks == nil || !s.asks.Waits(id) {
			delete(s.partial, id)
		}
	}
	if s.asks == nil || !s.asks.Waits(id) {
		return nil
	}
	p := s.partial[id]
	if p == nil || len(p.pieces) != pieces {
		p = &partialAnswer{make([][]byte, pieces), pieces}
		if s.partial == nil {
			s.partial = make(map[string]*partialAnswer)
		}
		s.partial[id] = p
	}
	if p.pieces[i] == nil {
		p.pieces[i] = append([]byte{}, piece...)
		p.missing--
	}
	if p.missing > 0 {
		return nil
	}
	delete(s.partial, id)
	return bytes.Join(p.pieces, nil)
}

// hasAsked reports whether the id is one of this instance's questions.
func (s *session) hasAsked(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asks != nil && s.asks.Owns(id)
}
