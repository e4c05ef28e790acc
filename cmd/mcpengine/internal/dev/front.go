package dev

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/contract"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/weburl"
	"github.com/mcpengine/mcpengine/mcp"
)

// maxBody bounds the body of a request, and a message of a server.
const maxBody = 16 << 20

// A Target is a server that a [Front] passes requests to.
type Target struct {
	base      *url.URL
	transport http.RoundTripper
	features  *contract.Lock // nil when they are not known

	retired chan struct{} // closed when the front has another target
	cut     context.Context
	cutOff  context.CancelCauseFunc

	// The front's mutex protects what follows.
	over     bool
	calls    int
	sessions map[string]int // calls under way, by the session they belong to
	idle     chan struct{}  // closed when it is retired and has no calls
}

// NewTarget returns the server at a URL, whose path does not matter.
func NewTarget(base *url.URL, transport http.RoundTripper, features *contract.Lock) *Target {
	t := &Target{
		base: base, transport: transport, features: features,
		retired: make(chan struct{}), idle: make(chan struct{}), sessions: make(map[string]int),
	}
	t.cut, t.cutOff = context.WithCancelCause(context.Background())
	return t
}

// Drain waits until the requests under way have been answered. When ctx ends first,
// it cuts them off. The target must have been replaced before.
func (t *Target) Drain(ctx context.Context) {
	select {
	case <-t.idle:
	case <-ctx.Done():
	}
	t.cutOff(errCut)
}

var errCut = errors.New("the server was replaced before it had answered: the request may or may not have had its effect")

// send sends a request of a client to the server.
func (t *Target) send(ctx context.Context, r *http.Request, body []byte) (*http.Response, error) {
	out := r.Clone(ctx)
	out.URL.Scheme, out.URL.Host, out.RequestURI, out.Host = t.base.Scheme, t.base.Host, "", r.Host
	out.Body, out.ContentLength = http.NoBody, int64(len(body))
	if len(body) > 0 {
		out.Body = io.NopCloser(bytes.NewReader(body))
	}
	for _, field := range []string{"Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Content-Length"} {
		out.Header.Del(field)
	}
	out.Header.Set("Accept-Encoding", "identity") // messages are read on their way
	return t.transport.RoundTrip(out)
}

// A FrontConfig adjusts a [Front]. Its zero value is ready to use.
type FrontConfig struct {
	// Patience is how long a request waits for a server while there is none. The
	// default is 10 seconds.
	Patience time.Duration

	// Announce has the server announce every kind of feature, for hosts that ask
	// once and are connected for longer than one build.
	Announce bool

	// Local refuses requests that a web page may have sent: those for another host
	// than this machine, or from another origin.
	Local bool
}

// A Front answers at one place for servers that replace one another.
type Front struct {
	config FrontConfig

	mu      sync.Mutex
	current *Target
	changed chan struct{} // closed when there is another target
	old     map[*Target]bool
	note    string
	streams map[*stream]bool
	closing chan struct{} // closed when streams have to end
}

// NewFront returns a front without a server.
func NewFront(config FrontConfig) *Front {
	if config.Patience <= 0 {
		config.Patience = 10 * time.Second
	}
	return &Front{config: config, changed: make(chan struct{}), old: make(map[*Target]bool), streams: make(map[*stream]bool), closing: make(chan struct{})}
}

// Use sends requests to a server from now on, or has them wait when it is nil. It
// returns the server before, to be drained.
func (f *Front) Use(t *Target) (before *Target) {
	f.mu.Lock()
	defer f.mu.Unlock()
	before = f.current
	f.current = t
	close(f.changed)
	f.changed = make(chan struct{})
	if before != nil {
		before.over = true
		close(before.retired)
		if before.calls > 0 {
			f.old[before] = true
		} else {
			close(before.idle)
		}
	}
	return before
}

// Close ends the streams.
func (f *Front) Close() { close(f.closing) }

// Note adds a text to the results of tools from now on, unless it is empty.
func (f *Front) Note(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.note = text
}

func (f *Front) noted() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.note
}

var errNoServer = errors.New("the server is not running")

// acquire returns the server of the moment, and waits for one.
func (f *Front) acquire(ctx context.Context) (*Target, error) {
	patience := time.NewTimer(f.config.Patience)
	defer patience.Stop()
	for {
		f.mu.Lock()
		t, changed := f.current, f.changed
		f.mu.Unlock()
		if t != nil {
			return t, nil
		}
		select {
		case <-changed:
		case <-patience.C:
			return nil, errNoServer
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// begin notes a call to a target. The target is not idle before the call has ended.
// It reports false when the target has been replaced.
func (f *Front) begin(t *Target, session string) (end func(), ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if t.over {
		return nil, false
	}
	t.calls++
	t.sessions[session]++
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if t.sessions[session]--; t.sessions[session] == 0 {
			delete(t.sessions, session)
		}
		if t.calls--; t.calls == 0 && t.over {
			delete(f.old, t)
			close(t.idle)
		}
	}, true
}

// busy returns the replaced servers that still work for a session.
func (f *Front) busy(session string) (all []*Target) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for t := range f.old {
		if session != "" && t.sessions[session] > 0 {
			all = append(all, t)
		}
	}
	return all
}

const sessionField = "Mcp-Session-Id"

// ServeHTTP passes a request on and answers it.
func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if f.config.Local && !isLocal(r) {
		http.Error(w, "mcpengine dev answers this machine alone: the host of the URL, and the origin of a page, have to be 127.0.0.1 or localhost", http.StatusForbidden)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "read the body: "+err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	message := &jsonrpc.Message{}
	isMessage := r.Method == http.MethodPost && message.Parse(body) == nil
	switch {
	case isMessage && message.Method == mcp.MethodSubscriptionsListen:
		f.stream(w, r, body, message)
	case r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/event-stream"):
		f.stream(w, r, nil, nil)
	case isMessage && message.ID == nil, isMessage && message.IsResponse():
		f.forwardToSession(w, r, body)
	case isMessage:
		f.call(w, r, body, message)
	default:
		f.call(w, r, body, nil)
	}
}

// isLocal reports whether a request is for this machine and from a program or a
// page on it.
func isLocal(r *http.Request) bool {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if !weburl.IsLoopback(strings.Trim(host, "[]")) {
		return false
	}
	for _, origin := range r.Header["Origin"] {
		u, err := url.Parse(origin)
		if err != nil || !weburl.IsLoopback(u.Hostname()) {
			return false
		}
	}
	return true
}

// refuse answers a request for which there is no server.
func refuse(w http.ResponseWriter, message *jsonrpc.Message, err error) {
	w.Header().Set("Retry-After", "1")
	if message == nil || message.ID == nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = w.Write(errorResponse(message.ID, err))
}

// errorResponse is a response with an error of the front itself.
func errorResponse(id []byte, err error) []byte {
	return jsonrpc.ErrorResponse(id, jsonrpc.Errorf(mcp.CodeInternalError, "%s", err.Error())).Whole()
}

func brokenOff(err error) error {
	return fmt.Errorf("the server ended before it had answered: the request may or may not have had its effect (%w)", err)
}
