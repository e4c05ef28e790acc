// Package streamable is the Streamable HTTP transport of protocol version
// 2026-07-28: one POST, one request, one answer, as JSON or as an event
// stream.
//
// A request passes four steps: guard.go checks Host and Origin, body.go reads
// the message within its bounds, header.go compares the mirrored header fields
// with it, and stream.go sends the answer.
package streamable

import (
	"cmp"
	"context"
	"log/slog"
	"mime"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/internal/share"
	"github.com/mcpengine/mcpengine/mcp"
)

// A Config adjusts the transport. The zero value is the safe one.
type Config struct {
	// AllowedOrigins are the accepted values of Origin, such as
	// "https://app.example". On a loopback connection, loopback origins are
	// accepted too.
	AllowedOrigins []string

	// AllowedHosts are the accepted values of Host, without port. When empty,
	// every host is accepted, but on a loopback connection only loopback hosts
	// and PublicHost.
	AllowedHosts []string

	// PublicHost is the host of the server's public URL, with or without port.
	// It is always accepted, because a proxy on the same machine passes it on.
	PublicHost string

	// MaxBody bounds a request's body in bytes.
	MaxBody int64

	// KeepAlive is the silence on an event stream after which a comment is
	// sent, and the silence after which an answer becomes an event stream.
	KeepAlive time.Duration

	// IOTimeout bounds the time to receive a body and the time to send one
	// event. An answer may take up to twice as long. The default is 30 seconds.
	IOTimeout time.Duration

	// SkipOriginCheck turns the checks of Origin and Host off.
	SkipOriginCheck bool

	// Versions are the protocol versions that error messages mention.
	Versions []string

	// Handshake serves the handshake versions at the same endpoint. Nil means
	// that they are not served.
	Handshake Handshake

	// HostOption and OriginOption name the options that allow a host and an
	// origin. The defaults are the members of HTTPConfig.
	HostOption, OriginOption string

	// Logger is told, once, that a host or an origin is refused. Optional.
	Logger *slog.Logger

	// Authenticate returns the context of a request with its verified caller,
	// or an error that refuses the request. It is called after the checks of
	// Origin and Host, and before the body is read. Nil admits every request.
	Authenticate func(*http.Request) (context.Context, *jsonrpc.Error)

	// Refused is told of each request that is turned away before its message is
	// read: its origin, its host or its caller is refused, or the caller has its
	// share. Optional.
	Refused func(r *http.Request, status int, reason string)

	// Owner returns to whose share a request counts: the verified caller that
	// Authenticate has put into a context, or "" for the address. Optional.
	Owner func(context.Context) string
}

// A Server serves a [jsonrpc.Handler] over Streamable HTTP.
type Server struct {
	handler   jsonrpc.Handler
	rows      protocol.Methods
	config    Config
	origins   map[string]bool
	hosts     map[string]bool
	public    string // the host of PublicHost
	warned    [2]sync.Once
	calls     *share.Bound
	large     semaphore
	running   running
	exchanges sync.Pool
}

// New returns a server of h.
func New(h jsonrpc.Handler, config Config) *Server {
	if config.IOTimeout <= 0 {
		config.IOTimeout = 30 * time.Second
	}
	s := &Server{handler: h, rows: protocol.MethodsOf(h), config: config, origins: map[string]bool{}, hosts: map[string]bool{}, calls: share.NewBound(share.Calls), large: newSemaphore()}
	for _, origin := range config.AllowedOrigins {
		s.origins[strings.ToLower(origin)] = true
	}
	if config.Logger == nil {
		s.config.Logger = slog.New(slog.DiscardHandler)
	}
	s.config.HostOption = cmp.Or(config.HostOption, "HTTPConfig.PublicURL or HTTPConfig.AllowedHosts")
	s.config.OriginOption = cmp.Or(config.OriginOption, "HTTPConfig.AllowedOrigins")
	s.public = hostOf(config.PublicHost)
	for _, host := range config.AllowedHosts {
		s.hosts[strings.ToLower(host)] = true
	}
	s.exchanges.New = func() any {
		x := &exchange{server: s}
		x.notify, x.run = x.stream.send, x.stream.run
		return x
	}
	return s
}

// An exchange is one POST and its answer.
type exchange struct {
	server  *Server
	body    []byte
	request jsonrpc.Request
	stream  stream
	notify  func(jsonrpc.Notification) // x.stream.send, bound once
	run     func()                     // x.stream.run, bound once
	index   int                        // in Server.running
	used    bool                       // by Server.Cut, so that it must not be reused
}

// maxPooled bounds the body buffers kept for reuse.
const maxPooled = 64 << 10

func (x *exchange) release() {
	x.request.Reset()
	if cap(x.body) > maxPooled {
		x.body, x.request = nil, jsonrpc.Request{}
	}
	x.server.exchanges.Put(x)
}

