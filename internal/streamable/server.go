// Package streamable is the Streamable HTTP transport of protocol version
// 2026-07-28: one POST, one request, one answer, as JSON or as an event
// stream.
//
// A request passes four rooms: guard.go decides whether the browser or host
// behind it may talk to the server at all, body.go reads the message within
// its bounds, header.go compares the mirrored header fields with it, and
// stream.go carries the answer back.
package streamable

import (
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// A Config adjusts the transport. The zero value is the safe one.
type Config struct {
	// AllowedOrigins are the values of Origin accepted besides loopback
	// origins on a loopback connection, such as "https://app.example".
	AllowedOrigins []string

	// AllowedHosts are the values of Host accepted, without port. When empty,
	// every host is accepted, but on a loopback connection only loopback ones.
	AllowedHosts []string

	// MaxBody bounds a request's body in bytes.
	MaxBody int64

	// KeepAlive is the silence on an event stream after which a comment is
	// sent.
	KeepAlive time.Duration

	// IOTimeout bounds the time to receive a body and to send one event.
	IOTimeout time.Duration

	// SkipOriginCheck turns the checks of Origin and Host off.
	SkipOriginCheck bool

	// Versions are the protocol versions that error messages mention.
	Versions []string

	Logger *slog.Logger
}

// A Server serves a [jsonrpc.Handler] over Streamable HTTP.
type Server struct {
	handler   jsonrpc.Handler
	config    Config
	origins   map[string]bool
	hosts     map[string]bool
	exchanges sync.Pool
}

// New returns a server of h.
func New(h jsonrpc.Handler, config Config) *Server {
	s := &Server{handler: h, config: config, origins: map[string]bool{}, hosts: map[string]bool{}}
	for _, origin := range config.AllowedOrigins {
		s.origins[strings.ToLower(origin)] = true
	}
	for _, host := range config.AllowedHosts {
		s.hosts[strings.ToLower(host)] = true
	}
	s.exchanges.New = func() any {
		x := &exchange{server: s}
		x.notify = x.stream.send
		return x
	}
	return s
}

// An exchange is one POST on its way through the server.
type exchange struct {
	server  *Server
	body    []byte
	request jsonrpc.Request
	stream  stream
	notify  func(jsonrpc.Notification) // x.stream.send, bound once
}

// maxPooled bounds the body buffers kept for reuse.
const maxPooled = 64 << 10

func (x *exchange) release() {
	if cap(x.body) > maxPooled {
		x.body = nil
	}
	x.request = jsonrpc.Request{}
	x.stream.reset()
	x.server.exchanges.Put(x)
}

// ServeHTTP answers one HTTP request at the MCP endpoint, whatever its path.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if reason := s.refuse(r); reason != "" {
		reject(w, http.StatusForbidden, jsonrpc.CodeInvalidRequest, reason)
		return
	}
	s.allowOrigin(w, r)
	switch r.Method {
	case http.MethodPost:
		s.post(w, r)
	case http.MethodOptions:
		preflight(w, r)
	default:
		// GET and DELETE belong to earlier versions (streamable-http,
		// "Earlier Streamable HTTP Revisions").
		w.Header().Set("Allow", "POST, OPTIONS")
		reject(w, http.StatusMethodNotAllowed, jsonrpc.CodeInvalidRequest, "the MCP endpoint accepts POST only")
	}
}

func (s *Server) post(w http.ResponseWriter, r *http.Request) {
	if !isJSON(r.Header) {
		reject(w, http.StatusUnsupportedMediaType, jsonrpc.CodeInvalidRequest, "Content-Type must be application/json, not encoded further")
		return
	}
	if !acceptsBoth(r.Header["Accept"]) {
		reject(w, http.StatusNotAcceptable, jsonrpc.CodeInvalidRequest, "Accept must list application/json and text/event-stream")
		return
	}
	x := s.exchanges.Get().(*exchange)
	defer x.release()
	if status, reason := x.readBody(w, r); status != 0 {
		reject(w, status, jsonrpc.CodeInvalidRequest, reason)
		return
	}
	x.serve(w, r)
}

