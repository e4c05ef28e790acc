package bridge

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/mcpengine/mcpengine/internal/handshake"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/internal/seal"
	"github.com/mcpengine/mcpengine/internal/share"
	"github.com/mcpengine/mcpengine/internal/streamable"
	"github.com/mcpengine/mcpengine/mcp"
)

// callerKey is the key of the caller in a context.
type callerKey struct{}

// A caller is who gets a process.
type caller struct {
	id   string       // see identify
	from share.Caller // the address, to whose share the process counts

	// local says that the caller is on this machine, as a proxy may be: its address
	// says nothing about who is calling.
	local bool
}

func callerOf(ctx context.Context) caller {
	c, _ := ctx.Value(callerKey{}).(caller)
	return c
}

func newCaller(r *http.Request) caller {
	addr, err := netip.ParseAddrPort(r.RemoteAddr)
	return caller{identify(r), share.CallerOf("", r.RemoteAddr), err != nil || addr.Addr().Unmap().IsLoopback()}
}

// nobody owns a session or stream: they count to the share of the address, because
// a client can make up the credentials that identify looks at.
func nobody(*http.Request) string { return "" }

// identify tells callers apart by their address and the credentials that they
// send. It does not check the credentials.
func identify(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	sum := sha256.Sum256([]byte(r.Header.Get("Authorization")))
	return host + " " + hex.EncodeToString(sum[:8])
}

// A HandlerConfig adjusts a [Handler]. Its zero value is ready to use.
type HandlerConfig struct {
	// PublicURL is the URL that callers use, behind a proxy that passes on the
	// host of their requests. Requests for that host, and from web pages of that
	// origin, are answered. The default is the machine's own names.
	PublicURL *url.URL

	// Keys seals the session ids, so that another handler with the same keys
	// serves the sessions of this one. The default is a random key.
	Keys *seal.Ring
}

// A Handler offers processes over Streamable HTTP, in all protocol versions.
type Handler struct {
	server    *streamable.Server
	handshake *handshake.HTTP
	processes *Processes
}

// NewHandler returns a handler for the processes, which it ends when it is
// closed.
func NewHandler(processes *Processes, config HandlerConfig) *Handler {
	logger := processes.config.Bridge.Logger
	h := &Handler{
		handshake: handshake.NewHTTP(processes, handshake.HTTPConfig{Keys: config.Keys, Caller: identify, Owner: nobody, Logger: logger}),
		processes: processes,
	}
	transport := streamable.Config{
		MaxBody: 4 << 20, KeepAlive: 15 * time.Second, IOTimeout: 30 * time.Second,
		Versions: protocol.Names(nil), Handshake: h.handshake, Logger: logger,
		HostOption: "--public-url", OriginOption: "--public-url",
	}
	if u := config.PublicURL; u != nil {
		transport.PublicHost = u.Host
		transport.AllowedOrigins = []string{u.Scheme + "://" + u.Host}
	}
	h.server = streamable.New(processes, transport)
	return h
}

// ServeHTTP answers a request at the MCP endpoint, whatever its path.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.server.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, newCaller(r))))
}

// ServeHealth answers 200 for as long as the program runs.
func (h *Handler) ServeHealth(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, "ok\n")
}

// ServeReady answers 200 while a new caller would get a process, and otherwise
// 503 with the reason.
func (h *Handler) ServeReady(w http.ResponseWriter, _ *http.Request) {
	if err := h.processes.ready(); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	_, _ = io.WriteString(w, "ready\n")
}

// CloseStreams ends the streams that have no end of their own, and refuses new ones.
// Other requests go on being answered.
func (h *Handler) CloseStreams() {
	h.handshake.Close()
	h.processes.CloseStreams()
}

// Close ends the streams of clients and the processes.
func (h *Handler) Close() {
	h.handshake.Close()
	h.processes.Close()
}

// Cut answers the requests that are under way with an error, and returns how many
// they are.
func (h *Handler) Cut() int {
	return h.server.Cut(jsonrpc.Errorf(mcp.CodeInternalError, "mcpengine serve has ended before the request was answered: it may or may not have had its effect"))
}

// Wait returns when the requests have ended whose clients are to fetch the
// answers later, or when ctx has.
func (h *Handler) Wait(ctx context.Context) error { return h.handshake.Wait(ctx) }