// ServeHTTP answers one HTTP request at the MCP endpoint, whatever its path.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := s.bound(w, r)
	if s.rejectOrigin(w, r) {
		return
	}
	s.allowOrigin(w, r)
	handshake := s.config.Handshake != nil
	ctx := r.Context()
	if s.config.Authenticate != nil && s.allows(r.Method) {
		if ctx = s.authenticate(w, r); ctx == nil {
			return
		}
		if r.Method != http.MethodPost {
			r = r.WithContext(ctx)
		}
	}
	switch {
	case r.Method == http.MethodPost:
		s.post(ctx, w, r, began)
	case r.Method == http.MethodOptions:
		preflight(w, r, s.methods(), s.allows)
	case r.Method == http.MethodGet && handshake:
		s.getHandshake(w, r)
	case r.Method == http.MethodDelete && handshake:
		s.config.Handshake.Delete(w, r)
	default:
		// GET and DELETE belong to the handshake versions (streamable-http,
		// "Earlier Streamable HTTP Revisions").
		RejectMethod(w, s.methods())
	}
}

// post answers a POST. Ctx is the context of r with its caller.
func (s *Server) post(ctx context.Context, w http.ResponseWriter, r *http.Request, began time.Time) {
	if !isJSON(r.Header) {
		Reject(w, http.StatusUnsupportedMediaType, mcp.CodeInvalidRequest, notJSON)
		return
	}
	if json, events := accepts(r.Header["Accept"]); !json || !events {
		Reject(w, http.StatusNotAcceptable, mcp.CodeInvalidRequest, "Accept must list application/json and text/event-stream")
		return
	}
	caller := s.caller(ctx, r)
	if !s.calls.Take(caller) {
		s.refuse(w, r.WithContext(ctx), jsonrpc.OverLimit(time.Second, "too many requests of this caller are being answered"))
		return
	}
	defer s.calls.Release(caller)
	x := s.exchanges.Get().(*exchange)
	if status, reason := x.readBody(w, r); status != 0 {
		Reject(w, status, mcp.CodeInvalidRequest, reason)
	} else if x.serve(ctx, w, r, began, caller) {
		return
	}
	if !x.used {
		x.release() // not after a panic: a goroutine may still use it
	}
}

// caller returns the caller to whose share a request counts.
func (s *Server) caller(ctx context.Context, r *http.Request) share.Caller {
	owner := ""
	if s.config.Owner != nil {
		owner = s.config.Owner(ctx)
	}
	return share.CallerOf(owner, r.RemoteAddr)
}

// serve answers the message in x.body. Kept says that x is still in use when it
// returns.
func (x *exchange) serve(ctx context.Context, w http.ResponseWriter, r *http.Request, began time.Time, caller share.Caller) (kept bool) {
	req := &x.request
	ok, err := x.parse(ctx)
	if !ok {
		return false
	}
	req.HTTP, req.Began, req.Caller = r, began, caller
	handshake := x.server.isHandshake(r.Header, req, err)
	if refused := x.server.checkMessage(r.Header, req, err, handshake); refused != nil {
		x.send(w, jsonrpc.ErrorResponse(req.ID, refused))
		return false
	}
	if handshake {
		if x.server.config.Authenticate != nil {
			r = r.WithContext(ctx)
		}
		return x.server.config.Handshake.Post(w, r, x.body, req, err)
	}
	if req.IsNotification() {
		// 2026-07-28 has no notification from client to server over HTTP, so it
		// is only accepted (streamable-http, "Sending Messages").
		w.WriteHeader(http.StatusAccepted)
		return false
	}
	req.Tails, req.OnRun = true, x.run
	x.stream.open(w, &x.server.config, req.ID, began)
	resp := x.handle(ctx)
	if x.stream.finish(resp) {
		resp.Release()
		return false
	}
	x.send(w, resp)
	return false
}

// handle runs the request. It sends an error when the handler ends its
// goroutine ([runtime.Goexit]) or panics.
func (x *exchange) handle(ctx context.Context) *jsonrpc.Response {
	s, returned := x.server, false
	if s.rows.Of(&x.request).Lasts {
		defer s.calls.Lend(x.request.Caller)() // subscriptions have a bound of their own
	}
	s.running.enter(x)
	defer func() {
		if x.used = !s.running.leave(x); !returned {
			x.stream.cut(jsonrpc.ErrInternal)
		}
	}()
	resp := s.handler.Handle(ctx, &x.request, x.notify)
	returned = true
	return resp
}

// send sends a response as JSON.
func (x *exchange) send(w http.ResponseWriter, resp *jsonrpc.Response) {
	defer resp.Release()
	ExtendWrite(w, x.request.Began, x.server.config.IOTimeout)
	WriteResponse(w, resp.Status, resp)
}

// isJSON reports whether the header declares the body as JSON in UTF-8, once
// and not compressed.
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

// accepts reports whether the Accept fields cover JSON and event streams. A
// POST needs both (streamable-http, "Sending Messages").
func accepts(values []string) (json, events bool) {
	if len(values) == 1 && values[0] == "application/json, text/event-stream" {
		return true, true // as most clients write it
	}
	return covers(values, "application", "json"), covers(values, "text", "event-stream")
}

// covers reports whether a media type is acceptable: the most specific range
// that matches it decides (RFC 9110, section 12.5.1).
func covers(values []string, kind, subtype string) (ok bool) {
	best := 0
	for _, value := range values {
		for item := range strings.SplitSeq(value, ",") {
			mediaRange, params, _ := strings.Cut(item, ";")
			specific := 0
			switch strings.ToLower(strings.TrimSpace(mediaRange)) {
			case kind + "/" + subtype:
				specific = 3
			case kind + "/*":
				specific = 2
			case "*/*":
				specific = 1
			}
			if specific > best {
				best, ok = specific, !isZeroQuality(params)
			}
		}
	}
	return ok
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
