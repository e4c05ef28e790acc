package streamable

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/sse"
)

// cutTimeout is how long a client has to take the answer to a request that is
// cut off.
const cutTimeout = time.Second

// running holds the exchanges whose handlers run.
type running struct {
	mu        sync.Mutex
	exchanges []*exchange
	cut       bool // no exchange is used again: Cut may still use it
}

func (r *running) enter(x *exchange) {
	r.mu.Lock()
	defer r.mu.Unlock()
	x.index = len(r.exchanges)
	r.exchanges = append(r.exchanges, x)
}

// leave reports whether the exchange may be used again.
func (r *running) leave(x *exchange) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := len(r.exchanges) - 1
	r.exchanges[x.index] = r.exchanges[last]
	r.exchanges[x.index].index = x.index
	r.exchanges[last] = nil
	r.exchanges = r.exchanges[:last]
	return !r.cut
}

// Cut answers all requests whose handlers run with err, whatever the handlers
// do, and returns how many there were. It is for a server that is about to end:
// a client should get an answer and not a broken connection.
func (s *Server) Cut(err *jsonrpc.Error) int {
	s.running.mu.Lock()
	s.running.cut = true
	var cut []*stream
	for _, x := range s.running.exchanges {
		cut = append(cut, &x.stream)
	}
	s.running.mu.Unlock()
	var all sync.WaitGroup
	for _, stream := range cut {
		all.Go(func() { stream.cut(err) })
	}
	n := len(cut)
	if s.config.Handshake != nil {
		n += s.config.Handshake.Cut(err)
	}
	all.Wait()
	return n
}

// cut ends the stream with an error.
func (s *stream) cut(err *jsonrpc.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.isOpen {
		return
	}
	resp := jsonrpc.ErrorResponse(s.id, err)
	defer resp.Release()
	if s.events != nil {
		_ = s.events.Send(sse.Event{Data: resp.Whole()})
	} else {
		WriteWhole(s.w, resp)
	}
	s.end()
}

// WriteWhole sends a response as JSON and flushes it. It is for a handler that
// does not return and so does not end the HTTP response.
func WriteWhole(w http.ResponseWriter, resp *jsonrpc.Response) {
	body := resp.Whole()
	h := w.Header()
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	h["Connection"] = []string{"close"}
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Now().Add(cutTimeout)) // recorders in tests have none
	WriteJSON(w, resp.Status, body)
	_ = control.Flush() // the client is gone when this fails
}
