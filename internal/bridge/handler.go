package bridge

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net"
	"net/http"
	"time"

	"github.com/mcpengine/mcpengine/internal/handshake"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/internal/streamable"
)

// callerKey is the key of the caller in a context.
type callerKey struct{}

func callerOf(ctx context.Context) string {
	caller, _ := ctx.Value(callerKey{}).(string)
	return caller
}

// identify tells callers apart: by where they are, and by the credentials that
// they send, whoever checks them. It is no proof of who they are.
func identify(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	sum := sha256.Sum256([]byte(r.Header.Get("Authorization")))
	return host + " " + hex.EncodeToString(sum[:8])
}

// A Handler offers processes over Streamable HTTP, in all protocol versions.
type Handler struct {
	server    *streamable.Server
	earlier   *handshake.HTTP
	processes *Processes
}

// NewHandler returns a handler for the processes, which it ends when it is
// closed.
func NewHandler(processes *Processes) *Handler {
	earlier := handshake.NewHTTP(processes, handshake.HTTPConfig{Caller: identify, Logger: processes.config.Bridge.Logger})
	return &Handler{
		earlier: earlier, processes: processes,
		server: streamable.New(processes, streamable.Config{
			MaxBody: 4 << 20, KeepAlive: 15 * time.Second, IOTimeout: 30 * time.Second,
			Versions: protocol.Names(nil), Handshake: earlier,
		}),
	}
}

// ServeHTTP answers a request at the MCP endpoint, whatever its path.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.server.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, identify(r))))
}

// Close ends the streams of clients and the processes.
func (h *Handler) Close() {
	h.earlier.Close()
	h.processes.Close()
}

// Wait returns when the requests have ended whose clients are to fetch the
// answers later, or when ctx has.
func (h *Handler) Wait(ctx context.Context) error { return h.earlier.Wait(ctx) }
