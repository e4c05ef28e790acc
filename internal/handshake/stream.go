package handshake

import (
	"crypto/rand"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/sse"
	"github.com/mcpengine/mcpengine/internal/streamable"
)

// Kinds of streams, with which their ids begin.
const (
	answerStream = "a" // of the answer to a POST
	listenStream = "l" // of what a client hears without having asked
)

// maxListenAway is how long changes are kept for a client that listened. It
// reconnects within seconds or not at all.
const maxListenAway = time.Minute

var (
	errLeft = errors.New("the client has left and cannot come back")
	errMute = errors.New("the server answers with JSON only")
)

// A stream is a sequence of messages to the client, carried by one HTTP
// response after another: when the connection is lost, what follows is kept
// until the client resumes the stream (2025-11-25, transports, "Resumability
// and Redelivery").
//
// The stream of an answer begins as a response that has not become a stream
// yet, and may never do: without anything before the answer, it is JSON.
type stream struct {
	session *session
	kind    string

	// detachable says that the stream may leave its HTTP response and go on.
	detachable bool

	mu        sync.Mutex
	response  *httpResponse // the HTTP response, nil while there is none
	opened    bool          // there has been an event
	primed    bool          // there has been one without data
	done      bool          // there will be no more
	id        string        // empty until opened, and always without a session
	last      uint64        // number of the last event
	away      *time.Timer
	counted   bool        // among the streams that are away
	silence   *time.Timer // ends a silence with a comment
	call      *call       // ends when the client stays away; nil when it only listens
	abandoned bool
	isCut     bool
	dropped   func() // told of messages that a buffered answer cannot carry; nil when it can
}

// An httpResponse is one with which a stream is connected to its client.
type httpResponse struct {
	w      http.ResponseWriter
	r      *http.Request
	events *streamable.EventWriter // nil until the response is one of events
	ended  chan struct{}           // closed when the stream does not use the response any more
}

// key names the stream in the store of events, where those of all sessions are.
func (st *stream) key() string { return st.session.name + "/" + st.id }

// answers notes the request that is answered: in a batch, one after the other.
func (st *stream) answers(c *call) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.call = c
	if st.abandoned {
		c.cancel(errAway)
	}
}

func (st *stream) connected() bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.response != nil
}

// notify sends a notification.
func (st *stream) notify(n jsonrpc.Notification) {
	// Nobody is left to receive it when this fails.
	_ = st.send(n.Append(nil))
}

// send sends a message, or keeps it for a client that is away.
func (st *stream) send(message []byte) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	if c := st.response; c != nil && c.r.Context().Err() != nil {
		st.disconnect() // before its own goroutine has noticed
	}
	switch {
	case st.session.http.config.JSONOnly:
		return errMute
	case st.dropped != nil:
		st.dropped()
		return errMute
	case st.done || !st.opened && st.response == nil:
		// A client that was never given an id cannot come back for more.
		return errLeft
	}
	st.openLocked()
	st.event(message)
	return nil
}

// open begins the stream before it is connected.
func (st *stream) open() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.openLocked()
}

func (st *stream) openLocked() {
	if st.opened {
		return
	}
	st.opened = true
	if !st.session.stateless() {
		st.id = st.kind + rand.Text()
		st.session.keep(st)
	}
	if st.response != nil {
		st.response.start(st)
		st.prime()
	}
}

// prime sends an event without data, from whose id the client can resume
// whatever becomes of the rest. It reports false when it has before, and when
// the version does not know such events: clients would stumble over them.
func (st *stream) prime() bool {
	if st.primed || st.id == "" || !st.session.peer.traits().Primes {
		return false
	}
	st.primed = true
	st.write(sse.Event{ID: st.eventID(0), Data: []byte{}})
	return true
}

