package mcpengine

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Serve serves HTTP on a listener, which it closes, as [Engine.Run] does: until
// ctx is cancelled, and then until the requests under way have finished, for
// [HTTPConfig.ShutdownTimeout] at most. It then returns nil.
//
// A server of your own, with the engine as [net/http.Handler], works as well.
// Unlike a plain [net/http.Server], this one bounds every step that a client can
// stall.
func (e *Engine) Serve(ctx context.Context, l net.Listener) error {
	if e.fault != nil {
		l.Close()
		return e.fault
	}
	if err := e.readKeys(); err != nil {
		l.Close()
		return err
	}
	if tcp, ok := l.Addr().(*net.TCPAddr); e.randomKeys && (!ok || !tcp.IP.IsLoopback()) {
		e.warnOfRandomKeys()
	}
	server := &http.Server{
		Handler:           e.routes(),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(e.logger.Handler(), slog.LevelWarn),
	}
	server.RegisterOnShutdown(e.Close)
	e.logger.InfoContext(ctx, "serving HTTP", "address", l.Addr().String(), "path", e.httpConfig.Path)
	served := make(chan struct{})
	var serveErr error
	go func() {
		defer close(served)
		serveErr = server.Serve(l)
	}()
	select {
	case <-served:
		return fmt.Errorf("serve HTTP: %w", serveErr)
	case <-ctx.Done():
	}
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), e.httpConfig.ShutdownTimeout)
	defer cancel()
	if err := server.Shutdown(patience); err != nil {
		server.Close()
		<-served
		return fmt.Errorf("shut down: requests were still running after %v", e.httpConfig.ShutdownTimeout)
	}
	<-served
	return e.waitHandshake(patience)
}

// routes is what is served over HTTP. Nearly every request is for the endpoint,
// which it therefore looks for first.
func (e *Engine) routes() http.HandlerFunc {
	mux := e.mux()
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == e.httpConfig.Path {
			e.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	}
}

func (e *Engine) mux() *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle(e.httpConfig.Path, e)
	for _, path := range e.metadata {
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
