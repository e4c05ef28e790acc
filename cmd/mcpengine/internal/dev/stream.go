package dev

import (
	"context"
	"mime"
	"net/http"
	"slices"
	"time"

	"github.com/mcpengine/mcpengine/contract"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/internal/sse"
	"github.com/mcpengine/mcpengine/mcp"
)

// A stream is a request that stays open while servers replace one another: a
// subscription, or the stream of a session of a handshake version.
type stream struct {
	front *Front
	r     *http.Request
	body  []byte
	out   *eventWriter
	begun bool // the client has the beginning of the response

	subscription []byte // the id of the request, and nil for a session
	lists        []string
	resources    []string
	level        string // of log messages, or ""
	log          chan []byte
	features     *contract.Lock // that the client knows of
}

// maxLogged is how many log messages may wait for one stream.
const maxLogged = 16

// stream passes on a request that stays open. Message is nil for a session.
func (f *Front) stream(w http.ResponseWriter, r *http.Request, body []byte, message *jsonrpc.Message) {
	s := &stream{front: f, r: r, body: body, out: newEventWriter(w), log: make(chan []byte, maxLogged), level: protocol.DefaultLevel}
	for _, kind := range kinds {
		s.lists = append(s.lists, kind.changed)
	}
	if message != nil {
		s.subscribe(message)
	}
	f.mu.Lock()
	f.streams[s] = true
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.streams, s)
	}()
	for {
		t, err := f.acquire(r.Context())
		if err != nil {
			if !s.begun {
				refuse(w, message, err)
			}
			return
		}
		if !s.follow(w, t) || r.Context().Err() != nil {
			return
		}
	}
}

// subscribe reads what a client of 2026-07-28 wants to be told.
func (s *stream) subscribe(message *jsonrpc.Message) {
	s.subscription, s.lists = message.ID, nil
	params, _ := jsonrpc.ParseObject(message.Params)
	filter, _ := jsonrpc.ParseObject(params.Get("notifications"))
	for _, kind := range kinds {
		if string(filter.Get(kind.filter)) == "true" {
			s.lists = append(s.lists, kind.changed)
		}
	}
	uris, _ := jsonrpc.ParseArray(filter.Get("resourceSubscriptions"))
	for _, uri := range uris {
		s.resources = append(s.resources, jsonrpc.Text(uri))
	}
	meta, _ := jsonrpc.ParseObject(params.Get("_meta"))
	s.level = jsonrpc.Text(meta.Get(mcp.MetaLogLevel))
}

// follow passes on what one server sends. It reports whether the stream goes on
// with another one.
func (s *stream) follow(w http.ResponseWriter, t *Target) bool {
	ctx, cancel := context.WithCancel(s.r.Context())
	defer cancel()
	defer context.AfterFunc(t.cut, cancel)()
	resp, err := s.open(ctx, t)
	if err != nil {
		if retired(t) || isUnsent(err) || s.begun {
			s.front.await(ctx, t)
			return true
		}
		refuse(w, nil, err)
		return false
	}
	defer resp.Body.Close()
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if kind != "text/event-stream" || resp.StatusCode != http.StatusOK {
		if s.begun {
			return false // the client makes a new session
		}
		copyHeader(w, resp)
		w.WriteHeader(resp.StatusCode)
		copyBody(w, resp)
		return false
	}
	first := !s.begun
	if first {
		copyHeader(w, resp)
		w.WriteHeader(resp.StatusCode)
		s.begun = true
		s.out.flush()
	} else {
		s.tell(t.features)
	}
	s.features = t.features
	return s.relay(ctx, t, resp, first)
}

// open sends the request of the stream. A retired target ends it.
func (s *stream) open(ctx context.Context, t *Target) (*http.Response, error) {
	r := s.r
	if s.begun { // events of another server cannot be fetched from this one
		r = r.Clone(r.Context())
		r.Header.Del("Last-Event-Id")
	}
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-t.retired:
			cancel()
		case <-ctx.Done():
		}
	}()
	resp, err := t.send(ctx, r, s.body)
	if err != nil {
		cancel()
		return nil, err
	}
	resp.Body = cancelBody{resp.Body, cancel}
	return resp, nil
}

func retired(t *Target) bool {
	select {
	case <-t.retired:
		return true
	default:
		return false
	}
}

// relay passes on events until the server is replaced or the stream ends.
func (s *stream) relay(ctx context.Context, t *Target, resp *http.Response, first bool) bool {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answered := false
	events, failure := readEvents(ctx, resp.Body)
	silence := time.NewTicker(keepAlive)
	defer silence.Stop()
	for {
		select {
		case e, ok := <-events:
			switch {
			case ok:
				answered = s.pass(e, first) || answered
			case answered || s.r.Context().Err() != nil:
				return false
			default: // it broke off: the server has ended, or is about to
				s.front.await(ctx, t)
				return failure() != nil || retired(t)
			}
		case text := <-s.log:
			s.out.message(text)
		case <-t.retired:
			return true
		case <-silence.C:
			s.out.comment()
		case <-s.front.closing:
			return false
		case <-s.r.Context().Done():
			return false
		}
	}
}

// pass writes an event of the server, and reports whether it is the answer to the
// request. The client gets one acknowledgement, and the front itself tells of
// changes of every list.
func (s *stream) pass(e sse.Event, first bool) (answer bool) {
	var message jsonrpc.Message
	if s.subscription != nil && message.Parse(e.Data) == nil {
		answer = message.IsResponse()
		if message.Method == mcp.MethodNotificationsSubscriptionsAcknowledged {
			if !first {
				return false
			}
			e.Data = s.acknowledge(e.Data)
		}
	}
	s.out.event(e)
	return answer
}

// acknowledge says that the subscription is to the lists it asked for, whether the
// server of the moment has them or not.
func (s *stream) acknowledge(data []byte) []byte {
	return jsonrpc.EditMember(data, "params", func(params []byte) []byte {
		return jsonrpc.EditMember(params, "notifications", func(filter []byte) []byte {
			for _, kind := range kinds {
				if slices.Contains(s.lists, kind.changed) {
					filter = jsonrpc.Set(filter, kind.filter, []byte("true"))
				}
			}
			return filter
		})
	})
}

// tell tells the client what changed from one server to the next.
func (s *stream) tell(features *contract.Lock) {
	for _, change := range compare(s.features, features) {
		if slices.Contains(s.lists, change.Method) {
			s.notify(change.Method, change.params())
		}
	}
	for _, uri := range s.resources {
		s.notify(mcp.MethodNotificationsResourcesUpdated, jsonrpc.NewObject("uri", jsonrpc.AppendString(nil, uri)))
	}
}

func (s *stream) notify(method string, params []byte) {
	if s.subscription != nil {
		params = jsonrpc.SetMeta(params, mcp.MetaSubscriptionID, s.subscription)
	}
	n := jsonrpc.Notification{Method: method, Params: params}
	s.out.message(n.Append(nil))
}

// Log sends a log message to the clients that want it.
func (f *Front) Log(level, text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for s := range f.streams {
		if s.level == "" || protocol.Severity(level) < protocol.Severity(s.level) {
			continue
		}
		var b jsonrpc.Builder
		b.AddText("level", level)
		b.AddText("logger", "mcpengine dev")
		b.AddText("data", text)
		params := b.Object()
		if s.subscription != nil {
			params = jsonrpc.SetMeta(params, mcp.MetaSubscriptionID, s.subscription)
		}
		n := jsonrpc.Notification{Method: mcp.MethodNotificationsMessage, Params: params}
		select {
		case s.log <- n.Append(nil):
		default: // the client does not read
		}
	}
}
