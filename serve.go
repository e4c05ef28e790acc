package mcpengine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

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
	s := &server{engine: e, connections: newConnections()}
	base, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(errShutdown)
	s.cancel = cancel
	s.http = &http.Server{
		Handler:           s.routes(),
		BaseContext:       func(net.Listener) context.Context { return base },
		ConnState:         s.connections.track,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(e.logger.Handler(), slog.LevelWarn),
	}
	e.logger.InfoContext(ctx, "serving HTTP", "address", l.Addr().String(), "path", e.httpConfig.Path)
	served := make(chan struct{})
	var serveErr error
	go func() {
		defer close(served)
		serveErr = s.http.Serve(l)
	}()
	select {
	case <-served:
		return fmt.Errorf("serve HTTP: %w", serveErr)
	case <-ctx.Done():
	}
	s.end(context.WithoutCancel(ctx), l)
	<-served
	if e.replicas != nil {
		e.replicas.Close()
	}
	return nil
}

var errShutdown = errors.New("the server is shutting down")

const (
	// idleGrace is how long an idle connection is kept when the server shuts
	// down.
	idleGrace = time.Second

	// lastGrace is how long requests may take to end after they have been cut
	// off.
	lastGrace = time.Second
)

// A server is the HTTP server of one listener.
type server struct {
	engine      *Engine
	http        *http.Server
	connections *connections
	cancel      context.CancelCauseFunc // of all requests
	unready     atomic.Bool             // /readyz says 503
	draining    atomic.Bool             // each answer ends its connection
}

// end shuts the server down without losing a request.
func (s *server) end(ctx context.Context, l net.Listener) {
	e := s.engine
	s.unready.Store(true)
	if delay := e.httpConfig.DrainDelay; delay > 0 {
		<-time.After(delay)
	}
	refuseNew(l)
	l.Close() // not the server's Shutdown, which closes idle connections at once
	s.draining.Store(true)
	e.closeStreams()
	patience, stop := context.WithTimeout(ctx, e.httpConfig.ShutdownTimeout)
	defer stop()
	if s.connections.drained(patience, idleGrace) > 0 {
		s.cut(ctx)
	}
	s.http.Close()
	if err := e.waitHandshake(patience); err != nil {
		e.logger.WarnContext(ctx, "requests without a connection were cancelled", "after", e.httpConfig.ShutdownTimeout)
	}
}

// cut answers the remaining requests with an error.
func (s *server) cut(ctx context.Context) {
	e := s.engine
	n := e.http.Cut(jsonrpc.Errorf(mcp.CodeInternalError, "the server shut down before the request was answered: it may or may not have had its effect"))
	e.logger.WarnContext(ctx, "requests were cut off", "requests", n, "after", e.httpConfig.ShutdownTimeout)
	s.cancel(errShutdown)
	last, stop := context.WithTimeout(ctx, lastGrace)
	defer stop()
	s.connections.drained(last, 0)
}

// routes returns the handler of all paths. Nearly every request is for the MCP
// endpoint, so it is checked first.
func (s *server) routes() http.HandlerFunc {
	mux, e := s.engine.mux(), s.engine
	mux.HandleFunc("GET /readyz", s.ready)
	return func(w http.ResponseWriter, r *http.Request) {
		if s.draining.Load() {
			w.Header()["Connection"] = []string{"close"}
		}
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
