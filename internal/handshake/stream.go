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

// Kinds of streams. The id of a stream begins with its kind.
const (
	answerStream = "a" // the answer to a POST
	listenStream = "l" // the changes that a client listens for
)

// maxListenDisconnected is how long changes are kept for a client whose stream of
// changes is disconnected. Clients reconnect within seconds or not at all.
const maxListenDisconnected = time.Minute

var (
	errLeft = errors.New("the client has left and cannot come back")
	errMute = errors.New("the server answers with JSON only")
)

// A stream is a sequence of messages to the client, carried by one HTTP
// response after another. When the connection is lost, further messages are
// kept until the client resumes the stream (2025-11-25, transports,
// "Resumability and Redelivery").
//
// An answer becomes an event stream only when a message precedes it or the
// handler takes long. Otherwise it is JSON.
type stream struct {
	session *session
	kind    string

	// detachable says that the stream may go on without its HTTP response.
	detachable bool

	mu          sync.Mutex
	response    *httpResponse // nil while the client is not connected
	opened      bool          // there has been an event
	sentFirstID bool          // an event without data has been sent
	done        bool          // there will be no more events
	id          string        // empty until opened, and always without a session
	last        uint64        // number of the last event
	giveUpTimer *time.Timer
	counted     bool        // among the disconnected streams
	silence     *time.Timer // ends a silence with a comment
	call        *call       // cancelled when the client does not come back; nil for changes
	abandoned   bool
	isCut       bool
	followed    bool   // the client gets the events from another replica
	dropped     func() // called for messages that a buffered answer cannot carry; nil when it can
}

// An httpResponse is an HTTP response that carries a stream to its client.
type httpResponse struct {
	w      http.ResponseWriter
	r      *http.Request
	events *streamable.EventWriter // nil until the response is an event stream
	ended  chan struct{}           // closed when the stream does not use the response any more
}

// key names the stream in the [EventStore], which has the streams of all
// sessions.
func (st *stream) key() string { return st.session.name + "/" + st.id }

// events returns the store of the stream's events. Changes stay in the memory of
// this instance: elsewhere everything counts as changed, so that a shared store
// would keep, for each client, what nobody reads.
func (st *stream) events() EventStore {
	if st.kind == listenStream {
		return st.session.http.changes
	}
	return st.session.http.config.Events
}

// answers notes the request that is being answered. In a batch this changes
// from request to request.
func (st *stream) answers(c *call) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.call = c
	if st.abandoned {
		c.cancel(errDisconnected)
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

// send sends a message, or keeps it for a client that is disconnected.
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
	if !st.session.sessionless() {
		st.id = st.kind + rand.Text()
		st.session.keep(st)
	}
	if st.response != nil {
		st.response.start(st)
		st.sendFirstID()
	}
}

// sendFirstID sends an event without data. With its id the client can resume
// the stream even if it never gets another event. It reports false when it has
// been called before, and when the version does not have such events, because
// clients could not read them.
func (st *stream) sendFirstID() bool {
	if st.sentFirstID || st.id == "" || !st.session.peer.traits().StartsWithID {
		return false
	}
	st.sentFirstID = true
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
	st.events().Append(st.key(), st.last, message)
	if st.followed {
		st.session.http.remote.progressed(st)
	}
	st.write(sse.Event{ID: st.eventID(st.last), Data: message})
}

// write sends an event if there is a connection. A connection that fails is
// dropped.
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
	if st.response != nil && !st.sentFirstID && st.response.events.Comment() != nil {
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

// finishEmpty ends the stream without a response, because the client does not
// want one. It cannot resume the stream.
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

// hangUp ends the stream without a response.
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
		st.events().End(st.key())
	}
	if st.followed {
		st.session.http.remote.progressed(st)
	}
	if c := st.response; c != nil {
		st.response = nil
		c.stop()
	}
}

// attach connects the stream to a client that has come back, and sends it the
// events it has missed since event n. It reports false when there is no event
// n.
func (st *stream) attach(c *httpResponse, n uint64) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.done || n > st.last {
		return false
	}
	// The server may not have noticed yet that the last connection is lost.
	if st.response != nil {
		st.response.stop()
	}
	st.back()
	st.response = c
	st.response.start(st)
	if !st.sendFirstID() {
		_ = c.events.Comment() // shows that the stream is there; a later write notices a failure
	}
	for number, data := range st.events().After(st.key(), n) {
		st.write(sse.Event{ID: st.eventID(number), Data: data})
	}
	return true
}

// CloseStream ends the connection but not the stream: the client should come
// back after the retry time. It has no effect when the stream cannot be
// resumed.
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
// stream is detached from it, or was cut.
func (st *stream) goesOn() bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.response == nil && (!st.done || st.isCut)
}

// cut ends the stream with a response that replaces the handler's.
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

// detach disconnects the stream from a response if it is still connected to it.
func (st *stream) detach(c *httpResponse) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.response == c {
		st.disconnect()
	}
}

// disconnect leaves the stream without a connection. A client that has received
// the id of an event may come back for the rest, for some time. When it cannot,
// or does not, the stream is abandoned.
func (st *stream) disconnect() {
	st.response.stop()
	st.response = nil
	h := st.session.http
	if st.session.sessionless() {
		return // the request ends with its connection
	}
	patience := st.patience()
	if st.counted = st.resumable() && h.disconnected.Take(st.session.from); !st.counted {
		patience = 0
	}
	st.giveUpTimer = time.AfterFunc(patience, st.giveUp)
}

// patience is how long the stream waits for its client to come back.
func (st *stream) patience() time.Duration {
	patience := st.session.http.config.MaxDisconnected
	if st.kind == listenStream {
		patience = min(patience, maxListenDisconnected)
	}
	return patience
}

// resumable reports whether the client has received the id of an event and can
// resume the stream from there.
func (st *stream) resumable() bool {
	return st.id != "" && (st.sentFirstID || st.last > 0) && st.session.peer.traits().Resumes
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
	c.cancel(errDisconnected)
}

// back notes that the stream does not wait for its client any more.
func (st *stream) back() {
	if st.giveUpTimer != nil {
		st.giveUpTimer.Stop()
		st.giveUpTimer = nil
		if st.counted {
			st.session.http.disconnected.Release(st.session.from)
		}
	}
}

// start makes the response an event stream.
func (c *httpResponse) start(st *stream) {
	if c.events != nil {
		return
	}
	config := &st.session.http.config
	c.events = streamable.NewEventWriter(c.w, config.IOTimeout, config.KeepAlive)
}

// stop ends the stream's use of the response.
func (c *httpResponse) stop() {
	if c.events != nil {
		c.events.End()
	}
	close(c.ended)
}
