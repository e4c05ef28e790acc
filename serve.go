package mcpengine

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"

	"github.com/mcpengine/mcpengine/internal/httpserver"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/mcp"
)

// Serve serves HTTP on l, as [Engine.Run] does, and closes l in the end. When
// ctx is cancelled, it waits until the requests under way have been answered,
// for [HTTPConfig.ShutdownTimeout] at most, and returns nil.
//
// A server of your own, with the engine as [net/http.Handler], works as well.
// Unlike a plain [net/http.Server], this one bounds every step that a client
// can stall, and loses no request when it shuts down:
//
//   - for [HTTPConfig.DrainDelay] it serves as before, but /readyz answers 503;
//   - then it accepts no more connections, answers each request with
//     "Connection: close", ends subscriptions with their result, and keeps idle
//     connections for a second, because requests may already be on their way;
//   - after ShutdownTimeout it answers the remaining requests with an error,
//     cancels them, and gives them another second. A handler that ignores its
//     context does not delay the shutdown.
func (e *Engine) Serve(ctx context.Context, l net.Listener) error {
	if e.fault != nil {
		l.Close()
		return e.fault
	}
	if err := e.readKeys(); err != nil {
		l.Close()
		return err
	}
	if err := e.startBus(ctx); err != nil {
		l.Close()
		return err
	}
	if tcp, ok := l.Addr().(*net.TCPAddr); e.randomKeys && (!ok || !tcp.IP.IsLoopback()) {
		e.warnOfRandomKeys()
	}
	e.lives.enter()
	defer e.leave()
	if err := e.start(ctx); err != nil {
		l.Close()
		return err
	}
	defer e.keepHandshake()()
	s := &server{engine: e}
	e.logger.InfoContext(ctx, "serving HTTP", "address", l.Addr().String(), "path", e.httpConfig.Path)
	err := httpserver.Serve(ctx, l, httpserver.Config{
		Handler:  s.routes(),
		Logger:   e.logger,
		Delay:    e.httpConfig.DrainDelay,
		Ending:   func() { s.unready.Store(true) },
		Patience: e.httpConfig.ShutdownTimeout,
		Close:    e.closeStreams,
		Cut:      func() int { return e.http.Cut(errCut) },
		Wait:     e.waitHandshake,
	})
	if err != nil {
		return fmt.Errorf("serve HTTP: %w", err)
	}
	if e.replicas != nil {
		e.replicas.Close()
	}
	return nil
}

// errCut answers the requests that have not ended in time.
var errCut = jsonrpc.Errorf(mcp.CodeInternalError, "the server shut down before the request was answered: it may or may not have had its effect")

// A server is an engine that is served on one listener.
type server struct {
	engine  *Engine
	unready atomic.Bool // /readyz says 503
}

// routes returns the handler of all paths. Nearly every request is for the MCP
// endpoint, so it is checked first.
func (s *server) routes() http.HandlerFunc {
	mux, e := s.engine.mux(), s.engine
	mux.HandleFunc("GET /readyz", s.ready)
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == e.httpConfig.Path {
			e.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	}
}

// ready tells a load balancer whether to send requests to this server.
func (s *server) ready(w http.ResponseWriter, r *http.Request) {
	switch {
	case s.unready.Load():
		http.Error(w, "shutting down", http.StatusServiceUnavailable)
		return
	case s.engine.Ready(r.Context()) != nil:
		http.Error(w, "not ready", http.StatusServiceUnavailable)
		return
	}
	_, _ = io.WriteString(w, "ok\n")
	s.engine.writeBusState(w)
}

// mux returns the handler of all paths except /readyz.
func (e *Engine) mux() *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle(e.httpConfig.Path, e)
	for _, path := range e.authPaths {
		mux.Handle(path, e)
	}
	for _, path := range e.cardPaths {
		mux.Handle(path, e)
	}
	if e.httpConfig.SSE {
		sse := e.SSEHandler("")
		mux.Handle("/sse", sse)
		mux.Handle("/messages", sse)
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "ok\n")
	})
	return mux
}