// serve answers the message in x.body.
func (x *exchange) serve(w http.ResponseWriter, r *http.Request) {
	req := &x.request
	if err := req.Parse(x.body); err != nil {
		x.answer(w, jsonrpc.ErrorResponse(req.ID, err))
		return
	}
	if req.IsNotification() {
		// No notification of this version travels over HTTP, so there is
		// nothing to do with one but to accept it (streamable-http, "Sending
		// Messages").
		w.WriteHeader(http.StatusAccepted)
		return
	}
	if err := x.server.checkHeaders(r.Header, req); err != nil {
		x.answer(w, jsonrpc.ErrorResponse(req.ID, err))
		return
	}
	req.Header = r.Header
	x.stream.open(w, x.server.config)
	x.answer(w, x.server.handler.Handle(r.Context(), req, x.notify))
}

// answer sends the response as JSON, or as the last event of the stream when
// notifications have opened one.
func (x *exchange) answer(w http.ResponseWriter, resp *jsonrpc.Response) {
	defer resp.Release()
	if x.stream.finish(resp.Body) {
		return
	}
	writeJSON(w, resp.Status, resp.Body)
}

var (
	jsonType = []string{"application/json"}
	noStore  = []string{"no-store"}
)

// maxUnsized is how much net/http buffers to find the length by itself. More
// would go out in chunks.
const maxUnsized = 2 << 10

// writeJSON sends body. Answers depend on who asks, so that no cache between
// the two may keep them.
func writeJSON(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h["Content-Type"] = jsonType
	h["Cache-Control"] = noStore
	if len(body) > maxUnsized {
		h["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	w.WriteHeader(status)
	w.Write(body) // the client is gone when this fails
}

// reject answers with a JSON-RPC error that belongs to no request.
func reject(w http.ResponseWriter, status, code int, message string) {
	resp := jsonrpc.ErrorResponse(nil, jsonrpc.Errorf(code, "%s", message))
	defer resp.Release()
	writeJSON(w, status, resp.Body)
}

// isJSON reports whether the body is what its header says it must be: JSON in
// UTF-8, neither compressed nor named twice.
func isJSON(h http.Header) bool {
	if len(h["Content-Encoding"]) > 0 {
		return false
	}
	values := h["Content-Type"]
	if len(values) != 1 {
		return false
	}
	if values[0] == "application/json" {
		return true
	}
	mediaType, params, err := mime.ParseMediaType(values[0])
	if err != nil || mediaType != "application/json" {
		return false
	}
	charset, ok := params["charset"]
	return !ok || strings.EqualFold(charset, "utf-8")
}

// acceptsBoth reports whether the Accept fields cover both kinds of answer
// (streamable-http, "Sending Messages").
func acceptsBoth(values []string) bool {
	if len(values) == 1 && values[0] == "application/json, text/event-stream" {
		return true // as most clients write it
	}
	var json, events bool
	for _, value := range values {
		for value != "" {
			var item string
			item, value, _ = strings.Cut(value, ",")
			mediaRange, params, _ := strings.Cut(item, ";")
			if isZeroQuality(params) {
				continue
			}
			switch strings.ToLower(strings.TrimSpace(mediaRange)) {
			case "application/json", "application/*":
				json = true
			case "text/event-stream", "text/*":
				events = true
			case "*/*":
				json, events = true, true
			}
		}
	}
	return json && events
}

// isZeroQuality reports whether a media range carries q=0, which excludes it
// (RFC 9110, section 12.4.2).
func isZeroQuality(params string) bool {
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(param), "=")
		if strings.EqualFold(name, "q") && strings.Trim(value, "0.") == "" && value != "" {
			return true
		}
	}
	return false
}
