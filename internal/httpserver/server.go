// Package httpserver serves HTTP. It bounds every step that a client can stall, and
// loses no request when it shuts down.
package httpserver

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// ErrShutdown is why the context of a request has ended that was cut off.
var ErrShutdown = errors.New("the server is shutting down")

const (
	// idleGrace is how long an idle connection is kept when the server shuts
	// down.
	idleGrace = time.Second

	// lastGrace is how long requests may take to end after they have been cut
	// off.
	lastGrace = time.Second
)

// A Config adjusts [Serve].
type Config struct {
	Handler http.Handler

	// Logger gets the errors of connections, and what was cut off.
	Logger *slog.Logger

	// Delay is how long the server goes on as before when it is to end, so that
	// load balancers notice. Ending is called at its beginning. Both are optional.
	Delay  time.Duration
	Ending func()

	// Patience is how long requests may take to end from then on.
	Patience time.Duration

	// Close ends the streams that have no end of their own, when no connection is
	// accepted any more.
	Close func()

	// Cut answers the requests that are left with an error, and returns how many
	// they were.
	Cut func() int

	// Wait waits for the requests that have no connection. Optional.
	Wait func(context.Context) error
}

// Serve serves HTTP on l until ctx is cancelled, and closes l in the end. It returns
// an error only when it cannot accept connections.
//
// When ctx has ended and the delay is over, no connection is accepted any more, each
// answer ends its connection, and idle connections are kept for a second, because
// requests may already be on their way. [http.Server.Shutdown] closes them at once
// and loses those requests. What has not ended in time is cut off.
func Serve(ctx context.Context, l net.Listener, c Config) error {
	s := &server{Config: c, connections: newConnections()}
	base, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(ErrShutdown)
	s.cancel = cancel
	s.http = &http.Server{
		Handler:           s,
		BaseContext:       func(net.Listener) context.Context { return base },
		ConnState:         s.connections.track,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(c.Logger.Handler(), slog.LevelWarn),
	}
	served := make(chan struct{})
	var serveErr error
	go func() {
		defer close(served)
		serveErr = s.http.Serve(l)
	}()
	select {
	case <-served:
		return serveErr
	case <-ctx.Done():
	}
	s.end(context.WithoutCancel(ctx), l)
	<-served
	return nil
}

// A server is the HTTP server of one listener.
type server struct {
	Config
	http        *http.Server
	connections *connections
	cancel      context.CancelCauseFunc // of all requests
	draining    atomic.Bool             // each answer ends its connection
}

// ServeHTTP implements [http.Handler].
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.draining.Load() {
		w.Header()["Connection"] = []string{"close"}
	}
	s.Handler.ServeHTTP(w, r)
}

// end shuts the server down without losing a request.
func (s *server) end(ctx context.Context, l net.Listener) {
	if s.Ending != nil {
		s.Ending()
	}
	if s.Delay > 0 {
		<-time.After(s.Delay)
	}
	refuseNew(l)
	l.Close() // not the server's Shutdown, which closes idle connections at once
	s.draining.Store(true)
	s.Close()
	patience, stop := context.WithTimeout(ctx, s.Patience)
	defer stop()
	if s.connections.drained(patience, idleGrace) > 0 {
		s.cut(ctx)
	}
	s.http.Close()
	if s.Wait == nil {
		return
	}
	if err := s.Wait(patience); err != nil {
		s.Logger.WarnContext(ctx, "requests without a connection were cancelled", "after", s.Patience)
	}
}

// cut answers the remaining requests with an error, and cancels them.
func (s *server) cut(ctx context.Context) {
	n := s.Cut()
	s.Logger.WarnContext(ctx, "requests were cut off", "requests", n, "after", s.Patience)
	s.cancel(ErrShutdown)
	last, stop := context.WithTimeout(ctx, lastGrace)
	defer stop()
	s.connections.drained(last, 0)
}
