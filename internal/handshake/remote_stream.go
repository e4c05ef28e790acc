package handshake

import (
	"context"
	"encoding/binary"
	"net/http"
	"slices"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/replicas"
	"github.com/mcpengine/mcpengine/internal/sse"
	"github.com/mcpengine/mcpengine/internal/streamable"
)

const (
	// followPatience is how long a resumed stream waits for the replica that has
	// it. The client gets what is in the event store at once.
	followPatience = time.Second

	// followInterval is how often the replica that has a stream is told that the
	// client is still there. When it does not answer, the stream ends, and the
	// client comes back for the rest.
	followInterval = 15 * time.Second
)

// A follower is a client that has resumed a stream of another replica. The
// events come from the event store, which the replicas share; the bus says when
// there are more.
type follower struct {
	remote   *remote
	key      string
	progress chan streamProgress // has room for one value, the latest
}

// A streamProgress says how far a stream has come.
type streamProgress struct {
	last uint64
	done bool
}

// sharesEvents reports whether other replicas can read the events of a stream.
func (r *remote) sharesEvents() bool { return !isLocal(r.http.config.Events) }

// follow answers with the rest of a stream of another replica. It reports false
// when no such stream is known, and nothing has been sent.
func (r *remote) follow(w http.ResponseWriter, req *http.Request, s *session, id string, n uint64) bool {
	st := &stream{session: s, id: id}
	f := &follower{remote: r, key: st.key(), progress: make(chan streamProgress, 1)}
	r.addFollower(f)
	defer r.removeFollower(f)
	announce := func() {
		_ = r.link.Send(req.Context(), replicas.KindFollow, []byte(s.name), []byte(id))
	}
	announce()
	patience := time.NewTimer(followPatience)
	defer patience.Stop()
	unverified, stop := streamable.UntilExpiry(r.http.config.Expires(req))
	defer stop()

	out := &resumed{http: r.http, w: w, stream: st, last: n}
	defer out.end()
	silent := 0 // intervals without an answer
	for {
		if out.send() {
			return true
		}
		select {
		case p := <-f.progress:
			silent = 0
			out.begin()
			if p.done && out.last >= p.last {
				return true
			}
			if p.done {
				return out.send() || out.begun() // what is missing is not in the store
			}
			patience.Reset(followInterval)
		case <-patience.C:
			if silent++; silent > 1 || !out.answered {
				return out.begun()
			}
			announce()
			patience.Reset(followInterval)
		case <-unverified:
			return out.begun()
		case <-req.Context().Done():
			return true
		}
		out.answered = true
	}
}

// A resumed stream is the response on which a client gets the events of a stream
// of another replica.
type resumed struct {
	http     *HTTP
	w        http.ResponseWriter
	stream   *stream
	last     uint64 // the number of the last event that the client has
	events   *streamable.EventWriter
	answered bool // the replica that has the stream has answered
}

func (o *resumed) begun() bool { return o.events != nil }

// begin makes the response an event stream.
func (o *resumed) begin() {
	if o.events == nil {
		o.events = streamable.NewEventWriter(o.w, o.http.config.IOTimeout, o.http.config.KeepAlive)
		_ = o.events.Comment() // a later write notices a failure
	}
}

// send sends the events that the store has, and reports whether the stream has
// ended with them.
func (o *resumed) send() (ended bool) {
	for number, data := range o.http.config.Events.After(o.stream.key(), o.last) {
		o.begin()
		if o.events.Send(sse.Event{ID: o.stream.eventID(number), Data: data}) != nil {
			return true
		}
		o.last = number
		if isLastEvent(data) {
			return true
		}
	}
	return false
}

func (o *resumed) end() {
	if o.events != nil {
		o.events.End()
	}
}

// isLastEvent reports whether an event is the response that ends a stream, or
// the responses of a batch.
func isLastEvent(data []byte) bool {
	message, err := jsonrpc.ParseObject(data)
	return err != nil || message.Get("method") == nil
}

func (r *remote) addFollower(f *follower) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.follows[f.key] = append(r.follows[f.key], f)
}

func (r *remote) removeFollower(f *follower) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.follows[f.key] = slices.DeleteFunc(r.follows[f.key], func(other *follower) bool { return other == f })
	if len(r.follows[f.key]) == 0 {
		delete(r.follows, f.key)
	}
}

func (r *remote) receiveProgress(fields [][]byte) {
	if len(fields) < 3 {
		return
	}
	last, _ := binary.Uvarint(fields[1])
	p := streamProgress{last, len(fields[2]) > 0}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range r.follows[string(fields[0])] {
		select {
		case <-f.progress: // it is out of date
		default:
		}
		f.progress <- p
	}
}

// receiveFollow notes that the client of a stream has come back at another
// replica.
func (r *remote) receiveFollow(fields [][]byte) {
	if len(fields) < 2 {
		return
	}
	s := r.http.sessions.named(string(fields[0]))
	if s == nil {
		return
	}
	if st := s.stream(string(fields[1])); st != nil && st.kind == answerStream {
		r.http.spawn(st.follow)
	}
}

// progressed tells the followers of a stream how far it has come, soon. The
// caller holds the lock of the stream.
func (r *remote) progressed(st *stream) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.behind[st] = true
	if !r.telling {
		r.telling = true
		go r.tellFollowers() // ends when they have been told
	}
}

func (r *remote) tellFollowers() {
	for {
		r.mu.Lock()
		var st *stream
		for st = range r.behind {
			break
		}
		if st == nil {
			r.telling = false
			r.mu.Unlock()
			return
		}
		delete(r.behind, st)
		r.mu.Unlock()
		key, last, done := st.position()
		fields := [][]byte{[]byte(key), binary.AppendUvarint(nil, last), nil}
		if done {
			fields[2] = []byte(isSet)
		}
		_ = r.link.Send(context.Background(), replicas.KindProgress, fields...)
	}
}

// follow notes that the client gets the stream from another replica: it is not
// connected here, and it is not disconnected either.
func (st *stream) follow() {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.done {
		return
	}
	if st.response != nil {
		st.disconnect()
	}
	if st.giveUpTimer != nil && st.giveUpTimer.Stop() {
		st.giveUpTimer.Reset(st.patience())
	}
	st.followed = true
	st.session.http.remote.progressed(st)
}

func (st *stream) position() (key string, last uint64, done bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.key(), st.last, st.done
}
