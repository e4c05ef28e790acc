package handshake

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine/internal/sse"
	"github.com/mcpengine/mcpengine/internal/streamable"
)

var (
	errListening  = &httpRefusal{http.StatusConflict, "the session listens on another stream already"}
	errNoListener = &httpRefusal{http.StatusServiceUnavailable, "no more streams are accepted"}
	errNoEvent    = &httpRefusal{http.StatusBadRequest, "there is no stream that could be resumed after " + eventField}
)

// Get answers with an event stream: the stream on which the client listens for
// changes, or a stream that it resumes.
func (h *HTTP) Get(w http.ResponseWriter, r *http.Request) {
	switch {
	case h.config.NoSessions:
		streamable.RejectMethod(w, "POST, OPTIONS")
		return
	case h.config.JSONOnly:
		streamable.RejectMethod(w, "POST, DELETE, OPTIONS")
		return
	}
	s, refused := h.find(r, time.Now())
	if refused == nil && s.sessionless() {
		streamable.RejectMethod(w, "POST, OPTIONS")
		return
	}
	if refused == nil {
		refused = h.stream(w, r, s)
	}
	if refused != nil {
		refused.send(w, nil)
	}
}

func (h *HTTP) stream(w http.ResponseWriter, r *http.Request, s *session) *httpRefusal {
	ids := r.Header[eventField]
	if len(ids) == 0 {
		return h.listen(w, r, s, false)
	}
	id, n, ok := parseEventID(ids[0])
	if !ok || len(ids) > 1 {
		return errNoEvent
	}
	if st := s.stream(id); st != nil {
		c := newResponse(w, r)
		if st.attach(c, n) {
			st.carry(c)
			return nil
		}
	}
	switch {
	case strings.HasPrefix(id, listenStream):
		// The client may have listened to another instance, or for too long ago.
		return h.listen(w, r, s, true)
	case h.remote != nil && h.remote.sharesEvents() && h.remote.follow(w, r, s, id, n):
		return nil
	case h.replay(w, s, id, n):
		return nil
	}
	return errNoEvent
}

// listen answers with the stream of changes. When the client may have missed
// some, everything counts as changed.
func (h *HTTP) listen(w http.ResponseWriter, r *http.Request, s *session, missed bool) *httpRefusal {
	st, refused := s.listen(r.Context())
	if refused != nil {
		return refused
	}
	c := newResponse(w, r)
	if !st.attach(c, 0) {
		return errNoListener // it was stopped in between
	}
	s.share(r.Context(), listenerItem, st.id)
	if missed {
		s.tellEverything(st)
	}
	st.carry(c)
	return nil
}

// replay answers with the rest of a stream that has ended. It reports false
// when no events are left.
func (h *HTTP) replay(w http.ResponseWriter, s *session, id string, n uint64) bool {
	st := stream{session: s, id: id}
	var out *streamable.EventWriter
	for number, data := range h.config.Events.After(st.key(), n) {
		if out == nil {
			out = streamable.NewEventWriter(w, h.config.IOTimeout, h.config.KeepAlive)
			defer out.End()
		}
		if out.Send(sse.Event{ID: st.eventID(number), Data: data}) != nil {
			return true
		}
	}
	return out != nil
}

func newResponse(w http.ResponseWriter, r *http.Request) *httpResponse {
	return &httpResponse{w: w, r: r, ended: make(chan struct{})}
}

// carry waits until the stream does not need the response any more.
func (st *stream) carry(c *httpResponse) {
	expiry := time.NewTimer(time.Until(st.session.expires))
	defer expiry.Stop()
	unverified, stop := streamable.UntilExpiry(st.session.http.config.Expires(c.r))
	defer stop()
	select {
	case <-c.ended:
	case <-c.r.Context().Done():
		st.detach(c)
	case <-expiry.C:
		st.session.http.sessions.remove(st.session)
		st.session.close(errExpired)
		st.detach(c)
	case <-unverified:
		// The caller is not verified any more, so its subscriptions end too.
		// They begin again when the client listens with a new token.
		st.session.stopIf(st)
		st.detach(c)
	}
}

// parseEventID splits the id of an event into its stream and its number. It
// accepts only ids of the form that [stream.eventID] writes: a client must not
// choose the names in an [EventStore].
func parseEventID(id string) (stream string, n uint64, ok bool) {
	i := strings.LastIndexByte(id, '-')
	if i < 0 || !isStreamID(id[:i]) {
		return "", 0, false
	}
	n, err := strconv.ParseUint(id[i+1:], 10, 64)
	if err != nil || strconv.FormatUint(n, 10) != id[i+1:] {
		return "", 0, false
	}
	return id[:i], n, true
}