// isStreamID reports whether s has the form of a stream's id: its kind and the
// text of [rand.Text], 26 characters of Base32.
func isStreamID(s string) bool {
	if len(s) != 27 || s[:1] != answerStream && s[:1] != listenStream {
		return false
	}
	return strings.Trim(s[1:], "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}

func (st *stream) eventID(n uint64) string { return st.id + "-" + strconv.FormatUint(n, 10) }

// event sends the next event.
func (st *stream) event(message []byte) {
	if st.id == "" {
		st.write(sse.Event{Data: message})
		return
	}
	st.last++
	st.session.http.config.Events.Append(st.key(), st.last, message)
	st.write(sse.Event{ID: st.eventID(st.last), Data: message})
}

// write sends an event if there is a connection. One that fails is gone.
func (st *stream) write(e sse.Event) {
	if c := st.response; c != nil && c.events.Send(e) != nil {
		st.disconnect()
	}
}

// run notes that the handler runs. When nothing has been sent for long, the
// answer becomes a stream, because intermediaries close a connection that
// carries nothing.
func (st *stream) run() {
	st.mu.Lock()
	defer st.mu.Unlock()
	if config := &st.session.http.config; st.silence == nil && !config.JSONOnly && st.dropped == nil {
		st.silence = time.AfterFunc(config.KeepAlive, st.breakSilence)
	}
}

func (st *stream) breakSilence() {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.done || st.opened || st.response == nil {
		return
	}
	st.openLocked()
	if st.response != nil && !st.primed && st.response.events.Comment() != nil {
		st.disconnect()
	}
}

// finish ends the stream with the response to its request. It reports false
// when the stream has not been opened, so that the response can be JSON.
func (st *stream) finish(response *jsonrpc.Response) (streamed bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.done {
		return true
	}
	if st.opened {
		st.event(response.Whole())
	}
	streamed = st.opened || st.response == nil
	st.end()
	return streamed
}

// finishEmpty ends the stream without a response: the client wants none. There
// is nothing then to which it could come back.
func (st *stream) finishEmpty() {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.done {
		return
	}
	switch c := st.response; {
	case c == nil || st.opened:
	case st.session.http.config.JSONOnly || st.dropped != nil:
		streamable.ExtendWrite(c.w, time.Time{}, st.session.http.config.IOTimeout)
		c.w.WriteHeader(http.StatusAccepted)
	default:
		c.start(st)
	}
	st.end()
}

// hangUp ends the stream where it is.
func (st *stream) hangUp() {
	st.mu.Lock()
	defer st.mu.Unlock()
	if !st.done {
		st.end()
	}
}

func (st *stream) end() {
	st.done = true
	st.back()
	if st.silence != nil {
		st.silence.Stop()
	}
	if st.id != "" {
		st.session.drop(st)
		st.session.http.config.Events.End(st.key())
	}
	if c := st.response; c != nil {
		st.response = nil
		c.stop()
	}
}

// attach connects the stream to a client that has come back, with what it has
// missed since event n. It reports false when there is no such event.
func (st *stream) attach(c *httpResponse, n uint64) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.done || n > st.last {
		return false
	}
	// A client that comes back knows better than the server that it was gone.
	if st.response != nil {
		st.response.stop()
	}
	st.back()
	st.response = c
	st.response.start(st)
	if !st.prime() {
		_ = c.events.Comment() // says that the stream is there; a failure shows soon
	}
	for number, data := range st.session.http.config.Events.After(st.key(), n) {
		st.write(sse.Event{ID: st.eventID(number), Data: data})
	}
	return true
}

// CloseStream ends the connection but not the stream: the client is to come back
// after the retry time. It has no effect where the stream cannot be resumed.
func (st *stream) CloseStream(retry time.Duration) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.done || st.response == nil || !st.detachable {
		return
	}
	st.openLocked()
	st.write(sse.Event{Retry: retry})
	if st.response != nil {
		st.disconnect()
	}
}

// goesOn reports whether the handler may go on without the HTTP response: the
// stream has left it, or was cut.
func (st *stream) goesOn() bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.response == nil && (!st.done || st.isCut)
}

// cut ends the stream with a response in place of the handler's.
func (st *stream) cut(response *jsonrpc.Response) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.done {
		return
	}
	st.isCut = true
	if st.opened {
		st.event(response.Whole())
	} else if st.response != nil {
		streamable.WriteWhole(st.response.w, response)
	}
	st.end()
}

// lose disconnects the stream from a response, if it has not been before.
func (st *stream) lose(c *httpResponse) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.response == c {
		st.disconnect()
	}
}

// disconnect leaves the stream without a connection. A client that has got the
// id of an event may come back for the rest, for some time; when it cannot, or
// does not, the stream is abandoned.
func (st *stream) disconnect() {
	st.response.stop()
	st.response = nil
	h := st.session.http
	if st.session.stateless() {
		return // and the request ends with its connection
	}
	patience := h.config.MaxAway
	if st.kind == listenStream {
		patience = min(patience, maxListenAway)
	}
	if st.counted = st.resumable() && h.away.Take(st.session.from); !st.counted {
		patience = 0
	}
	st.away = time.AfterFunc(patience, st.giveUp)
}

// resumable reports whether the client has been given the id of an event, and
// can resume the stream from there.
func (st *stream) resumable() bool {
	return st.id != "" && (st.primed || st.last > 0) && st.session.peer.traits().Resumes
}

func (st *stream) giveUp() {
	st.mu.Lock()
	st.abandoned = true
	c := st.call
	st.mu.Unlock()
	if c == nil {
		st.session.stopIf(st)
		return
	}
	c.cancel(errAway)
}

// back notes that the stream does not wait for a client any more.
func (st *stream) back() {
	if st.away != nil {
		st.away.Stop()
		st.away = nil
		if st.counted {
			st.session.http.away.Release(st.session.from)
		}
	}
}

// start makes the response one of events.
func (c *httpResponse) start(st *stream) {
	if c.events != nil {
		return
	}
	config := &st.session.http.config
	c.events = streamable.NewEventWriter(c.w, config.IOTimeout, config.KeepAlive)
}

// stop ends the use of the response.
func (c *httpResponse) stop() {
	if c.events != nil {
		c.events.End()
	}
	close(c.ended)
}
